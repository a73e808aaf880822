"""Alert budgets: who may raise how many anomalies, and what a flood has to be worth.

Two things, kept apart:

- the *nominal* part: each detector sets its thresholds so that harmless life raises its share of
  `detect.budget_per_1000_users_day`. `SHARES` is the one table of these shares (SCIENCE B.0);
- the *flood guard* at emission: a detector that raises several times what it should (an odd day,
  a provider that changes its addresses, a fault of ours) must not bury the rest.

The guard is a store of tokens that fills up with time: one for each detector and, inside it, one
for each subject, so that a single incident does not use up what a small organization has. While
at least half is there, everything is said; below that each halving asks for an anomaly ten times
rarer than the detector's nominal rate; when it is empty nothing is said until it fills again. Only
earlier candidates count, so the answer does not depend on when runs happen. What the guard holds
back is counted and listed as silenced with the reason `budget`, and learning goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from gridtrail.detect.contract import DAY_SECONDS

SHARES: Mapping[str, float] = {
    "ip_address": 0.25,
    # user agents, together 0.15
    "user_agent": 0.075,
    "unexpected_user_agent": 0.075,
    # counts, together 0.22
    "excessive_downloads": 0.12,
    "excessive_file_shares": 0.04,
    "unexpected_api_call_volume": 0.03,
    "unexpected_message_deletion": 0.02,
    "potential_spam": 0.01,
    # clients, together 0.1
    "unexpected_client": 0.05,
    "spoofed_user_agent": 0.05,
    "unexpected_admin_action": 0.10,
    "session_fingerprint": 0.05,
    # the rest, together 0.07
    "unexpected_scraping": 0.03,
    "excessive_malware_uploads": 0.02,
    "unexpected_credential_testing": 0.01,
    "search_volume": 0.01,
}
"""Share of the nominal budget by detector; 0.06 are left for detectors of users."""

ABSOLUTE = frozenset({"tor", "asn", "in_ioc_list"})
"""Detectors whose evidence is absolute (an address on a list): no nominal rate, so no share; they
have a store of their own that asks for no rarity, and so go before all others."""

FLOOD = 4
"""A detector may raise so many times its nominal budget in a day before it is a flood."""
LEAST_A_DAY = 12
"""So many a day are no flood in any organization, however small."""
ABSOLUTE_A_DAY = 60
SUBJECT_A_DAY = 8
"""So many anomalies of one detector about one person or app tell the same story."""

TOKEN = 1000
"""Stores are kept in thousandths of an anomaly, as integers."""
BUDGET = "budget"
"""Why an anomaly was silenced."""


class Budgeted(Protocol):
    """What the guard must know of a detector (see `gridtrail.detect.contract.Detector`)."""

    @property
    def name(self) -> str:
        """The detector's name."""

    @property
    def share(self) -> float:
        """Its share of the nominal budget."""


@dataclass(frozen=True, slots=True)
class Store:
    """Tokens that were there at a second."""

    at: int
    left: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one detector may raise: `capacity` in TOKENs, which fill up within a day, and the
    nominal alarm rate per subject and day (None: its evidence is absolute)."""

    capacity: int
    level: float | None

    def filled(self, store: Store | None, at: int) -> int:
        """Tokens at the second `at`; a store that nobody used yet is full."""
        if store is None:
            return self.capacity
        gained = self.capacity * max(at - store.at, 0) // DAY_SECONDS
        return min(store.left + gained, self.capacity)

    def says(self, left: int, p_value: float) -> bool:
        """Whether an anomaly of this p-value is worth one of the tokens that are left."""
        if left < TOKEN:
            return False
        if self.level is None:
            return True
        asked, part = self.level, left * 2
        while part < self.capacity:
            asked, part = asked / 10, part * 2
        return asked == self.level or p_value <= asked


def allowances(
    detectors: Iterable[Budgeted],
    people: int,
    per_1000_users_day: float,
    per_active: float = 1.0,
    times: Mapping[str, float] | None = None,
) -> dict[str, Allowance]:
    """The allowance of each detector for one day, by name.

    `people` is the number of people of the organization in the last 30 days, `per_active` the
    people for each one active on a day (both as of the day's start), `times` how many times its
    share a detector may raise, by name (1 where it is not named).
    """
    more = times or {}
    return {
        one.name: _allowance(one, people, per_1000_users_day, per_active, more.get(one.name, 1.0))
        for one in detectors
    }


def _allowance(
    detector: Budgeted, people: int, per_1000_users_day: float, per_active: float, times: float
) -> Allowance:
    if detector.name in ABSOLUTE:
        most = max(ABSOLUTE_A_DAY, round(FLOOD * per_1000_users_day * people / 1000))
        return Allowance(most * TOKEN, None)
    nominal = per_1000_users_day / 1000 * detector.share * times
    capacity = max(LEAST_A_DAY * TOKEN, round(FLOOD * TOKEN * nominal * people))
    return Allowance(capacity, nominal * per_active)


def of_one_subject(allowance: Allowance) -> Allowance:
    """The part of an allowance that one subject may use."""
    return Allowance(min(SUBJECT_A_DAY * TOKEN, allowance.capacity), allowance.level)
