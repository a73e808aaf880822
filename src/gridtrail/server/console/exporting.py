"""The export of a selection: CSV or JSON, however long it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response, StreamingResponse

from gridtrail.errors import WrongUse
from gridtrail.export.cells import csv_lines
from gridtrail.export.values import cell_text
from gridtrail.respond.trail import EXPORTED
from gridtrail.server.console.listing import Listed, listed
from gridtrail.server.console.selecting import Position, Selection, selection_of
from gridtrail.server.console.visit import Visit

_PIECE = 5_000  # events read at once

COLUMNS = (
    "date_create", "id", "action", "actor_type", "actor_id", "actor_name", "actor_email",
    "entity_type", "entity_id", "entity_name", "location_id", "location_domain", "ip", "ua",
    "session_id", "app_id", "reasons", "details", "source",
)  # fmt: skip

_KINDS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


async def export(visit: Visit) -> Response:
    """The events of the address' selection, newest first, as a file.

    JSON is an object with `entries`, as Slack's API answers; each event is as it came.
    """
    kind = visit.one("format") or ""
    if kind not in _KINDS:
        raise WrongUse(f"{kind[:20]!r} is no kind of export: use csv or json.")
    wanted = selection_of(visit)
    if visit.one("for") == "detections":
        wanted = wanted.anomalies()
    await visit.trail(EXPORTED[kind], None, wanted.parameters())
    name = f"gridtrail-{datetime.now(UTC):%Y%m%dT%H%M%S}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    pieces = _csv(visit, wanted) if kind == "csv" else _json(visit, wanted)
    return StreamingResponse(pieces, media_type=_KINDS[kind], headers=headers)


async def _csv(visit: Visit, wanted: Selection) -> AsyncIterator[bytes]:
    yield csv_lines([COLUMNS])
    async for rows in _pieces(visit, wanted, COLUMNS):
        yield csv_lines([[cell_text(row[name]) for name in COLUMNS] for row in rows])


async def _json(visit: Visit, wanted: Selection) -> AsyncIterator[bytes]:
    yield b'{"entries":['
    between = b""
    async for rows in _pieces(visit, wanted, ("date_create", "id", "raw")):
        yield between + ",\n".join(row["raw"] for row in rows).encode()
        between = b",\n"
    yield b"]}\n"


async def _pieces(
    visit: Visit, wanted: Selection, columns: tuple[str, ...]
) -> AsyncIterator[list[dict[str, Any]]]:
    before: Position | None = None
    while True:
        found: Listed = await visit.lake(
            lambda lake, at=before: listed(lake, wanted, _PIECE, before=at, columns=columns)  # type: ignore[misc]
        )
        if found.rows:
            yield found.rows
        if found.after is None:
            return
        before = found.after
