"""What is sent: one record as one line of JSON, and batches of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gridtrail.forward.position import Position

_QUIET_ROWS = 20_000
"""After so many rows that are not wanted the position is kept all the same."""


@dataclass(frozen=True, slots=True)
class Sendable:
    """One record; `line` is its JSON (ASCII, one line), `at` seconds since the epoch."""

    org: str
    id: str
    at: int
    line: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that was not sent and why: it cannot be converted, or the far side refuses it."""

    org: str
    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Step:
    """One row passed: the record to send, or why not (neither: it is not wanted), and the position
    behind it."""

    after: Position
    record: Sendable | None = None
    refusal: Refusal | None = None


@dataclass(slots=True)
class Batch:
    """Records to send together, from `start` to `end` (exclusive, inclusive)."""

    start: Position
    end: Position
    records: list[Sendable] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0


def batches(
    steps: Iterable[Step], start: Position, *, most_events: int, most_bytes: int
) -> Iterator[Batch]:
    """`steps` in batches that hold at most so much; a larger record goes alone.

    Only one batch is held at a time. `start` is the position before the first step.
    """
    batch = Batch(start, start)
    for step in steps:
        size = len(step.record.line) + 1 if step.record is not None else 0
        if batch.records and (
            len(batch.records) >= most_events or (size and batch.bytes + size > most_bytes)
        ):
            yield batch
            batch = Batch(batch.end, batch.end)
        _add(batch, step, size)
        if not batch.records and batch.rows >= _QUIET_ROWS:
            yield batch
            batch = Batch(batch.end, batch.end)
    if batch.rows:
        yield batch


def _add(batch: Batch, step: Step, size: int) -> None:
    batch.rows += 1
    batch.end = step.after
    batch.bytes += size
    if step.record is not None:
        batch.records.append(step.record)
    if step.refusal is not None:
        batch.refusals.append(step.refusal)
