"""A Slack conversation as a channel: messages with blocks, changed in place.

chat.postMessage has no key against doubles: after an answer that was lost the same message may
stand there twice, each with the id of the message in its metadata.
"""

from __future__ import annotations

import http.client
import logging
from pathlib import Path
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from gridtrail.errors import BadSettings
from gridtrail.notify.blocks import rendered
from gridtrail.notify.message import Message
from gridtrail.notify.outcomes import Again, Delivered, Outcome, Refused
from gridtrail.notify.secrets import check_address, needed
from gridtrail.notify.text import Links
from gridtrail.settings_notify import ChannelSettings

_WORDS = {
    "not_in_channel": "the bot is not in the conversation: invite it",
    "channel_not_found": "the conversation is not there, or private and without the bot: correct "
    "`to`, or invite the bot",
    "is_archived": "the conversation is archived: choose another",
    "missing_scope": "the token lacks the scope chat:write: add it and install the app again",
    "invalid_auth": "the token is wrong: set the bot's token",
    "not_authed": "there is no token: set the bot's token",
    "token_revoked": "the token was revoked: set a new one",
    "token_expired": "the token has expired: set a new one",
    "account_inactive": "the bot was removed: install the app again and set its token",
}
_TOO_MUCH = frozenset(
    {"msg_too_long", "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "no_text"}
)
"""The message itself is the matter; everything else is put right outside, and is tried again."""
_GONE = frozenset({"message_not_found"})
_FIXED = frozenset({"edit_window_closed", "cant_update_message"})

_silent = logging.getLogger("gridtrail.slack_sdk")  # what went wrong is in the outcome
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class SlackWay:
    """One conversation."""

    def __init__(self, channel: ChannelSettings, home: Path, links: Links) -> None:
        self._channel = channel
        self._home = home
        self._links = links

    def send(self, message: Message) -> Outcome:
        """Post it, or change the one that it brings up to date."""
        try:
            client = self._client()
        except BadSettings as error:
            return Again(str(error))
        shown = rendered(message, self._links)
        content: dict[str, Any] = {
            "text": shown.text,
            "blocks": shown.blocks,
            "parse": "none",
            "link_names": False,
            "metadata": {"event_type": "gridtrail", "event_payload": {"id": message.id}},
        }
        where, _, at = (message.reference or "").partition(" ")
        if message.kind != "updated" or not at:
            return self._post(client, content)
        try:
            client.api_call("chat.update", json={**content, "channel": where, "ts": at})
        except SlackApiError as error:
            code = _code(error)
            if code in _GONE:  # somebody took it away, and does not want it again
                return Delivered(message.reference)
            if code in _FIXED:
                return self._post(client, {**content, "thread_ts": at}, message.reference)
            return self._meaning(error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return _cut(error)
        return Delivered(message.reference)

    def _post(
        self, client: WebClient, content: dict[str, Any], reference: str | None = None
    ) -> Outcome:
        quiet = {"channel": self._channel.to, "unfurl_links": False, "unfurl_media": False}
        try:
            answer = client.api_call("chat.postMessage", json={**content, **quiet})
        except SlackApiError as error:
            return self._meaning(error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return _cut(error)
        given = answer.data if isinstance(answer.data, dict) else {}
        where, at = given.get("channel"), given.get("ts")
        known = f"{where} {at}" if where and at else None
        return Delivered(reference or known)

    def _client(self) -> WebClient:
        check_address(self._channel.base_url, self._channel, "base_url")
        return WebClient(
            token=needed(self._channel, "token", self._home),
            base_url=self._channel.base_url.rstrip("/") + "/",
            timeout=max(1, round(self._channel.timeout_seconds)),
            retry_handlers=[],  # the outbox does that, and notes each attempt first
            logger=_silent,
        )

    def _meaning(self, error: SlackApiError) -> Outcome:
        status = error.response.status_code
        if status == 429:
            headers = {name.lower(): value for name, value in error.response.headers.items()}
            text = str(headers.get("retry-after", ""))
            wait = int(text) if text.isascii() and text.isdecimal() else 30
            return Again("Slack takes no more messages for now (429).", wait)
        code = _code(error)
        if code is None:
            return Again(f"Slack answered with HTTP {status}.")
        if code in _TOO_MUCH:
            return Refused(f"Slack does not take the message ({code}).")
        return Again(f"Slack refuses ({code}): {_WORDS.get(code, 'see its documentation')}.")


def _code(error: SlackApiError) -> str | None:
    data = error.response.data
    code = data.get("error") if isinstance(data, dict) else None
    return code[:80] if isinstance(code, str) else None


def _cut(error: Exception) -> Again:
    cause = getattr(error, "reason", None) or error
    return Again(f"Slack was not reached, or did not answer ({type(cause).__name__}).")
