"""`gridtrail thresholds`; what verdicts make of them is tested in tests/lab."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
DAY = 86_400
DOWNLOADS = "excessive_downloads"


def shown(gridtrail: Run, *more: str) -> dict[str, Any]:
    """The rows of the list by detector and state."""
    rows = gridtrail("thresholds", "list", *more, "-f", "json").json
    return {f"{row['detector']} {row['state']}": row for row in rows}


def iso(seconds: float) -> str:
    """A UTC day as the command line takes it."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def test_set_seen_and_taken_back(gridtrail: Run) -> None:
    """A threshold counts from tomorrow on, is listed with who and why, is on the trail, and is
    taken back; until then the default holds."""
    now = time.time()
    assert shown(gridtrail)[f"{DOWNLOADS} in force"]["set_by"] == "default"
    done = gridtrail("thresholds", "set", DOWNLOADS, "0.25", "--reason", "month ends")
    assert done.code == 0, done.err
    days = (iso(now + DAY), iso(time.time() + DAY))  # midnight may pass
    assert any(f"0.25 per 1,000 users and day, from {day} on" in done.err for day in days)
    (row,) = [one for one in shown(gridtrail).values() if one["id"] is not None]
    assert (row["per_1000_users_day"], row["reason"], row["org"]) == (0.25, "month ends", None)
    assert row["by"]
    assert "0.25" in gridtrail("thresholds", "list").text
    back = gridtrail("thresholds", "revert", DOWNLOADS)
    assert back.code == 0, back.err
    (ended,) = [one for one in shown(gridtrail, "--all").values() if one["id"] is not None]
    assert ended["ended_by"]
    trail = gridtrail("logs", "--entity", row["id"], "-f", "json").json
    assert {one["action"] for one in trail} == {
        "gridtrail_threshold_set", "gridtrail_threshold_taken_back",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("set", "excessive_download", "1", "--reason", "x"), "Did you mean|did you mean"),
        (("set", "tor", "1", "--reason", "x"), "no threshold"),
        (("set", DOWNLOADS, "0", "--reason", "x"), "0.001 to 100"),
        (("set", DOWNLOADS, "1", "--reason", " "), "Say why"),
        (("revert", DOWNLOADS), "No threshold that people set"),
    ],
)
def test_what_cannot_be(gridtrail: Run, arguments: tuple[str, ...], says: str) -> None:
    """What makes no threshold is refused in one sentence, and nothing is kept."""
    refused = gridtrail("thresholds", *arguments)
    assert refused.code == 2
    assert any(one in refused.err for one in says.split("|"))
    assert {row["set_by"] for row in shown(gridtrail, "--all").values()} == {"default"}


def test_settings_go_before_the_share(gridtrail: Run, data: Path) -> None:
    """The settings' number holds where nobody set another; a name that is no detector is told."""
    data.mkdir()
    file = data / "gridtrail.toml"
    file.write_text(f"[detect.budgets]\n{DOWNLOADS} = 0.1\n")
    row = shown(gridtrail)[f"{DOWNLOADS} in force"]
    assert (row["per_1000_users_day"], row["set_by"]) == (0.1, "settings")
    file.write_text("[detect.budgets]\nexcessive_download = 0.1\n")
    refused = gridtrail("thresholds", "list")
    assert (refused.code, "did you mean excessive_downloads?" in refused.err) == (2, True)
