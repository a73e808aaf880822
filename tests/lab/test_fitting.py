from __future__ import annotations

from typing import TYPE_CHECKING

from gridtrail.lab.fitting import FITTING, fits
from gridtrail.sandbox.plan import ATTACKS
from gridtrail.slack.reasons import REASONS

if TYPE_CHECKING:
    from tests.lab.conftest import Trial


def test_every_attack_has_fitting_reasons() -> None:
    """Every attack of the sandbox has reasons that fit, all of them Slack's own codes."""
    assert set(FITTING) == ATTACKS
    assert all(reasons and reasons <= set(REASONS) for reasons in FITTING.values())


def test_expected_reasons_fit(trial: Trial) -> None:
    """What the truth expects of an attack fits it."""
    attacks = [story for story in trial.truth if story["expected_reasons"]]
    assert attacks
    for story in attacks:
        assert set(story["expected_reasons"]) <= FITTING[story["kind"]]


def test_one_fitting_reason_is_enough() -> None:
    """One fitting reason among others counts; others alone do not."""
    assert fits("tor", ["ip_address", "tor"])
    assert not fits("tor", ["ip_address"])
    assert not fits("tor", [])
