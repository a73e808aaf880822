"""Audit events as OCSF, against definitions made of a library's models.

py-ocsf-models has the base event and the findings. The other classes are its base event with the
attributes that OCSF 1.5.0 gives them; what a class does not have is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_ocsf_models import OCSF_VERSION as LIBRARY_VERSION
from py_ocsf_models.events.base_event import BaseEvent
from py_ocsf_models.events.findings.detection_finding import DetectionFinding
from pydantic import BaseModel, ConfigDict, IPvAnyAddress, create_model, model_validator

from gridtrail.export.mapped import MAPPED, mapped
from gridtrail.export.ocsf import ocsf_event
from gridtrail.export.ocsf_names import CLASSES, OCSF_VERSION, OTHER
from gridtrail.export.record import Record, record
from gridtrail.slack.catalogue import ACTIONS

MakeEvent = Callable[..., dict[str, Any]]
Read = Callable[[dict[str, Any]], Record]


class Strict(BaseModel):
    """An object that has what is written here and nothing else."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Org(Strict):
    uid: str


class User(Strict):
    uid: str | None = None
    name: str
    full_name: str | None = None
    email_addr: str | None = None
    type_id: int
    type: str
    org: Org | None = None


class Session(Strict):
    uid: str


class Actor(Strict):
    user: User | None = None
    session: Session | None = None
    app_uid: str | None = None
    app_name: str | None = None

    @model_validator(mode="after")
    def _somebody(self) -> Actor:
        assert self.user or self.session or self.app_uid or self.app_name
        return self


class Endpoint(Strict):
    ip: IPvAnyAddress | None = None
    name: str | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Endpoint:
        assert self.ip or self.name
        return self


class Thing(Strict):
    uid: str | None = None
    name: str
    type: str | None = None
    data: dict[str, Any] | None = None


class File(Strict):
    uid: str | None = None
    name: str
    type_id: int
    type: str
    desc: str | None = None


class Named(Strict):
    name: str


class Api(Strict):
    operation: str
    service: Named


class Request(Strict):
    user_agent: str


class Common(BaseEvent):  # type: ignore[misc]
    """What all activity classes have, beside the library's base event."""

    model_config = ConfigDict(extra="forbid")
    category_uid: int
    category_name: str
    class_uid: int
    class_name: str
    activity_id: int
    activity_name: str
    type_uid: int
    type_name: str
    time: int
    src_endpoint: Endpoint
    actor: Actor
    unmapped: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> Common:
        assert self.class_uid // 1000 == self.category_uid
        assert self.type_uid == self.class_uid * 100 + self.activity_id
        assert self.activity_id in (*CLASSES[self.class_uid][1], OTHER)
        return self


REQUEST = {"http_request": (Request | None, None)}
ATTRIBUTES: dict[int, dict[str, Any]] = {
    3001: {"user": (User, ...), **REQUEST},
    3002: {
        "user": (User, ...),
        "session": (Session | None, None),
        "service": (Named, ...),
        "is_remote": (bool, ...),
        **REQUEST,
    },
    3004: {"entity": (Thing, ...), **REQUEST},
    3005: {"user": (User, ...), "privileges": (list[str], ...), **REQUEST},
    3006: {
        "group": (Thing, ...),
        "user": (User | None, None),
        "privileges": (list[str], ...),
        **REQUEST,
    },
    6001: {"web_resources": (list[Thing], ...), **REQUEST},
    6003: {"api": (Api, ...), "resources": (list[Thing], ...), **REQUEST},
    6006: {"file": (File, ...)},
}
MODELS: dict[int, type[BaseModel]] = {
    uid: create_model(f"Class{uid}", __base__=Common, **fields)
    for uid, fields in ATTRIBUTES.items()
} | {2004: DetectionFinding}


def checked(given_event: Record) -> dict[str, Any]:
    """The OCSF object, valid against its class, and JSON that any reader takes."""
    made = ocsf_event(given_event)
    text = json.dumps(made, allow_nan=False)
    MODELS[made["class_uid"]].model_validate_json(text)
    assert made["raw_data"] == given_event.raw
    assert made["metadata"]["uid"] == given_event.id
    return made


def test_version() -> None:
    """Events name the version of OCSF that the library's definitions are of."""
    assert OCSF_VERSION == LIBRARY_VERSION


def test_every_action_is_valid(event: MakeEvent, read: Read) -> None:
    """An event of each action of the catalogue is valid in its class, and says which it was."""
    for action in ACTIONS:
        made = checked(read(event(action)))
        assert made["metadata"]["event_code"] == action
        assert made["class_uid"] == MAPPED[action].class_uid


