"""People, addresses, sessions and files of the API."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

PLACES = [
    ("/people/W0MATTHEW1", "user"),
    ("/addresses/203.0.113.7", "ip_address"),
    ("/sessions/12177102026566", "session"),
    ("/files/F0GLENGARRY", "file"),
]


@pytest.mark.parametrize(("path", "kind"), PLACES)
def test_everything_known_is_there(api: Any, path: str, kind: str) -> None:
    """The numbers agree with one another, and the reading is in the trail."""
    found = api.get(path)["activity"]
    assert found["events"] >= 32
    assert sum(day["events"] for day in found["by_day"]) == found["events"]
    assert sum(hour["events"] for hour in found["by_hour"]) == found["events"]
    assert found["by_day"][0]["day"] == "2023-11-15"
    assert found["by_hour"][0]["weekday"] == 2  # a Wednesday
    assert {one["value"] for one in found["actions"]} >= {"file_downloaded", "anomaly"}
    assert [one["id"] for one in found["anomalies"]] == ["anomaly-slack", "anomaly-ours"]
    assert kind in {one["entity"]["type"] for one in api.trail()}


def test_a_person_comes_with_findings(api: Any) -> None:
    """Those that `findings --actor` lists."""
    found = api.get("/people/W0MATTHEW1")
    assert found["name"] == "Matt"
    assert found["findings"] == api.cli("findings", "--org", "E0ACME", "--actor", "W0MATTHEW1")


def test_an_app_is_what_it_did_and_what_was_done_to_it(api: Any, make_event: Any) -> None:
    """Its addresses are those it came from; what was done to it has its name."""
    done = make_event("app-done", 7, actor="W0ADMINS01", action="app_installed")
    done["entity"] = {"type": "app", "app": {"id": "A0SCRAPER1", "name": "Scraper"}}
    did = make_event("app-did", 8, actor="W0ADMINS01")
    did["context"] = did["context"] | {"app": {"id": "A0SCRAPER1"}, "ip_address": "192.0.2.9"}
    api.data.fill([done, did])
    found = api.get("/apps/A0SCRAPER1")
    assert found["name"] == "Scraper"
    assert [row["id"] for row in found["changes"]] == ["app-done"]
    assert found["activity"]["events"] == 2
    assert [one["value"] for one in found["activity"]["addresses"]] == ["192.0.2.9"]
    assert found["findings"] == []
    assert "app" in {one["entity"]["type"] for one in api.trail()}


def test_what_nobody_has_seen_is_not_there(api: Any) -> None:
    """Nor is what only another organization has seen."""
    for path, _ in PLACES:
        assert api.call("GET", path.rpartition("/")[0] + "/nobody").status_code == 404
    assert api.call("GET", "/people/W0ELSEWHERE").status_code == 404


def test_another_organizations_events_are_not_counted(api: Any) -> None:
    """The same address, session and file, as another organization knows them."""
    for path, _ in PLACES[1:]:
        theirs = api.call("GET", path, token=api.other).json()["activity"]
        assert [one["value"] for one in theirs["people"]] == ["W0ELSEWHERE"], path
        assert theirs["events"] == 1


def test_an_entity_of_any_name_is_found(api: Any, attack: str) -> None:
    """Slashes and dots are no path."""
    for name in ("people", "sessions", "files", "addresses"):
        assert api.call("GET", f"/{name}/{quote(attack, safe='')}").status_code == 200, name
        for key in ("\0", "a\0b", "%", "..%2f..", "' OR 1=1 --", "\ud800", "x" * 5000):
            encoded = quote(key, safe="", errors="surrogatepass")
            assert api.call("GET", f"/{name}/{encoded}").status_code == 404, (name, key)
