"""Filters as SQL with parameters."""

from __future__ import annotations

import pytest

from gridtrail.lake.query import EventFilter, condition, is_slack_id


@pytest.mark.parametrize("text", ["W0MIRAQ7X1", "U012AB3CD", "USLACKUSER", "USLACKSECURITY"])
def test_slack_ids(text: str) -> None:
    """Capital letters with a digit, eight or more, are an id, and so are Slack's placeholders."""
    assert is_slack_id(text)


@pytest.mark.parametrize(
    "text", ["Matt", "matt@acme.example", "MATTHEWSON", "W0", "w0miraq7x1", ""]
)
def test_names(text: str) -> None:
    """Anything else is a name or an e-mail."""
    assert not is_slack_id(text)


def test_values_are_never_text_of_the_query() -> None:
    """No value of a filter stands in the SQL; there are as many marks as values."""
    evil = "x'); DROP TABLE events; --"
    wanted = EventFilter(
        (evil, evil), evil, evil, evil, evil, evil, evil, evil, evil, evil, evil, evil, 1, 2
    )
    found = condition(wanted)
    assert "DROP" not in found.sql
    assert found.sql.count("?") == len(found.values) == 18
    assert condition(EventFilter()).sql == "true"
