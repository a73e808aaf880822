"""What is said, and how often: repetition with back-off. Nothing here changes what is learned.

The same thing (a detector's `repeat_key`) is said at once, then again only after the detector's
waiting times (by default 1 h, 4 h, then every 24 h, as it goes on). What is held back in between
is counted and stands as `occurrences` on the next one that is said, and each is listed as
silenced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gridtrail.detect.contract import DAY_SECONDS, Anomaly

FORGET_SECONDS = 14 * DAY_SECONDS
"""After this long without it, the same thing is news again."""


@dataclass(frozen=True, slots=True)
class Said:
    """When a key was last said (seconds), how often in a row, and what was held back since."""

    last_at: int
    times: int
    held_back: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """An anomaly with its place in time; `subject` and `event_id` name what decided it."""

    at: int  # seconds
    event_id: str
    subject: str
    subject_type: str
    detector: str
    repeat_seconds: tuple[int, ...]
    anomaly: Anomaly

    @property
    def key(self) -> str:
        """What counts as the same thing again."""
        return f"{self.detector}\x1f{self.subject}\x1f{self.anomaly.repeat_key}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A candidate, whether it is emitted, why not, and how many it stands for."""

    candidate: Candidate
    silenced: str | None
    occurrences: int


def judge(
    candidates: Iterable[Candidate], before: Mapping[str, Said]
) -> tuple[list[Verdict], dict[str, Said]]:
    """Verdicts in order of time, and the state after them; `before` stays as it is."""
    state = dict(before)
    verdicts = []
    for candidate in sorted(candidates, key=lambda c: (c.at, c.event_id, c.detector, c.key)):
        if candidate.anomaly.silenced:
            verdicts.append(Verdict(candidate, candidate.anomaly.silenced, 0))
            continue
        said = state.get(candidate.key)
        if said is None or candidate.at - said.last_at >= FORGET_SECONDS:
            state[candidate.key] = Said(candidate.at, 1, 0)
            verdicts.append(Verdict(candidate, None, 1))
        elif candidate.at - said.last_at >= _wait(candidate.repeat_seconds, said.times):
            state[candidate.key] = Said(candidate.at, said.times + 1, 0)
            verdicts.append(Verdict(candidate, None, said.held_back + 1))
        else:
            state[candidate.key] = Said(said.last_at, said.times, said.held_back + 1)
            verdicts.append(Verdict(candidate, "repeated", 0))
    return verdicts, state


def _wait(repeat_seconds: Sequence[int], times: int) -> int:
    return repeat_seconds[min(times, len(repeat_seconds)) - 1]


def still_remembered(state: Mapping[str, Said], day_start: int) -> dict[str, Said]:
    """The part of the state that can matter on the day beginning at `day_start` (seconds)."""
    return {k: s for k, s in state.items() if day_start - s.last_at < FORGET_SECONDS}
