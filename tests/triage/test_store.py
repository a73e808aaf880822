"""Findings in the store: kept, found, decided, noted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gridtrail.errors import WrongUse
from gridtrail.state.database import open_state
from gridtrail.triage.finding import Finding
from gridtrail.triage.store import (
    FindingFilters,
    FindingStore,
    Note,
    changes_after,
    list_findings,
)

ONE = Finding(
    id="Fa1",
    org="E0ACME",
    title="Ünïcode “title”",
    narrative="What happened.",
    score=28.173,
    severity="high",
    actor_ids=("W0MATT",),
    session_ids=("1",),
    ips=("198.51.100.20",),
    reasons=("tor", "user_agent"),
    first_seen=100,
    last_seen=200,
    event_ids=("x", "y"),
    context={"files": {"listed": [{"name": "a"}]}, "counts": {}},
    history={"days": 30},
    advice=("Do this.",),
)
TWO = replace(
    ONE, id="Fa2", severity="low", score=40.0, actor_ids=("W0ANN",), reasons=(), event_ids=("z",),
    first_seen=300, last_seen=400,
)  # fmt: skip


@pytest.fixture
def store(state_place: Path | str) -> Iterator[FindingStore]:
    with FindingStore(state_place) as opened:
        save(opened, ONE, TWO)
        yield opened


def save(store: FindingStore, *found: Finding) -> None:
    with store.update() as update:
        for one in found:
            update.save(one)


def test_a_finding_comes_back_as_it_was(store: FindingStore, state_place: Path | str) -> None:
    """Every field survives the file, also in another process's store."""
    assert store.get("Fa1") == ONE
    with FindingStore(state_place) as again:
        assert again.get("Fa1").to_json() == ONE.to_json()


def test_the_worst_comes_first(store: FindingStore) -> None:
    """Severity ranks before the score."""
    assert [one.id for one in list_findings(store)] == ["Fa1", "Fa2"]


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (FindingFilters(severity="medium"), ["Fa1"]),
        (FindingFilters(actor="W0ANN"), ["Fa2"]),
        (FindingFilters(reason="tor"), ["Fa1"]),
        (FindingFilters(org="E0OTHER"), []),
        (FindingFilters(oldest=201), ["Fa2"]),
        (FindingFilters(latest=299), ["Fa1"]),
        (FindingFilters(oldest=200, latest=300), ["Fa1", "Fa2"]),
        (FindingFilters(status="closed"), []),
        (FindingFilters(limit=1), ["Fa1"]),
    ],
)
def test_filters(store: FindingStore, filters: FindingFilters, ids: list[str]) -> None:
    """Each filter lets through what it names."""
    assert [one.id for one in list_findings(store, filters)] == ids


def test_verdict_and_notes_survive_a_new_triage(store: FindingStore) -> None:
    """What people decided stays when the finding is computed again."""
    store.decide("Fa1", verdict="false_positive")
    store.add_note("Fa1", "dana", "a test", at=7)
    save(store, replace(ONE, title="New title", status="open", verdict=None))
    again = store.get("Fa1")
    assert (again.title, again.status, again.verdict) == ("New title", "closed", "false_positive")
    assert again.advice == ONE.advice
    assert store.notes("Fa1") == [Note(7, "dana", "a test")]
    assert [one.id for one in store.select(FindingFilters(verdict="false_positive"))] == ["Fa1"]


def test_what_comes_after_a_verdict_is_not_kept_quiet(store: FindingStore) -> None:
    """A closed finding that grows says so first; opened again, it does not any more."""
    store.decide("Fa1", verdict="expected")
    save(store, replace(ONE, score=60.0, event_ids=("x", "y", "late")))
    assert store.get("Fa1").advice[0].startswith("Look again: 1 more anomaly came after")
    opened = store.decide("Fa1", status="investigating")
    assert (opened.status, opened.verdict, opened.advice) == ("investigating", None, ONE.advice)


def test_a_unique_prefix_is_enough(store: FindingStore) -> None:
    """A prefix of one id finds it; of two, none, or nothing is refused with the next step."""
    assert store.get("Fa2").id == "Fa2"
    for wrong in ("Fa", "", "G", "%", "F_1"):
        with pytest.raises(WrongUse, match="id"):
            store.get(wrong)


