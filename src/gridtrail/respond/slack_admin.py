"""The methods of Slack's Web API with which Gridtrail acts: sessions and the anomaly allow list.

A call that only reads is tried again when Slack or the way to it fails. A call that changes
something is sent once: it is tried again only where Slack surely did nothing (429, or the
connection was refused), and what may have been done is the error Unclear.
"""

from __future__ import annotations

import http.client
import logging
import socket
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from gridtrail.errors import BadSettings
from gridtrail.respond.slack_errors import NotReached, Refused, Unclear, refusal
from gridtrail.settings_respond import RespondSettings
from gridtrail.settings_secrets import on_this_machine

Devices = Literal["all", "mobile", "web"]
MOST_USERS = 1_000
"""Users of one `admin.users.session.resetBulk`."""
_READ_TRIES = 3
_SPELLINGS = {"first": ("trusted_cidr", "trusted_asns"), "other": ("trusted_cidrs", "trusted_asn")}
_PAGES = 1_000
_silent = logging.getLogger("gridtrail.slack_sdk")  # what went wrong is in the error we raise
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


@dataclass(frozen=True, slots=True)
class SlackSession:
    """An active session; `created` and `recent` say where it began and was last seen with another
    device (keys device_hardware, os, os_version, slack_client_version, ip), `recent` may be None.
    """

    user_id: str
    session_id: str
    created: Mapping[str, str]
    recent: Mapping[str, str] | None

    @property
    def words(self) -> str:
        """Device and address in one line."""
        last = self.recent or self.created
        names = ("os", "os_version", "device_hardware", "slack_client_version")
        device = " ".join(last[name] for name in names if last.get(name))
        return f"{device or 'unknown device'} from {last.get('ip') or 'an unknown address'}"


@dataclass(frozen=True, slots=True)
class SlackAllowed:
    """The allow list as Slack has it, in its order."""

    cidrs: tuple[str, ...]
    asns: tuple[int, ...]


