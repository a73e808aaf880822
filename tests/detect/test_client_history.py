"""What is known of the clients that people show today."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from gridtrail.detect.client_history import HISTORY, PROFILES, SHOWN
from gridtrail.detect.contract import DAY_EVENTS, DAY_SECONDS, arrow_schema
from gridtrail.engine.duckdb import DuckDB

DAY = 20_000 * DAY_SECONDS
DESKTOP = "Slack Desktop|macOS|computer"
Marked = Callable[..., list[dict[str, Any]]]


def event(at: int, **columns: Any) -> dict[str, Any]:
    """A row of `day_events`: a person's desktop app on a Mac."""
    usual: dict[str, Any] = {
        "day_start": DAY, "event_id": f"e{at}", "at": DAY + at, "action": "file_downloaded",
        "subject": "W1", "subject_type": "user", "own": True, "teaches": True, "ua": "slack 7",
        "family": "Slack Desktop", "os": "macOS", "device_class": "computer",
        "client_kind": "desktop", "version_key": 7, "session_id": "9", "chrome_major": 140,
        "electron_major": 38, "well_formed": True, "automated": False, "expected_client": True,
    }  # fmt: skip
    row = dict.fromkeys(DAY_EVENTS) | usual | columns
    return row | {"lineage": f"{row['family']}|{row['os']}|{row['device_class']}"}


def browser(at: int, family: str = "Safari", **columns: Any) -> dict[str, Any]:
    """A browser in the session."""
    return event(
        at, **{"ua": f"{family} {columns}", "family": family, "client_kind": "web", **columns}
    )


@pytest.fixture
def marked(engine: DuckDB) -> Marked:
    """Rows of HISTORY for a day's events, with what the profiles hold (by name), in time."""

    def run(day: list[dict[str, Any]], **profiles: list[dict[str, Any]]) -> list[dict[str, Any]]:
        tables = {
            "day_events": pa.Table.from_pylist(day, schema=arrow_schema(DAY_EVENTS)),
            "today": pa.table({"day_start": pa.array([DAY], pa.int64())}),
        }
        for profile in PROFILES:
            schema = arrow_schema(profile.schema)
            tables[profile.name] = pa.Table.from_pylist(profiles.get(profile.name, []), schema)
        for name, table in tables.items():
            engine.register("_given", table)
            engine.keep(name, "SELECT * FROM _given")
        for step in (SHOWN, HISTORY):
            engine.keep(step.name, step.relation)
        rows: list[dict[str, Any]] = engine.rows(HISTORY.table).to_pylist()
        return sorted(rows, key=lambda row: (row["at"], row["event_id"]))

    return run


def release(subject: str, version: int, days_ago: int) -> dict[str, Any]:
    """A row of the profile of releases."""
    at = DAY - days_ago * DAY_SECONDS
    return {
        "subject": subject, "lineage": DESKTOP, "version_key": version, "chrome_major": 140,
        "electron_major": 38, "first_at": at, "last_at": at, "days": 1,
    }  # fmt: skip


def test_each_agent_once(marked: Marked) -> None:
    """Each agent of a session is a row once a day, whatever it does."""
    rows = marked([event(1), event(2), event(3, session_id="10"), event(4, ua="slack seven")])

    assert [row["event_id"] for row in rows] == ["e1", "e3", "e4"]
    assert [row["moved"] for row in rows] == [False, False, False]


def test_a_session_goes_over(marked: Marked) -> None:
    """Another client or system in a session is a change, except where it signs in."""
    rows = marked([event(1), event(2, ua="w", os="Windows"), event(3, ua="l", os="Linux")])
    known = {
        "entity": "9", "dimension": "session_lineage", "value": DESKTOP, "first_at": 1,
        "last_at": 1, "days": 1, "events": 1,
    }  # fmt: skip

    assert [(row["changed"], row["had"]) for row in rows] == [
        (False, None), (True, DESKTOP), (True, max(DESKTOP, "Slack Desktop|Windows|computer")),
    ]  # fmt: skip
    assert [row["changed"] for row in marked([browser(2)], known=[known])] == [True]
    assert [row["changed"] for row in marked([event(2)], known=[known])] == [False]
    signs_in = browser(2, action="user_login")
    assert [row["changed"] for row in marked([signs_in], known=[known])] == [False]


def test_same_second(marked: Marked) -> None:
    """Events of one second do not see each other, whatever their order."""
    day = [event(5), browser(5, event_id="b5")]

    assert [row["changed"] for row in marked(day)] == [False, False]
    assert marked(day) == marked(day[::-1])


@pytest.mark.parametrize(
    ("first", "then", "changed"),
    [
        (("Safari", "iOS", "tablet"), ("Safari", "macOS", "computer"), False),
        (("Chrome", "Android", "phone"), ("Chrome", "Linux", "computer"), False),
        (("Slack iOS", "iOS", "phone"), ("Safari", "iOS", "phone"), False),
        (("Slack Android", "Android", "phone"), ("Chrome", "Android", "phone"), False),
        (("Slack iOS", "iOS", "tablet"), ("Slack iOS", "iOS", "phone"), False),
        (("Safari", "iOS", "tablet"), ("Chrome", "macOS", "computer"), True),
        (("Chrome", "Windows", "computer"), ("Chrome", "Linux", "computer"), True),
        (("Slack iOS", "iOS", "phone"), ("Chrome", "Android", "phone"), True),
    ],
)
def test_one_device_has_several_names(
    marked: Marked, first: tuple[str, str, str], then: tuple[str, str, str], changed: bool
) -> None:
    """Desktop sites, pages inside the mobile app and its helpers are the same device."""
    day = [
        event(at, ua=str(at), family=family, os=os, device_class=device,
              client_kind="mobile" if family.startswith("Slack") else "web")
        for at, (family, os, device) in enumerate((first, then))
    ]  # fmt: skip

    assert marked(day)[1]["changed"] == changed


def test_versions_go_back(marked: Marked) -> None:
    """Older than the person's and than all that is common is a downgrade, until others do so."""
    others = [release(f"W{number}", 7, 1) for number in range(3)]
    back = [event(1, version_key=5)]
    lately = [*others, release("W8", 5, 1), release("W9", 5, 2)]
    once = [*others, *(release(f"W{number}", 5, 60) for number in range(4, 8))]

    assert [row["downgrade"] for row in marked(back, releases=others)] == [True]
    assert [row["downgrade"] for row in marked(back, releases=others[:2])] == [False]
    assert [row["people_lately"] for row in marked(back, releases=lately)] == [2]
    third = [event(0, version_key=5, subject="W2", session_id="2"), *back]
    assert [row["downgrade"] for row in marked(third, releases=lately)] == [True, False]
    assert [row["people_ever"] for row in marked(back, releases=once)] == [4]
    own = [*others, release("W1", 5, 20)]
    assert [row["downgrade"] for row in marked(back, releases=own)] == [False]


def test_marks_exclude_each_other(marked: Marked) -> None:
    """What is unexpected is no change and no downgrade; a forged agent is none of the three."""
    tool = browser(2, "curl", client_kind="tool", automated=True, expected_client=False)
    forged = browser(3, "Slack Desktop", os="Windows", well_formed=False, expected_client=False)
    _, second, third = marked([event(1), tool, forged])

    assert (second["unexpected"], second["moved"], second["changed"]) == (True, True, False)
    assert [third[mark] for mark in ("unexpected", "changed", "downgrade")] == [False] * 3
