"""A miss or a false alarm, for whoever wants to mend it, and what is worth somebody's time."""

from __future__ import annotations

from dataclasses import dataclass

from gridtrail.triage.finding import SEVERITIES

NOTED = frozenset(SEVERITIES[1:])
"""Severities that are worth somebody's time."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What went wrong in the organization of a seed, with whom, and what was said."""

    seed: int
    what: str
    who: str
    words: str
