from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.errors import SkipRecord
from gridtrail.slack.event import EventFields, read_event

EVENT: dict[str, Any] = {
    "id": "0f6d6f1c-6b0e-4d43-9f0a-6a2f6f5c8a11",
    "date_create": 1790000000,
    "action": "public_channel_created",
    "actor": {
        "type": "user",
        "user": {"id": "W0M", "name": "Mira", "email": "mira@kestrel.example", "team": "T0K"},
    },
    "entity": {"type": "channel", "channel": {"id": "C0P", "name": "portside"}},
    "context": {
        "location": {"type": "workspace", "id": "T0K", "name": "Kestrel", "domain": "kestrel-ops"},
        "ua": "ApiApp/A0 Python/3.12",
        "ip_address": "203.0.113.140",
        "session_id": 12177102026566,
        "app": {"id": "A0S"},
    },
    "details": {"name": "portside", "n": [1, 2.50]},
}


def read(changes: dict[str, Any] | None = None, **more: Any) -> EventFields:
    return read_event(json.dumps({**EVENT, **(changes or {}), **more}).encode())


def refused(raw: bytes) -> str:
    with pytest.raises(SkipRecord) as caught:
        read_event(raw)
    assert str(caught.value).endswith(".")
    return caught.value.reason


def test_every_column_is_found() -> None:
    """All columns of a complete event are read."""
    assert read() == EventFields(
        id="0f6d6f1c-6b0e-4d43-9f0a-6a2f6f5c8a11",
        date_create=1790000000,
        action="public_channel_created",
        actor_type="user",
        actor_id="W0M",
        actor_name="Mira",
        actor_email="mira@kestrel.example",
        actor_team="T0K",
        entity_type="channel",
        entity_id="C0P",
        entity_name="portside",
        location_type="workspace",
        location_id="T0K",
        location_domain="kestrel-ops",
        ua="ApiApp/A0 Python/3.12",
        ip="203.0.113.140",
        session_id="12177102026566",
        app_id="A0S",
        reasons=None,
        details='{"name":"portside","n":[1,2.5]}',
    )


@pytest.mark.parametrize(
    ("spelt", "seconds"),
    [
        ("1790000000", 1790000000),
        ('"1790000000"', 1790000000),
        ("1.68e+09", 1680000000),
        ("1790000000.9", 1790000000),
        ("1790000000.99999999999999999999999999999999999", 1790000000),
        ('"1.68e9"', 1680000000),
        ("1790000000123", 1790000000),
        ("1790000000123456", 1790000000),
        ("1790000000123456789", 1790000000),
        ('"2026-09-21T13:33:20Z"', 1789997600),
        ('"2026-09-21T15:33:20.9+02:00"', 1789997600),
        ('"2026-09-21 13:33:20"', 1789997600),
        ("0", 0),
    ],
)
def test_time_in_every_spelling(spelt: str, seconds: int) -> None:
    """Seconds are found in numbers and text, of any unit, and in ISO 8601."""
    raw = json.dumps(EVENT).replace("1790000000", spelt, 1).encode()
    assert read_event(raw).date_create == seconds


@pytest.mark.parametrize(
    ("spelt", "reason"),
    [
        ("null", "no_time"),
        ('""', "no_time"),
        ("true", "bad_time"),
        ("[1]", "bad_time"),
        ("-5", "bad_time"),
        ('"yesterday"', "bad_time"),
        ('"1969-12-31T23:59:59Z"', "bad_time"),
        ("1e30", "bad_time"),
        ("1e999999999999999999999", "bad_time"),
        ("9" * 5000, "bad_time"),
        ("NaN", "not_json"),
    ],
)
def test_what_is_no_time_is_refused(spelt: str, reason: str) -> None:
    """A time that is missing, negative, beyond all units or no time at all is refused."""
    assert refused(json.dumps(EVENT).replace("1790000000", spelt, 1).encode()) == reason


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("id", None, "no_id"),
        ("id", "", "no_id"),
        ("id", True, "bad_field"),
        ("id", 1.5, "bad_field"),
        ("id", {}, "bad_field"),
        ("id", "a\x00b", "bad_field"),
        ("id", "a\x85b", "bad_field"),
        ("id", "x" * 257, "bad_field"),
        ("action", None, "no_action"),
        ("action", "", "no_action"),
        ("action", ["a"], "bad_field"),
        ("action", "a\nb", "bad_field"),
    ],
)
def test_id_and_action_must_be_names(key: str, value: object, reason: str) -> None:
    """An id and an action are needed, as text of at most 256 printable characters."""
    assert refused(json.dumps({**EVENT, key: value}).encode()) == reason
    assert refused(json.dumps({k: v for k, v in EVENT.items() if k != key}).encode()).startswith(
        "no_"
    )


def test_an_integer_is_an_id() -> None:
    """Some sources number their events; the number becomes text. 256 characters are allowed."""
    assert read(id=12).id == "12"
    assert read(id="é" * 256).id == "é" * 256


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12177102026566, "12177102026566"),
        ("847288190092", "847288190092"),
        (None, None),
        ("", None),
        (12177102026566.0, "12177102026566"),
        (0.5, None),
        (True, None),
        ({}, None),
        (10**30, str(10**30)),
    ],
)
def test_session_is_number_text_or_null(value: object, text: str | None) -> None:
    """A session id is text whatever type Slack or a collector on the way gave it."""
    assert read(context={"session_id": value}).session_id == text


