from __future__ import annotations

import json
from typing import Any

import pytest

from gridtrail.sandbox.audit_api import DEFAULT_LIMIT, SKEW
from gridtrail.sandbox.refusals import AuditRefusal
from gridtrail.sandbox.slack_state import SlackState


def ask(state: SlackState, *parameters: tuple[str, str]) -> Any:
    """The parsed answer at the state's present."""
    now = state.clock.now()
    return json.loads(state.audit.logs(parameters, now, state.wall()))


def times(answer: Any) -> list[int]:
    return [event["date_create"] for event in answer["entries"]]


def test_empty_unknown_and_repeated_parameters_do_no_harm(past: SlackState) -> None:
    """Empty counts as not given, unknown as nothing, and of a repeated one the last counts."""
    plain = ask(past, ("limit", "7"))
    messy = ask(
        past, ("limit", "3"), ("limit", "7"), ("cursor", ""), ("actor", " "), ("pretty", "1")
    )
    assert messy == plain


@pytest.mark.parametrize("limit", ["0", "-5", "x", "", "1.5"])
def test_a_limit_that_is_none_is_the_default(past: SlackState, limit: str) -> None:
    """What is no number above 0 is as if it were not there."""
    assert DEFAULT_LIMIT <= len(times(ask(past, ("limit", limit)))) < DEFAULT_LIMIT + 50


def test_a_page_never_has_more_than_slack_allows(past: SlackState) -> None:
    """A limit above 9999 is 9999, but for what shares the last second."""
    many = times(ask(past, ("limit", "1000000")))
    assert len(many) == len(times(ask(past, ("limit", "9999"))))


def test_latest_and_cursor_both_hold(past: SlackState) -> None:
    """The cursor continues, and a repeated `latest` does not take it back to the start."""
    newest = times(ask(past, ("limit", "1")))[0]
    first = ask(past, ("latest", str(newest)), ("limit", "50"))
    cursor = first["response_metadata"]["next_cursor"]
    second = ask(past, ("latest", str(newest)), ("limit", "50"), ("cursor", cursor))
    assert max(times(second)) < min(times(first))
    early = min(times(second))
    third = ask(past, ("latest", str(early)), ("limit", "50"), ("cursor", cursor))
    assert max(times(third)) == early


def test_the_window_ends_where_oldest_says_only_if_repeated(past: SlackState) -> None:
    """With `oldest` on every page paging ends there; without it, it goes on to the beginning."""
    everything = times(ask(past, ("limit", "9999")))
    oldest = everything[400]
    first = ask(past, ("oldest", str(oldest)), ("limit", "300"))
    cursor = first["response_metadata"]["next_cursor"]
    kept = ask(past, ("oldest", str(oldest)), ("limit", "9999"), ("cursor", cursor))
    dropped = ask(past, ("limit", "9999"), ("cursor", cursor))
    assert min(times(kept)) == oldest
    assert kept["response_metadata"]["next_cursor"] == ""
    assert min(times(dropped)) == everything[-1]


def test_the_future_is_no_range(past: SlackState) -> None:
    """A clock that is a little ahead is forgiven, more is not, nor are swapped bounds."""
    now = past.clock.now()
    assert times(ask(past, ("latest", str(now + SKEW)), ("limit", "1")))
    for bad in (
        [("oldest", str(now + SKEW + 1))],
        [("oldest", str(now)), ("latest", str(now - 1))],
        [("oldest", "-1")],
    ):
        with pytest.raises(AuditRefusal, match="invalid_range"):
            ask(past, *bad)
