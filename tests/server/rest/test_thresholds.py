"""Thresholds of the API: read, put in force, taken back."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gridtrail.respond.thresholds import ThresholdStore, draft, tomorrow

PATH = "/detectors/session_fingerprint/threshold"


def test_put_in_force_and_taken_back(api: Any) -> None:
    """A number counts from tomorrow on, for the token's organization alone; the answer is what the
    list then says. Taken back it is the share again, and there is nothing more to take back."""
    assert api.get(PATH) == {
        "detector": "session_fingerprint", "per_1000_users_day": 0.25, "set_by": "default",
        "default": 0.25, "changes": [],
    }  # fmt: skip
    body, before = {"per_1000_users_day": 1, "reason": "too quiet"}, time.time()
    made = api.call("POST", PATH, json=body)
    assert made.status_code == 201, made.text
    change = made.json()
    assert (change["org"], change["reason"]) == ("E0ACME", "too quiet")
    assert change["since"] in (tomorrow(before), tomorrow(time.time()))
    assert [one["id"] for one in api.get(PATH)["changes"]] == [change["id"]]
    again = api.call("POST", PATH, json=body)
    assert (again.status_code, again.json()["error"]) == (409, "conflict")
    other = api.call("GET", PATH, token=api.other).json()
    assert other["changes"] == []
    assert api.call("DELETE", PATH, token=api.other).status_code == 404
    ended = api.call("DELETE", PATH)
    assert (ended.status_code, ended.json()["ended_by"]) == (200, change["set_by"])
    assert api.call("DELETE", PATH).status_code == 404


def test_what_holds_for_all_is_ended_by_the_installation(api: Any) -> None:
    """Another organization sees a change that is for all, and cannot take it back."""
    path = "/detectors/unexpected_client/threshold"
    made = draft(
        "unexpected_client", 2.0, names=["unexpected_client"], org=None, since=0, by="ann",
        reason="r", origin="command line", now=0,
    )  # fmt: skip
    with ThresholdStore(api.settings.state) as kept:
        kept.put(made)
    seen = api.call("GET", path, token=api.other).json()
    assert (seen["per_1000_users_day"], seen["set_by"], seen["default"]) == (2.0, "change", 0.25)
    refused = api.call("DELETE", path, token=api.other)
    assert (refused.status_code, refused.json()["error"]) == (403, "not_permitted")
    assert api.call("DELETE", path).status_code == 200


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("session_fingerprint", {"per_1000_users_day": 0, "reason": "x"}, 422),
        ("session_fingerprint", {"per_1000_users_day": 1e9, "reason": "x"}, 422),
        ("session_fingerprint", {"per_1000_users_day": 1}, 422),
        ("session_fingerprint", {"per_1000_users_day": 1, "reason": " "}, 400),
        ("tor", {"per_1000_users_day": 1, "reason": "x"}, 400),
        ("unexpected_scraping", {"per_1000_users_day": 1, "reason": "x"}, 400),
        ("astrology", {"per_1000_users_day": 1, "reason": "x"}, 404),
    ],
)
def test_what_cannot_be(api: Any, name: str, body: dict[str, Any], status: int) -> None:
    """What makes no threshold is refused; a token that only reads changes nothing."""
    path = f"/detectors/{name}/threshold"
    assert api.call("POST", path, json=body).status_code == status
    good = {"per_1000_users_day": 1, "reason": "x"}
    assert api.call("POST", path, json=good, token=api.reads).status_code == 403
    assert api.call("GET", "/detectors/tor/threshold").status_code == 404
