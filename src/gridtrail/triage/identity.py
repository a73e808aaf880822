"""Which stored finding a group of anomalies is: the same one, a grown one, a merge, or a new one.

A finding is known again by the anomalies it holds, not by its derived id: an anomaly that arrives
late but happened earlier would change the derived id, and must not change the finding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """A stored finding, as far as identity is concerned."""

    id: str
    first_seen: int
    merged_into: str | None


@dataclass(frozen=True, slots=True)
class Owners:
    """`holders`: anomaly id -> finding id; `known`: finding id -> stored finding."""

    holders: Mapping[str, str]
    known: Mapping[str, Known]


@dataclass(frozen=True, slots=True)
class Claim:
    """The id of one group, the stored findings that end in it, and the one it was part of."""

    id: str
    absorbed: tuple[str, ...]
    split_from: str | None = None


def claims(groups: Sequence[tuple[str, Sequence[str]]], owners: Owners) -> list[Claim]:
    """One claim for each group, given as (derived id, anomaly ids) in the order of their time.

    A group takes the oldest stored finding among those its anomalies belong to; the others are
    absorbed unless another group takes them. A stored finding is taken once: when it falls apart,
    the earliest part keeps the id, and the others are new and know where they come from.
    """
    wanted = [_candidates(ids, owners) for _, ids in groups]
    taken: set[str] = set()
    chosen: list[str] = []
    for (derived, _), candidates in zip(groups, wanted, strict=True):
        free = [one for one in candidates if one not in taken]
        chosen.append(free[0] if free else _unused(derived, taken, owners))
        taken.add(chosen[-1])
    gone: set[str] = set()
    found = []
    for own, candidates in zip(chosen, wanted, strict=True):
        absorbed = tuple(one for one in candidates if one not in taken and one not in gone)
        gone.update(absorbed)
        whole = candidates[0] if candidates and own not in candidates else None
        found.append(Claim(own, absorbed, whole))
    return found


def _candidates(event_ids: Sequence[str], owners: Owners) -> list[str]:
    holders = {owners.holders[one] for one in event_ids if one in owners.holders}
    return sorted(holders, key=lambda one: (owners.known[one].first_seen, one))


def _unused(derived: str, taken: set[str], owners: Owners) -> str:
    """`derived`, unless a stored finding of other anomalies has that id already."""
    name, number = derived, 2
    while name in taken or name in owners.known:
        name, number = f"{derived}-{number}", number + 1
    return name
