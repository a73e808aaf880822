"""Which stricter threshold spares people most, and the whole way from verdicts to peace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.detect import stage
from gridtrail.detect.cases import Act, Life, act_events
from gridtrail.detect.run import detect
from gridtrail.detectors.excessive_downloads import DETECTOR
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lab.stricter import HALVINGS, Says, loosest, tried
from gridtrail.lake.lake import Lake
from gridtrail.respond.thresholds import ThresholdStore, draft
from gridtrail.settings import LEAST_NOMINAL, DetectSettings
from gridtrail.triage.run import triage
from gridtrail.triage.store import FindingStore
from gridtrail.triage.verdicts import Judged, Proposal, Wish, from_verdicts

ANN, BEN, CAT = (Judged(f"F{name}", True, name, 7) for name in ("ANN", "BEN", "CAT"))
MATT = Judged("FMATT", False, "MATT", 9)


def says_until(**limits: float) -> Says:
    """What is said of each person as long as the number is at least theirs."""
    days = {one.subject: one.day for one in (ANN, BEN, CAT, MATT)}
    return lambda number: {
        (who, days[who]) for who, limit in limits.items() if number is None or number >= limit
    }


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        # the first halving that spares all is enough
        ({"ANN": 0.5, "BEN": 0.4, "CAT": 0.31, "MATT": 0.0}, (0.3, "ANN BEN CAT")),
        # going on spares one more
        ({"ANN": 0.5, "BEN": 0.4, "CAT": 0.1, "MATT": 0.0}, (0.075, "ANN BEN CAT")),
        # the last one cannot be had without losing a true positive
        ({"ANN": 0.5, "BEN": 0.4, "CAT": 0.1, "MATT": 0.1}, (0.3, "ANN BEN")),
        # the first step loses one already
        ({"ANN": 0.5, "BEN": 0.4, "CAT": 0.4, "MATT": 0.4}, None),
        # one alone is no reason
        ({"ANN": 0.5, "BEN": 0.0, "CAT": 0.0, "MATT": 0.0}, None),
        # who is not said now is not spared by a threshold
        ({"ANN": 0.5, "MATT": 0.0}, None),
        ({"ANN": 0.5, "BEN": 0.4}, (0.3, "ANN BEN")),
    ],
)
def test_the_loosest_that_spares_most(
    limits: dict[str, float], expected: tuple[float, str] | None
) -> None:
    """The largest number that spares most of what is said now, and loses no true positive."""
    found = loosest(says_until(**limits), [ANN, BEN, CAT, MATT], 0.6)
    shown = None if found is None else (found[0], " ".join(one.subject for one in found[1]))
    assert shown == expected


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.floats(0.001, 100))
def test_nothing_true_is_lost(limits: list[float], in_force: float) -> None:
    """Whatever people's limits are, the true positive stays said and the number can be set."""
    names = ("ANN", "BEN", "CAT", "MATT")
    says = says_until(**{n: limit * in_force for n, limit in zip(names, limits, strict=True)})
    found = loosest(says, [ANN, BEN, CAT, MATT], in_force)
    if found is not None:
        number, spared = found
        assert LEAST_NOMINAL <= number < in_force
        assert number >= in_force / 2**HALVINGS * 0.9
        assert ("MATT", 9) in says(number)
        assert all((one.subject, one.day) not in says(number) for one in spared)
        assert len(spared) >= 2


