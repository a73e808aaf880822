"""The table of actions."""

from __future__ import annotations

from gridtrail.export.mapped import MAPPED, UNKNOWN, mapped
from gridtrail.export.ocsf_names import CLASSES, OTHER
from gridtrail.slack.catalogue import ACTIONS

TYPES = {
    "api": "access admin allowed change creation deletion denied end info start user",
    "authentication": "end info start",
    "configuration": "access change creation deletion info",
    "file": "access change creation deletion info",
    "iam": "admin change creation deletion group info user",
    "intrusion_detection": "allowed denied info",
    "malware": "info",
    "session": "end info start",
    "web": "access error info",
}
"""ECS: which types each category may have."""


def test_every_action_is_mapped() -> None:
    """The table has the actions of the catalogue, all of them and no other."""
    assert set(MAPPED) == set(ACTIONS)


def test_classes_and_activities_exist() -> None:
    """Every class and activity in the table is one that OCSF has."""
    for action, what in MAPPED.items():
        activities = CLASSES[what.class_uid][1]
        assert what.activity_id in (*activities, OTHER), action


def test_categories_and_types_are_allowed() -> None:
    """Every ECS category and type is an allowed value, and the types fit the categories."""
    for action, what in MAPPED.items():
        allowed = {word for name in what.categories for word in TYPES[name].split()}
        assert what.types, action
        assert set(what.types) <= allowed, action


def test_outcome_follows_the_name() -> None:
    """What failed, or was blocked or denied, is a failure; an ordinary action a success."""
    failures = {"user_login_failed", "file_downloaded_blocked", "child_app_auto_install_denied"}
    assert {MAPPED[name].outcome for name in failures} == {"failure"}
    assert MAPPED["user_login"].outcome == "success"
    assert MAPPED["external_shared_channel_invite_request_denied"].outcome == "success"


def test_well_known_actions() -> None:
    """Signing in is Authentication, a download File Hosting, an anomaly a Detection Finding."""
    found = {name: (MAPPED[name].class_uid, MAPPED[name].activity_id) for name in MAPPED}
    assert found["user_login"] == (3002, 1)
    assert found["user_session_reset_by_admin"] == (3002, 2)
    assert found["user_created"] == (3001, 1)
    assert found["file_downloaded"] == (6006, 2)
    assert found["role_assigned"] == (3005, 1)
    assert found["user_added_to_usergroup"] == (3006, 3)
    assert found["pref.two_factor_auth_changed"] == (3004, 3)
    assert found["manual_export_started"] == (6001, 7)
    assert found["anomaly"] == (2004, 1)


def test_unknown_action() -> None:
    """An action that nobody knows is some API activity."""
    assert mapped("something_new") is UNKNOWN
    assert (UNKNOWN.class_uid, UNKNOWN.activity_id) == (6003, 99)
