"""What one simulated organization's trial gave, as plain values that JSON can hold.

Times are seconds since the epoch, UTC. `story` is a place in `Outcome.stories`; None is ordinary
life.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class ToldStory:
    """A planted story, without the ids of its events."""

    kind: str
    loudness: str
    harmless: bool
    expected_missed: bool
    expected_reasons: list[str]
    actors: list[str]
    start: int | None
    end: int | None
    events: int


@dataclass(frozen=True, slots=True)
class Said:
    """An anomaly that was emitted; `network_kind` is what `ip_address` says of the network."""

    id: str
    at: int
    detector: str
    subject: str
    reasons: list[str]
    words: str
    network_kind: str | None
    story: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, with the stories that its anomalies belong to."""

    id: str
    severity: str
    score: float
    title: str
    actors: list[str]
    reasons: list[str]
    first_seen: int
    last_seen: int
    anomalies: list[str]
    stories: list[int]


@dataclass(frozen=True, slots=True)
class Rate:
    """Alarms that a detector raised in a stratum, and how many its nominal rate allows."""

    detector: str
    stratum: str
    nominal: float
    realised: int
    subject_days: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One organization. `findings` stand in the order in which people see them, worst first."""

    seed: int
    archetype: str
    people: int
    days: int
    start: int
    events: int
    seconds: float
    stories: list[ToldStory] = field(default_factory=list)
    anomalies: list[Said] = field(default_factory=list)
    findings: list[Found] = field(default_factory=list)
    rates: list[Rate] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        part = path.with_suffix(".part")
        part.write_bytes(orjson.dumps(asdict(self)))
        part.replace(path)

    @classmethod
    def read(cls, path: Path) -> Outcome:
        """What `write` wrote."""
        return cls.of(orjson.loads(path.read_bytes()))

    @classmethod
    def of(cls, value: dict[str, Any]) -> Outcome:
        """From the JSON object."""
        lists: dict[str, type] = {
            "stories": ToldStory, "anomalies": Said, "findings": Found, "rates": Rate,
        }  # fmt: skip
        made = {name: [kind(**one) for one in value[name]] for name, kind in lists.items()}
        return cls(**{**value, **made})
