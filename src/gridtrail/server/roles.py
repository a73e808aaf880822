"""Who may do what: the one table of roles and permissions (docs/design.md, section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

OPEN = "open"
"""Needs no account: the way in."""

SIGNED_IN = "signed in"
"""Any account, whatever its role."""

READ_FINDINGS = "read findings"
DECIDE = "give verdicts"
READ_LOGS = "read audit logs"
EXPORT = "export"
RESPOND = "respond"
TUNE = "tune"
PEOPLE = "people and settings"

_VIEWER = frozenset({SIGNED_IN, READ_FINDINGS})
_AUDITOR = _VIEWER | {DECIDE, READ_LOGS, EXPORT}
_ADMIN = _AUDITOR | {RESPOND, TUNE}

ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "owner": _ADMIN | {PEOPLE},
        "admin": _ADMIN,
        "audit_logs_admin": _AUDITOR,
        "viewer": _VIEWER,
    }
)
"""Role -> what it permits; the names are Slack's."""

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "owner": "Owner",
        "admin": "Admin",
        "audit_logs_admin": "Audit Logs Admin",
        "viewer": "Viewer",
    }
)


def permits(role: str, permission: str) -> bool:
    """Whether accounts of `role` may do what needs `permission`."""
    return permission == OPEN or permission in ROLES.get(role, frozenset())