class SlackAdmin:
    """Slack's admin methods for one token; `sleep` waits some seconds.

    Raises BadSettings without a token, or for an address that is none. Every method raises
    Refused, RefusedSettings, NotReached or Unclear (see `slack_errors`).
    """

    def __init__(
        self, settings: RespondSettings, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        if settings.token is None or not settings.token.get_secret_value().strip():
            raise BadSettings(
                "There is no token to act in Slack with: set respond.token, best in the "
                "environment as GRIDTRAIL_RESPOND__TOKEN (docs/responding.md says how to get one)."
            )
        _check_base_url(settings.base_url, allow_http=settings.allow_http)
        self._sleep = sleep
        self._patience = settings.longest_wait_seconds
        self._client = WebClient(
            token=settings.token.get_secret_value().strip(),
            base_url=settings.base_url.rstrip("/") + "/",
            timeout=settings.timeout_seconds,
            retry_handlers=[],  # the SDK would send again what was cut after it was done
            logger=_silent,
        )

    def sessions(self, user_id: str) -> list[SlackSession]:
        """The active sessions of one user, as Slack lists them; none is an empty list."""
        try:
            return [_session(one) for one in self._pages(user_id)]
        except Refused as refused:
            if refused.code == "no_active_sessions":
                return []
            raise

    def _pages(self, user_id: str) -> Iterator[Mapping[str, Any]]:
        # team_id and user_id belong together; sessions of an organization have its id
        who = self._read("auth.test", {})
        team = who.get("enterprise_id") or who.get("team_id") or ""
        cursor = ""
        for _ in range(_PAGES):
            wanted = {"user_id": user_id, "team_id": team, "limit": 1000}
            answer = self._read(
                "admin.users.session.list", wanted | ({"cursor": cursor} if cursor else {})
            )
            yield from (one for one in answer.get("active_sessions") or () if isinstance(one, dict))
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def reset(self, user_id: str, devices: Devices = "all") -> None:
        """End all sessions of a user, or those on `mobile` or `web` alone; done on return."""
        self._write("admin.users.session.reset", {"user_id": user_id, **_flags(devices)})

    def reset_bulk(self, user_ids: Sequence[str], devices: Devices = "all") -> None:
        """The same for up to MOST_USERS users: queued on return, its event says how it went."""
        self._write(
            "admin.users.session.resetBulk", {"user_ids": list(user_ids), **_flags(devices)}
        )

    def invalidate(self, user_id: str, session_id: str) -> None:
        """End one session of a user."""
        wanted = {"user_id": user_id, "session_id": int(session_id)}
        self._write("admin.users.session.invalidate", wanted)

    def allowed(self) -> SlackAllowed:
        """The anomaly allow list, whichever of its four key spellings Slack answers with."""
        answer = self._read("admin.audit.anomaly.allow.getItem", {})
        cidrs = _listed(answer, "trusted_cidr", "trusted_cidrs")
        asns = _listed(answer, "trusted_asns", "trusted_asn")
        return SlackAllowed(
            tuple(str(one) for one in cidrs),
            tuple(int(one) for one in asns if str(one).isdecimal()),
        )

    def allow(self, wanted: SlackAllowed, *, spelling: Literal["first", "other"] = "first") -> None:
        """Put `wanted` in the place of the whole list. Slack's pages spell the keys in two ways:
        `trusted_cidr` and `trusted_asns`, or (`other`) `trusted_cidrs` and `trusted_asn`."""
        names = {
            "first": ("trusted_cidr", "trusted_asns"),
            "other": ("trusted_cidrs", "trusted_asn"),
        }
        cidr, asn = names[spelling]
        lists = {cidr: list(wanted.cidrs), asn: list(wanted.asns)}
        self._write("admin.audit.anomaly.allow.updateItem", lists)

    def _read(self, method: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        for attempt in range(_READ_TRIES - 1):
            try:
                return self._call(method, wanted)
            except (NotReached, Unclear):
                self._sleep(2**attempt)
        return self._call(method, wanted)

    def _write(self, method: str, wanted: Mapping[str, Any]) -> None:
        self._call(method, wanted)

    def _call(self, method: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """One call; waits and calls again while Slack says 429, which it says before doing any."""
        left = self._patience
        while True:
            try:
                answer = self._client.api_call(method, json=dict(wanted))
            except SlackApiError as error:
                wait = _told_to_wait(error)
                if wait is None:
                    raise _meaning(error, method) from error
                if wait > left:
                    raise NotReached(
                        f"Slack takes no more calls of {method} for {wait} s: try again then."
                    ) from error
                left -= wait
                self._sleep(wait)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise _cut(error, method) from error
            else:
                return answer.data if isinstance(answer.data, dict) else {}


def _told_to_wait(error: SlackApiError) -> int | None:
    """Seconds that Slack wants one to wait; None when it does not say 429."""
    if error.response.status_code != 429:
        return None
    headers = {name.lower(): value for name, value in error.response.headers.items()}
    text = str(headers.get("retry-after", ""))
    return min(int(text), 3600) if text.isascii() and text.isdecimal() else 30


def _meaning(error: SlackApiError, method: str) -> Exception:
    answer = error.response
    if answer.status_code != 200 or not isinstance(answer.data, dict):
        return Unclear(
            f"Slack answered {method} with HTTP {answer.status_code}, and may have done it all the "
            "same: look at what Slack logs of it before you try again."
        )
    given = answer.data
    code = given.get("error")
    if not isinstance(code, str) or len(code) > 80 or " " in code:
        return Unclear(
            f"Slack answered {method} with something that is no answer: check respond.base_url, "
            "and look at what Slack logs of it before you try again."
        )
    needed, provided = str(given.get("needed", "")), str(given.get("provided", ""))
    return refusal(code, method=method, needed=needed[:200], provided=provided[:200])


def _cut(error: Exception, method: str) -> NotReached | Unclear:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, (ConnectionRefusedError, socket.gaierror)):
        return NotReached(
            f"Slack is not reached ({cause}): check the network and respond.base_url, then try "
            "again."
        )
    return Unclear(
        f"The connection was cut before Slack answered {method} ({type(cause).__name__}), and it "
        "may have been done: look at what Slack logs of it before you try again."
    )


def _session(one: Mapping[str, Any]) -> SlackSession:
    recent = one.get("recent")
    return SlackSession(
        str(one.get("user_id", "")),
        str(one.get("session_id", "")),
        _texts(one.get("created")),
        _texts(recent) if isinstance(recent, dict) else None,
    )


def _texts(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _flags(devices: Devices) -> dict[str, bool]:
    return {"mobile_only": devices == "mobile", "web_only": devices == "web"}


def _listed(answer: Mapping[str, Any], *names: str) -> list[Any]:
    value: Any = next((answer[name] for name in names if answer.get(name) is not None), [])
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    return list(value) if isinstance(value, (list, tuple)) else []


def _check_base_url(base_url: str, *, allow_http: bool) -> None:
    parts = urlsplit(base_url)
    host = parts.hostname
    if parts.scheme not in ("https", "http") or not host or parts.query or parts.username:
        raise BadSettings(
            "respond.base_url is no address of an API: write it like https://slack.com/api/."
        )
    if parts.scheme == "http" and not allow_http and not on_this_machine(host):
        raise BadSettings(
            f"respond.base_url reaches {host} unencrypted, so that others can read the token: use "
            "https, or set respond.allow_http where the network is yours."
        )
