"""Detectors of the API."""

from __future__ import annotations

from typing import Any

from gridtrail.detectors import all_detectors


def test_all_detectors_tell_how_they_are(api: Any) -> None:
    """Before detection ran that is said; what Slack raised is counted apart."""
    found = api.get("/detectors")
    names = {one["detector"] for one in found["detectors"]}
    assert names == {one.name for one in all_detectors()}
    assert {one["state"] for one in found["detectors"]} == {"never"}
    assert {one["org"] for one in found["detectors"]} == {"E0ACME"}
    assert all(one["why"] and one["meaning"] for one in found["detectors"])
    assert api.get("/detectors/asn") in found["detectors"]


def test_a_detector_that_is_none_is_not_there(api: Any) -> None:
    """The answer says where the list is."""
    refused = api.call("GET", "/detectors/astrology")
    assert refused.status_code == 404
    assert "/api/v1/detectors" in refused.json()["message"]
