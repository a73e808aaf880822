"""Notifications beside the server, in a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from gridtrail.lake.lake import Lake
from gridtrail.notify.conditions import Condition
from gridtrail.notify.running import Notifier
from gridtrail.notify.store import ChannelFacts
from gridtrail.settings import Settings

_NAMES = {
    "collecting": "collector",
    "detecting": "detection",
    "responding": "automatic response",
    "notifying": "sending of notifications",
}

log = structlog.get_logger("gridtrail.work")


class Fares(Protocol):
    """How a part of the server's work fares (`server.work.WorkStatus`)."""

    @property
    def state(self) -> str:
        """`failing`, or something better."""
        ...

    @property
    def why(self) -> str:
        """In a sentence."""
        ...


@dataclass
class Notifying:
    """Sends until `ending`; `facts` say how the channels fared in the last round."""

    settings: Settings
    ending: threading.Event
    facts: Sequence[ChannelFacts] = field(default_factory=list)

    def run(
        self, lake: Lake, parts: Callable[[], Mapping[str, Fares]], well: Callable[[], None]
    ) -> None:
        """Round after round; `parts` are the server's other work, `well` is told after each."""
        with Notifier(self.settings, stopped=self.ending.is_set) as notifier:
            while not self.ending.is_set():
                sent = notifier.round(lake, conditions(parts()))
                if sent:
                    log.info("notified", messages=sent)
                self.facts = notifier.facts()
                well()
                self.ending.wait(self.settings.notify.poll_seconds)


def conditions(parts: Mapping[str, Fares]) -> list[Condition]:
    """What there is to tell of the server's own work."""
    found = []
    for part, status in parts.items():
        if status.state not in ("working", "failing"):
            continue  # a beginning is neither
        name = f"server's {_NAMES.get(part, f'forwarding to {part}')}"
        why = status.why.rstrip(".")
        found.append(Condition(name, status.state == "failing", f"The {name} fails ({why})"))
    return found
