"""From changes of findings to messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gridtrail.triage.store import FindingStore

Make = Callable[..., Any]


def kinds(home: Any) -> list[tuple[str, tuple[str, ...]]]:
    """Kind and findings of each message, the oldest first."""
    return [(one.kind, one.finding_ids) for one in home.messages() if one.state != "joined"]


def test_worse_is_news_and_the_rest_is_an_update(
    install: Make, far: Any, hook: Make, finding: Make
) -> None:
    """A finding is told once; when it grows it is brought up to date; when it is more severe than
    ever told, that is told anew; a change of nothing that counts is not told."""
    home = install(hook(far.url))
    steps: list[dict[str, Any]] = [
        {},
        {"score": 29.3},  # other people's days: nothing
        {"event_ids": ("e1", "e2")},
        {"severity": "critical"},
        {"severity": "high"},
        {"severity": "critical"},
        {"severity": "critical", "assignee": "x", "title": "Other"},
    ]
    for step in steps:
        home.save(finding(1, **step))
        home.round()
        home.now += 1
    with FindingStore(home.settings.state) as store:
        store.decide("F0001", verdict="true_positive")
        home.round()
    types = [one.json["type"].removeprefix("finding.") for one in far.taken]
    assert types == ["created", "updated", "raised", "updated", "updated", "updated", "updated"]
    last = far.taken[-1].json["findings"][0]
    assert (last["status"], last["verdict"], last["news"]) == ("closed", "true_positive", "updated")
    assert last["context"] == {"files": {"distinct": 40}}  # the whole contract


def test_changes_before_it_left_change_what_leaves(
    install: Make, far: Any, hook: Make, finding: Make
) -> None:
    """While nothing was sent, one message holds the newest; once it was tried it stays, and what
    comes after it is one update."""
    home = install(hook(far.url, group_seconds=30))
    home.save(finding(1))
    home.round()
    home.save(finding(1, title="Two", severity="critical"))
    home.round()
    assert kinds(home) == [("created", ("F0001",))]
    far.moods = ["500"]
    home.now += 30
    home.round()
    for title in ("Three", "Four"):
        home.save(finding(1, title=title, severity="critical"))
        home.round()
    assert kinds(home) == [("created", ("F0001",)), ("updated", ("F0001",))]
    home.until_quiet()
    titles = [one.json["findings"][0]["title"] for one in far.got if one.taken]
    assert titles == ["Two", "Four"]


def test_a_burst_is_one_message_and_updates_find_it(
    install: Make, far: Any, bot: Make, finding: Make
) -> None:
    """Findings of one burst are one message, and a later change of one changes that message."""
    home = install(bot(far.url))
    home.save(*(finding(n, score=20.0 + n) for n in range(1, 4)))
    home.round()
    assert far.got == []
    home.now += 30
    home.round()
    home.save(finding(2, title="Something else", score=22.0))
    home.until_quiet()
    (shown,) = far.shown.values()
    assert [got.path.rsplit("/", 1)[1] for got in far.got] == ["chat.postMessage", "chat.update"]
    texts = [one["text"]["text"] for one in shown["blocks"] if one["type"] != "actions"]
    assert texts[0] == "3 findings, the worst is high"
    assert [text.split(" (")[0] for text in texts[1:]] == [
        "HIGH: Matt Salesman's Slack is being scraped with Scrapers Inc",
        "HIGH: Something else",
        "HIGH: Matt Salesman's Slack is being scraped with Scrapers Inc",
    ]


def test_two_changes_of_one_message_are_both_in_it(
    install: Make, far: Any, bot: Make, finding: Make
) -> None:
    """Each update builds on the one before, whichever finding of the message it is about."""
    home = install(bot(far.url))
    home.save(finding(1, score=2.0), finding(2, score=1.0))
    home.now += 30
    home.round()
    home.now += 30
    home.round()
    for n in (1, 2):
        home.save(finding(n, title=f"New {n}", score=3.0 - n))
        home.until_quiet()
    (shown,) = far.shown.values()
    assert "New 1" in str(shown["blocks"])
    assert "New 2" in str(shown["blocks"])
    assert len(far.got) == 3


def test_what_became_worse_says_so_in_both_messages(
    install: Make, far: Any, bot: Make, finding: Make
) -> None:
    """In Slack the old message shows the new severity, and a new one says that it rose."""
    home = install(bot(far.url, group_seconds=0))
    home.save(finding(1))
    home.round()
    home.save(finding(1, severity="critical"))
    home.until_quiet()
    old, new = far.shown.values()
    assert old["blocks"][0]["text"]["text"].startswith("CRITICAL: ")
    assert new["blocks"][0]["text"]["text"].startswith("NOW CRITICAL: ")


def test_no_more_an_hour_than_wanted_but_for_what_is_urgent(
    install: Make, far: Any, bot: Make, finding: Make
) -> None:
    """Two messages go, the rest of the hour is one after it, and a critical one goes at once."""
    home = install(bot(far.url, group_seconds=1, per_hour=2))
    for n in range(1, 8):
        home.save(finding(n))
        home.round()
        home.now += 60
        home.round()
    assert len(far.shown) == 2
    home.save(finding(8, severity="critical"))
    home.round()
    home.now += 1
    home.round()
    assert len(far.shown) == 3
    home.now += 3_600
    home.round()
    titles = [one["text"] for one in far.shown.values()]
    assert titles[3:] == ["5 findings, the worst is high"]


def test_old_and_decided_findings_are_no_news(
    install: Make, far: Any, hook: Make, finding: Make
) -> None:
    """The log of years that is read in at the beginning, what is closed already, and what no rule
    is about are not told; a finding that becomes a part of another is told as that."""
    home = install(hook(far.url), rules=[{"channels": ["siem"], "severity": "high"}])
    old = {"first_seen": 1, "last_seen": home.now - 8 * 86_400}
    home.save(finding(1, **old), finding(2), finding(3, severity="low"), finding(4))
    with FindingStore(home.settings.state) as store:
        store.decide("F0002", verdict="expected")
        home.round()
        assert [one.json["findings"][0]["id"] for one in far.taken] == ["F0004"]
        home.save(finding(5))
        with store.update() as update:
            update.merge("F0004", "F0005")
    home.until_quiet()
    merged = {one["id"]: one["merged_into"] for got in far.taken for one in got.json["findings"]}
    assert merged == {"F0004": "F0005", "F0005": None}


def test_what_is_found_at_night_is_told_in_the_morning(
    install: Make, far: Any, bot: Make, finding: Make
) -> None:
    """Outside its hours a rule keeps what it heard, and tells it together when they begin; what
    gets worse meanwhile and is for another rule goes at once."""
    hours = {"hours_from": "08:00", "hours_to": "15:00"}
    rules = [{"channels": ["soc"], **hours}, {"channels": ["soc"], "severity": "critical"}]
    home = install(bot(far.url), rules=rules)
    for n in (1, 2, 3):
        home.save(finding(n))
        home.round()
        home.now += 600
    assert far.shown == {}
    home.save(finding(3, severity="critical"))
    home.round()
    home.now += 31
    home.round()
    assert [one["text"][:8] for one in far.shown.values()] == ["CRITICAL"]
    home.now = home.now - home.now % 86_400 + 86_400 + 8 * 3_600
    home.round()
    home.now += 30
    home.round()
    assert list(far.shown.values())[1]["text"] == "2 findings, the worst is high"


def test_hostile_text_arrives_as_it_is(
    install: Make, receivers: Make, hook: Make, bot: Make, finding: Make
) -> None:
    """NUL, half a surrogate pair and Slack's own syntax hold up nothing: programs get the text,
    people see it."""
    programs, people = receivers(), receivers()
    home = install(hook(programs.url), bot(people.url, group_seconds=0))
    text = "a\0b\ud800<!channel>\u202e"
    home.save(finding(1, title=text, rules=(text,), ips=(text,), context={"x": [text]}))
    home.until_quiet()
    (got,) = programs.taken
    told = got.json["findings"][0]
    assert (told["title"], told["rules"], told["context"]["x"]) == (text, [text], [text])
    (shown,) = people.shown.values()
    wanted = "HIGH: a⟨U+0000⟩b⟨U+D800⟩&lt;!channel&gt;⟨U+202E⟩"
    assert shown["blocks"][0]["text"]["text"] == wanted
