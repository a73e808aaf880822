"""Text for people."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.notify.text import Links, beginning, for_anyone, for_slack, heading

FINDING = {"id": "F1", "org": "E0OTHER", "severity": "high", "status": "open", "title": "Look"}


def test_an_entity_is_not_cut_in_two() -> None:
    """A limit in the middle of an escape leaves the whole of it out."""
    assert for_slack("<<<", 10) == "&lt;&lt;…"
    assert for_slack("<<", 8) == "&lt;…"
    assert for_slack("ab", 3) == "ab"


@given(st.text(max_size=100), st.integers(2, 60))
def test_no_text_is_longer_than_it_may_be(text: str, most: int) -> None:
    """Whatever is written."""
    assert len(for_slack(text, most)) <= most
    assert len(for_anyone(text, most)) <= most


def test_other_services_are_not_made_to_call_everybody() -> None:
    """A mention of everybody is broken, an e-mail address stays."""
    text = "@everyone <@123> matt@acme.example @Here"
    assert for_anyone(text, 200) == "(at)everyone ‹@123› matt@acme.example (at)Here"


def test_headings() -> None:
    """They say how bad it is, whether that is new, and what became of it."""
    assert heading(FINDING) == "HIGH: Look"
    assert heading(FINDING, "raised") == "NOW HIGH: Look"
    closed = {**FINDING, "status": "closed", "verdict": "false_positive"}
    assert heading(closed, "updated") == "HIGH, closed as false positive: Look"
    assert heading({**FINDING, "merged_into": "F2"}) == "HIGH, part of another: Look"


def test_the_beginning_ends_with_a_sentence() -> None:
    """As many whole sentences as fit; a first one that does not is cut."""
    story = "One thing happened. Then another. “Third” came."
    assert beginning(story, 35) == "One thing happened. Then another."
    assert beginning(story, 10) == "One thing…"
    assert beginning("", 10) == ""


def test_links_lead_to_the_organization() -> None:
    """Another organization than the settings' stands in the address; without an address, none."""
    assert Links("https://g", "E0ACME").finding(FINDING) == "https://g/findings/F1?org=E0OTHER"
    assert Links("https://g", "E0OTHER").findings() == "https://g/findings"
    assert Links("", "E0ACME").finding(FINDING) is None