def test_unknown_words_are_refused_with_the_known_ones(store: FindingStore) -> None:
    """A wrong status, verdict or severity names what exists."""
    with pytest.raises(WrongUse, match="open, investigating, closed"):
        store.decide("Fa1", status="done")
    with pytest.raises(WrongUse, match="true_positive, expected, false_positive"):
        store.decide("Fa1", verdict="benign")
    with pytest.raises(WrongUse, match="low, medium, high, critical"):
        store.select(FindingFilters(severity="urgent"))


def test_a_failed_update_leaves_nothing(store: FindingStore) -> None:
    """One triage is one transaction: when it breaks off, the store is as before."""

    def break_off() -> None:
        with store.update() as update:
            update.save(replace(ONE, title="half"))
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    assert store.get("Fa1") == ONE


def test_a_merge_moves_notes_and_keeps_the_old_id_readable(store: FindingStore) -> None:
    """The absorbed finding's notes and investigation go on, its verdict does not."""
    store.add_note("Fa2", "dana", "hm", at=1)
    store.decide("Fa2", status="investigating")
    with store.update() as update:
        update.save(replace(ONE, event_ids=("x", "y", "z")))
        update.merge("Fa2", "Fa1")
    assert store.get("Fa2").id == "Fa1"
    assert store.get("Fa1").status == "investigating"
    assert [note.text for note in store.notes("Fa1")] == ["hm"]
    assert [one.id for one in store.select()] == ["Fa1"]


def test_a_verdict_has_its_reason(store: FindingStore) -> None:
    """The reason goes with the verdict: kept by a new triage, gone with a new verdict."""
    one = store.decide("Fa1", verdict="expected", reason="agreed with sales\0")
    assert (one.verdict, one.verdict_reason) == ("expected", "agreed with sales\ufffd")
    save(store, replace(ONE, title="New"))
    assert store.get("Fa1").verdict_reason == "agreed with sales\ufffd"
    assert store.decide("Fa1", reason="asked again").verdict_reason == "asked again"
    assert store.decide("Fa1", verdict="true_positive").verdict_reason is None
    with pytest.raises(WrongUse, match="give a verdict"):
        store.decide("Fa2", reason="why")
    assert store.decide("Fa1", status="open").verdict is None


def test_somebody_looks_after_a_finding(store: FindingStore) -> None:
    """An assignee stays when the finding is computed again, can be found by, and be taken away."""
    assert store.assign("Fa1", "dana").assignee == "dana"
    save(store, ONE)
    assert [one.id for one in store.select(FindingFilters(assignee="dana"))] == ["Fa1"]
    with store.update() as update:
        update.merge("Fa1", "Fa2")
    assert store.get("Fa2").assignee == "dana"
    assert store.assign("Fa2", None).assignee is None


def test_whoever_follows_the_changes_misses_none(
    store: FindingStore, state_place: Path | str
) -> None:
    """Making, deciding, assigning, merging and splitting each come up again, in their order; what
    did not change does not, and of several changes only the last is there."""
    engine = open_state(state_place)

    def after(number: int) -> list[tuple[str, str, str | None]]:
        with engine.connect() as connection:
            found = changes_after(connection, number, 10)
        seen.append(max((one.number for one in found), default=number))
        return [(one.finding.id, one.finding.status, one.merged_into) for one in found]

    seen: list[int] = []
    assert after(0) == [("Fa1", "open", None), ("Fa2", "open", None)]
    assert after(seen[-1]) == []
    store.decide("Fa2", status="investigating")
    store.assign("Fa1", "dana")
    store.decide("Fa2", verdict="expected")
    assert after(seen[-2]) == [("Fa1", "open", None), ("Fa2", "closed", None)]
    with store.update() as update:
        update.merge("Fa2", "Fa1")
    assert after(seen[-1]) == [("Fa2", "closed", "Fa1"), ("Fa1", "open", None)]
    with store.update() as update:
        update.split("Fa1", "Fa2", 5)
    assert after(seen[-1]) == [("Fa1", "open", None)]
    engine.dispose()
