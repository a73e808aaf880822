"""What to look for among the events, as SQL with parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_SLACK_ID = re.compile(r"(?=.*[0-9]|USLACK)[A-Z][A-Z0-9]{7,}")


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; every field that is set must hold (None and () are not set).

    `actor` and `entity` are an id, or else a name or e-mail in any letter case; `actor_called` is
    the actor's e-mail (if it has an @) or name, letter by letter, which is found sooner. `ua` and
    `text` are found anywhere in the user agent and in the raw bytes, in any letter case (a
    character that the sender wrote as an escape, such as `\\u00e9`, is found by that escape).
    `ip`, `session`, `app`, `source`, `id` and `org` are exact; `actions` are alternatives;
    `reason` is one of an anomaly's reasons; `oldest` and `latest` are seconds since the epoch,
    inclusive.
    """

    actions: tuple[str, ...] = ()
    actor: str | None = None
    actor_called: str | None = None
    entity: str | None = None
    ip: str | None = None
    session: str | None = None
    ua: str | None = None
    app: str | None = None
    reason: str | None = None
    source: str | None = None
    text: str | None = None
    id: str | None = None
    org: str | None = None
    oldest: int | None = None
    latest: int | None = None


@dataclass(slots=True)
class Condition:
    """SQL terms joined by AND, and the values of their parameters in order."""

    terms: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, term: str, *values: object) -> None:
        """One more term with as many `?` as values."""
        self.terms.append(term)
        self.values.extend(values)

    @property
    def sql(self) -> str:
        """The text after WHERE."""
        return " AND ".join(self.terms) or "true"


def is_slack_id(text: str) -> bool:
    """Whether `text` has the form of a Slack id (`W0MIRAQ7X1`, `USLACKUSER`) and not of a name.

    Capital letters and digits, at least eight, with a digit among them (facts reference 1.2).
    """
    return _SLACK_ID.fullmatch(text) is not None


def condition(wanted: EventFilter) -> Condition:
    """The SQL condition of `wanted` over the columns of EVENTS."""
    found = Condition()
    exact = {
        "id": wanted.id,
        "ip": wanted.ip,
        "session_id": wanted.session,
        "app_id": wanted.app,
        "source": wanted.source,
        "org": wanted.org,
    }
    for column, value in exact.items():
        if value is not None:
            found.add(f"{column} = ?", value)
    if wanted.actions:
        found.add(f"action IN ({', '.join('?' * len(wanted.actions))})", *wanted.actions)
    _party(found, wanted.actor, "actor_id", ("actor_name", "actor_email"))
    _party(found, wanted.entity, "entity_id", ("entity_name",))
    if (called := wanted.actor_called) is not None:
        found.add(f"{'actor_email' if '@' in called else 'actor_name'} = ?", called)
    if wanted.reason is not None:
        found.add("list_contains(reasons, ?)", wanted.reason)
    _substring(found, "ua", wanted.ua)
    _substring(found, "raw", wanted.text)
    if wanted.oldest is not None:
        found.add("date_create >= ?", wanted.oldest)
    if wanted.latest is not None:
        found.add("date_create <= ?", wanted.latest)
    return found


def _party(found: Condition, value: str | None, by_id: str, by_name: tuple[str, ...]) -> None:
    if value is None:
        return
    if is_slack_id(value):  # equality alone lets the engine skip row groups by Bloom filters
        found.add(f"{by_id} = ?", value)
        return
    names = " OR ".join(f"lower({column}) = lower(?)" for column in by_name)
    found.add(f"({by_id} = ? OR {names})", value, *[value for _ in by_name])


def _substring(found: Condition, column: str, value: str | None) -> None:
    if value is None:
        return
    plain = f"contains(lower({column}), lower(?))"
    if not value.isascii():
        found.add(plain, value)
        return
    # the expression takes a third of the time of a lower-case copy of every text
    quick, pattern = f"regexp_matches({column}, ?)", "(?i)" + re.escape(value)
    if "i" in value.lower():  # the expression does not know the capital i with its dot
        found.add(f"({quick} OR contains({column}, '\u0130') AND {plain})", pattern, value)
    else:
        found.add(quick, pattern)
