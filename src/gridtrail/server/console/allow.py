"""The allow list: entries with owner, reason and end, and what each silenced lately."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from gridtrail.detect.state import SILENCED
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.respond.allow_list import StoredEntry
from gridtrail.respond.trail import ALLOW_REMOVED
from gridtrail.server.console.listing import Row
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.text import shortened
from gridtrail.server.console.times import DAY
from gridtrail.server.console.visit import Visit
from gridtrail.settings import AllowSettings

LATELY_DAYS = 30
_VIEW = "console_silenced"
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Silenced:
    """How many anomalies an entry kept silent in the last days, and the last of them (second)."""

    anomalies: int = 0
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in the list."""

    entry: StoredEntry
    state: str
    silenced: Silenced


@dataclass(frozen=True, slots=True)
class AllowPage:
    """Entries that hold first; `fixed` are those of the settings."""

    template: ClassVar[str] = "allow.html"

    lines: Sequence[Line]
    fixed: Sequence[tuple[AllowSettings, Silenced]]
    everything: bool
    days: int = LATELY_DAYS


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One entry and the newest of what it silenced."""

    template: ClassVar[str] = "allow_entry.html"

    line: Line
    rows: Sequence[Row]
    days: int = LATELY_DAYS


async def show(visit: Visit) -> Response:
    """The list; `all=1` has those that ended too."""
    everything = visit.one("all") is not None
    kept = await visit.state(visit.parts.allow_list.all)
    silenced = await _silenced(visit)
    now = time.time()
    mine = [one for one in reversed(kept) if one.org in (None, visit.org)]
    lines = [_line(one, now, silenced) for one in mine]
    shown = [one for one in lines if everything or one.state in ("active", "later")]
    shown.sort(key=lambda one: one.state not in ("active", "later"))
    settings = visit.parts.settings.allow
    fixed = [(one, silenced.get(one.name, Silenced())) for one in settings]
    return visit.page(AllowPage(shown, fixed, everything))


async def show_one(visit: Visit) -> Response:
    """One entry. Raises NotHere."""
    entry = await _entry(visit)
    line = _line(entry, time.time(), await _silenced(visit))
    org = visit.org
    rows = await visit.lake(lambda lake: _rows(lake, org, entry.name))
    return visit.page(EntryPage(line, rows))


async def remove(visit: Visit) -> Response:
    """End an entry now; then its page again."""
    entry = await _entry(visit)
    if entry.state(time.time()) in ("active", "later"):
        by = visit.account.email
        ended = await visit.state(visit.parts.allow_list.remove, entry.id, by)
        await told(visit, ALLOW_REMOVED, ended)
    return visit.go(visit.link(f"/allow/{entry.id}"))


async def told(visit: Visit, action: str, one: StoredEntry, **more: object) -> None:
    """Keep in the trail what was done to an entry."""
    entity = ("allow_entry", one.id, one.name)
    details = {"allows": one.words, "owner": one.owner, "reason": one.reason, **more}
    await visit.trail(action, entity, details)


async def _entry(visit: Visit) -> StoredEntry:
    wanted = visit.request.path_params["entry_id"]
    try:
        found = await visit.state(visit.parts.allow_list.get, wanted)
    except WrongUse:
        found = None
    if found is None or found.org not in (None, visit.org):
        raise NotHere(f"There is no entry {shortened(wanted, 40)}: look at the list.")
    return found


def _line(one: StoredEntry, now: float, silenced: Mapping[str, Silenced]) -> Line:
    return Line(one, one.state(now), silenced.get(one.name, Silenced()))


async def _silenced(visit: Visit) -> dict[str, Silenced]:
    org, since = visit.org, int(time.time()) - LATELY_DAYS * DAY

    def read(lake: Lake) -> dict[str, Silenced]:
        lake.view(SILENCED, _VIEW, org=org)
        rows = lake.engine.rows(
            f'SELECT substr(why, 10) AS name, count(*) AS anomalies, max("at") AS last '
            f"FROM {_VIEW} WHERE starts_with(why, 'allowed: ') AND \"at\" >= ? GROUP BY 1",
            [since],
        ).to_pylist()
        return {row["name"]: Silenced(row["anomalies"], row["last"]) for row in rows}

    return await visit.lake(read)


def _rows(lake: Lake, org: str, name: str) -> list[Row]:
    lake.view(SILENCED, _VIEW, org=org)
    found: list[Row] = lake.engine.rows(
        f'SELECT "at", detector, subject, event_id, words FROM {_VIEW} WHERE why = ? '
        f'ORDER BY "at" DESC, event_id LIMIT {_SHOWN}',
        [f"allowed: {name}"],
    ).to_pylist()
    return found
