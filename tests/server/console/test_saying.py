"""Evidence in words: nothing that only a program reads stands on a page."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.server.console import saying
from gridtrail.server.console.text import words

NETWORK = {
    "at": 1_795_120_975, "country": "MD", "kind": "hosting", "name": "Stepnoy", "network": "AS42",
}  # fmt: skip
_TEXT = st.text("ab_|c", max_size=5) | st.sampled_from(("at", "name", "kind", "ended_at"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("networks", [NETWORK], "2026-11-19 20:42:55 Stepnoy (MD, hosting, AS42)"),
        ("networks", [{"network": "AS1", "kind": "unknown"}, {"name": "B"}], "AS1; B"),
        ("networks", [{"name": "A", "people": 1_200}], "A (people 1,200)"),
        ("actions", ["a", "b"], "a, b"),
        ("actions", [], "none"),
        ("first_at", 1_794_529_508, "2026-11-13 00:25:08"),
        ("within_seconds", 600, "10 min"),
        ("seconds_of_gaps", 7_200, "2 h"),
        ("score_millinats", 44_886, "44.9"),
        ("category", "interleaved|new_country", "interleaved, new country"),
        ("lineage", "Go-http-client||unknown", "Go-http-client"),
        ("client", "odd_name|x", "odd_name|x"),
        ("distinct_things", 2_000, "2,000"),
        ("mobile", True, "yes"),
        ("peers", None, "none"),
    ],
)
def test_a_value_is_said_in_words(name: str, value: object, said: str) -> None:
    """Objects, times, durations and codes are words; what strangers chose stays as it is."""
    assert saying.text(name, value) == said


def test_what_says_nothing_is_left_out() -> None:
    """Empty values and moments that never were have no line; an object's name is before its own."""
    session = {"ended_at": 0, "first_client": "Slack Desktop|macOS|computer", "id": None, "n": 0}
    assert list(saying.pairs({"session": session, "window_seconds": 60})) == [
        ("session began with", "Slack Desktop, macOS, computer"), ("session n", "0"),
        ("window", "1 min"),
    ]  # fmt: skip


@given(st.dictionaries(_TEXT, JSON, max_size=4))
def test_no_object_is_shown_as_a_program_writes_it(value: dict[str, Any]) -> None:
    """Whatever evidence holds, no text has an object's or a list's own notation in it."""
    for _label, text in saying.pairs(value):
        assert not any(mark in text for mark in ("{'", "': ", "['"))


def test_rules_have_their_name_in_words() -> None:
    """What all rules of the pack begin with is left out; a rule among reasons is called one."""
    assert words("rule:slack_single_sign_on_changed") == "rule: single sign on changed"
    assert words("user_agent") == "user agent"
