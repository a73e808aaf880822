"""Pieces of text for people."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.triage.words import listed, moment, number, quoted, sentence, shown, span


@given(st.text())
def test_a_strangers_text_cannot_leave_its_place(text: str) -> None:
    """Shown text is one printable line of bounded length, quoted text cannot end its quotation."""
    assert shown(text).isprintable()
    assert len(shown(text)) <= 60
    inside = quoted(text)[1:-1]
    assert quoted(text) == f"“{inside}”"
    assert not set('“”"') & set(inside)


@given(st.integers(-(10**18), 10**18))
def test_any_number_is_a_time(seconds: int) -> None:
    """Times out of the calendar are shown at its ends and break nothing."""
    assert moment(seconds).endswith(" UTC")


def test_pieces_read_well() -> None:
    """Lists, numbers, spans and sentences are written as people write them."""
    assert [listed(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert [number(n, "anomaly", "anomalies") for n in (1, 2)] == ["1 anomaly", "2 anomalies"]
    assert span(0, 59) == "At 1970-01-01 00:00 UTC"
    assert span(0, 60) == "Between 1970-01-01 00:00 and 00:01 UTC"
    assert span(0, 90_000) == "Between 1970-01-01 00:00 and 1970-01-02 01:00 UTC"
    assert sentence("it was so") == "It was so."
