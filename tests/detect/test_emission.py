"""Repetition: said at once, then with back-off, and nothing is lost count of."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.detect.budget import SUBJECT_A_DAY, TOKEN, Allowance
from gridtrail.detect.contract import DAY_SECONDS, Anomaly
from gridtrail.detect.emission import (
    FORGET_SECONDS,
    Candidate,
    Said,
    judge,
    still_remembered,
)

HOUR = 3600
WAITS = (HOUR, 4 * HOUR, DAY_SECONDS)


def candidate(
    at: int,
    *,
    key: str = "k",
    silenced: str | None = None,
    who: str = "W1",
    p_value: float = 1e-6,
) -> Candidate:
    """An anomaly at a second."""
    anomaly = Anomaly(
        reasons=("tor",),
        p_value=p_value,
        threshold=1,
        observed={},
        usual={},
        words="",
        query="",
        silent_if="",
        repeat_key=key,
        deciding_events=(f"e{at}",),
        silenced=silenced,
    )
    return Candidate(at, f"e{at}", who, "user", "tor", WAITS, anomaly)


def spoken(*times: int) -> list[tuple[int, int]]:
    """Second and occurrences of what is said of candidates at these seconds."""
    verdicts, _ = judge([candidate(at) for at in times], {})
    return [(v.candidate.at, v.occurrences) for v in verdicts if v.silenced is None]


def test_back_off() -> None:
    """The same thing is said at once, after one hour, after four more, and then once a day."""
    every_ten_minutes = range(0, 3 * DAY_SECONDS, 600)

    said = [at for at, _ in spoken(*every_ten_minutes)]

    assert said == [0, HOUR, 5 * HOUR, 5 * HOUR + DAY_SECONDS, 5 * HOUR + 2 * DAY_SECONDS]


def test_occurrences() -> None:
    """What is said stands for all that was held back since the last time."""
    assert spoken(0, 10, 20, HOUR) == [(0, 1), (HOUR, 3)]
    assert sum(n for _, n in spoken(*range(0, HOUR + 1, 600))) == 7


def test_news_again() -> None:
    """After two weeks of quiet the same thing begins anew."""
    later = FORGET_SECONDS + 5
    assert spoken(0, 10, later, later + HOUR) == [(0, 1), (later, 1), (later + HOUR, 1)]


def test_keys_are_apart() -> None:
    """Another person or another key is another thing."""
    verdicts, _ = judge([candidate(0), candidate(1, key="l"), candidate(2, who="W2")], {})

    assert [v.silenced for v in verdicts] == [None, None, None]


def test_silenced_leaves_no_trace() -> None:
    """What a list silences is listed with its reason and does not hold back what follows."""
    verdicts, state = judge([candidate(0, silenced="allowed"), candidate(5)], {})

    assert [v.silenced for v in verdicts] == ["allowed", None]
    assert state[candidate(5).key] == Said(5, 1, 0)


@given(st.lists(st.integers(0, 5 * DAY_SECONDS), max_size=40), st.integers(0, 5 * DAY_SECONDS))
def test_in_two_runs(times: list[int], cut: int) -> None:
    """Judging in two runs, in any order inside each, says what one run says."""
    once, after = judge([candidate(at) for at in times], {})
    parts = [[t for t in times if t < cut], [t for t in times if t >= cut]]
    state: dict[str, Said] = {}
    twice = []
    for part in parts:
        shuffled = random.Random(7).sample(part, len(part))
        verdicts, state = judge([candidate(at) for at in shuffled], state)
        twice += verdicts

    assert [(v.candidate.at, v.silenced, v.occurrences) for v in twice] == [
        (v.candidate.at, v.silenced, v.occurrences) for v in once
    ]
    assert state == after


@given(st.lists(st.integers(0, 30 * DAY_SECONDS), max_size=40))
def test_all_are_counted(times: list[int]) -> None:
    """Said occurrences and what is still held back add up to the candidates, unless forgotten."""
    verdicts, state = judge([candidate(at) for at in times], {})
    waiting = sum(said.held_back for said in state.values())
    told = sum(v.occurrences for v in verdicts)

    assert told + waiting <= len(times)
    assert len(verdicts) == len(times)
    if times and max(times) - min(times) < FORGET_SECONDS:
        assert told + waiting == len(times)


def test_memory_ends() -> None:
    """A state that can no longer matter is dropped at the day's start."""
    state = {"old": Said(0, 3, 2), "young": Said(FORGET_SECONDS, 1, 0)}

    assert still_remembered(state, FORGET_SECONDS + 1) == {"young": Said(FORGET_SECONDS, 1, 0)}


