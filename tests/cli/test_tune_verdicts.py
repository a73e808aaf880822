"""`gridtrail tune --from-verdicts`: preview, apply, take back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridtrail.respond.thresholds import ThresholdStore, draft

Run = Callable[..., Any]
TUNE = ("tune", "--from-verdicts")


@pytest.fixture
def decided(gridtrail: Run, event: Callable[..., Any], store: Callable[..., None]) -> str:
    """Two people at one odd place, both expected, and a third one there, a true positive for
    another reason; the id of the proposal to allow the place."""
    now = int(time.time())
    rows = []
    for number, (who, reason) in enumerate(
        [("W0ANN", "ip_address"), ("W0BEN", "ip_address"), ("W0CAT", "tor")]
    ):
        at = now - (3 * number + 1) * 86_400
        user = {"id": who, "name": who, "email": f"{who}@kestrel.example"}
        row = event(number, "anomaly", date_create=at, actor__user=user, context__session_id=number)
        row["entity"] = {"type": "user", "user": user}
        row["details"] = {"reason": [reason], "action_timestamp": at * 1_000_000}
        rows.append(row)
    store(rows)
    for one in gridtrail("findings", "--all", "--format", "json").json:
        verdict = "true_positive" if one["actor_ids"] == ["W0CAT"] else "expected"
        done = gridtrail("finding", one["id"], "--verdict", verdict, "--reason", "asked them")
        assert done.code == 0, done.err
    (place,) = [one for one in gridtrail(*TUNE, "-f", "json").json if "cidr" in one["words"]]
    return str(place["id"])


def entries(gridtrail: Run) -> list[Any]:
    """The entries that hold."""
    return list(gridtrail("allow", "list", "--format", "json").json)


def test_the_preview_changes_nothing(gridtrail: Run, decided: str) -> None:
    """It says what would have been silenced and how to apply it, in words and as TOML."""
    shown = gridtrail(*TUNE)
    assert shown.code == 0
    assert f"{decided}  allow cidr 203.0.113.0/24 for ip_address" in shown.text
    assert "would have kept quiet 2 anomalies" in shown.text
    assert "2 findings that turned out harmless; 2 whole findings" in shown.text
    assert 'cidr = "203.0.113.0/24"' in shown.text
    assert "Nothing was changed" in shown.err
    assert entries(gridtrail) == []


def test_what_is_applied_can_be_seen_and_taken_back(gridtrail: Run, decided: str) -> None:
    """An applied proposal is an entry with an owner, its findings as the reason, and an end;
    after it was taken back it is no more in force, and can be applied again."""
    done = gridtrail(*TUNE, "--apply", decided, "--yes")
    assert done.code == 0, done.err
    (entry,) = entries(gridtrail)
    assert (entry["cidr"], entry["reasons"]) == ("203.0.113.0/24", ["ip_address"])
    assert entry["name"] == f"from verdicts: {decided}"
    assert entry["reason"].startswith("verdicts on F")
    assert entry["expires_at"] - entry["created_at"] == 90 * 86_400
    back = gridtrail(*TUNE, "--revert", decided)
    assert back.code == 0, back.err
    assert entries(gridtrail) == []
    (ended,) = gridtrail("allow", "list", "--all", "--format", "json").json
    assert (ended["id"], ended["state"]) == (entry["id"], "removed")
    assert gridtrail(*TUNE, "--apply", "all", "--yes").code == 0
    assert gridtrail(*TUNE, "--revert", "all").code == 0
    assert entries(gridtrail) == []


def test_a_threshold_is_taken_back_by_its_proposal(gridtrail: Run, data: Path) -> None:
    """What a proposal put in force ends by the proposal's id, and only that; `all` ends all that
    proposals made."""
    for name, origin in (("ip_address", "from verdicts: 1234abcd"), ("user_agent", "console")):
        made = draft(
            name, 0.1, names=[name], org=None, since=0, by="ann", reason="x", origin=origin, now=0
        )
        with ThresholdStore(data / "state.db") as kept:
            kept.put(made)
    assert gridtrail(*TUNE, "--revert", "1234").code == 2
    done = gridtrail(*TUNE, "--revert", "1234abcd")
    assert done.code == 0, done.err
    assert "ip_address: 0.1 per 1,000 users and day does not hold any more" in done.err
    assert gridtrail(*TUNE, "--revert", "all").code == 0
    with ThresholdStore(data / "state.db") as kept:
        assert {one.detector: one.open for one in kept.all()} == {
            "ip_address": False, "user_agent": True,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from-verdicts", "--apply", "beef0000", "--yes"), "There is no proposal 'beef0000'"),
        (("--from-verdicts", "--revert", "beef0000"), "Nothing that holds was applied"),
        (("--from-verdicts", "--revert", "a", "--apply", "b"), "not both"),
        (("--apply", "all"), "--from-verdicts"),
        ((), "--from-verdicts"),
    ],
)
def test_wrong_use_is_told(gridtrail: Run, arguments: tuple[str, ...], words: str) -> None:
    """Unknown ids and options that do not go together are refused in one sentence."""
    refused = gridtrail("tune", *arguments)
    assert refused.code == 2
    assert words in refused.err


def test_nothing_is_applied_without_a_yes(gridtrail: Run, decided: str) -> None:
    """Where nobody can be asked, --yes is needed."""
    refused = gridtrail(*TUNE, "--apply", decided)
    assert refused.code == 2
    assert "--yes" in refused.err
    assert entries(gridtrail) == []
