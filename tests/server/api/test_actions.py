"""Which action names are supported."""

from __future__ import annotations

from typing import Any

import pytest

from gridtrail.lake.schema import EVENTS_TABLE
from gridtrail.server.api.actions import ActionNames
from gridtrail.server.api.refusals import Refusal


def test_seen_names(data: Any, make_event: Any) -> None:
    """A name becomes supported with the first event that has it, and stays so when compacted."""
    names = ActionNames()
    names.check(data.lake, "E0ACME", ["user_login", "anomaly"])
    for batch in (["own_one"], ["own_two", "own_three"]):
        for name in batch:
            with pytest.raises(Refusal, match=name):
                names.check(data.lake, "E0ACME", [name])
        data.fill([make_event(name, action=name) for name in batch])
        names.check(data.lake, "E0ACME", batch)
    data.lake.compact(EVENTS_TABLE)
    names.check(data.lake, "E0ACME", ["own_one", "own_two", "own_three"])
    ActionNames().check(data.lake, "E0ACME", ["own_one"])


def test_others_names(data: Any, make_event: Any) -> None:
    """What another organization's events are called is not told."""
    data.fill([make_event("a", action="own_one")], "E0OTHER")
    with pytest.raises(Refusal, match="own_one") as caught:
        ActionNames().check(data.lake, "E0ACME", ["own_one"])
    assert caught.value.code == "invalid_action"


def test_all_are_named(data: Any) -> None:
    """Every name that is not supported is named, shortened, with what it may have meant."""
    asked = ["user_logni", "file_downloaded", "é" * 500]
    with pytest.raises(Refusal, match="did you mean user_login") as caught:
        ActionNames().check(data.lake, "E0ACME", asked)
    assert "é" * 80 in str(caught.value)
    assert "é" * 81 not in str(caught.value)
    assert "file_downloaded" not in str(caught.value)