# floods -------------------------------------------------------------------------------------

BUDGET = {"tor": Allowance(12 * TOKEN, 1e-3)}


def crowd(count: int, p_value: float, *, at: int = 0) -> list[Candidate]:
    """An anomaly of each of many people, a minute apart."""
    return [candidate(at + 60 * n, who=f"W{n}", p_value=p_value) for n in range(count)]


def test_flood() -> None:
    """Of many alike the first are said; what is rarer is still said later; all are listed."""
    verdicts, _ = judge([*crowd(50, 5e-4), candidate(7000, who="W99")], {}, BUDGET)
    why = [verdict.silenced for verdict in verdicts]

    assert why[:7] == [None] * 7
    assert 7 <= why[:50].count(None) <= 9
    assert set(why[9:50]) == {"budget"}
    assert why[50] is None
    assert len(why) == 51


def test_a_broken_detector_ends() -> None:
    """However rare each is said to be, a day brings no more than a full store and its filling."""
    verdicts, _ = judge(crowd(500, 1e-30), {}, BUDGET)

    assert 12 <= [v.silenced for v in verdicts].count(None) <= 24


def test_one_incident_leaves_the_budget_to_others() -> None:
    """Many different anomalies of one person do not silence those of another."""
    incident = [candidate(n, key=f"k{n}") for n in range(100)]
    verdicts, _ = judge([*incident, candidate(200, who="W2", p_value=1e-5)], {}, BUDGET)
    why = [verdict.silenced for verdict in verdicts]

    assert why[:100].count(None) == SUBJECT_A_DAY
    assert why[100] is None


def test_a_flood_ends() -> None:
    """A day later as much can be said as before."""
    day = 60 * 50 + DAY_SECONDS
    verdicts, _ = judge([*crowd(50, 5e-4), *crowd(9, 5e-4, at=day)], {}, BUDGET)

    assert [v.silenced for v in verdicts][50:57] == [None] * 7


def test_what_the_budget_silenced_is_no_repetition() -> None:
    """The same thing is said as soon as there are tokens again."""
    later = candidate(60 * 49 + DAY_SECONDS, who="W49", p_value=5e-4)
    verdicts, _ = judge([*crowd(50, 5e-4), later], {}, BUDGET)

    assert verdicts[49].silenced == "budget"
    assert (verdicts[50].silenced, verdicts[50].occurrences) == (None, 1)


_floods = st.lists(
    st.tuples(st.integers(0, 2 * DAY_SECONDS), st.integers(0, 9), st.sampled_from([5e-4, 5e-6])),
    max_size=60,
)


@given(_floods, st.integers(0, 2 * DAY_SECONDS))
def test_floods_in_two_runs(found: list[tuple[int, int, float]], cut: int) -> None:
    """A flood judged in increments, forgetting what no longer matters, is judged as in one run."""
    given_ = [candidate(at, key=str(n), who=f"W{n}", p_value=p) for at, n, p in found]
    once, _ = judge(given_, {}, BUDGET)
    first, state = judge([c for c in given_ if c.at < cut], {}, BUDGET)
    kept = still_remembered(state, cut - cut % DAY_SECONDS)
    second, _ = judge(reversed([c for c in given_ if c.at >= cut]), kept, BUDGET)

    assert [v.silenced for v in first + second] == [v.silenced for v in once]
