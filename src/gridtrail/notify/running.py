"""Notifications of one installation: what changed goes into the outbox, and out of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.notify.conditions import Condition, channel_conditions, lake_conditions, watch
from gridtrail.notify.digest import digest
from gridtrail.notify.following import follow
from gridtrail.notify.message import Message
from gridtrail.notify.sending import Sending
from gridtrail.notify.store import ChannelFacts, Outbox, put
from gridtrail.notify.ways import ways
from gridtrail.settings import Settings

_KEPT_DAYS = 30
_TIDY_SECONDS = 3_600
_LOOK_SECONDS = 60


class Notifier:
    """`clock` counts seconds, `jitter` gives numbers from 0 to 1, `stopped` says whether to end
    after the message that was begun."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._settings = settings.notify
        self._names = [one.name for one in settings.notify.channels]
        self.outbox = Outbox(settings.state, clock)
        self._sending = Sending(
            self.outbox, settings.notify, ways(settings, clock), jitter=jitter, stopped=stopped
        )
        self._tidied = self._looked = 0

    def close(self) -> None:
        """Close the database."""
        self.outbox.close()

    def __enter__(self) -> Notifier:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def round(self, lake: Lake | None = None, more: Sequence[Condition] = ()) -> int:
        """Take in what changed, send what is due; the number of messages delivered.

        With a lake it is asked now and then whether collectors and detectors are well, and what
        there is to say in the digest; `more` are conditions that others know of.
        """
        if self.outbox.now >= self._tidied + _TIDY_SECONDS:
            self._tidied = self.outbox.now
            self.outbox.tidy(self._names, _KEPT_DAYS + self._settings.oldest_days)
        follow(self.outbox, self._settings)
        if self.outbox.now >= self._looked + _LOOK_SECONDS:
            self._looked = self.outbox.now
            seen = [*more, *channel_conditions(self.facts())]
            seen += lake_conditions(lake) if lake is not None else []
            watch(self.outbox, self._settings, seen)
        digest(self.outbox, self._settings.digest, lake)
        return self._sending.send_due()

    def deliver(self, ids: Sequence[str]) -> list[Message]:
        """Try these messages once now, even where their channel rests; how each fared."""
        for one in self.outbox.get(ids):
            self._sending.send_now(one)
        return self.outbox.get(ids)

    def facts(self) -> list[ChannelFacts]:
        """How each channel fares."""
        return self.outbox.facts(self._names)

    def test(self, channel: str | None) -> list[str]:
        """Put a test message into the outbox of the channel, of all when it is None; their ids.

        Raises WrongUse for a channel that there is not.
        """
        if channel is not None and channel not in self._names:
            known = ", ".join(self._names) or "none; name one in notify.channels"
            raise WrongUse(f"There is no channel {channel[:40]!r}: there is {known}.")
        body: dict[str, Any] = {
            "title": "This is a test of Gridtrail",
            "lines": ["Whoever reads this is told when something is found."],
        }
        with self.outbox.writing().begin() as connection:
            return [
                put(connection, name, "test", body, now=self.outbox.now)
                for name in ([channel] if channel is not None else self._names)
            ]
