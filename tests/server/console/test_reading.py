"""An event is printed as it was stored, each value leading to its like."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.server.console.reading import details_of, json_lines

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", min_size=1), inner),
    max_leaves=20,
)


def _href(name: str, value: str) -> str:
    return f"{name}={value}"


@given(st.dictionaries(st.text("abc", min_size=1), _json))
def test_the_lines_are_the_event(event: dict[str, object]) -> None:
    """Joined, the lines are the same JSON."""
    lines = json_lines(json.dumps(event), _href)
    text = "\n".join(f"{'  ' * one.depth}{one.key}{one.text}{one.end}" for one in lines)
    assert json.loads(text) == event


def test_numbers_keep_their_spelling() -> None:
    """A long session id and a float are printed as they came."""
    raw = '{"n": 121771020265661217710202, "f": 1.50, "e": 1E5}'
    assert [one.text for one in json_lines(raw, _href)][1:4] == [
        "121771020265661217710202",
        "1.50",
        "1E5",
    ]


def test_values_lead_to_the_filter_of_their_place() -> None:
    """Ids, addresses, agents and sessions have filters of their own; others are looked for."""
    event = {
        "id": "e1",
        "date_create": 5,
        "action": "anomaly",
        "actor": {"type": "user", "user": {"id": "W1", "email": "a@b.example"}},
        "entity": {"type": "file", "file": {"id": "F1", "title": "T"}},
        "context": {"ua": "U", "ip_address": "1.2.3.4", "session_id": 7},
        "details": {"reason": ["tor"], "gridtrail": {"deciding_events": ["e0"]}, "x": None},
    }
    found = {
        one.text: one.href for one in json_lines(json.dumps(event), _href) if one.kind != "mark"
    }
    assert found == {
        '"e1"': "id=e1",
        "5": None,
        '"anomaly"': "action=anomaly",
        '"user"': None,
        '"W1"': "actor=W1",
        '"a@b.example"': "actor=a@b.example",
        '"file"': None,
        '"F1"': "entity=F1",
        '"T"': "text=T",
        '"U"': "ua=U",
        '"1.2.3.4"': "ip=1.2.3.4",
        "7": "session=7",
        '"tor"': "reason=tor",
        '"e0"': "id=e0",
        "null": None,
    }


def test_an_endless_event_is_cut() -> None:
    """A page has some thousand lines at most, and says that it was cut."""
    lines = json_lines(json.dumps({"a": list(range(10_000))}), _href)
    assert len(lines) == 4_001
    assert "cut here" in lines[-1].text


def test_details_that_are_no_object_are_none() -> None:
    """A stranger's details may be anything."""
    assert details_of('{"a": 1}') == {"a": 1}
    for text in (None, "", "[1]", "no json", "7"):
        assert details_of(text) == {}
