from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.errors import SkipRecord, WrongUse
from gridtrail.slack.anomaly import Anomaly, anomaly_event, anomaly_id
from gridtrail.slack.event import read_event
from gridtrail.slack.reasons import REASONS, with_companions

DECIDING: dict[str, Any] = {
    "id": "e-1",
    "date_create": 1790000000,
    "action": "file_downloaded",
    "actor": {
        "type": "user",
        "user": {"id": "W0M", "name": "Mira", "email": "m@k.example", "team": "T0K", "x": 1.5},
    },
    "entity": {"type": "file", "file": {"id": "F1"}},
    "context": {
        "location": {"type": "workspace", "id": "T0K", "name": "Kestrel", "domain": "kestrel"},
        "ua": "Go-http-client/2.0",
        "ip_address": "203.0.113.77",
        "session_id": 12177102026566,
        "app": {"id": "A0S", "name": "Sync", "scopes": ["files:read"]},
    },
    "details": {"n": 1.5},
}
RAW = json.dumps(DECIDING).encode()
EVIDENCE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
CODES = st.lists(st.sampled_from(list(REASONS)), min_size=1)


def anomaly(**changes: Any) -> Anomaly:
    given: dict[str, Any] = {
        "org": "E0K",
        "deciding": RAW,
        "reasons": ["excessive_downloads"],
        "action_timestamp": 1790000000600000,
    }
    return Anomaly(**{**given, **changes})


def test_the_shape_is_slacks() -> None:
    """Keys, their order and their types are those of Slack's own anomaly events."""
    raw = anomaly_event(
        anomaly(
            reasons=["unexpected_user_agent", "asn"],
            location="Frankfurt am Main, DE",
            previous_ua="Slack/4",
            ip_address_details=("new-asn",),
            evidence={"score": 3, "detector": "x"},
        )
    )
    event = json.loads(raw)
    assert list(event) == ["id", "date_create", "action", "actor", "entity", "context", "details"]
    user = {"id": "W0M", "name": "Mira", "email": "m@k.example", "team": "T0K"}
    assert event["actor"] == event["entity"] == {"type": "user", "user": user}
    assert event["context"] == {
        "location": DECIDING["context"]["location"],
        "ua": "Go-http-client/2.0",
        "session_id": 12177102026566,
        "ip_address": "203.0.113.77",
    }
    assert list(event["details"].items()) == [
        ("action_timestamp", 1790000000600000),
        ("location", "Frankfurt am Main, DE"),
        ("previous_ip_address", ""),
        ("previous_ua", "Slack/4"),
        ("reason", ["asn", "ip_address", "unexpected_user_agent", "user_agent"]),
        ("ip_address_details", ["new-asn"]),
        ("gridtrail", {"detector": "x", "score": 3}),
    ]


def test_an_app_is_marked_as_entity() -> None:
    """With an app as subject the entity is the context's app and the id is another."""
    of_app = json.loads(anomaly_event(anomaly(subject="app", reasons=["tor"])))
    of_user = json.loads(anomaly_event(anomaly(reasons=["tor"])))
    app = {"id": "A0S", "name": "Sync", "scopes": ["files:read"]}
    assert of_app["entity"] == {"type": "app", "app": app}
    assert of_app["actor"] == of_user["actor"]
    assert of_app["id"] != of_user["id"]


@given(CODES, EVIDENCE, st.text(), st.text())
def test_the_result_is_read_back(codes: list[str], evidence: Any, place: str, agent: str) -> None:
    """Every anomaly event is an event of the deciding second with all its reasons and pairs."""
    raw = anomaly_event(
        anomaly(reasons=codes, location=place, previous_ua=agent, evidence={"e": evidence})
    )
    fields = read_event(raw)
    assert (fields.action, fields.date_create, fields.actor_id) == ("anomaly", 1790000000, "W0M")
    assert (fields.entity_type, fields.entity_id) == ("user", "W0M")
    assert (fields.ip, fields.session_id) == ("203.0.113.77", "12177102026566")
    assert fields.reasons == with_companions(codes)
    assert json.loads(raw)["details"]["gridtrail"] == {"e": evidence}


@given(CODES, st.randoms())
def test_the_bytes_do_not_depend_on_order(codes: list[str], random: Any) -> None:
    """Order of reasons and of evidence keys changes neither the id nor a byte."""
    other = [*codes, codes[0]]
    random.shuffle(other)
    first = anomaly_event(anomaly(reasons=codes, evidence={"a": 1, "b": {"c": 2, "d": 3}}))
    again = anomaly_event(anomaly(reasons=other, evidence={"b": {"d": 3, "c": 2}, "a": 1}))
    assert first == again
    assert uuid.UUID(json.loads(first)["id"]).version == 5


def test_the_id_tells_everything_apart() -> None:
    """Another organization, reason, subject or deciding event gives another id."""
    ids = {
        anomaly_id("o", ["tor"], "s", "e"),
        anomaly_id("p", ["tor"], "s", "e"),
        anomaly_id("o", ["asn"], "s", "e"),
        anomaly_id("o", ["tor"], "t", "e"),
        anomaly_id("o", ["tor"], "s", "f"),
        anomaly_id("o", ["tor"], "", "se"),
    }
    assert len(ids) == 6
    assert anomaly_id("o", ["asn"], "s", "e") == anomaly_id("o", ["ip_address", "asn"], "s", "e")


@pytest.mark.parametrize(
    "changes",
    [
        {"evidence": {"p": 0.01}},
        {"evidence": {"deep": [{"x": (1, 2.0)}]}},
        {"evidence": {"big": 2**63}},
        {"evidence": {5: "x"}},
        {"evidence": {"raw": b"x"}},
        {"action_timestamp": 1.5},
        {"reasons": []},
        {"reasons": ["no_such_reason"]},
        {"deciding": b"[]"},
        {"deciding": json.dumps({**DECIDING, "actor": None}).encode()},
        {"subject": "app", "deciding": json.dumps({**DECIDING, "context": {}}).encode()},
    ],
)
def test_what_would_not_be_the_same_everywhere_is_refused(changes: dict[str, Any]) -> None:
    """Floats, unknown reasons and a missing subject are the caller's mistake and are named."""
    with pytest.raises(WrongUse, match=r"\.$"):
        anomaly_event(anomaly(**changes))


def test_a_deciding_record_that_is_no_event_is_refused() -> None:
    """A deciding record without an id has nothing that the anomaly could point to."""
    with pytest.raises(SkipRecord):
        anomaly_event(anomaly(deciding=b"{}"))


def test_a_context_without_session_stays_null() -> None:
    """No session is null, no address and no agent are blank, a session in text is kept."""
    bare = json.loads(
        anomaly_event(anomaly(deciding=json.dumps({**DECIDING, "context": {}}).encode()))
    )
    assert bare["context"] == {"location": {}, "ua": "", "session_id": None, "ip_address": ""}
    named = {**DECIDING, "context": {"session_id": "s-1"}}
    event = json.loads(anomaly_event(anomaly(deciding=json.dumps(named).encode())))
    assert event["context"]["session_id"] == "s-1"
