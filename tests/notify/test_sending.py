"""Out of the outbox, to far sides that fail in every way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gridtrail.errors import WrongUse

Make = Callable[..., Any]

KILLED = """
import os, signal, sys
from gridtrail.notify.running import Notifier
from gridtrail.settings import Settings

home, database, url, where, after = sys.argv[1:]
channel = {"name": "siem", "kind": "webhook", "url": url, "secret": "s3cret"}
settings = Settings(
    data=home, org="E0ACME", database=database or None, notify={"channels": [channel]}
)
left = int(after)
def count(_frame, event, _argument):
    global left
    name = _frame.f_code.co_name
    if event in ("call", "return") and f"{event} {name}" == where and "notify" in _frame.f_globals[
        "__name__"
    ]:
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.setprofile(count)
with Notifier(settings, clock=lambda: float(os.environ["NOW"])) as notifier:
    notifier.round()
"""

PLACES = [
    ("sqlite", "call tell", 2),  # while messages are put in, before the position is written
    ("postgresql", "return follow", 0),
    ("sqlite", "call send", 2),  # noted, not sent
    ("postgresql", "return send", 2),  # sent, not noted
    ("sqlite", "return delivered", 2),
]


@pytest.mark.parametrize(("state_place", "where", "after"), PLACES, indirect=["state_place"])
def test_killed_at_any_moment_nothing_is_lost(
    where: str, after: int, install: Make, far: Any, hook: Make, finding: Make
) -> None:
    """A process that gets SIGKILL leaves an outbox from which the next one tells all the rest; the
    receiver has each id once after it left out the doubles."""
    home = install(hook(far.url))
    home.save(*(finding(n) for n in range(1, 6)))
    database = home.settings.database
    place = "" if database is None else database.get_secret_value()
    command = [sys.executable, "-c", KILLED, str(home.settings.data), place]
    environment = {**os.environ, "NOW": str(home.now)}
    arguments = [f"{far.url}/hook", where, str(after)]
    done = subprocess.run([*command, *arguments], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    home.until_quiet(seconds=200)
    told = [one.json["findings"][0]["id"] for one in far.taken]
    assert sorted(told) == [f"F{n:04}" for n in range(1, 6)]
    assert len(home.messages(state="sent")) == 5


def test_a_far_side_that_fails_in_every_way_loses_nothing(
    install: Make, far: Any, hook: Make, finding: Make
) -> None:
    """Errors, cuts, silence and drops: every message arrives, those of a finding in order."""
    home = install(hook(far.url, timeout_seconds=0.5))
    far.moods = [
        "500", "cut", "hang", "200", "503", "lost", "429 120", "404", "drip", "301 http://x/",
        "200", "401", "cut", "500",
    ]  # fmt: skip
    wanted = []
    with home.notifier() as notifier:
        for score in range(1, 4):
            for n in range(1, 4):
                home.save(finding(n, score=score, title=f"Look {score}"))
                wanted.append((f"F{n:04}", f"Look {score}"))
            notifier.round()
            home.now += 20
    home.until_quiet()
    told = [(one["id"], one["title"]) for got in far.taken for one in got.json["findings"]]
    for n in range(1, 4):
        mine = [title for name, title in told if name == f"F{n:04}"]
        assert mine == sorted(mine)  # in order, maybe without what was overtaken before it left
        assert mine[-1] == "Look 3"
    assert home.messages(state="dead") == []


@pytest.mark.parametrize("state_place", ["sqlite"], indirect=True)
def test_down_for_a_day_and_then_everything_arrives(
    install: Make, receivers: Make, hook: Make, finding: Make
) -> None:
    """A far side that refuses for a day is asked at most every ten minutes, and loses nothing."""
    gone = receivers()
    home = install(hook("http://127.0.0.1:9"))
    home.save(*(finding(n) for n in range(1, 31)))
    tries = 0
    with home.notifier() as notifier:
        for _ in range(24 * 6):
            notifier.round()
            home.now += 600
        facts = notifier.facts()[0]
        tries = facts.failures
    assert (facts.waiting, facts.dead) == (30, 0)
    assert 100 < tries <= 144
    assert "not reached" in facts.said
    home.settings = install(hook(gone.url)).settings
    home.until_quiet()
    assert len(gone.taken) == 30
    with home.notifier() as notifier:
        assert notifier.facts()[0].failing_since is None


def test_retry_after_is_respected(install: Make, far: Any, hook: Make, finding: Make) -> None:
    """Nothing is sent before the time that the far side named, to the second."""
    home = install(hook(far.url))
    far.moods = ["429 120"]
    home.save(finding(1), finding(2))
    home.round()
    for wait, requests in ((0, 1), (119, 1), (120, 3)):
        home.now = 1_795_186_800 + wait
        home.round()
        assert len(far.got) == requests


def test_what_is_refused_is_a_dead_letter_and_holds_up_nobody(
    install: Make, far: Any, hook: Make, finding: Make
) -> None:
    """A message that the far side never takes goes aside with the reason, and can be sent again
    under its id."""
    home = install(hook(far.url))
    far.moods = ["422"]
    home.save(finding(1), finding(2))
    home.round()
    (dead,) = home.messages(state="dead")
    assert dead.said == "It does not take the message (HTTP 422)."
    assert [one.json["findings"][0]["id"] for one in far.taken] == ["F0002"]
    with home.notifier() as notifier:
        with pytest.raises(WrongUse, match="no dead letter"):
            notifier.outbox.resend(["nothing"])
        assert [one.id for one in notifier.outbox.resend([dead.id[:8]])] == [dead.id]
        assert notifier.round() == 1
        assert notifier.outbox.resend(None) == []
    assert far.taken[-1].headers["webhook-id"] == dead.id


def test_after_so_many_attempts_it_is_a_dead_letter(
    install: Make, far: Any, hook: Make, finding: Make
) -> None:
    """A message that fails each time does not keep others from going before it."""
    home = install(hook(far.url), attempts=3)
    home.save(finding(1))
    far.moods = ["500"] * 3
    home.round()
    home.save(finding(2))
    home.until_quiet()
    (dead,) = home.messages(state="dead")
    assert dead.attempts == 3
    assert len(far.taken) == 1


def test_one_bad_message_does_not_stop_the_rest(
    install: Make, far: Any, hook: Make, finding: Make
) -> None:
    """While one message makes the far side fail, those of other findings pass it."""
    home = install(hook(far.url))
    home.save(finding(1))
    far.moods = ["500", "500", "500"]
    home.round()
    home.save(*(finding(n) for n in range(2, 6)))
    for _ in range(4):
        home.now += 40
        home.round()
    assert len(far.taken) >= 4


def test_two_processes_do_not_send_at_the_same_time(
    install: Make, far: Any, hook: Make, finding: Make
) -> None:
    """Who sends holds the channel until it lets go, or did not move for a while."""
    home = install(hook(far.url))
    home.save(finding(1))
    with home.notifier() as one, home.notifier() as other:
        assert one.outbox.take("siem", "one", 60)
        assert other.round() == 0
        home.now += 60
        assert other.round() == 1
    assert len(far.got) == 1


def test_several_channels_each_get_it(
    install: Make, receivers: Make, hook: Make, bot: Make, finding: Make
) -> None:
    """One channel that fails does not hold up another, and each hears what its rules say."""
    bad, good, chat = receivers(), receivers(), receivers()
    bad.moods = ["500"] * 50
    rules = [
        {"channels": ["bad", "good"]},
        {"channels": ["soc"], "severity": "critical"},
    ]
    channels = [hook(bad.url, "bad"), hook(good.url, "good"), bot(chat.url)]
    home = install(*channels, rules=rules)
    home.save(finding(1), finding(2, severity="critical"))
    for _ in range(3):
        home.round()
        home.now += 31
    assert len(good.taken) == 2
    assert len(chat.shown) == 1
    assert bad.taken == []


def test_channels_that_are_no_more_are_given_up(
    install: Make, far: Any, hook: Make, finding: Make
) -> None:
    """What waits for a channel that was taken out of the settings is a dead letter."""
    home = install(hook("http://127.0.0.1:9", "old"))
    home.save(finding(1))
    home.round()
    home.settings = install(hook(far.url, "new")).settings
    home.now += 7_200
    home.round()
    (dead,) = home.messages(state="dead")
    assert (dead.channel, dead.said) == ("old", "There is no such channel any more.")
    with home.notifier() as notifier:
        assert [one.channel for one in notifier.facts()] == ["new", "old"]


def test_what_was_told_long_ago_is_forgotten(
    install: Make, far: Any, hook: Make, finding: Make
) -> None:
    """After some weeks the outbox holds nothing of it, and it is not told anew."""
    home = install(hook(far.url))
    home.save(finding(1))
    home.round()
    home.now += 38 * 86_400
    home.save(replace(finding(1), score=1.0, title="Other"))
    with home.notifier() as notifier:
        notifier.round()
    assert home.messages() == []
    assert len(far.taken) == 1
