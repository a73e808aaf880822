"""Numbers and names of OCSF 1.5.0 that Gridtrail writes (facts of schema.ocsf.io)."""

from __future__ import annotations

OCSF_VERSION = "1.5.0"
"""The newest version whose definitions a maintained library (py-ocsf-models 0.10) has; OCSF is at
1.9.0, and adds only within 1.x (docs/exports.md)."""

OTHER = 99

CATEGORIES = {
    2: "Findings",
    3: "Identity & Access Management",
    6: "Application Activity",
}

_CRUD = {1: "Create", 2: "Read", 3: "Update", 4: "Delete"}

CLASSES: dict[int, tuple[str, dict[int, str]]] = {
    2004: ("Detection Finding", {1: "Create", 2: "Update", 3: "Close"}),
    3001: (
        "Account Change",
        {
            1: "Create",
            2: "Enable",
            3: "Password Change",
            4: "Password Reset",
            5: "Disable",
            6: "Delete",
            7: "Attach Policy",
            8: "Detach Policy",
            9: "Lock",
            10: "MFA Factor Enable",
            11: "MFA Factor Disable",
        },
    ),
    3002: ("Authentication", {1: "Logon", 2: "Logoff"}),
    3004: ("Entity Management", _CRUD),
    3005: ("User Access Management", {1: "Assign Privileges", 2: "Revoke Privileges"}),
    3006: (
        "Group Management",
        {1: "Assign Privileges", 2: "Revoke Privileges", 3: "Add User", 4: "Remove User"},
    ),
    6001: (
        "Web Resources Activity",
        {**_CRUD, 5: "Search", 6: "Import", 7: "Export", 8: "Share"},
    ),
    6003: ("API Activity", _CRUD),
    6006: (
        "File Hosting Activity",
        {
            1: "Upload",
            2: "Download",
            3: "Update",
            4: "Delete",
            5: "Rename",
            6: "Copy",
            7: "Move",
            8: "Restore",
            9: "Preview",
            10: "Lock",
            11: "Unlock",
            12: "Share",
            13: "Unshare",
            14: "Open",
            15: "Sync",
            16: "Unsync",
        },
    ),
}
"""Class -> its caption, and its activities beside 0 (Unknown) and 99 (Other)."""

SEVERITIES = {
    "informational": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
    "critical": (5, "Critical"),
}


def kind_of(class_uid: int, activity_id: int, activity: str = "Other") -> dict[str, object]:
    """The attributes that say what an event is; `activity` names an activity 99."""
    caption, activities = CLASSES[class_uid]
    name = activities.get(activity_id, activity)
    category = class_uid // 1000
    return {
        "category_uid": category,
        "category_name": CATEGORIES[category],
        "class_uid": class_uid,
        "class_name": caption,
        "activity_id": activity_id,
        "activity_name": name,
        "type_uid": class_uid * 100 + activity_id,
        "type_name": f"{caption}: {activities.get(activity_id, 'Other')}",
    }
