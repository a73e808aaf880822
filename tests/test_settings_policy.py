"""The settings under `[policy]`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from gridtrail.errors import BadSettings
from gridtrail.settings import load_settings

POLICY = """
[policy]
sanctioned_clients = ["Scrapers Inc"]
vpn_networks = ["203.0.113.7/24"]
forbidden_countries = ["kp"]
working_from = 07:00:00
working_to = 19:00:00
time_zone = "UTC"
[[policy.leavers]]
person = "matt@acme.example"
date = 2026-09-30
"""


def test_a_policy_is_read(tmp_path: Path) -> None:
    """Every kind of field is read from the file; country codes become capitals."""
    (tmp_path / "gridtrail.toml").write_text(POLICY)
    policy = load_settings(tmp_path).policy
    assert policy.working_from == dt.time(7)
    assert policy.forbidden_countries == ["KP"]
    assert policy.leavers[0].date == dt.date(2026, 9, 30)


@pytest.mark.parametrize(
    "wrong",
    [
        "working_from = 07:00:00",
        'vpn_networks = ["203.0.113.0/33"]',
        'forbidden_countries = ["Germany"]',
        'time_zone = "Mars/Olympus"',
        'working_days = ["monday"]',
        "unknown = 1",
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, wrong: str) -> None:
    """Half of the hours, a range or country that is none, and unknown words are named."""
    (tmp_path / "gridtrail.toml").write_text(f"[policy]\n{wrong}\n")
    with pytest.raises(BadSettings, match="policy"):
        load_settings(tmp_path)
