"""How many anomalies each detector's thresholds are made for, and who said so.

A detector's thresholds are computed every day so that harmless life raises its *nominal* number of
anomalies per 1,000 users and day. In this order, the first that there is:

1. a change that people put in force (console, API, `gridtrail thresholds`), one for the
   organization before one for all;
2. the setting `detect.budgets`;
3. the detector's share of `detect.budget_per_1000_users_day`.

A change holds for whole UTC days, from its first to the one before its last: so a day is decided by
the same thresholds however often, and by whichever engine, it is decided.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from gridtrail.detect.budget import ABSOLUTE, Budgeted
from gridtrail.errors import BadSettings
from gridtrail.settings import DetectSettings
from gridtrail.slack.reasons import REASONS

DEFAULT, SETTINGS = "default", "settings"

FIXED = frozenset({"excessive_malware_uploads", "unexpected_scraping"})
"""Detectors whose thresholds do not follow from the budget, which only bounds their floods."""


@dataclass(frozen=True, slots=True)
class Change:
    """A number that people put in force for a detector, in one organization or (None) in all.

    `since` and `until` are seconds, midnights of UTC days; None is always, and for good.
    """

    id: str
    detector: str
    per_1000_users_day: float
    org: str | None = None
    since: int | None = None
    until: int | None = None

    def holds(self, org: str, day_start: int) -> bool:
        """Whether it is for the organization's day that begins at this second."""
        begun = self.since is None or self.since <= day_start
        return begun and self.org in (None, org) and (self.until is None or day_start < self.until)


@dataclass(frozen=True, slots=True)
class Nominal:
    """Anomalies per 1,000 users and day that thresholds are made for; `set_by` is `default`,
    `settings` or the id of a change. `times` is the number over the detector's share."""

    per_1000_users_day: float
    set_by: str
    times: float


def nominals(
    detectors: Iterable[Budgeted],
    settings: DetectSettings,
    changes: Iterable[Change],
    org: str,
    day_start: int,
) -> dict[str, Nominal]:
    """What holds on the organization's day that begins at `day_start` (seconds), by the name of
    the detector; those whose thresholds do not follow from it have none."""
    holding = [one for one in changes if one.holds(org, day_start)]
    # later ones win over earlier ones, and those for the organization over those for all
    holding.sort(key=lambda one: (one.org is not None, one.since or 0, one.id))
    last = {one.detector: one for one in holding}
    found = {}
    for detector in detectors:
        if detector.name in ABSOLUTE | FIXED:
            continue
        share = settings.budget_per_1000_users_day * detector.share
        number, set_by = share, DEFAULT
        if detector.name in settings.budgets:
            number, set_by = settings.budgets[detector.name], SETTINGS
        if detector.name in last:
            change = last[detector.name]
            number, set_by = change.per_1000_users_day, change.id
        times = 1.0 if set_by == DEFAULT else number / share
        found[detector.name] = Nominal(number, set_by, times)
    return found


def check_budgets(budgets: Mapping[str, float], detectors: Collection[Budgeted]) -> None:
    """Raise BadSettings when `detect.budgets` names what is no detector, or one without a
    threshold that follows from a budget."""
    names = {one.name for one in detectors} | set(REASONS)  # a run may be of some detectors alone
    for name in budgets:
        if why := refused(name, names):
            raise BadSettings(f"The setting detect.budgets.{name} is wrong: {why}")


def refused(name: str, names: Collection[str]) -> str:
    """Why a detector of this name, among those with `names`, cannot have a number of its own; in
    one sentence with the next step, empty when it can."""
    if name in ABSOLUTE:
        return f"{name} has no threshold, what is on a list is said: mend the list, or allow it."
    if name in FIXED:
        return (
            f"the threshold of {name} does not follow from a budget: allow what is good "
            "(gridtrail allow), or turn it off (detect.off)."
        )
    if name in names:
        return ""
    able = sorted(set(names) - ABSOLUTE - FIXED)
    close = get_close_matches(name, able, n=1, cutoff=0.6)
    meant = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(able)}."
    return f"there is no detector {name[:60]!r}: {meant}"
