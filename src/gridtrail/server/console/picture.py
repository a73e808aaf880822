"""How people, sessions, addresses, clients and files of a finding hang together, as a drawing.

Five columns; what appears in one event is joined from column to column, the thicker the more
events. Each column shows its busiest few, the rest is one node. All in it are numbers of ours and
texts that the template escapes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from gridtrail.lake.lake import Lake
from gridtrail.lake.query import EventFilter
from gridtrail.server.console.listing import Row, select
from gridtrail.server.console.render import client_name
from gridtrail.server.console.selecting import Selection
from gridtrail.server.console.text import counted, shortened, visible
from gridtrail.server.console.times import DAY
from gridtrail.triage.finding import Finding

COLUMNS = (
    ("actor", "Person"), ("session", "Session"), ("ip", "Address"), ("ua", "Client"),
    ("file", "File"),
)  # fmt: skip
_NONE = {"session": "no session", "ip": "no address", "ua": "no client"}
_PLURAL = {"actor": "people", "session": "sessions", "ip": "addresses", "ua": "clients",
           "file": "files"}  # fmt: skip
_FEW = 6
_MOST_ACTORS = 20
_BEFORE_DAYS = 7  # a session that was stolen had its owner's address and client then
_MOST_ROWS = 5_000
_WIDTH, _HEIGHT, _ROW, _GAP, _TOP = 156, 28, 36, 52, 26
_CUT = 20
_THINNEST, _THICKEST = 1.0, 7.0
_ALIEN = ("hosting", "vpn", "tor", "relay")

Key = tuple[str, str]  # column and value; "" is none, "…" is the rest
_REST = "…"


@dataclass(frozen=True, slots=True)
class Node:
    """A box with a label; `href` is a page's path and parameter, `odd` one that is unusual."""

    x: float
    y: float
    label: str
    title: str
    href: tuple[str, str, str] | None
    odd: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """A line between two boxes."""

    path: str
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The drawing, `width` by `height` units; `words` say it to whoever does not see it."""

    width: int
    height: int
    box: tuple[int, int]
    heads: Sequence[tuple[float, str]]
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    words: str


def read_rows(lake: Lake, finding: Finding) -> list[Row]:
    """The events of the finding's people around it, grouped, and what its sessions were used with
    in the week before; without the anomalies themselves."""
    window = finding.context.get("window") or {}
    people = list(finding.actor_ids[:_MOST_ACTORS])
    if not people:
        return []
    begins = window.get("from", finding.first_seen)
    wanted = EventFilter(
        org=finding.org,
        oldest=begins - _BEFORE_DAYS * DAY,
        latest=window.get("to", finding.last_seen),
    )
    sessions = list(finding.session_ids[:_MOST_ACTORS])
    term = (
        f"actor_id IN ({_marks(people)}) AND action <> 'anomaly' AND source <> 'gridtrail' AND "
        f"(date_create >= {int(begins)} OR session_id IN ({_marks(sessions)}))"
    )
    return select(
        lake,
        Selection(wanted, more=(term, (*people, *sessions))),
        "actor_id AS actor, max(actor_name) AS actor_name, session_id AS session, ip, ua, "
        f"CASE WHEN entity_type IN ('file', 'canvas') AND date_create >= {int(begins)} "
        "THEN entity_id END AS file, max(entity_name) AS file_name, count(*) AS events",
        f"GROUP BY ALL ORDER BY events DESC, actor, session, ip, ua, file LIMIT {_MOST_ROWS}",
    )


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values)) or "NULL"


def picture_of(rows: Sequence[Row], odd: Callable[[str, str], bool]) -> Picture | None:
    """The drawing of `rows` (see `read_rows`); `odd` says of a column's value that it is unusual.

    None when there is nothing to join.
    """
    if not rows:
        return None
    names = {("actor", row["actor"]): row["actor_name"] for row in rows}
    names |= {("file", row["file"]): row["file_name"] for row in rows if row["file"]}
    kept = {name: _busiest(rows, name) for name, _ in COLUMNS}
    nodes, joined = Counter[Key](), Counter[tuple[Key, Key]]()
    for row in rows:
        way = [_key(row, name, kept[name]) for name, _ in COLUMNS]
        nodes.update({key: row["events"] for key in way if key is not None})
        for one, other in pairwise(way):
            if one is not None and other is not None:
                joined[one, other] += row["events"]
    places = _placed(nodes, joined)
    rest = {name: len({row[name] for row in rows if row[name]} - kept[name]) for name in kept}
    ordered = sorted(nodes, key=lambda key: places[key])  # as the keyboard walks them
    boxes = [_node(key, places[key], nodes[key], names, rest, odd) for key in ordered]
    lines = _edges(joined, places)
    tallest = max(y for _, y in places.values())
    heads = [(_x(index), title) for index, (_, title) in enumerate(COLUMNS)]
    width = len(COLUMNS) * _WIDTH + (len(COLUMNS) - 1) * _GAP
    counts = [counted(len({row[n] for row in rows if row[n]}), t.lower(), _PLURAL[n])
              for n, t in COLUMNS]  # fmt: skip
    words = "How they hang together: " + ", ".join(counts)
    return Picture(width, int(tallest) + _HEIGHT + 4, (_WIDTH, _HEIGHT), heads, boxes, lines, words)


def odd_of(finding: Finding) -> Callable[[str, str], bool]:
    """What is unusual, by the finding's own context: new or alien addresses, unexpected clients,
    sessions with several people in them."""
    context: Mapping[str, Iterable[Mapping[str, object]]] = finding.context
    strange = {
        "ip": {str(one["ip"]) for one in context.get("addresses") or ()
               if not one.get("known_since") or one.get("address_kind") in _ALIEN},
        "ua": {str(one["ua"]) for one in context.get("clients") or ()
               if not one.get("expected") or not one.get("known_since")},
        "session": {str(one["id"]) for one in context.get("sessions") or ()
                    if one.get("other_actors")},
    }  # fmt: skip
    return lambda name, value: value in strange.get(name, ())


def _busiest(rows: Sequence[Row], name: str) -> set[str]:
    events = Counter[str]()
    for row in rows:
        if row[name]:
            events[row[name]] += row["events"]
    if len(events) <= _FEW:
        return set(events)
    return {value for value, _ in events.most_common(_FEW - 1)}


def _key(row: Row, name: str, kept: set[str]) -> Key | None:
    value = row[name]
    if not value:
        return (name, "") if name in _NONE else None
    return name, value if value in kept else _REST


def _placed(
    nodes: Counter[Key], joined: Counter[tuple[Key, Key]]
) -> dict[Key, tuple[float, float]]:
    """Where each box stands: near what it is joined to in the column before, the busiest first."""
    places: dict[Key, tuple[float, float]] = {}
    rank: dict[Key, int] = {}
    for index, (name, _) in enumerate(COLUMNS):
        mine = [key for key in nodes if key[0] == name]

        def pull(key: Key) -> tuple[bool, float, float]:
            joins = [(rank[one], n) for (one, other), n in joined.items() if other == key]
            total = sum(n for _, n in joins)
            mean = sum(at * n for at, n in joins) / total if total else math.inf
            return key[1] == _REST, mean, -nodes[key]

        mine.sort(key=pull)
        for at, key in enumerate(mine):
            rank[key] = at
            places[key] = (_x(index), _TOP + at * _ROW)
    return places


def _x(index: int) -> float:
    return index * (_WIDTH + _GAP)


def _node(
    key: Key,
    place: tuple[float, float],
    events: int,
    names: Mapping[Key, str | None],
    rest: Mapping[str, int],
    odd: Callable[[str, str], bool],
) -> Node:
    name, value = key
    many = counted(events, "event")
    made = Node(*place, label="", title="", href=None, odd=False)
    if value == "":
        return replace(made, label=_NONE[name], title=f"{_NONE[name]}, {many}")
    if value == _REST:
        label = f"{rest[name]} more {_PLURAL[name]}"
        return replace(made, label=label, title=f"{label}, {many}")
    said = client_name(value) if name == "ua" else names.get(key) or value
    href = _HREFS[name]
    return replace(
        made,
        label=shortened(visible(said), _CUT),
        title=f"{said}{f' ({value})' if said != value else ''}, {many}",
        href=(*href, value),
        odd=odd(name, value),
    )


_HREFS = {
    "actor": ("/person", "id"), "session": ("/session", "id"), "ip": ("/address", "ip"),
    "ua": ("/logs", "ua"), "file": ("/file", "id"),
}  # fmt: skip


def _edges(
    joined: Counter[tuple[Key, Key]], places: Mapping[Key, tuple[float, float]]
) -> list[Edge]:
    most = math.log1p(max(joined.values(), default=1))
    found = []
    for (one, other), events in joined.items():
        (x1, y1), (x2, y2) = places[one], places[other]
        x1, y1, y2 = x1 + _WIDTH, y1 + _HEIGHT / 2, y2 + _HEIGHT / 2
        middle = (x1 + x2) / 2
        path = f"M{x1:g} {y1:g}C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"
        share = math.log1p(events) / most
        width = round(_THINNEST + (_THICKEST - _THINNEST) * share, 1)
        found.append(Edge(path, width, counted(events, "event")))
    return found
