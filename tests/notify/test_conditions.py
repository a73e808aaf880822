"""Gridtrail tells when it fails itself or goes blind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gridtrail.detect.blindness import DetectorState, write_states
from gridtrail.lake.lake import Lake
from gridtrail.notify.conditions import Condition, announce, lake_conditions

Make = Callable[..., Any]
BAD = Condition("detection", True, "The server's own detection fails (disk full)")
WELL = Condition("detection", False)


def lines(far: Any) -> list[str]:
    """What was told, line by line."""
    return [line for one in far.taken for line in one.json.get("lines", [])]


def test_failing_work_is_told_once_and_when_it_is_well_again(
    install: Make, far: Any, hook: Make
) -> None:
    """It has to fail for a while first; a short failure is not told, and neither is its end."""
    home = install(hook(far.url), work_after_seconds=300)
    with home.notifier() as notifier:
        for now, seen in [
            (0, BAD), (60, WELL), (120, BAD), (360, BAD), (420, BAD), (480, BAD), (600, WELL),
            (660, WELL),
        ]:  # fmt: skip
            home.now = 1_795_186_800 + now
            notifier.round(more=[seen])
            if now < 420:
                assert far.got == []
    assert lines(far) == [
        "The server's own detection fails (disk full).",
        "Well again: detection.",
    ]
    assert {one.json["type"] for one in far.taken} == {"work"}


def test_several_things_are_one_message(install: Make, far: Any, hook: Make) -> None:
    """What fails together is told together, to the channels that want to hear of it."""
    home = install(hook(far.url), hook(far.url, "quiet", work=False), work_after_seconds=0)
    with home.notifier() as notifier:
        notifier.round(more=[BAD, Condition("collector", True, "The collector fails")])
    (got,) = far.taken
    assert got.json["lines"] == [f"{BAD.text}.", "The collector fails."]


def test_a_channel_that_fails_is_told_in_the_others(
    install: Make, far: Any, hook: Make, finding: Make
) -> None:
    """And not in itself; when it works again that is told too."""
    home = install(hook("http://127.0.0.1:9", "gone"), hook(far.url), work_after_seconds=60)
    home.save(finding(1))
    with home.notifier() as notifier:
        for _ in range(4):
            notifier.round()
            home.now += 60
        (said,) = lines(far)
    assert said.startswith("Notifications do not get through to gone (It was not reached")
    assert {one.kind for one in home.messages(channel="gone")} == {"created"}


def test_blind_detectors_are_told(install: Make, far: Any, hook: Make, lake: Lake) -> None:
    """A detector without its input is told with the reason; one that learns is not."""
    states = [
        DetectorState("tor", "blind", "the setting enrich.tor_lists names no list", 5),
        DetectorState("user_agent", "learning", "2 days of log, 14 are needed", 5),
        DetectorState("mine", "failed", "ValueError", 5),
    ]
    write_states(lake, "E0ACME", states)
    found = {one.subject: one.bad for one in lake_conditions(lake)}
    assert found == {
        "detector mine of E0ACME": True,
        "detector tor of E0ACME": True,
        "detector user_agent of E0ACME": False,
    }
    home = install(hook(far.url), work_after_seconds=0)
    with home.notifier() as notifier:
        notifier.round(lake)
    assert lines(far) == [
        "The detector mine of E0ACME is failed: ValueError.",
        "The detector tor of E0ACME is blind: the setting enrich.tor_lists names no list.",
    ]


def test_what_happened_is_announced_once(install: Make, far: Any, hook: Make) -> None:
    """The same key tells the same thing once, however often it is called."""
    home = install(hook(far.url), hook(far.url, "quiet", work=False))
    said = ("brake 1", "The brake was pulled", ["11 people in an hour.", "NUL \0 and \ud800."])
    assert announce(home.settings, *said, clock=lambda: home.now) == 1
    assert announce(home.settings, *said, clock=lambda: home.now) == 0
    home.round()
    assert lines(far) == ["11 people in an hour.", "NUL \ufffd and ?."]
    assert far.taken[0].json["title"] == "The brake was pulled"
