from __future__ import annotations

from typing import TYPE_CHECKING

from gridtrail.lab.attempts import attempts

if TYPE_CHECKING:
    from tests.lab.conftest import Trial


def test_a_trial_tells_what_became_of_its_stories(trial: Trial) -> None:
    """Tor and the scraper are found, in findings of their stories; nobody else is."""
    outcome = trial.outcome
    tried = {one.story.kind: one for one in attempts(outcome)}
    assert tried["tor"].found
    assert tried["matt"].found
    assert not tried["mimic"].raised
    assert {one.detector for one in outcome.anomalies} == {"tor", "unexpected_scraping"}
    for name in ("tor", "matt"):
        finding = tried[name].finding
        assert finding is not None
        assert finding.stories == [tried[name].place]
        assert finding.actors == tried[name].story.actors


def test_a_trial_tells_what_it_was(trial: Trial) -> None:
    """The outcome has the truth without event ids, and the size of everything."""
    outcome = trial.outcome
    assert (outcome.people, outcome.days, outcome.seed) == (30, 17, 5)
    lines = (trial.folder / "sandbox" / "events.ndjson").read_bytes().splitlines()
    assert outcome.events == len(lines)
    told = {story["kind"]: len(story["event_ids"]) for story in trial.truth}
    assert {story.kind: story.events for story in outcome.stories} == told


def test_alarms_of_attacks_are_not_held_against_detectors(trial: Trial) -> None:
    """Calibration leaves the planted stories out."""
    rates = [one for one in trial.outcome.rates if one.detector == "unexpected_scraping"]
    assert sum(one.realised for one in rates) == 0
    assert sum(one.subject_days for one in rates) > 0
