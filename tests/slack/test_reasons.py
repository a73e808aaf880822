from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.slack.reasons import REASONS, with_companions


def test_there_are_eighteen_reasons() -> None:
    """Slack documents eighteen reasons; one is deprecated, one is for apps only."""
    assert len(REASONS) == 18
    assert list(REASONS) == sorted(REASONS)
    assert [r.code for r in REASONS.values() if r.deprecated] == ["search_volume"]
    apps_only = [r.code for r in REASONS.values() if r.entities == ("app",)]
    assert apps_only == ["unexpected_credential_testing"]
    assert sum("app" in r.entities for r in REASONS.values()) == 7


def test_seven_reasons_can_end_sessions() -> None:
    """The automatic response knows exactly the seven behaviours of Slack's settings page."""
    assert {r.code for r in REASONS.values() if r.can_end_sessions} == {
        "tor",
        "unexpected_scraping",
        "excessive_downloads",
        "session_fingerprint",
        "spoofed_user_agent",
        "unexpected_api_call_volume",
        "unexpected_user_agent",
    }


def test_the_three_pairs() -> None:
    """Three codes always bring another, and no other code does."""
    assert {r.code: r.companion for r in REASONS.values() if r.companion} == {
        "asn": "ip_address",
        "spoofed_user_agent": "unexpected_client",
        "unexpected_user_agent": "user_agent",
    }


@given(st.lists(st.sampled_from([*REASONS, "some_future_reason"])))
def test_companions_are_added_once_in_one_order(codes: list[str]) -> None:
    """The result holds every code and its companion, sorted, whatever order they came in."""
    result = with_companions(codes)
    assert result == tuple(sorted(set(result))) == with_companions(reversed(codes))
    assert with_companions(result) == result
    companions = {REASONS[c].companion for c in codes if c in REASONS and REASONS[c].companion}
    assert set(result) == set(codes) | companions
