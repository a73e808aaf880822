"""Delivering to one target: batch by batch, each kept as done when the far side has it.

At least once: the position moves only after the far side has the batch, so whatever happens in
between, the batch is sent again. A target that fails is tried again with growing pauses, and
holds nobody else up. What it refuses for good is looked for by halves, told, and left out; when it
refuses everything the fault is hardly in the records. It is asked again then, with what has come
since: a single record that is taken proves the others at fault. Where nothing comes, a few that
were refused for long by a target that took others before are left out too (`_PATIENCE_SECONDS`);
they can be sent again (`gridtrail.forward.again`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from gridtrail.errors import RetryLater
from gridtrail.forward.halving import MOST_REFUSED, REFUSING, Halving, NoneTaken
from gridtrail.forward.position import Position
from gridtrail.forward.record import Batch, Refusal, batches
from gridtrail.forward.source import Lag, Source
from gridtrail.forward.store import ForwardStore
from gridtrail.forward.ways.way import Busy, Closed, Way
from gridtrail.settings_forward import ForwardSettings

_FIRST_PAUSE = 1.0
_PATIENCE_SECONDS = 900
"""So long a few records that are refused, and nothing else, hold up what comes after them."""

Wait = Callable[[float], bool]
"""Waits so many seconds, or until it shall end; whether it shall end."""


class _ReadAnew(Exception):
    """What was to be sent is to be read again: more may have come."""


class Ended(Exception):
    """It shall end; what is not kept as done is sent again next time."""


@dataclass(slots=True)
class Fare:
    """How a target fares now, for the metrics; read by other threads."""

    failing: bool = False
    why: str = ""
    sent: int = 0
    refused: int = 0
    rows_behind: int = 0
    behind_since: float | None = None  # seconds since the epoch

    def saw(self, lag: Lag) -> None:
        """It is so far behind."""
        self.rows_behind, self.behind_since = lag.rows, lag.since

    def seconds_behind(self) -> float:
        """How long the oldest record waits; 0 when none does."""
        return Lag(self.rows_behind, self.behind_since).seconds


class Delivery:
    """Brings the records of `source` by `way` to the target of `settings`.

    `attempts` is how often a batch is tried before RetryLater is raised; 0 is for ever.
    """

    def __init__(
        self,
        settings: ForwardSettings,
        source: Source,
        way: Way,
        store: ForwardStore,
        *,
        wait: Wait,
        fare: Fare | None = None,
        attempts: int = 0,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._settings = settings
        self._source = source
        self._way = way
        self._store = store
        self._wait = wait
        self._attempts = attempts
        self._tell = tell
        self.fare = Fare() if fare is None else fare

    def catch_up(self, *, partial: bool = True) -> int:
        """Send what there is now; the number of records sent.

        Without `partial` a batch that is not full yet waits as the settings say. Raises RetryLater
        when the far side did not take a batch in all attempts, Ended when it shall end.
        """
        name = self._settings.name
        kept = self._store.get(name)
        if kept is None:
            kept = self._store.begin(name, self._source.beginning())
        self.fare.saw(self._source.lag(kept.position))
        if not partial and not self._is_due():
            return 0
        before, reading = self.fare.sent, True
        while reading:
            try:
                self._send_from(kept.position)
                reading = False
            except _ReadAnew:
                kept = self._store.get(name) or kept
        self.fare.saw(Lag(0, None))
        return self.fare.sent - before

    def _send_from(self, position: Position) -> None:
        limits = {
            "most_events": self._settings.most_events,
            "most_bytes": self._settings.most_bytes,
        }
        for batch in batches(self._source.steps(position), position, **limits):
            self._deliver(batch)
            if self._wait(0):
                raise Ended

    def _is_due(self) -> bool:
        if not self.fare.rows_behind:
            return True  # at most the position moves
        since = self.fare.behind_since
        old = since is None or time.time() - since >= self._settings.patience
        return old or self.fare.rows_behind >= self._settings.most_events

    def _deliver(self, batch: Batch) -> None:
        refusals = list(batch.refusals)
        taken = 0
        if batch.records:
            refused = self._send_patiently(batch)
            refusals += refused
            taken = len(batch.records) - len(refused)
        for one in refusals:
            self._tell(f"The target {self._settings.name} does not get {one.id}: {one.why}")
        self._store.advance(self._settings.name, batch.end, sent=taken, refusals=refusals)
        self.fare.failing, self.fare.why = False, ""
        self.fare.sent += taken
        self.fare.refused += len(refusals)
        self.fare.rows_behind = max(0, self.fare.rows_behind - batch.rows)

    def _send_patiently(self, batch: Batch) -> list[Refusal]:
        """Send until it is taken; the records that are refused for good."""
        pause, tried = _FIRST_PAUSE, 0
        while True:
            try:
                return Halving(self._way, batch.start.name).send(batch.records)
            except RetryLater as error:
                if isinstance(error, NoneTaken) and self._at_fault(batch, error):
                    return error.refusals
                tried += 1
                self._failed(error)
                self.fare.saw(self._source.lag(batch.start))
                # in a single run nobody waits for a person to mend it
                if self._attempts and (tried >= self._attempts or isinstance(error, Closed)):
                    raise
                longest = self._settings.longest_pause_seconds
                pause = longest if isinstance(error, Closed) else min(pause, longest)
                asked = error.after if isinstance(error, Busy) else None
                if self._wait(asked or pause * random.uniform(0.5, 1.0)):  # noqa: S311
                    raise Ended from None
                if isinstance(error, NoneTaken):
                    raise _ReadAnew from None
                pause *= 2

    def _at_fault(self, batch: Batch, refused: NoneTaken) -> bool:
        """Whether it is the records after all: a few, refused for long, where others were taken."""
        kept = self._store.get(self._settings.name)
        if kept is None or kept.last_sent_at is None or kept.failing_since is None:
            return False
        if len(refused.refusals) < len(batch.records) or not kept.why.startswith(REFUSING):
            return False
        already = self._store.left_out_since(self._settings.name, kept.last_sent_at)
        few = already + len(batch.records) < MOST_REFUSED
        return few and time.time() - kept.failing_since >= _PATIENCE_SECONDS

    def _failed(self, error: RetryLater) -> None:
        new = self.fare.why != str(error)
        self.fare.failing, self.fare.why = True, str(error)
        if new:
            self._tell(str(error))
        kept = self._store.get(self._settings.name)
        was_refusing = kept is not None and kept.why.startswith(REFUSING)
        anew = isinstance(error, NoneTaken) and not was_refusing
        self._store.failing(self._settings.name, str(error), anew=anew)