def test_bare_events_are_valid(read: Read) -> None:
    """An event of each action that says nothing but its name and time is valid too."""
    for action in ACTIONS:
        checked(read({"id": "e1", "date_create": 1, "action": action}))


def test_download(event: MakeEvent, read: Read) -> None:
    """A download names the file, who took it, in which session, and from where."""
    file = {"id": "F0LEADS0001", "name": "leads.xlsx", "title": "All leads"}
    made = checked(read(event("file_downloaded", entity={"type": "file", "file": file})))
    assert (made["class_name"], made["activity_name"]) == ("File Hosting Activity", "Download")
    assert made["file"]["uid"] == "F0LEADS0001"
    assert made["actor"]["user"]["email_addr"] == "mira@kestrel.example"
    assert made["actor"]["session"] == {"uid": "847288190092"}
    assert made["actor"]["app_uid"] == "A0APP00001"
    assert made["src_endpoint"] == {"ip": "203.0.113.140"}
    assert made["time"] == 1_790_000_000_000
    assert made["unmapped"]["details"] == {
        "new_value": {"type": ["ADMINS"]},
        "reason": ["tor", "asn", "ip_address"],
    }


def test_role(event: MakeEvent, read: Read) -> None:
    """A role that is given names who gets it, and which it is."""
    role = {"type": "role", "role": {"id": "R1", "name": "Audit Logs Admin"}}
    details = {"target_user": "W0JONASAB2", "role": "Audit Logs Admin"}
    made = checked(read(event("role_assigned", entity=role, details=details)))
    assert made["user"]["uid"] == "W0JONASAB2"
    assert made["privileges"] == ["Audit Logs Admin"]


def test_membership(event: MakeEvent, read: Read) -> None:
    """Who joins a channel is the user that was added to the group."""
    made = checked(read(event("user_channel_join")))
    assert made["user"]["uid"] == "W0MIRAQ7X1"
    assert made["group"]["type"] == "channel"


def test_failed_login(event: MakeEvent, read: Read) -> None:
    """A failed sign-in is a Logon with the status Failure."""
    made = checked(read(event("user_login_failed")))
    assert (made["activity_name"], made["status"]) == ("Logon", "Failure")
    assert made["user"]["uid"] == "W0JONASAB2"


def test_unknown_action(event: MakeEvent, read: Read) -> None:
    """An action that nobody knows is an API Activity, other, under its own name."""
    made = checked(read(event("brand_new_action")))
    assert (made["class_uid"], made["activity_id"]) == (6003, 99)
    assert made["activity_name"] == made["api"]["operation"] == "brand_new_action"


def test_acting_app(event: MakeEvent, read: Read) -> None:
    """An app that acts by itself is the actor's app, not a user."""
    made = checked(read(event("app_installed", actor={"type": "app", "app": {"id": "A1"}})))
    assert made["actor"]["app_uid"] == "A1"
    assert "user" not in made["actor"]


@pytest.mark.parametrize("text", ["not an address", "203.0.113.999", "::1%eth0/24"])
def test_no_address(event: MakeEvent, read: Read, text: str) -> None:
    """A text that is no address is not put where an address belongs."""
    made = checked(read(event("user_login", context={"ip_address": text})))
    assert made["src_endpoint"] == {"name": text}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
PART = JSON | st.fixed_dictionaries(
    {"type": st.sampled_from(["user", "file", "channel", "message", "app", "type"])},
    optional=dict.fromkeys(("user", "file", "channel", "message", "app", "id"), JSON),
)


@given(
    action=st.sampled_from([*ACTIONS, "new"]),
    actor=PART,
    entity=PART,
    context=JSON
    | st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("ua", "ip_address", "session_id", "location", "app"), JSON)
    ),
    details=JSON
    | st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("reason", "gridtrail", "target_user", "role"), JSON)
    ),
)
def test_hostile_events_are_valid(
    action: str, actor: Any, entity: Any, context: Any, details: Any
) -> None:
    """Whatever stands in an event, its OCSF object is valid and keeps the text as it came."""
    event = {"id": "e1", "date_create": 5, "action": action}
    parts = {"actor": actor, "entity": entity, "context": context, "details": details}
    raw = json.dumps({**event, **parts})
    made = checked(record("E0", "e1", 5, action, raw))
    assert made["class_uid"] == mapped(action).class_uid
