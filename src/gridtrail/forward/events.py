"""Events and anomalies in the order of the lake's commits, so that late ones are sent too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from gridtrail.errors import SkipRecord
from gridtrail.export.formats import ExportFormat
from gridtrail.export.lines import event_line
from gridtrail.forward.catching_up import caught_up, what_is_left
from gridtrail.forward.position import CatchingUp, Position
from gridtrail.forward.record import Refusal, Sendable, Step
from gridtrail.forward.source import Lag
from gridtrail.lake.changes import Changes, Commit, Gone
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS_TABLE
from gridtrail.settings_forward import ForwardSettings

_COLUMNS = ("id", "date_create", "action", "raw")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a target gets, and as what."""

    kind: ExportFormat
    anomalies: bool
    orgs: frozenset[str]

    @classmethod
    def of(cls, settings: ForwardSettings) -> Wanted:
        """What the settings of a target say."""
        kind, orgs = ExportFormat(settings.format), frozenset(settings.orgs)
        return cls(kind, settings.what == "anomalies", orgs)

    def org(self, name: str) -> bool:
        """Whether events of this organization are wanted."""
        return not self.orgs or name in self.orgs

    def step(self, row: Mapping[str, Any], after: Position) -> Step:
        """The row (columns org, id, date_create, action, raw), converted if it is wanted."""
        org = row["org"]
        if not self.org(org) or (self.anomalies and row["action"] != "anomaly"):
            return Step(after)
        try:
            line = event_line(row, self.kind)
        except SkipRecord as skip:
            return Step(after, refusal=Refusal(org, row["id"], str(skip)))
        return Step(after, Sendable(org, row["id"], row["date_create"], line))


class EventSource:
    """The events of `lake` that the target of `settings` wants."""

    def __init__(self, lake: Lake, settings: ForwardSettings) -> None:
        self._lake = lake
        self._settings = settings
        self._wanted = Wanted.of(settings)
        self._changes = Changes(lake.log(EVENTS_TABLE))

    def beginning(self) -> Position:
        """After all there is, or before what the settings want of the past."""
        newest, since = self._changes.newest(), self._settings.since
        if newest < 0:  # everything is still to come
            return Position(-1)
        if since == "now":
            return Position(newest, at=self._committed(newest))
        oldest = None
        if isinstance(since, date):
            oldest = int(datetime(since.year, since.month, since.day, tzinfo=UTC).timestamp())
        return Position(-1, catching_up=CatchingUp(newest, since=oldest))

    def steps(self, position: Position) -> Iterator[Step]:
        """Row by row, commit by commit; catches up first where that is needed."""
        while True:
            if position.catching_up is not None:
                yield from caught_up(self._lake, self._changes, position, self._wanted.step)
                position = self._after_catching_up(position)
                yield Step(position)
            try:
                for step in self._follow(position):
                    position = step.after
                    yield step
            except Gone:
                position = replace(position, catching_up=self._lost(position))
                continue
            return

    def one(self, org: str, record_id: str) -> Step | None:
        """That event, from the lake."""
        row = self._lake.event(record_id, org=org)
        return None if row is None else self._wanted.step(row, Position(-1))

    def lag(self, position: Position) -> Lag:
        """From the log alone."""
        if position.catching_up is not None:
            return what_is_left(self._lake, self._changes, position)
        rows, since = 0, None
        try:
            for commit in self._changes.after(position.version):
                done = _rows_done(commit, position) if not rows else 0
                rows += commit.rows - done
                if since is None and commit.rows > done:
                    since = commit.at
        except Gone:
            lost = replace(position, catching_up=self._lost(position))
            return what_is_left(self._lake, self._changes, lost)
        return Lag(rows, since)

    def _follow(self, position: Position) -> Iterator[Step]:
        self._changes.forget(position.version)
        for commit in self._changes.after(position.version):
            for number, file in enumerate(commit.files):
                if number < position.part:
                    continue
                skip = position.row if number == position.part else 0
                position = replace(position, part=number, row=skip)
                org = file.partition["org"]
                for batch in self._changes.rows(file, _COLUMNS, skip):
                    for row in batch.to_pylist():
                        position = position.next_row()
                        row["org"] = org
                        yield self._wanted.step(row, position)
            position = Position(commit.version, at=commit.at)
            yield Step(position)

    def _lost(self, position: Position) -> CatchingUp:
        """What to read instead of files or log entries that are no longer there."""
        until = self._changes.newest()
        try:
            for _ in self._changes.after(position.version):
                pass
        except Gone:
            return CatchingUp(until, gone_at=position.at)
        return CatchingUp(until)

    def _after_catching_up(self, position: Position) -> Position:
        until = position.catching_up.until if position.catching_up else position.version
        return Position(until, at=self._committed(until))

    def _committed(self, version: int) -> float:
        try:
            return self._changes.commit(version).at
        except Gone:
            return datetime.now(UTC).timestamp()


def _rows_done(commit: Commit, position: Position) -> int:
    if commit.version != position.version + 1:
        return 0
    return sum(file.rows for file in commit.files[: position.part]) + position.row
