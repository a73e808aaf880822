"""The patterns that anomalies make together: time, session and order."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.triage.anomaly import Anomaly, Raised
from gridtrail.triage.patterns import patterns_of, unprecedented
from gridtrail.triage.reasons import families_of

HOUR = 3_600
DESKTOP = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Slack/4.46.101 Chrome/140.0.7339.80 Electron/38.1.0 Safari/537.36 Sonic Slack_SSB/4.46.101"
)


def hit(at: int, *shows: str, level: str = "medium") -> Anomaly:
    raised = Raised(
        "E0", f"hit-{at}", at, "W1", frozenset({"rule:one"}), level=level, shows=frozenset(shows)
    )
    return Anomaly(raised, at, "Matt", "", (), "", "", "", "gridtrail")


def anomaly(at: int, *reasons: str, session: str = "") -> Anomaly:
    raised = Raised("E0", f"{at}-{reasons}", at, "W1", families_of(reasons))
    return Anomaly(raised, at, "Matt", "", reasons, session, "", "", "slack")


def pattern(*anomalies: Anomaly) -> str:
    return patterns_of(anomalies)[0].name


def test_access_tool_and_taking_are_a_stolen_session() -> None:
    """Each of the two kinds of access will do, and scraping is tool and taking at once."""
    tool, taking = anomaly(10, "user_agent"), anomaly(20, "excessive_downloads")
    assert pattern(anomaly(0, "ip_address"), tool, taking) == "stolen_session"
    assert pattern(anomaly(0, "session_fingerprint"), tool, taking) == "stolen_session"
    assert pattern(anomaly(0, "tor"), anomaly(1, "unexpected_scraping")) == "stolen_session"


def test_a_step_missing_is_no_stolen_session() -> None:
    """Access and taking without a tool, or access and tool without taking, are something less."""
    taken = pattern(anomaly(0, "ip_address"), anomaly(1, "excessive_downloads"))
    assert taken == "odd_access_taking"
    assert pattern(anomaly(9 + HOUR, "ip_address"), anomaly(1, "excessive_downloads")) == "plain"
    assert pattern(anomaly(0, "ip_address"), anomaly(1, "user_agent")) == "plain"


def test_access_after_the_taking_is_no_theft() -> None:
    """Who scrapes at noon and travels at night scraped himself; in one session it is theft."""
    took = [anomaly(0, "user_agent", session="1"), anomaly(9, "excessive_downloads", session="1")]
    assert pattern(*took, anomaly(9 + HOUR, "ip_address", session="2")) == "stolen_session"
    assert pattern(*took, anomaly(10 + HOUR, "ip_address", session="2")) == "scraping_tool"
    assert pattern(*took, anomaly(10 + HOUR, "ip_address", session="1")) == "stolen_session"
    unknown = [anomaly(0, "user_agent"), anomaly(9, "excessive_downloads")]
    assert pattern(*unknown, anomaly(10 + HOUR, "ip_address")) == "scraping_tool"


def test_the_steps_lie_within_a_day() -> None:
    """A journey two days before the scraping is not its access."""
    tool, taking = anomaly(48 * HOUR, "user_agent"), anomaly(49 * HOUR, "excessive_downloads")
    assert pattern(anomaly(25 * HOUR, "ip_address"), tool, taking) == "stolen_session"
    assert pattern(anomaly(25 * HOUR - 1, "ip_address"), tool, taking) == "scraping_tool"
    late = anomaly(30 * HOUR, "excessive_downloads")
    assert pattern(anomaly(0, "user_agent"), late) == "plain"


def test_the_other_patterns() -> None:
    """Volume alone, Tor, grave reasons and an administrator's odd access have their own names."""
    assert pattern(anomaly(0, "excessive_downloads")) == "bulk_download"
    assert pattern(anomaly(0, "tor")) == "tor"
    assert pattern(anomaly(0, "excessive_malware_uploads")) == "grave"
    assert pattern(anomaly(0, "spoofed_user_agent", "unexpected_client")) == "grave"
    assert pattern(anomaly(0, "unexpected_client")) == "plain"
    assert pattern(anomaly(0, "ip_address")) == "plain"
    assert pattern(anomaly(0, "made_up")) == "plain"
    admin = anomaly(5, "unexpected_admin_action")
    assert pattern(anomaly(0, "ip_address"), admin) == "admin_takeover"


