"""The drawing of how a finding hangs together: joined, capped, ordered, in its bounds."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.server.console.picture import Picture, picture_of

_NAMES = ("actor", "session", "ip", "ua", "file")


def row(events: int = 1, **more: str | None) -> dict[str, Any]:
    """A group of events."""
    own: dict[str, Any] = {"actor": "W1", "session": "1", "ip": "10.0.0.1", "ua": "x", "file": "F1"}
    own |= {"actor_name": "Ann", "file_name": None, "events": events}
    return own | more


def drawn(*rows: dict[str, Any]) -> Picture:
    """The drawing of the rows, nothing of it odd but the address 10.0.0.9."""
    found = picture_of(rows, lambda _, value: value == "10.0.0.9")
    assert found is not None
    return found


def test_nothing_has_no_picture() -> None:
    """Without events there is none."""
    assert picture_of([], lambda *_: False) is None


def test_each_column_shows_the_busiest_and_counts_the_rest() -> None:
    """Forty files are five and a box for 35; a session that is not said is a box of its own."""
    found = drawn(*(row(n + 1, file=f"F{n}", session=None) for n in range(40)))
    labels = [one.label for one in found.nodes]
    assert "35 more files" in labels
    assert "no session" in labels
    assert [one.label for one in found.nodes if one.label.startswith("F")] == [
        "F39", "F38", "F37", "F36", "F35",
    ]  # fmt: skip
    assert found.words.endswith("1 person, 0 sessions, 1 address, 1 client, 40 files")


def test_what_is_odd_is_marked_and_leads_to_its_page() -> None:
    """The mark and the link belong to the value; the thickest line has the most events."""
    found = drawn(row(100), row(1, ip="10.0.0.9"))
    (odd,) = [one for one in found.nodes if one.odd]
    assert odd.href == ("/address", "ip", "10.0.0.9")
    assert max(one.width for one in found.edges) == 7.0
    assert {one.title for one in found.edges} == {"100 events", "1 event", "101 events"}


_text = st.none() | st.text(max_size=3)
_rows = st.lists(
    st.builds(
        lambda values, events: row(events, **dict(zip(_NAMES, values, strict=True))),
        st.tuples(st.text(min_size=1, max_size=2), _text, _text, _text, _text),
        st.integers(1, 10_000),
    ),
    min_size=1,
    max_size=40,
)


@given(_rows)
def test_boxes_never_overlap_and_stay_inside(rows: list[dict[str, Any]]) -> None:
    """Whatever there is: at most six boxes a column, each at its own place, lines between boxes."""
    found = drawn(*rows)
    places = {(one.x, one.y) for one in found.nodes}
    assert len(places) == len(found.nodes) <= 7 * len(_NAMES)
    width, height = found.box
    assert all(one.x + width <= found.width for one in found.nodes)
    assert all(one.y + height <= found.height for one in found.nodes)
    assert all(1 <= one.width <= 7 for one in found.edges)
