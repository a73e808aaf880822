"""The menu: the one table of the places that it leads to."""

from __future__ import annotations

from dataclasses import dataclass

from gridtrail.server.roles import PEOPLE, READ_FINDINGS, READ_LOGS, TUNE


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in the menu: `key` is what the page's template calls itself in its block `place`."""

    key: str
    path: str
    name: str
    permission: str


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that belong together; a group with a name is folded under it."""

    name: str
    entries: tuple[Entry, ...]


MENU = (
    Group(
        "",
        (
            Entry("findings", "/findings", "Findings", READ_FINDINGS),
            Entry("detections", "/detections", "Security detections", READ_LOGS),
            Entry("logs", "/logs", "Audit logs", READ_LOGS),
        ),
    ),
    Group(
        "Act",
        (
            Entry("responses", "/responses", "Responses", READ_LOGS),
            Entry("allow", "/allow", "Allow list", READ_LOGS),
        ),
    ),
    Group(
        "Detection",
        (
            Entry("detectors", "/detectors", "Detectors", READ_LOGS),
            Entry("rules", "/rules", "Rules", READ_LOGS),
        ),
    ),
    Group(
        "System",
        (
            Entry("health", "/status", "Health", READ_FINDINGS),
            Entry("outgoing", "/outgoing", "Outgoing", READ_LOGS),
            Entry("query", "/query", "Query", READ_LOGS),
            Entry("people", "/people", "People and tokens", PEOPLE),
            Entry("settings", "/settings", "Settings", TUNE),
        ),
    ),
)
