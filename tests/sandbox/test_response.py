from __future__ import annotations

import pytest

from gridtrail.errors import WrongUse
from gridtrail.sandbox.response import GUARD, AnomalyResponse


def test_slacks_defaults() -> None:
    """Tor and scraping are on, five others off, and the whole is off until switched on."""
    described = AnomalyResponse().describe()
    assert described["enabled"] is False
    assert {code for code, on in described["reasons"].items() if on} == {
        "tor",
        "unexpected_scraping",
    }
    assert len(described["reasons"]) == 7


def test_it_acts_once_an_hour_for_reasons_that_are_on() -> None:
    """Other reasons, excluded people and the last hour's are left alone."""
    response = AnomalyResponse(enabled=True)
    response.change({"excluded": {"tor": ["W0B"]}})
    assert response.acts("W0A", ["ip_address", "excessive_downloads"], 100) == []
    assert response.acts("W0B", ["tor"], 100) == []
    assert response.acts("W0A", ["ip_address", "tor"], 100) == ["tor"]
    assert response.acts("W0A", ["tor"], 100 + GUARD - 1) == []
    assert response.acts("W0A", ["tor"], 100 + GUARD) == ["tor"]
    assert AnomalyResponse().acts("W0A", ["tor"], 100) == []


@pytest.mark.parametrize(
    "wanted",
    [
        {"enabled": "yes"},
        {"reasons": {"asn": True}},
        {"reasons": ["tor"]},
        {"reasons": {"tor": 1}},
        {"excluded": {"tor": [3]}},
        {"other": 1},
    ],
)
def test_what_cannot_be_changes_nothing(wanted: dict[str, object]) -> None:
    """Wrong settings are refused as a whole."""
    response = AnomalyResponse()
    before = response.describe()
    with pytest.raises(WrongUse):
        response.change({"enabled": True, **wanted})
    assert response.describe() == before
