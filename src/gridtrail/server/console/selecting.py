"""Which events a page of the console is about: the filters in its address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gridtrail.errors import WrongUse
from gridtrail.lake.query import Condition, EventFilter, condition
from gridtrail.server.console.times import parsed, written
from gridtrail.server.console.visit import Visit
from gridtrail.slack.audit_api import MAX_ACTIONS

_POSITION = re.compile(r"([0-9]{1,12})\.(.{1,512})", re.DOTALL)

TEXTS = ("actor", "entity", "ip", "session", "ua", "app", "reason", "source", "text")
"""Parameters that are fields of EventFilter by the same name."""

BY = ("slack", "gridtrail")
"""Who raised an anomaly."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the order of events, newest first: after the event `id` of that second."""

    second: int
    id: str

    def written(self) -> str:
        """As it stands in an address."""
        return f"{self.second}.{self.id}"


@dataclass(frozen=True, slots=True)
class Selection:
    """Events of one organization: `filter`, of a `workspace` (id or domain), raised `by` whom.

    `more` is a further term of ours with the values of its parameters; it stands in no address.
    """

    filter: EventFilter
    workspace: str | None = None
    by: str | None = None
    more: tuple[str, tuple[Any, ...]] | None = None

    @property
    def sql(self) -> Condition:
        """The condition over the columns of EVENTS."""
        found = condition(self.filter)
        if self.workspace is not None:
            term = "(location_id = ? OR lower(location_domain) = lower(?))"
            found.add(term, self.workspace, self.workspace)
        if self.by is not None:
            found.add("source = 'gridtrail'" if self.by == "gridtrail" else "source <> 'gridtrail'")
        if self.more is not None:
            found.add(self.more[0], *self.more[1])
        return found

    def parameters(self) -> dict[str, object]:
        """As they stand in an address: `selection_of` reads them back."""
        one = self.filter
        texts: dict[str, object] = {name: getattr(one, name) for name in TEXTS}
        return {
            "action": list(one.actions),
            **texts,
            "workspace": self.workspace,
            "by": self.by,
            "oldest": None if one.oldest is None else written(one.oldest),
            "latest": None if one.latest is None else written(one.latest),
        }

    def anomalies(self) -> Selection:
        """The anomalies among them."""
        return replace(self, filter=replace(self.filter, actions=("anomaly",)))

    def within(self, oldest: int, latest: int) -> Selection:
        """Those of these seconds."""
        return replace(self, filter=replace(self.filter, oldest=oldest, latest=latest))

    def chosen(self) -> Mapping[str, object]:
        """The parameters that are set, but for the times."""
        found = {name: value for name, value in self.parameters().items() if value}
        return {name: value for name, value in found.items() if name not in ("oldest", "latest")}


def selection_of(visit: Visit) -> Selection:
    """What the address of a page asks for.

    Raises WrongUse for a time that is none, a range that ends before it begins, too many actions
    or an unknown `by`.
    """
    actions = visit.several("action")
    if len(actions) > MAX_ACTIONS:
        raise WrongUse(f"{len(actions)} actions are too many: choose at most {MAX_ACTIONS}.")
    oldest, latest = visit.one("oldest"), visit.one("latest")
    by = visit.one("by")
    if by is not None and by not in BY:
        raise WrongUse(f"Nobody called {by[:40]!r} raises anomalies: use {' or '.join(BY)}.")
    wanted = EventFilter(
        actions=actions,
        org=visit.org,
        oldest=None if oldest is None else parsed(oldest),
        latest=None if latest is None else parsed(latest, end=True),
        **{name: visit.one(name) for name in TEXTS},
    )
    first, last = wanted.oldest, wanted.latest
    if first is not None and last is not None and first > last:
        raise WrongUse("The range ends before it begins: swap the two times.")
    return Selection(wanted, visit.one("workspace"), by)


def position_of(visit: Visit) -> Position | None:
    """Where a page of the listing begins (`before`); None: at its beginning.

    Raises WrongUse when it is not one that `Position.written` made.
    """
    text = visit.request.query_params.get("before", "")
    if not text:
        return None
    match = _POSITION.fullmatch(text)
    if match is None:
        raise WrongUse("The place in the listing cannot be read: start at its beginning.")
    return Position(int(match[1]), match[2])
