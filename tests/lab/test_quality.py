from __future__ import annotations

from collections.abc import Callable

from gridtrail.lab.outcome import Outcome
from gridtrail.lab.quality import quality


def test_everything_is_summed(made: Callable[..., Outcome]) -> None:
    """People, days, events and alarms of all organizations are summed up."""
    found = quality([made(1), made(2)])
    assert (found.organizations, found.people, found.user_days) == (2, 200, 6000)
    assert found.events == 10_000
    rate = found.calibration[0].rate
    assert (rate.detector, rate.stratum, rate.nominal, rate.realised) == (
        "ip_address", "member", 8.0, 16,
    )  # fmt: skip
