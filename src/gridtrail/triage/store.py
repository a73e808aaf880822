"""Where findings live: what triage computed, and what people decided about it.

SQLAlchemy Core on the state database (`gridtrail.state`), SQLite or PostgreSQL.
Computed parts are replaced at each triage, a person's parts (status, verdict, notes) never are.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gridtrail.errors import WrongUse
from gridtrail.state.database import open_state, storable, writing
from gridtrail.triage.finding import (
    SEVERITIES,
    STATUSES,
    VERDICTS,
    Finding,
    severity_rank,
    worst_first,
)
from gridtrail.triage.identity import Known, Owners
from gridtrail.triage.tables import finding_anomalies, finding_notes, findings, next_change

_BATCH = 500
"""Values in one IN list; SQLite takes 32,766, PostgreSQL about as many."""


@dataclass(frozen=True, slots=True)
class FindingFilters:
    """Which findings to list; a field left None does not filter.

    `severity` is the mildest to show. `oldest`, `latest` are seconds (inclusive): a finding is
    shown when it touches the range. `limit` counts after ranking.
    """

    org: str | None = None
    status: str | None = None
    verdict: str | None = None
    severity: str | None = None
    actor: str | None = None
    reason: str | None = None
    assignee: str | None = None
    oldest: int | None = None
    latest: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A person's note on a finding; `at` is seconds since the epoch."""

    at: int
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A finding as it is since its last change; `number` counts the changes of all findings.
    `merged_into` is the id of the one that it is a part of since."""

    number: int
    finding: Finding
    merged_into: str | None


@dataclass(frozen=True, slots=True)
class Computed:
    """What a stored finding was computed from (see `inputs`), and how many anomalies it has."""

    inputs: str
    events: int


class FindingStore:
    """The findings of one installation; `place` as in `gridtrail.state.database.open_state`."""

    def __init__(self, place: Path | str) -> None:
        self._engine = open_state(place)
        self._writing = writing(self._engine)

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def __enter__(self) -> FindingStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @contextmanager
    def update(self) -> Iterator[StoreUpdate]:
        """One transaction for one triage: what is read in it cannot change before it ends."""
        with self._writing.begin() as connection:
            yield StoreUpdate(connection)

    def get(self, id_or_prefix: str) -> Finding:
        """The finding with this id, or the only one whose id starts so.

        The id of a finding that was merged into another gives that other. Raises WrongUse when
        there is none or more than one.
        """
        with self._engine.connect() as connection:
            return _finding(_row(connection, id_or_prefix))

    def select(self, filters: FindingFilters | None = None) -> list[Finding]:
        """The findings that pass `filters`, worst first. Raises WrongUse on an unknown word."""
        chosen = filters or FindingFilters()
        with self._engine.connect() as connection:
            rows = connection.execute(_listing(chosen)).all()
        listed = [_finding(row) for row in rows]
        if chosen.actor is not None:
            listed = [finding for finding in listed if chosen.actor in finding.actor_ids]
        if chosen.reason is not None:
            listed = [finding for finding in listed if chosen.reason in finding.reasons]
        return sorted(listed, key=worst_first)[: chosen.limit]

    def decide(
        self,
        id_or_prefix: str,
        *,
        status: str | None = None,
        verdict: str | None = None,
        reason: str | None = None,
    ) -> Finding:
        """Set the status, the verdict (with the `reason` for it), or both.

        A verdict closes the finding unless told else; opening it again takes the verdict away.
        Raises WrongUse on an unknown word or id, and for a reason without a verdict.
        """
        _check("status", status, STATUSES)
        _check("verdict", verdict, VERDICTS)
        if verdict is not None and status is None:
            status = "closed"
        with self._writing.begin() as connection:
            row = _row(connection, id_or_prefix)
            if reason is not None and verdict is None and row.verdict is None:
                raise WrongUse("A reason is for a verdict: give a verdict with it.")
            values: dict[str, Any] = {"decided_events": row.events, "decided_score": row.score}
            values |= {"decided_at": int(time.time()), "change": next_change}
            values |= {"status": status} if status is not None else {}
            if verdict is not None or (status is not None and status != "closed"):
                # a new verdict, or it was reopened: the old one no longer holds
                values |= {"verdict": verdict, "verdict_reason": None}
            values |= {"verdict_reason": storable(reason)} if reason is not None else {}
            connection.execute(findings.update().where(findings.c.id == row.id).values(values))
            return _finding(_row(connection, row.id))

    def assign(self, id_or_prefix: str, assignee: str | None) -> Finding:
        """Say who looks after the finding; None: nobody does."""
        with self._writing.begin() as connection:
            row = _row(connection, id_or_prefix)
            name = None if assignee is None else storable(assignee)
            values = {"assignee": name, "change": next_change}
            connection.execute(findings.update().where(findings.c.id == row.id).values(values))
            return _finding(_row(connection, row.id))

    def add_note(self, id_or_prefix: str, author: str, text: str, *, at: int | None = None) -> None:
        """Keep a person's note; `at` is seconds since the epoch, now by default."""
        moment = int(time.time()) if at is None else at
        with self._writing.begin() as connection:
            row = _row(connection, id_or_prefix)
            values = {"finding_id": row.id, "at": moment, "author": storable(author)}
            values["text"] = storable(text)
            connection.execute(finding_notes.insert().values(values))

    def notes(self, id_or_prefix: str) -> list[Note]:
        """The notes of a finding, oldest first."""
        with self._engine.connect() as connection:
            row = _row(connection, id_or_prefix)
            order = (finding_notes.c.at, finding_notes.c.id)
            query = finding_notes.select().where(finding_notes.c.finding_id == row.id)
            return [
                Note(note.at, note.author, note.text)
                for note in connection.execute(query.order_by(*order))
            ]


