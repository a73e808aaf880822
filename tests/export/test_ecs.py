"""Audit events and findings as ECS documents."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.export.ecs import ecs_event, ecs_finding
from gridtrail.export.record import Record, record
from gridtrail.slack.catalogue import ACTIONS

MakeEvent = Callable[..., dict[str, Any]]
Read = Callable[[dict[str, Any]], Record]


def test_fields_as_elastic_names_them(event: MakeEvent, read: Read) -> None:
    """User, address, agent, location, session and entity stand where Elastic's dashboards look."""
    made = ecs_event(read(event("user_login")))
    assert made["@timestamp"] == "2026-09-21T14:13:20Z"
    assert made["event"]["category"] == ["authentication", "session"]
    assert (made["event"]["kind"], made["event"]["outcome"]) == ("event", "success")
    assert made["user"] == {
        "id": "W0MIRAQ7X1",
        "full_name": "Mira Quinn",
        "email": "mira@kestrel.example",
    }
    assert made["source"] == {"address": "203.0.113.140", "ip": "203.0.113.140"}
    assert made["user_agent"]["original"].startswith("Mozilla")
    audit = made["slack"]["audit"]
    assert audit["context"] | {"id": "E0KESTREL1", "session_id": "847288190092"} == audit["context"]
    assert audit["entity"]["entity_type"] == "user"
    assert audit["entity"]["email"] == "jonas@kestrel.example"
    assert made["related"]["user"] == ["W0MIRAQ7X1", "mira@kestrel.example"]


def test_nothing_is_left_out(event: MakeEvent, read: Read) -> None:
    """Details, unknown keys and the text as it came are kept, for every action."""
    for action in ACTIONS:
        given_event = event(action, brand_new={"deep": [1, None]})
        made = ecs_event(read(given_event))
        audit = made["slack"]["audit"]
        assert audit["details"] == given_event["details"]
        assert audit["brand_new"] == {"deep": [1, None]}
        assert audit["actor"] == given_event["actor"]
        assert audit["context"]["app"] == given_event["context"]["app"]
        assert json.loads(made["event"]["original"]) == given_event
        assert made["event"]["action"] == action


def test_anomaly_is_an_alert(event: MakeEvent, read: Read) -> None:
    """An anomaly is an alert with its reasons and techniques."""
    made = ecs_event(read(event("anomaly")))
    assert (made["event"]["kind"], made["event"]["reason"]) == ("alert", "tor, asn, ip_address")
    assert made["threat"]["technique"]["id"] == ["T1090.003", "T1078.004"]


def test_finding_is_an_alert(finding: dict[str, Any]) -> None:
    """A finding is an alert with Elastic's severity, and is there whole."""
    made = ecs_finding(finding, raw="{}")
    assert (made["event"]["kind"], made["event"]["severity"]) == ("alert", 73)
    assert made["related"]["ip"] == ["203.0.113.140"]
    assert made["gridtrail"]["finding"] == finding
    assert made["rule"]["name"] == finding["title"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("type", "user", "location", "session_id", "ip_address", "ua", "id", "reason")
PART = JSON | st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4)


@given(action=st.sampled_from([*ACTIONS, "new"]), parts=st.lists(PART, min_size=4, max_size=4))
def test_hostile_events(action: str, parts: list[Any]) -> None:
    """Whatever stands in an event, it becomes a document with valid addresses and all of it."""
    names = ("actor", "entity", "context", "details")
    raw = json.dumps({"id": "e1", **dict(zip(names, parts, strict=True))})
    made = ecs_event(record("E0", "e1", 5, action, raw))
    json.dumps(made, allow_nan=False)
    assert made["event"]["original"] == raw
    for ip in [*made.get("related", {}).get("ip", []), made.get("source", {}).get("ip", "::1")]:
        ipaddress.ip_address(ip)
