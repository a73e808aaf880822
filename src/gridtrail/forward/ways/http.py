"""HTTP: Splunk's HTTP Event Collector, and any address that takes lines or arrays of JSON."""

from __future__ import annotations

import gzip
import json
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from gridtrail.errors import BadSettings
from gridtrail.forward.record import Sendable
from gridtrail.forward.ways.oauth import ClientCredentials
from gridtrail.forward.ways.secrets import certificates, needed, secret, web_address
from gridtrail.forward.ways.way import Busy, Closed, NotTaken
from gridtrail.settings_forward import ForwardSettings

_HEC_PATH = "/services/collector/event"
_ABOUT_CONTENT = frozenset({400, 413, 415, 422})
_FOR_NOW = frozenset({408, 423, 425, 429})
_SAID_BYTES = 300
_LONGEST_ASKED_PAUSE = 3600.0


class HttpWay:
    """Posts batches to the address of `settings`; paths are relative to `home`."""

    def __init__(self, settings: ForwardSettings, home: Path) -> None:
        self._settings = settings
        self._home = home
        self._url = web_address(_with_path(needed(settings, "url", home), settings), settings)
        self._client = httpx.Client(
            timeout=settings.timeout_seconds,
            verify=certificates(settings, home),
            follow_redirects=False,
        )
        self._oauth = (
            ClientCredentials(settings, home, self._client) if settings.oauth_url else None
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(self, records: Sequence[Sendable], name: str) -> None:
        """Post them all; done when the far side answers 2xx. Raises as `Way.send`."""
        body = self._body(records)
        headers = self._headers()
        if self._settings.compress:
            body = gzip.compress(body, mtime=0)
            headers["content-encoding"] = "gzip"
        try:
            with self._client.stream("POST", self._url, content=body, headers=headers) as answer:
                if not answer.is_success:
                    self._refused(answer)
        except httpx.TransportError as error:
            raise _no_answer(self._settings.name, error) from error

    def _body(self, records: Sequence[Sendable]) -> bytes:
        lines = [record.line for record in records]
        if self._settings.to == "hec":
            lines = [_hec_line(record, self._settings) for record in records]
        elif self._settings.body == "array":
            return ("[" + ",".join(lines) + "]").encode("ascii")
        return ("\n".join(lines) + "\n").encode("ascii")

    def _headers(self) -> dict[str, str]:
        settings = self._settings
        kind = "application/x-ndjson"
        if settings.body == "array" or settings.to == "hec":
            kind = "application/json"
        headers = {"content-type": kind, "user-agent": "gridtrail"}
        headers |= {key: value.get_secret_value() for key, value in settings.headers.items()}
        token = secret(settings, "token", self._home)
        if self._oauth is not None:
            token = self._oauth.token()
        if token:
            scheme = "Splunk" if settings.to == "hec" else "Bearer"
            headers["authorization"] = f"{scheme} {token}"
        return headers

    def _refused(self, answer: httpx.Response) -> None:
        said = _beginning(answer)
        status = answer.status_code
        told = f"The target {self._settings.name} answers {status}{said}"
        if status >= 500 or status in _FOR_NOW:
            raise Busy(f"{told}: it is tried again.", _asked_pause(answer))
        if status in _ABOUT_CONTENT and not _about_index(said):
            raise NotTaken(f"{told}.")
        if self._oauth is not None:
            self._oauth.forget()
        raise Closed(f"{told}: correct its address, token or rights.")


def _about_index(said: str) -> bool:
    """Splunk answers 400 for a wrong index or a missing channel: no record is at fault."""
    return "ncorrect index" in said or "channel" in said


def _hec_line(record: Sendable, settings: ForwardSettings) -> str:
    kind = "slack:audit" if settings.format == "ndjson" else settings.format
    about: dict[str, Any] = {
        "time": record.at,
        "source": f"gridtrail:{settings.what}",
        "sourcetype": settings.sourcetype or kind,
        "fields": {"org": record.org},
    }
    if settings.index is not None:
        about["index"] = settings.index
    # the event is JSON already
    return f'{json.dumps(about, separators=(",", ":"))[:-1]},"event":{record.line}}}'


def _with_path(url: str, settings: ForwardSettings) -> str:
    if settings.to != "hec":
        return url
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadSettings(
            f"The url of the target {settings.name} is no address: write it like https://host:8088."
        ) from error
    return urlunsplit(parts._replace(path=_HEC_PATH)) if parts.path in ("", "/") else url


def _beginning(answer: httpx.Response) -> str:
    """The first words of what it says, on one line of plain characters."""
    said = b""
    for piece in answer.iter_bytes(_SAID_BYTES):
        said += piece
        if len(said) >= _SAID_BYTES:
            break
    text = said[:_SAID_BYTES].decode("utf-8", "replace")
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f" ({plain})" if plain else ""


def _asked_pause(answer: httpx.Response) -> float | None:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), _LONGEST_ASKED_PAUSE) if asked.isdecimal() else None


def _no_answer(name: str, error: httpx.TransportError) -> Busy | Closed:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Closed(
                f"The certificate of the target {name} is not trusted ({cause.verify_message}): "
                "correct ca_file or the address."
            )
        cause = cause.__cause__ or cause.__context__
    return Busy(f"The target {name} does not answer ({type(error).__name__}): it is tried again.")
