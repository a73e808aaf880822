"""The outbox in the state database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gridtrail.notify.following import follow

Make = Callable[..., Any]


def test_a_change_is_looked_at_once(install: Make, hook: Make, finding: Make) -> None:
    """The position goes with the messages: the next look finds nothing."""
    home = install(hook("http://127.0.0.1:9"))
    home.save(finding(1), finding(2))
    with home.notifier() as notifier:
        looks = [follow(notifier.outbox, home.settings.notify) for _ in range(2)]
        assert looks == [2, 0]
        assert len(notifier.outbox.select(state="waiting")) == 2


def test_a_message_is_given_to_one_sender_once(install: Make, hook: Make, finding: Make) -> None:
    """Neither without the channel, nor again after it was delivered; its attempt is noted first,
    and a burst that was begun stays one message."""
    home = install(hook("http://127.0.0.1:9"))
    home.save(finding(1), finding(2), finding(3))
    with home.notifier() as notifier:
        outbox = notifier.outbox
        follow(outbox, home.settings.notify)
        waiting, _ = outbox.waiting("siem")
        ids = [one.id for one in waiting]
        assert outbox.begin(ids[:1], "me", 60) is None
        assert outbox.take("siem", "me", 60)
        begun = outbox.begin(ids[:2], "me", 60)
        assert begun is not None
        assert (begun.kind, begun.attempts, len(begun.findings)) == ("several", 1, 2)
        assert outbox.begin(ids[:1], "me", 60) is None
        assert [one.id for one in outbox.waiting("siem")[0]] == [begun.id, ids[2]]
        outbox.delivered(begun, "there", keep=True)
        assert outbox.begin([begun.id], "me", 60) is None
        (sent,) = outbox.select(state="sent")
        assert (sent.id, sent.reference) == (begun.id, "there")
        assert outbox.waiting("siem")[1] == [int(home.now)]
