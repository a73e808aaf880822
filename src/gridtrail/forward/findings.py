"""Findings in the order of their changes: a finding comes again whenever it, or what people
decided about it, has changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from gridtrail.errors import SkipRecord
from gridtrail.export.formats import ExportFormat
from gridtrail.export.lines import finding_line
from gridtrail.forward.position import Position
from gridtrail.forward.record import Refusal, Sendable, Step
from gridtrail.forward.source import Lag
from gridtrail.settings_forward import ForwardSettings
from gridtrail.triage.store import Change, change_of, changes_after
from gridtrail.triage.tables import findings

_CHUNK, _UNCOUNTED = 200, 1_000_000


class FindingSource:
    """The findings of the state database `engine` that the target of `settings` wants."""

    def __init__(self, engine: sa.Engine, settings: ForwardSettings) -> None:
        self._engine = engine
        self._settings = settings

    def beginning(self) -> Position:
        """After all changes, or before the first."""
        if self._settings.since != "now":
            return Position(-1)
        with self._engine.connect() as connection:
            newest = connection.scalar(sa.select(sa.func.max(findings.c.change)))
        return Position(-1 if newest is None else newest)

    def steps(self, position: Position) -> Iterator[Step]:
        """Finding by finding, in the order of their last change."""
        number = position.version
        while True:
            # findings from before changes were counted all have the number 0
            most = _CHUNK if number >= 0 else _UNCOUNTED
            with self._engine.connect() as connection:
                found = changes_after(connection, number, most)
            for change in found:
                number = change.number
                yield self._step(change)
            if len(found) < most:
                return

    def one(self, org: str, record_id: str) -> Step | None:
        """That finding, as it is now."""
        with self._engine.connect() as connection:
            change = change_of(connection, record_id)
        return None if change is None or change.finding.org != org else self._step(change)

    def lag(self, position: Position) -> Lag:
        """Findings that changed since; the oldest waits since its last anomaly, at the longest."""
        later = findings.c.change > position.version
        query = sa.select(sa.func.count(), sa.func.min(findings.c.last_seen)).where(later)
        with self._engine.connect() as connection:
            count, oldest = connection.execute(query).one()
        return Lag(count, oldest)

    def _step(self, change: Change) -> Step:
        after = Position(change.number)
        found, settings = change.finding, self._settings
        if settings.orgs and found.org not in settings.orgs:
            return Step(after)
        if isinstance(settings.since, date) and found.last_seen < _second(settings.since):
            return Step(after)
        body: dict[str, Any] = found.to_json()
        if change.merged_into is not None:
            body |= {"status": "closed", "merged_into": change.merged_into}
        new = found.status == "open" and found.assignee is None
        try:
            line = finding_line(body, ExportFormat(settings.format), version=1 if new else 2)
        except SkipRecord as skip:
            return Step(after, refusal=Refusal(found.org, found.id, str(skip)))
        return Step(after, Sendable(found.org, found.id, found.last_seen, line))


def _second(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
