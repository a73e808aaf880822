"""What came of sending a message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delivered:
    """It is there; `reference` is where the far side keeps it, for bringing it up to date."""

    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """It may not be there: send it again, not before `wait` seconds when the far side says so."""

    why: str
    wait: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """It will never be taken as it is."""

    why: str


Outcome = Delivered | Again | Refused
