"""One call over HTTP: the answer as it came, or why there is none."""

from __future__ import annotations

import asyncio
from types import TracebackType
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from gridtrail.collect.slack_api.answers import Answer, NoAnswer
from gridtrail.collect.slack_api.reading import Call
from gridtrail.errors import BadSettings
from gridtrail.settings_secrets import on_this_machine

MAX_BODY_BYTES = 512 * 1024 * 1024
_CONNECT_SECONDS, _SILENT_SECONDS, _WHOLE_SECONDS = 10.0, 90.0, 600.0


class Caller:
    """Calls `GET /logs` under `base_url`; the token goes into the header and nowhere else.

    `transport` is how to reach the far side (None: the network). Redirects are not followed,
    because the token would go with them.
    """

    def __init__(
        self,
        base_url: str,
        token: SecretStr | None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = base_url.rstrip("/") + "/logs"
        headers = {"Accept": "application/json", "User-Agent": "gridtrail"}
        if token is not None and token.get_secret_value():
            headers["Authorization"] = _bearer(token)
        timeout = httpx.Timeout(_SILENT_SECONDS, connect=_CONNECT_SECONDS)
        self._client = httpx.AsyncClient(headers=headers, timeout=timeout, transport=transport)

    async def __aenter__(self) -> Caller:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def call(self, call: Call) -> Answer | NoAnswer:
        """The far side's answer; whatever goes wrong on the way is a NoAnswer."""
        try:
            async with asyncio.timeout(_WHOLE_SECONDS):
                return await self._call(call)
        except TimeoutError:
            return NoAnswer("the answer took too long")
        except httpx.TimeoutException as error:
            return NoAnswer(f"the far side is silent ({type(error).__name__})")
        except (httpx.TransportError, httpx.DecodingError) as error:
            return NoAnswer(f"the connection failed ({type(error).__name__})")

    async def _call(self, call: Call) -> Answer | NoAnswer:
        async with self._client.stream("GET", self._url, params=call.parameters()) as response:
            parts, size = [], 0
            async for part in response.aiter_bytes():
                parts.append(part)
                size += len(part)
                if size > MAX_BODY_BYTES:
                    return NoAnswer(f"the answer has more than {MAX_BODY_BYTES} bytes")
            return Answer(response.status_code, dict(response.headers), b"".join(parts), self._url)


def check_base_url(base_url: str, *, allow_http: bool) -> None:
    """Refuse addresses that cannot be called, or over which a stranger could read the token.

    Raises BadSettings.
    """
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
        parts = urlsplit("")
    if parts.scheme not in {"https", "http"} or not host or parts.query or parts.fragment:
        raise BadSettings(
            "collect.base_url is no address of an API: write it like "
            "https://api.slack.com/audit/v1/."
        )
    if parts.username is not None or parts.password is not None:
        raise BadSettings("collect.base_url holds a password: remove it, and use collect.token.")
    if parts.scheme == "http" and not allow_http and not on_this_machine(host):
        raise BadSettings(
            f"collect.base_url reaches {host} unencrypted, so that others can read the token: use "
            "https, or set collect.allow_http where the network is yours."
        )


def _bearer(token: SecretStr) -> str:
    text = token.get_secret_value().strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise BadSettings("collect.token holds characters that no token has: copy it again.")
    return f"Bearer {text}"
