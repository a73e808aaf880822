"""`gridtrail allow`: adding, listing, ending and trying entries."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from gridtrail.respond.allow_list import AllowList, draft
from gridtrail.triage.store import FindingStore

WHY = ("--reason", "our office", "--owner", "ann", "--format", "json")


@pytest.fixture
def lately(event: Callable[..., Any], store: Callable[..., None]) -> list[Any]:
    """Ten events of an hour ago, and an anomaly of Slack's, from one address."""
    at = int(time.time()) - 3600
    user = {"id": "W0MIRAQ7X1", "name": "Mira Quinn", "email": "mira@kestrel.example"}
    events = [event(number, date_create=at + number) for number in range(10)]
    anomaly = event(99, "anomaly", date_create=at + 60, entity={"type": "user", "user": user})
    anomaly["details"] = {"reason": ["ip_address"], "action_timestamp": at * 1_000_000}
    store([*events, anomaly])
    return [*events, anomaly]


def test_an_entry_is_added_listed_and_ended(gridtrail: Any, lately: list[Any]) -> None:
    """Host bits are said; the entry has owner, reason and end, and is gone after its removal."""
    added = gridtrail("allow", "add", "--cidr", "192.0.2.7/24", "--expires", "30d", *WHY)
    assert added.code == 0, added.err
    assert "the whole range 192.0.2.0/24 is meant" in added.err
    (row,) = added.json
    assert (row["cidr"], row["owner"], row["state"]) == ("192.0.2.0/24", "ann", "active")
    assert row["expires_at"] - row["created_at"] == 30 * 86_400
    assert [one["id"] for one in gridtrail("allow", "list", "--format", "json").json] == [row["id"]]
    assert gridtrail("allow", "remove", row["id"]).code == 0
    assert gridtrail("allow", "list", "--format", "json").json == []
    (ended,) = gridtrail("allow", "list", "--all", "--format", "json").json
    assert ended["state"] == "removed"


@pytest.mark.parametrize(
    ("entry", "risk"),
    [
        (("--cidr", "203.0.113.0/24"), "100 % of all events"),
        (("--cidr", "198.51.0.0/16"), "65,536 addresses"),
        (("--asn", "16509"), "whole hosting provider"),
    ],
)
def test_what_is_risky_asks_twice(
    gridtrail: Any, lately: list[Any], entry: tuple[str, ...], risk: str
) -> None:
    """It says why, is not kept without a yes to it, and is kept with one."""
    refused = gridtrail("allow", "add", *entry, *WHY)
    assert refused.code == 2
    assert risk in refused.err
    assert "--yes-risky" in refused.err
    assert gridtrail("allow", "list", "--format", "json").json == []
    assert gridtrail("allow", "add", *entry, "--yes-risky", *WHY).code == 0


def test_it_is_tried_on_the_past(gridtrail: Any, lately: list[Any]) -> None:
    """The anomaly from that address would have been silenced, one from elsewhere not."""
    tried = gridtrail("allow", "simulate", "--cidr", "203.0.113.0/24", "--format", "json")
    assert tried.code == 0, tried.err
    assert [row["id"] for row in tried.json] == [lately[-1]["id"]]
    for other in (("--cidr", "192.0.2.0/24"), ("--cidr", "203.0.113.0/24", "--for", "tor")):
        assert gridtrail("allow", "simulate", *other, "--format", "json").json == []
    user = ("--user", "W0MIRAQ7X1", "--for", "ip_address")
    assert len(gridtrail("allow", "simulate", *user, "--format", "json").json) == 1


def test_what_was_judged_true_is_said_first(gridtrail: Any, data: Any, lately: list[Any]) -> None:
    """Silencing it ends with 1, and the finding stands above the anomalies."""
    assert gridtrail("detect").code == 0
    with FindingStore(data / "state.db") as findings:
        (finding,) = findings.select()
        findings.decide(finding.id, verdict="true_positive")
    entry = ("--user", "W0MIRAQ7X1", "--format", "json")
    tried = gridtrail("allow", "simulate", *entry)
    assert tried.code == 1
    assert [row["kind"] for row in tried.json] == ["finding", "anomaly"]
    assert tried.json[0]["verdict"] == "true_positive"
    assert "1 of them judged true" in tried.err
    assert gridtrail("allow", "simulate", "--user", "W0NOBODY99").code == 0
    assert gridtrail("allow", "simulate", *entry, "--from", "10m").code == 0


def test_both_lists_are_made_alike(gridtrail: Any, slack: Any, lately: list[Any]) -> None:
    """Shown first; a yes is needed; what was done stands in Gridtrail's own trail."""
    allowed = slack.organization.detection.allowed
    allowed.write(["198.51.100.0/24"], [64500])
    add = ("--cidr", "192.0.2.0/24", *WHY, "--org", "E0KESTREL")
    assert gridtrail("allow", "add", *add).code == 0
    only = ("--user", "W0MIRAQ7X1", "--for", "tor", *WHY)
    assert gridtrail("allow", "add", *only, "--yes-risky").code == 0
    for way, changes in (("pull", 2), ("push", 1)):
        shown = gridtrail("allow", way, "--dry-run", "--format", "json")
        assert (len(shown.json), "Nothing was changed" in shown.err) == (changes, True)
        refused = gridtrail("allow", way)
        assert (refused.code, "give --yes" in refused.err) == (2, True)
    assert (allowed.cidrs, allowed.asns) == (["198.51.100.0/24"], [64500])
    for way in ("pull", "push"):
        assert gridtrail("allow", way, "--yes").code == 0
        assert "Both sides agree" in gridtrail("allow", way).err
    assert allowed.cidrs == ["198.51.100.0/24", "192.0.2.0/24"]
    listed = gridtrail("allow", "list", "--format", "json").json
    assert sorted(str(row["asn"] or row["cidr"] or row["user"]) for row in listed) == [
        "192.0.2.0/24", "198.51.100.0/24", "64500", "W0MIRAQ7X1"
    ]  # fmt: skip
    trail = gridtrail("logs", "--format", "json", "--limit", "100").json
    actions = [one["action"] for one in trail]
    for action in ("gridtrail_allow_list_pulled", "gridtrail_allow_list_pushed"):
        assert actions.count(action) == 1
    assert actions.count("gridtrail_allow_entry_added") == 2


def test_what_expired_is_told_with_the_list(gridtrail: Any, data: Any) -> None:
    """Once; it is gone from the list and stays among all."""
    with AllowList(data / "state.db") as kept:
        now = int(time.time()) - 100
        one, _ = draft(owner="ann", reason="r", now=now, expires_at=now + 50, asn=64500)
        kept.add(one)
    first = gridtrail("allow", "list", "--format", "json")
    assert (first.json, "Expired: asn 64500 (of ann)" in first.err) == ([], True)
    assert "Expired" not in gridtrail("allow", "list").err
    (ended,) = gridtrail("allow", "list", "--all", "--format", "json").json
    assert ended["state"] == "expired"
