"""How far an organization's log is complete, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gridtrail.collect.slack_api.planning import LATEST_ARRIVAL
from gridtrail.collect.slack_api.storing import COLLECTOR_STATES, LATE_EVENTS
from gridtrail.collect.slack_api.streams import Stream
from gridtrail.lake.lake import Lake

_STATES, _LATE = "_coverage_states", "_coverage_late"


@dataclass(frozen=True, slots=True)
class Unread:
    """Seconds `first` to `last` since the epoch, inclusive, that are wanted and were not read."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was read of a stream. Times are seconds since the epoch, inclusive.

    Everything that the far side showed of the seconds `complete_from` to `complete_to` when they
    were read is in the lake (or in the quarantine); up to `settled_to` also what it showed up to
    a day later. All three are None when nothing was read yet. `gaps` are wanted and not read.

    `late_events` were not there yet when their second was first read; `max_lateness` is the
    longest time (seconds) from such an event's time to its arrival here.

    `state` is `working`, `failing` or `refused` with `why`, or `never` when no collector ran.
    `refused_actions` are names the far side does not support: they are not collected.
    """

    org: str
    actions: tuple[str, ...]
    complete_from: int | None
    complete_to: int | None
    settled_to: int | None
    gaps: tuple[Unread, ...]
    late_events: int
    max_lateness: int
    state: str
    why: str | None
    refused_actions: tuple[str, ...]


def coverage(lake: Lake, org: str, *, actions: tuple[str, ...] = ()) -> Coverage:
    """How complete the log of `org` is, or that of `actions` when only these are collected.

    Read from the checkpoints in the events' own commits, so it never says more than is stored.
    """
    stream = Stream.of(org, actions)
    state = _state(lake, stream)
    extent = stream.extent(lake)
    since = None if state is None else int(state["since"])
    read = extent is not None and extent.lowest <= extent.highest
    gaps: tuple[Unread, ...] = ()
    if extent is not None and since is not None and since < extent.lowest:
        gaps = (Unread(since, extent.lowest - 1),)
    late, longest = _late(lake, stream)
    settled = None
    if extent is not None and read and extent.swept - LATEST_ARRIVAL >= extent.lowest:
        settled = extent.swept - LATEST_ARRIVAL
    return Coverage(
        org=org,
        actions=stream.actions,
        complete_from=extent.lowest if extent is not None and read else None,
        complete_to=extent.highest if extent is not None and read else None,
        settled_to=settled,
        gaps=gaps,
        late_events=late,
        max_lateness=longest,
        state="never" if state is None else str(state["state"]),
        why=None if state is None else state["why"],
        refused_actions=() if state is None else tuple(state["refused_actions"] or ()),
    )


def collected(lake: Lake) -> list[Stream]:
    """The streams that a collector ever worked on, by organization and name."""
    lake.view(COLLECTOR_STATES, _STATES)
    rows = lake.engine.rows(f"SELECT org, actions FROM {_STATES} ORDER BY org, stream")
    return [Stream.of(row["org"], row["actions"] or ()) for row in rows.to_pylist()]


def _state(lake: Lake, stream: Stream) -> dict[str, Any] | None:
    lake.view(COLLECTOR_STATES, _STATES, org=stream.org, stream=stream.name)
    rows = lake.engine.rows(f"SELECT * FROM {_STATES}").to_pylist()
    found: dict[str, Any] | None = rows[0] if rows else None
    return found


def _late(lake: Lake, stream: Stream) -> tuple[int, int]:
    lake.view(LATE_EVENTS, _LATE, org=stream.org)
    found = lake.engine.rows(
        f"SELECT count(DISTINCT id) AS n, max(lateness) AS longest FROM (SELECT id, "
        f"min(seen_at) - min(date_create) AS lateness FROM {_LATE} WHERE stream = ? GROUP BY id)",
        [stream.name],
    ).to_pylist()[0]
    return int(found["n"]), int(found["longest"] or 0)
