"""The way of each channel, by its kind."""

from __future__ import annotations

import time
from collections.abc import Callable

from gridtrail.notify.apprise_way import AppriseWay
from gridtrail.notify.sending import Way
from gridtrail.notify.slack import SlackWay
from gridtrail.notify.text import Links
from gridtrail.notify.webhook import WebhookWay
from gridtrail.settings import Settings


def ways(settings: Settings, clock: Callable[[], float] = time.time) -> dict[str, Way]:
    """Channel name -> its way."""
    links, home = Links.of(settings), settings.data
    found: dict[str, Way] = {}
    for channel in settings.notify.channels:
        if channel.kind == "slack":
            found[channel.name] = SlackWay(channel, home, links)
        elif channel.kind == "webhook":
            found[channel.name] = WebhookWay(channel, home, clock)
        else:
            found[channel.name] = AppriseWay(channel, home, links)
    return found
