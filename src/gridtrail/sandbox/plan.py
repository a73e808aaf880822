"""What to simulate: size, time, habits, planted stories and faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal, get_args

from gridtrail.errors import WrongUse

Archetype = Literal["office", "remote", "global"]
Loudness = Literal["loud", "paced", "stealthy"]
StoryKind = Literal[
    "matt",
    "stolen_session",
    "harmless_burst",
    "tor",
    "slow_exfiltration",
    "spoofed_client",
    "new_network_login",
    "mimic",
    "compromised_admin",
    "malicious_app",
    "malware",
    "client_rollout",
    "client_rollback",
    "vdi_pool",
    "conference_hotel",
    "vpn_migration",
    "ediscovery_export",
    "leaver_downloads",
    "role_change",
    "on_call_nights",
    "archive_migration",
    "integration_backfill",
    "outage",
]

ATTACKS: frozenset[str] = frozenset(
    {
        "matt",
        "stolen_session",
        "tor",
        "slow_exfiltration",
        "spoofed_client",
        "new_network_login",
        "mimic",
        "compromised_admin",
        "malicious_app",
        "malware",
    }
)
"""Kinds that somebody should look at; the others are harmless and make no finding of note."""

DEMO_END = date(2026, 11, 20)
"""A fixed Friday, so that the demonstration is the same on every day it is shown."""


@dataclass(frozen=True, slots=True)
class Story:
    """One thing to plant.

    `days_before_end` moves its last day from the last day of the period backwards.
    `with_slack_anomalies` (only `matt` and `stolen_session`) adds the two anomaly events that
    Slack's own detection would have written, 51 seconds after the actions that decided them.
    """

    kind: StoryKind
    loudness: Loudness = "loud"
    days_before_end: int = 0
    with_slack_anomalies: bool = False


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares (0 to 1) of events that the audit log holds in a damaged or belated way.

    `late` events stand 1 to 15 minutes further down in the file than their time; `duplicate`
    events stand twice, with the same id; `no_session` and `no_address` lack that value in every
    event of one sitting.
    """

    late: float = 0.0
    duplicate: float = 0.0
    no_session: float = 0.0
    no_address: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A simulated organization; two equal plans give the same files, byte for byte.

    `days` whole UTC days ending with `end` (default `DEMO_END`). `events_scale` multiplies the
    number of sittings and machine runs, not the number of people.

    Raises WrongUse when a value cannot be.
    """

    seed: int
    people: int = 300
    days: int = 56
    end: date | None = None
    stories: tuple[Story, ...] = ()
    archetype: Archetype = "office"
    events_scale: float = 1.0
    name: str = "Acme Corp"
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        if self.people < 20 or self.days < 3:
            raise WrongUse("A simulated organization needs 20 people and 3 days: ask for more.")
        if self.events_scale <= 0:
            raise WrongUse("events_scale must be above 0: 1.0 is an ordinary organization.")
        if self.archetype not in get_args(Archetype):
            raise WrongUse(
                f"There is no archetype {self.archetype!r}: choose one of "
                f"{', '.join(get_args(Archetype))}."
            )
        for story in self.stories:
            check_story(story, self.days)

    @property
    def last_day(self) -> date:
        """The last day of the period."""
        return self.end or DEMO_END

    @property
    def start(self) -> int:
        """First second of the period (seconds since the epoch, UTC)."""
        first = self.last_day - timedelta(days=self.days - 1)
        return int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp())

    @property
    def stop(self) -> int:
        """First second after the period (seconds since the epoch, UTC)."""
        return self.start + self.days * 86_400


def check_story(story: Story, days: int) -> None:
    """Raise WrongUse unless the story can be planted in a period of `days`."""
    if story.kind not in get_args(StoryKind):
        raise WrongUse(
            f"There is no story {story.kind!r}: choose one of {', '.join(get_args(StoryKind))}."
        )
    if story.loudness not in get_args(Loudness):
        raise WrongUse(f"Loudness {story.loudness!r} is not known: loud, paced or stealthy.")
    if not 0 <= story.days_before_end < days:
        raise WrongUse("A story has to end within the period: lower days_before_end.")


def acme_plan(seed: int = 7) -> Plan:
    """The demonstration: Acme Corp for eight weeks, Matt and a colleague's harmless burst.

    Slack's own anomaly events are left out: Gridtrail's detectors have to find Matt.
    """
    return Plan(seed=seed, stories=(Story("matt"), Story("harmless_burst")))