def test_an_ordinary_client_is_no_tool() -> None:
    """Another version of Slack's own client beside volume is neither scraping nor more than medium;
    a tool, a stranger's client or odd access beside it is what it was."""

    def client(ua: str, *reasons: str) -> Anomaly:
        return replace(anomaly(0, *reasons), ua=ua)

    taking = anomaly(9, "excessive_downloads")
    (changed,) = patterns_of([client(DESKTOP, "user_agent"), taking])
    assert (changed.name, changed.ceiling) == ("plain", "medium")
    assert pattern(client("curl/8.0", "user_agent"), taking) == "scraping_tool"
    assert pattern(client("", "user_agent"), taking) == "scraping_tool"
    unexpected = client(DESKTOP, "user_agent", "unexpected_user_agent")
    assert pattern(unexpected, taking) == "scraping_tool"
    together = client(DESKTOP, "user_agent", "unexpected_scraping")
    assert pattern(together, taking) == "scraping_tool"
    stolen = [client(DESKTOP, "ip_address"), client(DESKTOP, "user_agent"), taking]
    assert pattern(*stolen) == "stolen_session"


def test_one_hit_is_one_step() -> None:
    """A rule that can stand for several stages proves no chain alone, beside odd access it does."""
    invited = hit(9, "session", "admin", "volume")
    assert pattern(invited) == "rule"
    assert pattern(anomaly(0, "ip_address"), invited) == "admin_takeover"
    assert pattern(hit(0, "session"), invited) == "admin_takeover"
    assert pattern(anomaly(0, "ip_address", "unexpected_admin_action")) == "admin_takeover"


def test_never_so_many_needs_history_and_a_record() -> None:
    """Four in a day count where two weeks never had four, not on the third day of a log."""
    assert unprecedented(4, 3, 14)
    assert not unprecedented(4, 4, 14)
    assert not unprecedented(3, 2, 14)
    assert not unprecedented(9, 0, 13)


def test_a_hosting_company_abroad() -> None:
    """Somebody at a hosting company in a new country is worth a look; an app is not, nor are
    people at home."""

    def seen(kind: str, category: str, *, is_app: bool = False) -> str:
        details = {"gridtrail": {"observed": {"kind": kind, "category": category}}}
        raised = Raised("E0", "x", 0, "W1", families_of(("ip_address",)), is_app=is_app)
        return pattern(
            Anomaly(raised, 0, "Matt", "", ("ip_address",), "", "", "", "gridtrail", details)
        )

    assert seen("hosting", "hosted|new_country") == "hosted_abroad"
    assert seen("hosting", "hosted|new_country|fast") == "hosted_abroad"
    assert seen("hosting", "hosted") == "plain"
    assert seen("vpn", "hosted|new_country") == "plain"
    assert seen("hosting", "hosted|new_country", is_app=True) == "plain"


@given(st.recursive(st.none() | st.integers() | st.text(), lambda v: st.dictionaries(st.text(), v)))
def test_foreign_evidence(value: object) -> None:
    """Whatever stands where our evidence stands, it is read."""
    raised = Raised("E0", "x", 0, "W1", families_of(("ip_address",)))
    for details in ({"gridtrail": value}, {"gridtrail": {"observed": value}}):
        one = Anomaly(raised, 0, "", "", ("ip_address",), "", "", "", "slack", details)
        assert one.hosted_abroad is False


def test_one_rule_of_medium_level_is_a_hint() -> None:
    """However often and rarely it hits, it makes a low finding; two rules may make a medium one."""

    def of(rule: str, at: int, level: str) -> Anomaly:
        one = hit(at, level=level)
        return replace(one, raised=replace(one.raised, kinds=(f"rule:{rule}",)))

    def ceiling(*hits: Anomaly) -> str:
        return patterns_of(hits)[0].ceiling

    assert ceiling(of("one", 0, "medium"), of("one", 9, "medium")) == "low"
    assert ceiling(of("one", 0, "medium"), of("two", 9, "medium")) == "medium"
    assert ceiling(of("one", 0, "high")) == "high"
