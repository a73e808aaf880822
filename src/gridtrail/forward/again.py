"""Sending again what a target did not get: refused for good, or not to be converted then.

It asks for what stands in the list of left-out records, whatever the position is, so it may run
beside the process that sends what is new. What is taken leaves the list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

from gridtrail.errors import GridtrailError
from gridtrail.forward.halving import Halving, NoneTaken
from gridtrail.forward.record import Refusal, Sendable
from gridtrail.forward.run import Sent, source_of
from gridtrail.forward.source import Source
from gridtrail.forward.store import ForwardStore, RefusedRecord
from gridtrail.forward.ways.open import open_way
from gridtrail.forward.ways.way import Way
from gridtrail.lake.lake import Lake
from gridtrail.lake.only_one import only_one
from gridtrail.settings import Settings
from gridtrail.settings_forward import ForwardSettings

_GONE = "It is no longer there, or the target no longer wants it."


def send_again(
    lake: Lake,
    settings: Settings,
    chosen: Sequence[ForwardSettings],
    *,
    tell: Callable[[str], None] = lambda _text: None,
) -> Iterator[Sent]:
    """Send each of the `chosen` the records that it did not get, once; what it still refuses is
    told with its reason and stays in the list."""
    for target in chosen:
        busy = f"Another process sends to {target.name} again: wait for it."
        records, refused, error = 0, 0, None
        try:
            with (
                only_one(lake.home, f"forward-again-{target.name}", busy),
                ForwardStore(settings.state) as store,
            ):
                records, refused = _target(lake, settings, target, store, tell)
        except GridtrailError as failed:
            error = failed
        yield Sent(target.name, records, refused, error)


def _target(
    lake: Lake,
    settings: Settings,
    target: ForwardSettings,
    store: ForwardStore,
    tell: Callable[[str], None],
) -> tuple[int, int]:
    """How many records were taken and how many were not."""
    listed = store.refused(target.name, limit=None)
    if not listed:
        return 0, 0
    source, way = source_of(lake, store, target), open_way(target, settings.data)
    taken = refused = 0
    try:
        for begin in range(0, len(listed), target.most_events):
            part = listed[begin : begin + target.most_events]
            sendable, refusals = _read(source, part)
            refusals += _send(way, sendable)
            not_taken = {(one.org, one.id) for one in refusals}
            given = [(one.org, one.id) for one in part if (one.org, one.id) not in not_taken]
            store.given(target.name, given)
            for one in refusals:
                tell(f"The target {target.name} does not get {one.id}: {one.why}")
            taken, refused = taken + len(given), refused + len(refusals)
    finally:
        way.close()
    return taken, refused


def _read(source: Source, listed: Sequence[RefusedRecord]) -> tuple[list[Sendable], list[Refusal]]:
    """What can be sent now, and why the rest cannot."""
    sendable: list[Sendable] = []
    refusals: list[Refusal] = []
    for one in listed:
        step = source.one(one.org, one.id)
        if step is not None and step.record is not None:
            sendable.append(step.record)
        else:
            refusal = None if step is None else step.refusal
            refusals.append(refusal or Refusal(one.org, one.id, _GONE))
    return sendable, refusals


def _send(way: Way, records: list[Sendable]) -> list[Refusal]:
    if not records:
        return []
    ids = " ".join(f"{one.org} {one.id}" for one in records)
    name = f"again-{hashlib.sha256(ids.encode()).hexdigest()[:16]}"
    try:
        return Halving(way, name).send(records)
    except NoneTaken as none:
        if len(none.refusals) < len(records):
            raise
        return none.refusals
