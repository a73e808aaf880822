"""Findings of the API: the list, one, its context and reasons, and what is decided about it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from gridtrail.server.rest.findings import FindingShape
from gridtrail.triage.finding import Finding

ID = "F0123456789abcdef"


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ({}, ()),
        ({"severity": "high"}, ("--severity", "high")),
        ({"actor": "W0MATTHEW1"}, ("--actor", "W0MATTHEW1")),
        (
            {"reason": "user_agent", "status": "open"},
            ("--reason", "user_agent", "--status", "open"),
        ),
        ({"verdict": "expected"}, ("--verdict", "expected")),
        ({"assignee": "nobody"}, ("--assignee", "nobody")),
        ({"latest": "2023-11-14"}, ("--latest", "2023-11-14")),
    ],
)
def test_the_command_line_gives_the_same_findings(
    api: Any, query: dict[str, str], options: tuple[str, ...]
) -> None:
    """`findings --format json` and the API give equal JSON in equal order for equal filters."""
    found = api.get("/findings", **query)["findings"]
    assert found == api.cli("findings", "--org", "E0ACME", *options)


def test_one_finding_its_reasons_and_its_surroundings_are_those_of_the_command_line(
    api: Any,
) -> None:
    """`finding ID` and `findings --why ID` give equal JSON; the context is the finding's."""
    one = api.get(f"/findings/{ID}")
    assert one == api.cli("finding", ID)
    assert set(one) == {field.name for field in fields(Finding)} == set(FindingShape.model_fields)
    assert api.get(f"/findings/{ID[:6]}") == one
    assert api.get(f"/findings/{ID}/why") == api.cli("findings", "--why", ID)
    counted = api.get(f"/findings/{ID}/why", window=7)
    assert counted == api.cli("findings", "--why", ID, "--window", "7")
    around = api.get(f"/findings/{ID}/context")
    assert (around["context"], around["history"]) == (one["context"], one["history"])
    assert [row["words"] for row in around["anomalies"]] == ["So many.", None]


def test_a_page_of_findings_goes_on_where_the_one_before_ended(api: Any) -> None:
    """Paging gives each finding once, the worst first."""
    seen, cursor = [], None
    while True:
        page = api.get("/findings", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [row["id"] for row in page["findings"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [row["id"] for row in api.get("/findings")["findings"]]
    assert len(set(seen)) == 6
    assert seen[0] == ID


def test_what_people_decide_is_kept_and_leaves_a_trail(api: Any) -> None:
    """Verdict, reason, assignee and note are set together; each change names what was before."""
    wanted = {"verdict": "expected", "verdict_reason": "drill", "assignee": "jo", "note": "seen"}
    one = "F0000000000000001"
    changed = api.call("PATCH", f"/findings/{one}", json=wanted)
    assert changed.status_code == 200, changed.text
    body = changed.json()
    assert body == api.cli("finding", one)
    assert (body["status"], body["verdict"], body["assignee"]) == ("closed", "expected", "jo")
    assert body["verdict_reason"] == "drill"
    assert api.call("PATCH", f"/findings/{one}", json={"assignee": None}).json()["assignee"] is None
    again = api.call("PATCH", f"/findings/{one}", json={"status": "open"}).json()
    assert (again["status"], again["verdict"]) == ("open", None)
    more = api.call("POST", f"/findings/{one}/notes", json={"text": "again"})
    assert more.status_code == 201
    assert [note["text"] for note in more.json()["notes"]] == ["seen", "again"]
    assert api.get(f"/findings/{one}/notes") == more.json()
    own = [event for event in api.trail() if event["action"].startswith("gridtrail_finding")]
    mine = [event for event in own if event["entity"]["finding"]["id"] == one]
    kept = sorted(event["action"].removeprefix("gridtrail_finding_") for event in mine)
    assert kept == ["decided", "decided", "decided", "noted", "noted"]
    decided = [event["details"] for event in mine if event["details"].get("verdict")]
    assert [(one["verdict"], one["previous_status"]) for one in decided] == [("expected", "open")]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"verdict": "bad"}, 422, "invalid_parameter"),
        ({"verdict_reason": "why"}, 400, "invalid_request"),
        ({"titel": "x"}, 422, "unknown_parameter"),
        ({"note": ""}, 422, "invalid_parameter"),
        ({"note": 7}, 422, "invalid_parameter"),
        ({"note": "x" * 10_001}, 422, "invalid_parameter"),
        ([], 422, "invalid_parameter"),
    ],
)
def test_a_bad_change_is_refused_and_changes_nothing(
    api: Any, body: Any, status: int, code: str
) -> None:
    """Unknown words and fields, and a reason without a verdict."""
    before = api.get(f"/findings/{ID}")
    refused = api.call("PATCH", f"/findings/{ID}", json=body)
    assert (refused.status_code, refused.json()["error"]) == (status, code), refused.text
    assert api.get(f"/findings/{ID}") == before


def test_a_body_that_is_no_json_or_too_large_is_refused(api: Any) -> None:
    """Whatever the bytes are, the answer has the one shape."""
    place = f"/findings/{ID}"
    deep = b"[" * 60_000
    bodies = (b"{", b"\xff\xfe", deep, b'{"note": "\\ud800"}', b'{"note": ' + b"9" * 9000 + b"}")
    for content in bodies:
        refused = api.call("PATCH", place, content=content)
        assert refused.status_code in (400, 422), content[:20]
        assert set(refused.json()) >= {"error", "message"}
    large = api.call("PATCH", place, json={"note": "x" * 70_000})
    assert (large.status_code, large.json()["error"]) == (413, "request_too_large")


def test_another_organizations_finding_is_not_there(api: Any) -> None:
    """By its id, by the beginning of it, to read and to change."""
    for method, path in (("GET", "/findings/Fffff"), ("GET", "/findings/Fffffffffffffffff/why")):
        assert api.call(method, path).status_code == 404
    refused = api.call("PATCH", "/findings/Fffffffffffffffff", json={"status": "closed"})
    assert refused.json()["error"] == "not_found"
    mine = api.call("GET", "/findings/Fffffffffffffffff", token=api.other).json()
    assert (mine["org"], mine["status"]) == ("E0OTHER", "open")
    assert api.call("GET", f"/findings/{ID}", token=api.other).status_code == 404
