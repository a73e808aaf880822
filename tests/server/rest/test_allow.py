"""The allow list of the API."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gridtrail.respond.allow_list import AllowList, draft
from gridtrail.server.rest.allow import Entry


def test_an_entry_lives_and_ends_as_on_the_command_line(api: Any) -> None:
    """Added, listed alike, read by the beginning of its id, ended once; all of it in the trail."""
    body = {"cidr": "192.0.2.7/24", "reason": "office", "reasons": ["asn"], "owner": "jo"}
    made = api.call("POST", "/allow", json=body)
    assert made.status_code == 201, made.text
    entry, notices = made.json()["entry"], made.json()["notices"]
    assert (entry["cidr"], entry["state"], entry["owner"]) == ("192.0.2.0/24", "active", "jo")
    assert "256 addresses" in notices[0]
    assert api.get("/allow")["entries"] == api.cli("allow", "list")
    assert api.get(f"/allow/{entry['id'][:6]}") == entry
    assert set(entry) == set(Entry.model_fields)
    again = api.call("POST", "/allow", json=body)
    assert (again.status_code, again.json()["error"]) == (409, "conflict")
    ended = api.call("DELETE", f"/allow/{entry['id']}")
    assert (ended.status_code, ended.json()["state"]) == (200, "removed")
    assert ended.json()["removed_by"].startswith("test ")
    assert api.call("DELETE", f"/allow/{entry['id']}").status_code == 409
    assert entry["id"] not in {one["id"] for one in api.get("/allow")["entries"]}
    assert api.get("/allow", all="true")["entries"] == api.cli("allow", "list", "--all")
    trail = [(one["action"], one["entity"].get("allow_entry", {})) for one in api.trail()]
    kept = [action for action, about in trail if about.get("id") == entry["id"]]
    assert sorted(kept) == ["gridtrail_allow_entry_added", "gridtrail_allow_entry_removed"]


def test_a_risky_entry_needs_another_yes(api: Any) -> None:
    """It is refused with the reasons, and taken with `risky`."""
    body = {"cidr": "10.0.0.0/8", "reason": "inside"}
    refused = api.call("POST", "/allow", json=body)
    assert (refused.status_code, refused.json()["error"]) == (409, "risky")
    assert "16,777,216 addresses" in refused.json()["reasons"][0]
    made = api.call("POST", "/allow", json={**body, "risky": True})
    assert made.status_code == 201
    assert made.json()["risks"] == refused.json()["reasons"]
    api.call("DELETE", f"/allow/{made.json()['entry']['id']}")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"reason": "x"}, 400),
        ({"cidr": "192.0.2.0/24"}, 422),
        ({"cidr": "home", "reason": "x"}, 400),
        ({"asn": "64500", "reason": "x"}, 422),
        ({"asn": 0, "reason": "x"}, 422),
        ({"cidr": "192.0.2.0/24", "reason": "x", "expires_at": 5}, 400),
        ({"cidr": "192.0.2.0/24", "reason": " "}, 400),
        ({"cidr": "192.0.2.0/24", "reason": "x", "reasons": ["no such"]}, 400),
    ],
)
def test_what_cannot_be_is_not_allowed(api: Any, body: dict[str, Any], status: int) -> None:
    """Nothing named, no reason, no range, an end before now, a reason that there is not."""
    before = api.get("/allow")["entries"]
    refused = api.call("POST", "/allow", json=body)
    assert refused.status_code == status, refused.text
    assert api.get("/allow")["entries"] == before


def test_an_entry_is_tried_on_the_past(api: Any) -> None:
    """The rows are those of `allow simulate`; one's own organization alone is told of."""
    named = {"user_agent": "Scrapers*", "oldest": "2023-11-01", "latest": "2023-12-01"}
    found = api.get("/allow/simulation", **named)
    told = api.cli(
        "allow", "simulate", "--ua", "Scrapers*", "--from", "2023-11-01", "--to", "2023-12-01"
    )
    assert found["rows"] == [row for row in told if row["id"] != "Fffffffffffffffff"]
    assert (found["looked_at"], found["silenced"]) == (2, 2)
    assert [row["kind"] for row in found["rows"]] == ["finding", "anomaly", "anomaly"]
    theirs = api.call("GET", "/allow/simulation", token=api.other, params=named).json()
    assert (theirs["looked_at"], theirs["rows"]) == (0, [])


def test_an_entry_that_is_kept_is_tried_by_its_id(api: Any) -> None:
    """One that is not there is told so, and a trial of nothing is refused."""
    with AllowList(api.settings.state) as kept:
        made, _ = draft(owner="o", reason="r", now=int(time.time()), user="W0MATTHEW1")
        kept.add(made)
        found = api.get("/allow/simulation", entry=made.id, oldest="2023-11-01")
        named = {"entry": made.id, "oldest": "2023-11-01"}
        theirs = api.call("GET", "/allow/simulation", token=api.other, params=named).json()
        kept.remove(made.id, "o")
    assert theirs["looked_at"] == 0
    assert (found["words"], found["silenced"]) == ("user W0MATTHEW1", 2)
    assert api.call("GET", "/allow/simulation", params={"entry": "zz"}).status_code == 404
    assert api.call("GET", "/allow/simulation").status_code == 400


def test_an_entry_is_of_the_organization_whose_token_made_it(api: Any) -> None:
    """Another one does not see it; one that is for all is seen by all, and not ended by them."""
    body = {"asn": 64500, "reason": "r"}
    made = api.call("POST", "/allow", token=api.other, json=body).json()["entry"]
    assert made["org"] == "E0OTHER"
    assert made["id"] not in {one["id"] for one in api.get("/allow")["entries"]}
    assert api.call("GET", f"/allow/{made['id']}").status_code == 404
    assert api.call("DELETE", f"/allow/{made['id']}").status_code == 404
    assert api.call("DELETE", f"/allow/{made['id']}", token=api.other).status_code == 200
    with AllowList(api.settings.state) as kept:
        everybodys = kept.add(draft(owner="o", reason="r", now=int(time.time()), asn=64501)[0])
    assert api.call("GET", f"/allow/{everybodys.id}", token=api.other).status_code == 200
    refused = api.call("DELETE", f"/allow/{everybodys.id}", token=api.other)
    assert (refused.status_code, refused.json()["error"]) == (403, "not_permitted")
    assert api.call("DELETE", f"/allow/{everybodys.id}").status_code == 200
