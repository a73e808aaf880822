"""Reason families cover Slack's documented reasons."""

from __future__ import annotations

from gridtrail.slack.reasons import REASONS
from gridtrail.triage.reasons import FAMILIES, OTHER, WORDS, families_of, family_of


def test_every_documented_reason_has_one_family_and_words() -> None:
    """No reason of Slack's is missing, doubled, or made up."""
    listed = [reason for reasons in FAMILIES.values() for reason in reasons]
    assert sorted(listed) == sorted(REASONS)
    assert set(WORDS) == set(REASONS)


def test_strangers_share_one_family() -> None:
    """However many unknown reasons an event has, they count once."""
    assert families_of(["a", "b", "c"]) == {OTHER}
    assert families_of([]) == {OTHER}
    assert family_of("tor") == "network"