class StoreUpdate:
    """What one triage reads and writes inside one transaction of the store."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def owners(self, org: str, event_ids: Sequence[str]) -> Owners:
        """Which stored findings hold these anomalies, and all known ids of the organization."""
        holders: dict[str, str] = {}
        table = finding_anomalies
        for start in range(0, len(event_ids), _BATCH):
            batch = [storable(one) for one in event_ids[start : start + _BATCH]]
            query = sa.select(table.c.event_id, table.c.finding_id).where(
                table.c.org == org, table.c.event_id.in_(batch)
            )
            holders |= {row.event_id: row.finding_id for row in self._connection.execute(query)}
        columns = (findings.c.id, findings.c.first_seen, findings.c.merged_into)
        rows = self._connection.execute(sa.select(*columns).where(findings.c.org == org))
        known = {row.id: Known(row.id, row.first_seen, row.merged_into) for row in rows}
        return Owners(holders, known)

    def computed_from(self, org: str) -> dict[str, Computed]:
        """Id -> what each finding of the organization was computed from."""
        columns = (findings.c.id, findings.c.inputs, findings.c.events)
        query = sa.select(*columns).where(findings.c.org == org, findings.c.merged_into.is_(None))
        rows = self._connection.execute(query)
        return {row.id: Computed(row.inputs or "", row.events) for row in rows}

    def read(self, ids: Sequence[str]) -> dict[str, Finding]:
        """Id -> finding."""
        found: dict[str, Finding] = {}
        for start in range(0, len(ids), _BATCH):
            query = findings.select().where(findings.c.id.in_(ids[start : start + _BATCH]))
            found |= {row.id: _finding(row) for row in self._connection.execute(query)}
        return found

    def save(self, finding: Finding, inputs: str = "") -> Finding:
        """Store what was computed from `inputs`; returns it with what people decided."""
        row = self._connection.execute(
            findings.select().where(findings.c.id == finding.id)
        ).one_or_none()
        values = {**_computed(finding), "inputs": inputs, "change": next_change}
        if row is None:
            first = {"id": finding.id, "status": "open", "verdict": None}
            self._connection.execute(
                findings.insert().values(**first, made_at=int(time.time()), **values)
            )
        else:
            self._connection.execute(
                findings.update()
                .where(findings.c.id == finding.id)
                .values(merged_into=None, **values)
            )
        self._own(finding)
        return _finding(_row(self._connection, finding.id))

    def merge(self, absorbed: str, kept: str) -> None:
        """`absorbed` now is `kept`: its notes move, and an investigation of it goes on there.

        Its verdict does not: what was decided on a part says nothing of the whole.
        """
        old = self._connection.execute(findings.select().where(findings.c.id == absorbed)).one()
        new = self._connection.execute(findings.select().where(findings.c.id == kept)).one()
        moved = finding_notes.update().where(finding_notes.c.finding_id == absorbed)
        self._connection.execute(moved.values(finding_id=kept))
        changed = findings.update().where(findings.c.id == absorbed)
        self._connection.execute(changed.values(merged_into=kept, change=next_change))
        took: dict[str, Any] = {"change": next_change}
        if new.status == "open" and new.verdict is None and old.status == "investigating":
            took["status"] = old.status
        if new.assignee is None and old.assignee is not None:
            took["assignee"] = old.assignee
        self._connection.execute(findings.update().where(findings.c.id == kept).values(took))

    def split(self, new: str, old: str, at: int) -> None:
        """`new` was part of `old` until now (`at`, seconds): whoever looks after the one looks
        after the other, and a note says where it comes from. A verdict on the whole says nothing
        of a part."""
        was = self._connection.execute(findings.select().where(findings.c.id == old)).one()
        values: dict[str, Any] = {"assignee": was.assignee, "change": next_change}
        if was.status == "investigating":
            values["status"] = was.status
        self._connection.execute(findings.update().where(findings.c.id == new).values(values))
        note = {"finding_id": new, "at": at, "author": "gridtrail", "text": f"Was part of {old}."}
        self._connection.execute(finding_notes.insert().values(note))

    def _own(self, finding: Finding) -> None:
        table = finding_anomalies
        ids = [storable(one) for one in finding.event_ids]
        gone = table.delete().where(table.c.finding_id == finding.id)
        self._connection.execute(gone)
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            taken = table.delete().where(table.c.org == finding.org, table.c.event_id.in_(batch))
            self._connection.execute(taken)
        rows = [{"org": finding.org, "event_id": one, "finding_id": finding.id} for one in ids]
        if rows:
            self._connection.execute(table.insert(), rows)


def changes_after(connection: sa.Connection, number: int, most: int) -> list[Change]:
    """The first `most` findings that changed after the change `number`, in the order of their last
    change. One that changed again later comes again later, as it is then."""
    later = findings.select().where(findings.c.change > number).order_by(findings.c.change)
    rows = connection.execute(later.limit(most)).all()
    return [Change(row.change, _finding(row), row.merged_into) for row in rows]


def change_of(connection: sa.Connection, finding_id: str) -> Change | None:
    """The finding with exactly this id, with its last change; None when there is none."""
    row = connection.execute(findings.select().where(findings.c.id == finding_id)).one_or_none()
    return None if row is None else Change(row.change, _finding(row), row.merged_into)


def list_findings(store: FindingStore, filters: FindingFilters | None = None) -> list[Finding]:
    """The findings of `store` that pass `filters`, worst first."""
    return store.select(filters)


def _computed(finding: Finding) -> dict[str, Any]:
    return {
        "org": finding.org,
        "first_seen": finding.first_seen,
        "last_seen": finding.last_seen,
        "score": finding.score,
        "severity": finding.severity,
        "severity_rank": severity_rank(finding.severity),
        "actor": storable(finding.actor_ids[0]) if finding.actor_ids else None,
        "events": len(finding.event_ids),
        "body": finding.to_json(),
    }


def _finding(row: Any) -> Finding:
    finding = replace(
        Finding.from_json(row.body),
        status=row.status,
        verdict=row.verdict,
        assignee=row.assignee,
        verdict_reason=row.verdict_reason,
    )
    if row.decided_events is None or row.status != "closed" or row.events <= row.decided_events:
        return finding
    # a verdict stands until a person changes it, but what came after it is not kept quiet
    more = row.events - row.decided_events
    first = (
        f"Look again: {more} more {'anomaly' if more == 1 else 'anomalies'} came after this was "
        f"closed (the score went from {row.decided_score:.1f} to {row.score:.1f})."
    )
    return replace(finding, advice=(first, *finding.advice))


def _row(connection: sa.Connection, id_or_prefix: str) -> Any:
    """The row with this id or unique prefix, a merged one followed to where it went."""
    exact = findings.select().where(findings.c.id == id_or_prefix)
    row = connection.execute(exact).one_or_none()
    if row is None:
        row = _by_prefix(connection, id_or_prefix)
    while row.merged_into is not None:
        row = connection.execute(findings.select().where(findings.c.id == row.merged_into)).one()
    return row


def _by_prefix(connection: sa.Connection, prefix: str) -> Any:
    matching = findings.c.id.startswith(prefix, autoescape=True)
    rows = connection.execute(
        findings.select().where(matching, findings.c.merged_into.is_(None)).limit(2)
    ).all()
    if not prefix or not rows:
        raise WrongUse(f"No finding has the id {prefix[:40]!r}: list them with `findings`.")
    if len(rows) > 1:
        raise WrongUse(f"More than one finding starts with {prefix[:40]!r}: give more of its id.")
    return rows[0]


def _listing(filters: FindingFilters) -> sa.Select[Any]:
    _check("status", filters.status, STATUSES)
    _check("verdict", filters.verdict, VERDICTS)
    _check("severity", filters.severity, SEVERITIES)
    query = findings.select().where(findings.c.merged_into.is_(None))
    for name in ("org", "status", "verdict", "assignee"):
        value = getattr(filters, name)
        if value is not None:
            query = query.where(findings.c[name] == value)
    if filters.severity is not None:
        query = query.where(findings.c.severity_rank >= severity_rank(filters.severity))
    if filters.oldest is not None:
        query = query.where(findings.c.last_seen >= filters.oldest)
    if filters.latest is not None:
        query = query.where(findings.c.first_seen <= filters.latest)
    return query


def _check(what: str, word: str | None, known: Iterable[str]) -> None:
    if word is not None and word not in known:
        raise WrongUse(f"There is no {what} {word[:40]!r}: use one of {', '.join(known)}.")
