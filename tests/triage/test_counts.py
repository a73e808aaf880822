"""Counts of a person against that person's and the organization's history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from gridtrail.triage.anomaly import DAY_SECONDS, Raised
from gridtrail.triage.counts import Counts
from gridtrail.triage.finding import Finding
from gridtrail.triage.reasons import families_of

Acme = Any
Triaged = Callable[..., list[Finding]]

REASON = "excessive_downloads"


class Looked:
    """Thirty people for a hundred days."""

    def days(self, day: int) -> int:
        return day

    def own_days(self, actor: str | None, day: int) -> int:
        return day

    def users(self, day: int) -> int:
        return 30


def raised(actor: str, *days: int, kind: str = REASON, level: str = "") -> list[Raised]:
    return [
        Raised("E0", f"{actor}{n}", day * DAY_SECONDS + n, actor, families_of([kind]),
               kinds=(kind,), level=level)
        for n, day in enumerate(days)
    ]  # fmt: skip


def test_four_where_nobody_had_more_than_three() -> None:
    """The first four of a day ever: said so, with the most before and the probabilities."""
    before = raised("ANN", 50, 50, 50, 51)
    today = raised("MATT", 100, 100, 100, 100)
    day, week = sorted(Counts([*before, *today]).rows(today, Looked()), key=lambda row: row["days"])
    assert (day["count"], day["person_most"], day["organization_most"]) == (4, 0, 3)
    assert day["first_ever"]
    assert day["organization_probability"] == pytest.approx(1 / 3001, rel=1e-3)
    assert (week["organization_most"], week["first_ever"]) == (4, False)
    assert week["organization_probability"] == pytest.approx(2 / 3001, rel=1e-3)


def test_the_probability_is_a_negative_binomial() -> None:
    """Own rate, shrunk to the organization's, which is shrunk to what is nominal."""
    today = raised("MATT", 100, 100)
    (row,) = Counts([*raised("MATT", 3, 9), *today]).rows(today, Looked(), (1,))
    rate = (2 + 0.005 * 0.25 * 2_000) / (3_000 + 2_000)
    expected = nbinom.sf(1, 2 + 30 * rate, 130 / 131)
    assert row["probability"] == pytest.approx(expected, rel=1e-3)


def test_who_often_has_it_surprises_less() -> None:
    """The same count is likelier for somebody with a history of it."""
    today = [*raised("MATT", 100, 100), *raised("ANN", 100, 100)]
    before = raised("ANN", *range(40, 90, 5))
    rows = Counts([*before, *today]).rows(today, Looked(), (1,))
    assert [row["actor"] for row in rows] == ["MATT", "ANN"]
    assert rows[0]["probability"] < rows[1]["probability"] / 10


def test_hits_of_rules_are_counted_by_rule() -> None:
    """A rule's hits are a kind of their own, judged by the rate of its level."""
    hits = raised("MATT", 100, 100, kind="rule:spray", level="high")
    (row,) = Counts(hits).rows(hits, Looked(), (3,))
    assert (row["reason"], row["count"], row["days"]) == ("rule:spray", 2, 3)
    assert row["probability"] < 1e-4


@given(st.lists(st.integers(60, 99), max_size=12), st.integers(1, 40))
def test_windows_are_as_counted_by_hand(days: list[int], window: int) -> None:
    """The most in a window of any length is that of trying every window."""
    before, today = raised("ANN", *days), raised("MATT", 100)
    (row,) = Counts([*before, *today]).rows(today, Looked(), (window,))
    ends = [sum(end - window < day <= end for day in days) for end in range(100)]
    assert row["organization_most"] == max(ends, default=0)


def test_a_finding_says_what_nobody_ever_had(acme: Acme, triaged: Triaged) -> None:
    """Counts by reason are in the history, and the first time ever is told."""
    ann = {"actor_id": "W0ANN", "actor_name": "Ann"}
    before = [acme.anomaly(f"a{n}", acme.NOON - 9 * acme.DAY + n, REASON, **ann) for n in range(3)]
    found = triaged(
        acme.usual() + before + [acme.anomaly(f"m{n}", acme.NOON + n, REASON) for n in range(4)]
    )
    (matt,) = [one for one in found if one.actor_ids == ("W0MATT",)]
    rows = {row["days"]: row for row in matt.history["by_reason"]}
    assert (rows[1]["count"], rows[1]["organization_most"], rows[7]["first_ever"]) == (4, 3, True)
    assert "first time ever that anyone had 4 × unusually many downloads in a day" in matt.narrative
    (other,) = [one for one in found if one.actor_ids == ("W0ANN",)]
    assert "first time ever" not in other.narrative
