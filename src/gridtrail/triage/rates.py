"""How often a person, and the organization, raised each reason family before a given day.

Surprise is −ln of the probability that this user raises the family on a day, at the user's rate
shrunk to the organization's, which is shrunk to what is nominal (Gamma-Poisson, by its mean). A
user-day counts once, however many anomalies it had.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from gridtrail.triage.anomaly import Raised
from gridtrail.triage.reasons import OTHER

_BUDGET = 0.005
_SHARES = {"network": 0.25, "client": 0.25, "volume": 0.25, "admin": 0.10, "session": 0.05}
_REST = ("scraping", "malware", "deletion", "spam", "credentials", OTHER)

NOMINAL_PER_USER_DAY = MappingProxyType(
    {
        **{family: share * _BUDGET for family, share in _SHARES.items()},
        **dict.fromkeys(_REST, 0.10 * _BUDGET / len(_REST)),
    }
)
"""Anomalies a user-day before anything is known of an organization: five for 1,000 users a day,
split as the emission budget is (network .25, agent .15 and client .1, counts .25, admin .1,
session .05, the rest .1)."""

NOMINAL_USER_DAYS = 2_000
"""Weight of the nominal rates: an organization of 100 outweighs them after three weeks."""

ORGANIZATION_DAYS = 30
"""Weight of the organization's rate against a person's own, in days of that person."""


class Rates:
    """What was raised in one organization, by user-day; days are numbers since the epoch."""

    def __init__(
        self, raised: Iterable[Raised], nominal: Mapping[str, float] = MappingProxyType({})
    ) -> None:
        """`nominal` adds rates of other families to NOMINAL_PER_USER_DAY."""
        self._nominal = {**NOMINAL_PER_USER_DAY, **nominal}
        by_family: dict[str, set[tuple[int, str]]] = defaultdict(set)
        numbers: Counter[tuple[int, str]] = Counter()
        for one in raised:
            if one.actor is not None:
                if not one.level:  # how many anomalies; a rule's hit is none
                    numbers[(one.day, one.actor)] += 1
                for family in one.families:
                    by_family[family].add((one.day, one.actor))
        self._everyone = {f: sorted(day for day, _ in days) for f, days in by_family.items()}
        self._person: dict[tuple[str, str], list[int]] = defaultdict(list)
        for family, days in by_family.items():
            for day, actor in sorted(days):
                self._person[(family, actor)].append(day)
        self._numbers = sorted(numbers.items())
        self._counts: Mapping[tuple[int, str], int] = numbers

    def surprise(
        self, family: str, actor: str | None, day: int, *, users: int, days: int, own_days: int
    ) -> float:
        """Nats of surprise that `actor` raises `family` on `day`, judged by strictly earlier days.

        `users` and `days` are the organization's exposure, `own_days` the actor's (>= 0).
        """
        nominal = self._nominal[family]
        everyone = bisect_left(self._everyone.get(family, []), day)
        rate = (everyone + nominal * NOMINAL_USER_DAYS) / (users * days + NOMINAL_USER_DAYS)
        own = bisect_left(self._person.get((family, actor or ""), []), day)
        shrunken = (own + ORGANIZATION_DAYS * rate) / (own_days + ORGANIZATION_DAYS)
        return -math.log(-math.expm1(-shrunken))

    def most_in_a_day(self, actor: str | None, first: int, last: int) -> int:
        """The largest number of anomalies of `actor` on one day of `first` … `last`."""
        if actor is None:
            return 1
        return max((self._counts.get((d, actor), 0) for d in range(first, last + 1)), default=0)

    def before(self, actor: str | None, day: int) -> dict[str, int]:
        """Anomaly counts of the days strictly before `day`, of the person and of everyone.

        Keys: person_total, person_days, person_most_in_a_day, organization_most_in_a_day,
        organization_total, organization_people.
        """
        person: list[int] = []
        everyone: list[int] = []
        people: set[str] = set()
        for (when, who), number in self._numbers:
            if when >= day:
                break
            everyone.append(number)
            people.add(who)
            if who == actor:
                person.append(number)
        return {
            "person_total": sum(person),
            "person_days": len(person),
            "person_most_in_a_day": max(person, default=0),
            "organization_most_in_a_day": max(everyone, default=0),
            "organization_total": sum(everyone),
            "organization_people": len(people),
        }