class Acme:
    """A few people on ordinary days, detection of downloads alone, and what is decided of it."""

    def __init__(self, folder: Path) -> None:
        self.engine = DuckDB(threads=1)
        self.lake = Lake(folder / "lake", self.engine)
        self.settings = stage.stage_settings(folder / "settings")
        self.thresholds = ThresholdStore(self.settings.state)

    def live(self, first: int, last: int, **takes: int) -> None:
        """Ordinary days; on the last one these people take so many files within eight minutes."""
        acts = [
            Act(who, "file_downloaded", times=times, over="8m", at="14:00", day=last)
            for who, times in takes.items()
        ]
        events = [e for act in acts for e in act_events(act, LIFE)]
        stage.store(self.lake, [*LIFE.events(first, last), *events])

    def raised(self, day: int, **more: Any) -> list[tuple[str, str]]:
        """Of whom detection, which goes on to the end of the day, raises something, and who set
        the threshold."""
        now = stage.second_of(day + 1) - 1 + self.settings.detect.settle_seconds
        given = {"changes": [one.change for one in self.thresholds.all()]} | more
        report = detect(
            self.lake, self.engine, self.settings, detectors=[DETECTOR], now=now, **given
        )
        made_for = [
            (one.subject, json.loads(one.raw)["details"]["gridtrail"]["threshold_for"]["set_by"])
            for one in report.emitted
            if one.at >= stage.second_of(day)
        ]
        return sorted(made_for)

    def proposals(self, **verdicts: str) -> list[Proposal]:
        """What the verdicts on these people's findings propose for thresholds, tried."""
        triage(self.lake, self.engine, self.settings)
        with FindingStore(self.settings.state) as store:
            for one in store.select():
                store.decide(one.id, verdict=verdicts[one.actor_ids[0]])
            wished = from_verdicts(store, self.lake, self.settings, now=NOW)
        ready = [self.tried(one) for one in wished if one.wish is not None]
        return [one for one in ready if one is not None]

    def tried(self, proposal: Proposal) -> Proposal | None:
        """The proposal with its number."""
        detectors = [DETECTOR]
        return tried(self.lake, self.engine, self.settings, proposal, detectors=detectors, now=NOW)


LIFE = Life(people=5, days=4)
NOW = stage.second_of(60)


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Acme]:
    """Its first days are over: two took a few files, one took all; that is decided."""
    made = Acme(tmp_path)
    made.live(-LIFE.days, 0, ann=16, ben=16, cleo=900)
    made.raised(0)
    yield made
    made.thresholds.close()
    made.engine.close()


def test_from_verdicts_to_peace_and_back(acme: Acme) -> None:
    """The proposal spares the harmless and keeps what was true; put in force, the same is not
    raised again from its day on, and taken back, it is."""
    (stricter,) = acme.proposals(W0ANN="expected", W0BEN="false_positive", W0CLEO="true_positive")
    number = stricter.threshold["per_1000_users_day"]
    assert stricter.threshold == {
        "detector": DETECTOR.name, "org": stage.ORG, "per_1000_users_day": number,
    }  # fmt: skip
    assert stricter.toml == f"[detect.budgets]\n{DETECTOR.name} = {number:g}"
    assert DetectSettings(budgets={DETECTOR.name: number}).budgets
    assert (stricter.anomalies, len(stricter.silenced), stricter.true_positives) == (2, 2, ())

    change = draft(
        DETECTOR.name, number, names=[DETECTOR.name], org=stage.ORG, since=stage.second_of(1),
        by="ann", reason="verdicts", origin=stricter.id, now=NOW,
    )  # fmt: skip
    acme.thresholds.put(change)
    acme.live(1, 1, dan=16)
    assert acme.raised(1, changes=[], dry_run=True) == [("W0DAN", "default")]
    assert acme.raised(1) == []

    acme.thresholds.end(change.id, stage.ORG, "ben", stage.second_of(2))
    acme.live(2, 2, eve=30)
    assert acme.raised(2) == [("W0EVE", "default")]
    assert acme.raised(2, start=stage.JUDGED_DAY, dry_run=True) == [("W0EVE", "default")]


def test_what_needs_no_trial(acme: Acme) -> None:
    """An entry of the allow list stays as it is; a detector that is not there cannot be tried, nor
    a wish that no verdict bears out."""
    entry = Proposal("allow", "", ("F1",), 1)
    gone = Proposal("stricter", "", ("F1",), 1, wish=Wish("of_yesterday", stage.ORG, (ANN,)))
    empty = Proposal("stricter", "", ("F1",), 1, wish=Wish(DETECTOR.name, stage.ORG, ()))
    assert acme.tried(entry) is entry
    assert acme.tried(gone) is None
    assert acme.tried(empty) is None
