"""What another threshold of one detector would have raised over a past period, and what not.

Detection runs twice over the log without writing anything: with what is in force and with what is
to be tried. A threshold follows from how many anomalies the detector may raise, and only from that
(`gridtrail.detect.nominal`): a share twice as big is the same as a budget twice as big for this
detector alone.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gridtrail.detect import state as st
from gridtrail.detect.anomalies import Emitted
from gridtrail.detect.budget import ABSOLUTE
from gridtrail.detect.contract import Detector
from gridtrail.detect.nominal import FIXED, Change, nominals, refused
from gridtrail.detect.profiles import people
from gridtrail.detect.run import DetectReport, detect
from gridtrail.engine.shape import Engine
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings

BOTH, ONLY_IN_FORCE, ONLY_TRIED = "both", "only in force", "only tried"

OnProgress = Callable[[str, int, int], None]
"""As `gridtrail.detect.run.OnProgress`."""


@dataclass(frozen=True, slots=True)
class Tried:
    """An anomaly, and by which of the two it is raised."""

    org: str
    raised_by: str
    emitted: Emitted

    @property
    def day(self) -> dt.date:
        """Its UTC day."""
        return st.day_of(self.emitted.at)


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the two runs raised from `first` to `last` (UTC days, inclusive).

    `budget` is what the detector's thresholds were computed from: anomalies of this detector per
    1,000 users and day, in force and tried.
    """

    reason: str
    first: dt.date
    last: dt.date
    budget_in_force: float
    budget_tried: float
    anomalies: list[Tried]

    def by_day(self) -> list[dict[str, object]]:
        """Rows (day, in_force, tried, difference, people) for every day, quiet ones too."""
        days = [self.first + dt.timedelta(n) for n in range((self.last - self.first).days + 1)]
        return [
            {"day": day.isoformat()} | _counts([one for one in self.anomalies if one.day == day])
            for day in days
        ]

    def by_person(self) -> list[dict[str, object]]:
        """Rows (org, subject, in_force, tried, difference, days), the most changed first."""
        names = Counter((one.org, one.emitted.subject) for one in self.anomalies)
        rows: list[dict[str, object]] = []
        for org, subject in sorted(names):
            own = [a for a in self.anomalies if (a.org, a.emitted.subject) == (org, subject)]
            counts = _counts(own)
            counts["days"] = len({one.day for one in own})
            del counts["people"]
            rows.append({"org": org, "subject": subject, **counts})
        return sorted(rows, key=_change, reverse=True)

    @property
    def in_force(self) -> int:
        """Anomalies with the settings in force."""
        return sum(one.raised_by != ONLY_TRIED for one in self.anomalies)

    @property
    def tried(self) -> int:
        """Anomalies with what was tried."""
        return sum(one.raised_by != ONLY_IN_FORCE for one in self.anomalies)


def _counts(anomalies: Sequence[Tried]) -> dict[str, object]:
    before = sum(one.raised_by != ONLY_TRIED for one in anomalies)
    after = sum(one.raised_by != ONLY_IN_FORCE for one in anomalies)
    who = {(one.org, one.emitted.subject) for one in anomalies}
    return {"in_force": before, "tried": after, "difference": after - before, "people": len(who)}


def _change(row: dict[str, object]) -> int:
    difference = row["difference"]
    assert isinstance(difference, int)  # noqa: S101 - made by _counts
    return abs(difference)


def tune(
    lake: Lake,
    engine: Engine,
    settings: Settings,
    reason: str,
    *,
    detectors: Sequence[Detector],
    share: float | None = None,
    budget: float | None = None,
    nominal: float | None = None,
    changes: Sequence[Change] = (),
    org: str | None = None,
    first: dt.date | None = None,
    last: dt.date | None = None,
    now: int | None = None,
    on_progress: OnProgress | None = None,
) -> Tuning:
    """Compare the detector of `reason` as it is with another `share` (of the budget, 0 to 1),
    another `budget` (`detect.budget_per_1000_users_day`) or another number of its own (`nominal`,
    anomalies per 1,000 users and day), from day `first` to day `last`.

    In force are the settings and `changes`, each for its days; the number that is named as in force
    is that of the last day. A detector that is off counts as on in what is tried. Nothing is
    written but facts of new addresses and clients.

    Raises WrongUse for a reason without a detector or without a threshold, and for numbers that
    cannot be.
    """
    detector = _detector(reason, detectors)
    whole = settings.detect.budget_per_1000_users_day
    asked = _asked(whole, detector.share, share, budget, nominal)
    if asked is not None and reason in FIXED:
        raise WrongUse(f"No number to try: {refused(reason, [reason])}")
    days = sorted(lake.day_counts(org))
    if not days:
        raise WrongUse("There are no events yet: import or collect some.")
    first, last = first or days[0], last or days[-1]
    if first > last:
        raise WrongUse(f"The period ends ({last}) before it begins ({first}): name other days.")
    held = nominals([detector], settings.detect, changes, org or settings.org, st.midnight(last))
    in_force = held[reason].per_1000_users_day if reason in held else whole * detector.share
    tried = in_force if asked is None else asked
    same = asked is None and reason not in settings.detect.off
    before, after = (
        raised(
            lake, engine, settings, detector, number, detectors=detectors, changes=changes,
            org=org, first=first, last=last, now=now, on_progress=on_progress,
        )
        for number in (None, None if same else tried)
    )  # fmt: skip
    return Tuning(reason, first, last, in_force, tried, _compared(before, after))


