"""Out of the outbox: each channel by turns, with back-off, until it is delivered or given up."""

from __future__ import annotations

import os
import random
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gridtrail.notify.message import Message
from gridtrail.notify.outcomes import Again, Delivered, Outcome, Refused
from gridtrail.notify.planning import Pace, plan
from gridtrail.notify.store import Outbox
from gridtrail.settings_notify import ChannelSettings, NotifySettings
from gridtrail.triage.finding import SEVERITIES

FIRST_PAUSE = 5
"""Seconds before the second attempt; each further pause is twice as long."""
LONGEST_TOLD = 86_400
"""The far side's own Retry-After counts up to so many seconds."""
_LEASE_SPARE = 30
_MOST = {"slack": 1_000, "apprise": 1_000, "webhook": 100}
"""Findings that become one message; what programs get has the whole finding."""

Send = Callable[[Message], Outcome]


class Way(Protocol):
    """How messages leave by one channel."""

    def send(self, message: Message) -> Outcome:
        """Send it once."""
        ...


@dataclass
class Sending:
    """Sends what is due; `ways` by channel name. `jitter` gives numbers from 0 to 1, `stopped`
    says whether to end after the message that was begun."""

    outbox: Outbox
    settings: NotifySettings
    ways: Mapping[str, Way]
    jitter: Callable[[], float] = random.random
    stopped: Callable[[], bool] = lambda: False
    holder: str = field(
        default_factory=lambda: f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex[:8]}"
    )

    def send_due(self) -> int:
        """One round through all channels; the number of messages delivered."""
        return sum(self._channel(channel) for channel in self.settings.channels)

    def send_now(self, message: Message) -> None:
        """Try one message, whatever it waits for; not while another process sends."""
        found = [one for one in self.settings.channels if one.name == message.channel]
        for channel in found:
            lease = _lease(channel)
            if self.outbox.take(channel.name, self.holder, lease, resting=True):
                try:
                    begun = self.outbox.begin([message.id], self.holder, lease)
                    if begun is not None:
                        self._send(channel, begun)
                finally:
                    self.outbox.release(channel.name, self.holder)

    def _channel(self, channel: ChannelSettings) -> int:
        urgent = len(SEVERITIES)
        if channel.urgent != "none":
            urgent = SEVERITIES.index(channel.urgent)
        pace = Pace(channel.grouping, channel.hourly, urgent, _MOST[channel.kind])
        waiting, noticed = self.outbox.waiting(channel.name)
        batches = plan(waiting, noticed, pace, self.outbox.now)
        lease = _lease(channel)
        if not batches or not self.outbox.take(channel.name, self.holder, lease):
            return 0
        done = 0
        try:
            for batch in batches:
                message = None
                if not self.stopped():
                    ids = [one.id for one in batch]
                    message = self.outbox.begin(ids, self.holder, lease)
                outcome = None if message is None else self._send(channel, message)
                if outcome is None or isinstance(outcome, Again):
                    break
                done += isinstance(outcome, Delivered)
        finally:
            self.outbox.release(channel.name, self.holder)
        return done

    def _send(self, channel: ChannelSettings, message: Message) -> Outcome:
        """Send one message and note what came of it; Again when the channel has to rest."""
        outcome = self.ways[channel.name].send(message)
        if isinstance(outcome, Delivered):
            keep = channel.kind == "slack"
            self.outbox.delivered(message, outcome.reference, keep=keep)
        elif isinstance(outcome, Again) and message.attempts < self.settings.attempts:
            rest = self._pause(self.outbox.failures(channel.name) + 1)
            pause = self._pause(message.attempts)
            if outcome.wait is not None:
                pause = rest = max(1, min(outcome.wait, LONGEST_TOLD))
            self.outbox.failed(message, outcome.why, pause=pause, channel_pause=rest)
        else:
            self.outbox.gave_up(message, outcome.why)
            return Refused(outcome.why)
        return outcome

    def _pause(self, failures: int) -> int:
        """Seconds after so many failures: doubled each time, and half of it by chance, so that
        those who failed together do not come again together."""
        doubled = FIRST_PAUSE * (1 << min(failures - 1, 20))
        whole = min(doubled, self.settings.longest_pause_seconds)
        return max(1, round(whole * (1 + self.jitter()) / 2))


def _lease(channel: ChannelSettings) -> int:
    """Seconds without a sign of who sends, after which another may."""
    return int(2 * channel.timeout_seconds) + _LEASE_SPARE
