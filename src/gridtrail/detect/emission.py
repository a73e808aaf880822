"""What is said, and how often. Nothing here changes what is learned.

In this order: what the allow list names is not said (`allow`); the same thing (a detector's
`repeat_key`) is said at once, then again only after the detector's waiting times (by default 1 h,
4 h, then every 24 h, as it goes on); in a flood only the rarest is said (`budget`). What repetition
holds back is counted and stands as `occurrences` on the next one that is said. Each that is not
said is listed as silenced, with the reason.

Candidates are judged in order of time, each by what was said before it, so that one run and many
increments say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gridtrail.detect.budget import BUDGET, TOKEN, Allowance, Store, of_one_subject
from gridtrail.detect.contract import DAY_SECONDS, Anomaly
from gridtrail.detect.nominal import Nominal

REPEATED = "repeated"
"""Why an anomaly was silenced."""
_STORE = "\x1e"  # no name of a detector begins so
FORGET_SECONDS = 14 * DAY_SECONDS
"""After this long without it, the same thing is news again."""


@dataclass(frozen=True, slots=True)
class Said:
    """When a key was last said (seconds), how often in a row, and what was held back since.

    Stores of the budget are kept beside, under keys of their own: `times` is then what is left.
    """

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
    nominal: Nominal | None = None  # what its threshold was made for

    @property
    def key(self) -> str:
        """What counts as the same thing again."""
        return f"{self.detector}\x1f{self.subject}\x1f{self.anomaly.repeat_key}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A candidate, whether it is emitted, why not, and how many it stands for.

    `late` says that its second had been decided before its events were there (see `late`).
    """

    candidate: Candidate
    silenced: str | None
    occurrences: int
    late: bool = False


def judge(
    candidates: Iterable[Candidate],
    before: Mapping[str, Said],
    budget: Mapping[str, Allowance] | None = None,
) -> tuple[list[Verdict], dict[str, Said]]:
    """Verdicts in order of time, and the state after them; `before` stays as it is.

    `budget` gives the allowance of each detector for the day; without it nothing is a flood.
    """
    state = dict(before)
    verdicts = []
    for candidate in sorted(candidates, key=lambda c: (c.at, c.event_id, c.detector, c.key)):
        allowance = None if budget is None else budget[candidate.detector]
        verdicts.append(_judge_one(candidate, state, allowance))
    return verdicts, state


def _judge_one(
    candidate: Candidate, state: dict[str, Said], allowance: Allowance | None
) -> Verdict:
    if candidate.anomaly.silenced:
        return Verdict(candidate, candidate.anomaly.silenced, 0)
    said = state.get(candidate.key)
    if said is not None and candidate.at - said.last_at >= FORGET_SECONDS:
        said = None
    if said and candidate.at - said.last_at < _wait(candidate.repeat_seconds, said.times):
        state[candidate.key] = Said(said.last_at, said.times, said.held_back + 1)
        return Verdict(candidate, REPEATED, 0)
    if allowance is not None and not _spend(candidate, state, allowance):
        return Verdict(candidate, BUDGET, 0)
    times, held_back = (said.times, said.held_back) if said else (0, 0)
    state[candidate.key] = Said(candidate.at, times + 1, 0)
    return Verdict(candidate, None, held_back + 1)


def _spend(candidate: Candidate, state: dict[str, Said], allowance: Allowance) -> bool:
    """Take a token from the stores of the subject and of the detector, if both have one for an
    anomaly of this rarity."""
    name = f"{_STORE}{candidate.detector}"
    stores = {name: allowance, f"{name}\x1f{candidate.subject}": of_one_subject(allowance)}
    left = {}
    for key, part in stores.items():
        kept = state.get(key)
        store = None if kept is None else Store(kept.last_at, kept.times)
        left[key] = part.filled(store, candidate.at)
        if not part.says(left[key], candidate.anomaly.p_value):
            return False
    state.update({key: Said(candidate.at, tokens - TOKEN, 0) for key, tokens in left.items()})
    return True


def _wait(repeat_seconds: Sequence[int], times: int) -> int:
    return repeat_seconds[min(times, len(repeat_seconds)) - 1]


def still_remembered(state: Mapping[str, Said], day_start: int) -> dict[str, Said]:
    """The part of the state that can matter on the day beginning at `day_start` (seconds).

    A store of the budget is full again after a day, as one that was never used.
    """
    ages = {key: day_start - said.last_at for key, said in state.items()}
    return {
        key: state[key]
        for key, age in ages.items()
        if age < (DAY_SECONDS if key.startswith(_STORE) else FORGET_SECONDS)
    }
