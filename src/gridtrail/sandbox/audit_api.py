"""Slack's Audit Logs API as a function: query parameters in, the answer's bytes out.

- An empty parameter counts as not given, an unknown one is ignored, of a repeated one the last
  counts.
- A `limit` above 9999 is 9999; one that is no number or below 1 is `DEFAULT_LIMIT` (Slack documents
  neither the default nor what a bad one gives).
- Nothing but the position comes from the cursor: filters that are not repeated are gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from gridtrail.sandbox.cursors import Cursors
from gridtrail.sandbox.ledger import Ledger, Search
from gridtrail.sandbox.refusals import AuditRefusal
from gridtrail.sandbox.render import piece
from gridtrail.slack.audit_api import BEGINNING, MAX_ACTIONS, MAX_LIMIT
from gridtrail.slack.catalogue import endpoint_groups, is_known
from gridtrail.slack.schemas import endpoint_schemas

DEFAULT_LIMIT = 200
SKEW = 300
"""Seconds that a client's clock may be ahead of the simulated time and of the real one."""

_WHOLE = re.compile(r"[0-9]{1,15}", re.ASCII)


class AuditApi:
    """Answers from `ledger`; `key` makes its cursors its own."""

    def __init__(self, ledger: Ledger, key: str) -> None:
        self._ledger = ledger
        self.cursors = Cursors(key)

    def logs(self, parameters: Iterable[tuple[str, str]], now: int, wall: int) -> bytes:
        """The body of `GET /audit/v1/logs` at simulated second `now`, real second `wall`.

        Raises AuditRefusal.
        """
        given = {name: text for name, value in parameters if (text := value.strip())}
        future = max(now, wall) + SKEW
        latest = _second(given.get("latest"), future)
        oldest = _second(given.get("oldest"), future)
        if latest is not None and oldest is not None and oldest > latest:
            raise AuditRefusal("invalid_range")
        if "cursor" in given:
            position = self.cursors.decode(given["cursor"], wall)
            latest = position if latest is None else min(latest, position)
        search = Search(
            oldest, latest, _actions(given.get("action")), given.get("actor", ""),
            given.get("entity", ""),
        )  # fmt: skip
        page = self._ledger.page(search, _limit(given.get("limit")))
        cursor = "" if page.older is None else self.cursors.encode(page.older, wall)
        return (
            b'{"entries":[' + b",".join(page.events) + b'],"response_metadata":{"next_cursor":"'
            + cursor.encode().replace(b"/", b"\\/") + b'"}}'
        )  # fmt: skip


def _second(text: str | None, future: int) -> int | None:
    if text is None:
        return None
    if not _WHOLE.fullmatch(text) or not BEGINNING <= int(text) <= future:
        raise AuditRefusal("invalid_range")
    return int(text)


def _actions(text: str | None) -> frozenset[str]:
    names = frozenset(name for part in (text or "").split(",") if (name := part.strip()))
    if len(names) > MAX_ACTIONS or not all(is_known(name) for name in names):
        raise AuditRefusal("invalid_action")
    return names


def _limit(text: str | None) -> int:
    if text is None or not _WHOLE.fullmatch(text) or int(text) < 1:
        return DEFAULT_LIMIT
    return min(int(text), MAX_LIMIT)


def slack_json(value: Any) -> bytes:
    """`value` as Slack writes it: compact, every slash behind a backslash."""
    return piece(value).encode("ascii")


def actions_body() -> bytes:
    """The body of `GET /audit/v1/actions`."""
    return slack_json({"actions": endpoint_groups()})


def schemas_body() -> bytes:
    """The body of `GET /audit/v1/schemas`."""
    return slack_json({"schemas": endpoint_schemas()})