def raised(
    lake: Lake,
    engine: Engine,
    settings: Settings,
    detector: Detector,
    nominal: float | None,
    *,
    detectors: Sequence[Detector],
    changes: Sequence[Change] = (),
    org: str | None,
    first: dt.date,
    last: dt.date,
    now: int | None = None,
    on_progress: OnProgress | None = None,
) -> dict[tuple[str, str], Emitted]:
    """What the detector raises from day `first` to day `last` by organization and id: with what is
    in force (None), or turned on and made for `nominal` anomalies per 1,000 users and day."""
    if nominal is not None:
        settings = _changed(settings, detector.name, nominal)
        changes = [one for one in changes if one.detector != detector.name]
    alone = _alone(detector, detectors)
    report = detect(
        lake, engine, _of(settings, alone), detectors=alone, changes=changes, org=org,
        start=first, end=st.midnight(last + st.ONE_DAY) - 1, now=now, dry_run=True,
        snapshots_of=detectors, on_progress=on_progress,
    )  # fmt: skip
    return _raised(report, detector.name, st.midnight(first))


def _raised(report: DetectReport, reason: str, since: int) -> dict[tuple[str, str], Emitted]:
    """What one detector raised from second `since` on, by organization and id."""
    return {
        (part.org, one.id): one
        for part in report.organizations
        for one in part.emitted
        if one.detector == reason and one.at >= since
    }


def _compared(
    before: dict[tuple[str, str], Emitted], after: dict[tuple[str, str], Emitted]
) -> list[Tried]:
    found = []
    for key, one in {**before, **after}.items():
        word = BOTH if key in before and key in after else ONLY_IN_FORCE
        found.append(Tried(key[0], word if key in before else ONLY_TRIED, one))
    return sorted(found, key=lambda one: (one.emitted.at, one.org, one.emitted.id))


def _detector(reason: str, detectors: Sequence[Detector]) -> Detector:
    names = {one.name: one for one in detectors}
    if reason in ABSOLUTE:
        raise WrongUse(
            f"{reason} has no threshold: what is on a list is said. Take it off the list, or "
            "allow it (gridtrail allow)."
        )
    if reason not in names:
        known = ", ".join(sorted(set(names) - ABSOLUTE))
        raise WrongUse(f"There is no detector {reason!r}: choose one of {known}.")
    return names[reason]


def _asked(
    whole: float,
    share_in_force: float,
    share: float | None,
    budget: float | None,
    nominal: float | None,
) -> float | None:
    """The number that the thresholds to be tried are made for; None to change nothing. `whole` is
    the budget of all detectors."""
    if sum(one is not None for one in (share, budget, nominal)) > 1:
        raise WrongUse("Try a share, a budget or a number, not both: each makes the threshold.")
    if share is not None and not 0 < share <= 1:
        raise WrongUse("A share is above 0 and at most 1: it is a part of the alarm budget.")
    if budget is not None and budget <= 0:
        raise WrongUse("A budget is above 0: anomalies per 1,000 users and day.")
    if nominal is not None and nominal <= 0:
        raise WrongUse("A number is above 0: anomalies per 1,000 users and day.")
    if budget is not None:
        return budget * share_in_force
    return nominal if share is None else whole * share


def _changed(settings: Settings, reason: str, nominal: float) -> Settings:
    off = [name for name in settings.detect.off if name != reason]
    budgets = settings.detect.budgets | {reason: nominal}
    detect_settings = settings.detect.model_copy(update={"budgets": budgets, "off": off})
    return settings.model_copy(update={"detect": detect_settings})


def _of(settings: Settings, detectors: Sequence[Detector]) -> Settings:
    """The settings without numbers for other detectors, some of which may not be there."""
    names = {one.name for one in detectors}
    budgets = {name: one for name, one in settings.detect.budgets.items() if name in names}
    return settings.model_copy(
        update={"detect": settings.detect.model_copy(update={"budgets": budgets})}
    )


def _alone(detector: Detector, detectors: Sequence[Detector]) -> list[Detector]:
    """The detector, and if need be one more that keeps the profile of people, by which detection
    knows how many there are."""

    def counts_people(one: Detector) -> bool:
        return people.name in {profile.name for profile in one.profiles}

    if counts_people(detector):
        return [detector]
    counting = [one for one in detectors if counts_people(one)]
    cheapest = min(counting, key=lambda one: (len(one.steps), len(one.profiles), one.name))
    return [detector, cheapest]