@pytest.mark.parametrize(
    ("entity", "found"),
    [
        ({"type": "huddle", "huddle": {"id": "R1", "date_start": 1}}, ("R1", None)),
        ({"type": "list", "list": {"id": "F1"}}, ("F1", None)),
        ({"type": "function", "function": {"id": "Fn1", "callback_id": "x"}}, ("Fn1", None)),
        ({"type": "file", "file": {"id": "F1", "name": "", "title": "T"}}, ("F1", "T")),
        ({"type": "file", "file": {"id": "F1", "name": "N", "title": "T"}}, ("F1", "N")),
        ({"type": "template", "template": {"id": "B1", "template_name": "N"}}, ("B1", "N")),
        ({"type": "message", "message": {"channel": "C1", "timestamp": "1.2"}}, ("C1:1.2", None)),
        ({"type": "message", "message": {"channel": "C1"}}, (None, None)),
        ({"type": "brand_new", "brand_new": {"id": "X", "name": "Y"}}, ("X", "Y")),
        ({"type": "file", "user": {"id": "U"}}, (None, None)),
        ({"type": 5, "5": {"id": "X"}}, ("X", None)),
        ({"file": {"id": "F1"}}, (None, None)),
        ("text", (None, None)),
        (None, (None, None)),
    ],
)
def test_entities_of_every_type(entity: object, found: tuple[str | None, str | None]) -> None:
    """Id and name are found under the key that the type names, known or not."""
    fields = read(entity=entity)
    assert (fields.entity_id, fields.entity_name) == found


def test_an_app_may_act() -> None:
    """An actor of another type than user is read under its own key."""
    fields = read(actor={"type": "app", "app": {"id": "A1", "name": "Sync"}})
    assert (fields.actor_type, fields.actor_id, fields.actor_name) == ("app", "A1", "Sync")


@pytest.mark.parametrize("part", ["actor", "entity", "context", "details"])
@pytest.mark.parametrize("value", [None, "", 5, [], {}, "text", True])
def test_parts_may_be_missing_or_odd(part: str, value: object) -> None:
    """A part of a wrong type leaves its columns empty; the event is stored all the same."""
    assert read({part: value}).id == EVENT["id"]


def test_reasons_are_those_of_anomalies() -> None:
    """`details.reason` is a reason only on anomaly events, as list or as text."""
    several = {"reason": ["asn", "ip_address", 5, None, ""]}
    assert read(action="anomaly", details=several).reasons == ("asn", "ip_address", "5")
    assert read(action="anomaly", details={"reason": "tor"}).reasons == ("tor",)
    assert read(action="anomaly", details=None).reasons == ()
    assert read(details=several).reasons is None


@pytest.mark.parametrize(
    "raw",
    [
        b'{"id":"a","id":"a","date_create":1,"action":"x"}',
        rb'{"id":"a","\u0069d":"b","date_create":1,"action":"x"}',
        b'{"id":"a","date_create":1,"action":"x","actor":{"type":"user","type":"app"}}',
        b'{"id":"a","date_create":1,"action":"x","actor":{"type":"u","u":{"id":"1","id":"2"}}}',
        b'{"id":"a","date_create":1,"action":"x","entity":{"type":"q","q":{"n":"1","n":"2"}}}',
        b'{"id":"a","date_create":1,"action":"x","context":{"ua":"1","ua":"2"}}',
        b'{"id":"a","date_create":1,"action":"x","context":{"location":{"id":"1","id":"1"}}}',
        b'{"id":"a","date_create":1,"action":"x","context":{"app":{"id":"1","id":"1"}}}',
        b'{"id":"a","date_create":1,"action":"x","details":{"a":1,"a":1}}',
    ],
)
def test_a_key_that_stands_twice_is_refused(raw: bytes) -> None:
    """At any level that feeds a column, a double key makes the event ambiguous."""
    assert refused(raw) == "duplicate_key"


def test_a_double_key_elsewhere_is_kept() -> None:
    """Deep inside `details` a double key harms nothing and is kept."""
    raw = b'{"id":"a","date_create":1,"action":"x","details":{"q":{"a":1,"a":2}}}'
    assert read_event(raw).details == '{"q":{"a":1,"a":2}}'


@pytest.mark.parametrize("raw", [b"[]", b"5", b'"text"', b"null"])
def test_only_an_object_is_an_event(raw: bytes) -> None:
    """A record that is JSON but no object is refused as such."""
    assert refused(raw) == "not_an_object"


@given(st.text())
def test_hostile_text_survives(text: str) -> None:
    """Any text in any column is kept as it is; empty text is None."""
    person = {"id": text, "name": text, "email": text, "team": text}
    context = {"ua": text, "ip_address": text, "session_id": text, "app": {"id": text}}
    fields = read(actor={"type": "user", "user": person}, context=context, details={text: text})
    columns = {fields.actor_id, fields.actor_name, fields.actor_email, fields.actor_team}
    assert columns | {fields.ua, fields.ip, fields.session_id, fields.app_id} == {text or None}
    assert fields.details is not None
    assert json.loads(fields.details) == {text: text}


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_skipped(raw: bytes) -> None:
    """Whatever the bytes, the reader returns columns or raises SkipRecord."""
    with pytest.raises(SkipRecord):
        read_event(raw)
