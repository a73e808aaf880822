"""A program as a channel: JSON that is signed, posted to one address.

Headers and signature are those of Standard Webhooks (standardwebhooks.com, version 1): HMAC-SHA256
over `id.timestamp.body`, in base64 after `v1,`; several signatures, by blanks, while a secret is
replaced. There are libraries that verify it in most languages.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from gridtrail.errors import BadSettings
from gridtrail.export.visible import visible
from gridtrail.notify.message import Message
from gridtrail.notify.outcomes import Again, Delivered, Outcome, Refused
from gridtrail.notify.secrets import check_address, needed, secret
from gridtrail.settings_notify import ChannelSettings

TYPES = {
    "created": "finding.created",
    "raised": "finding.raised",
    "updated": "finding.updated",
    "several": "findings",
    "digest": "digest",
    "work": "work",
    "test": "test",
}
_PREFIX = "whsec_"
_MOST_ANSWER = 64 * 1024
"""Bytes of an answer that are read."""
_MOST_HOPS = 3
_REFUSING = frozenset({400, 410, 413, 415, 422})
"""The message itself is the matter; everything else is put right outside, and is tried again."""


class WebhookWay:
    """One address. `clock` counts seconds, for the timestamp that is signed."""

    def __init__(
        self, channel: ChannelSettings, home: Path, clock: Callable[[], float] = time.time
    ) -> None:
        self._channel = channel
        self._home = home
        self._clock = clock

    def send(self, message: Message) -> Outcome:
        """Post it."""
        channel = self._channel
        try:
            url = needed(channel, "url", self._home)
            check_address(url, channel, "url")
            secrets = [needed(channel, "secret", self._home)]
            if previous := secret(channel, "previous_secret", self._home):
                secrets.append(previous)
            # escapes what is no text, such as half a surrogate pair of a hostile event
            body = json.dumps(content(message), separators=(",", ":")).encode()
            headers = signed(message.id, int(self._clock()), body, secrets)
            return asyncio.run(self._post(url, body, headers, self._certificates()))
        except BadSettings as error:
            return Again(str(error))

    def _certificates(self) -> ssl.SSLContext:
        file = self._channel.ca_file
        try:
            path = None if file is None else self._home / file
            return _trusted(path, path.stat().st_mtime_ns if path else 0)
        except OSError as error:  # ssl.SSLError is one
            raise BadSettings(
                f"The ca_file of the channel {self._channel.name} cannot be read: correct it."
            ) from error

    async def _post(
        self, url: str, body: bytes, headers: Mapping[str, str], trusted: ssl.SSLContext
    ) -> Outcome:
        try:
            # all of it together: a far side that drips a byte at a time never ends otherwise
            async with asyncio.timeout(self._channel.timeout_seconds):
                async with httpx.AsyncClient(
                    verify=trusted, timeout=self._channel.timeout_seconds, follow_redirects=False
                ) as client:
                    return await _hops(client, url, body, headers, self._clock)
        except TimeoutError:
            return Again(f"It did not answer within {self._channel.timeout_seconds:g} s.")
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            return Again(f"It was not reached, or the connection was cut ({_cause(error)}).")


@lru_cache(maxsize=16)
def _trusted(file: Path | None, _changed_at: int) -> ssl.SSLContext:
    """The certificates of a file, or the public ones; read again when the file has changed."""
    return ssl.create_default_context(cafile=file)


async def _hops(
    client: httpx.AsyncClient,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    clock: Callable[[], float],
) -> Outcome:
    """Post, and follow what stays on the same host (307 and 308, which keep method and body)."""
    for _ in range(_MOST_HOPS):
        async with client.stream("POST", url, content=body, headers=dict(headers)) as answer:
            await _read(answer)
            if answer.status_code not in (307, 308):
                return outcome_of(answer.status_code, answer.headers, clock())
            there = urljoin(url, answer.headers.get("location", ""))
        if urlsplit(there)[:2] != urlsplit(url)[:2]:
            return Again(
                "It sends on to another host, and there it is not posted to: set the address it "
                "means."
            )
        url = there
    return Again("It sends on in a circle: correct the address.")


async def _read(answer: httpx.Response) -> None:
    """Read the answer, which says that it was taken whole, but not more than there is use for."""
    read = 0
    async for piece in answer.aiter_raw():
        read += len(piece)
        if read > _MOST_ANSWER:
            return


def outcome_of(status: int, headers: Mapping[str, str], now: float) -> Outcome:
    """What an HTTP answer means."""
    if 200 <= status < 300:
        return Delivered()
    if status in _REFUSING:
        return Refused(f"It does not take the message (HTTP {status}).")
    wait = _retry_after(headers.get("retry-after", ""), now)
    return Again(f"It answered with HTTP {status}.", wait)


def _retry_after(text: str, now: float) -> int | None:
    """Seconds to wait: a number, or a date (RFC 9110, section 10.2.3)."""
    if text.isascii() and text.isdecimal():
        return int(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, round((aware - datetime.fromtimestamp(now, UTC)).total_seconds()))


def content(message: Message) -> dict[str, Any]:
    """The JSON body: `id`, `type`, `created_at` (seconds), and `findings` (each the contract, with
    its `news`) or `title` and `lines`."""
    head = {
        "id": message.id, "type": TYPES[message.kind], "created_at": message.created_at,
        "channel": message.channel,
    }  # fmt: skip
    if message.kind in ("digest", "work", "test"):
        return {**head, **message.body}
    news = message.body.get("news", {})
    told = [one for one in message.findings if one["id"] in news]
    return {**head, "findings": [{**one, "news": news[one["id"]]} for one in told]}


def signed(message_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The headers of a message, with one signature for each secret."""
    text = f"{message_id}.{timestamp}.".encode() + body
    made = [hmac.new(key_of(one), text, hashlib.sha256).digest() for one in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Gridtrail",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join("v1," + base64.b64encode(one).decode() for one in made),
    }


def key_of(text: str) -> bytes:
    """The bytes of a secret: base64 after whsec_, else the text itself. Raises BadSettings."""
    if not text.startswith(_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise BadSettings(
            "A secret begins with whsec_ and is no base64: correct it, or use any other text."
        ) from error


def _cause(error: Exception) -> str:
    return visible(str(error))[:200] or type(error).__name__
