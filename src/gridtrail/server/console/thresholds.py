"""Thresholds of a detector: what holds, who said so, putting another one in force and taking it
back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from gridtrail.detect import plugins
from gridtrail.detect.contract import Detector
from gridtrail.detect.nominal import nominals
from gridtrail.detectors import all_detectors
from gridtrail.errors import WrongUse
from gridtrail.respond.thresholds import StoredThreshold, draft, today, tomorrow
from gridtrail.respond.trail import THRESHOLD_ENDED, THRESHOLD_SET
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.text import shortened
from gridtrail.server.console.visit import Visit
from gridtrail.settings import Settings

_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Line:
    """A change, and how it is now: `in force`, `later`, `ended` or `taken back`."""

    change: StoredThreshold
    state: str


@dataclass(frozen=True, slots=True)
class Held:
    """What a detector's thresholds are made for today, anomalies per 1,000 users and day, and by
    whose word: `default`, `settings` or `change`, which is the one that holds; `default` is what
    holds where nobody set another, `lines` are changes, the newest first."""

    per_1000_users_day: float
    set_by: str
    change: StoredThreshold | None
    default: float
    lines: Sequence[Line]

    @property
    def open(self) -> Sequence[Line]:
        """Those that can be taken back."""
        return [one for one in self.lines if one.change.open]


def held(
    settings: Settings, detector: Detector, kept: Sequence[StoredThreshold], org: str, now: float
) -> Held | None:
    """What holds for the organization at `now` (seconds); None for a detector whose thresholds
    follow from no budget."""
    day_start = today(now)
    mine = [one for one in kept if one.detector == detector.name and one.org in (None, org)]
    changes = [one.change for one in mine]
    found = nominals([detector], settings.detect, changes, org, day_start).get(detector.name)
    without = nominals([detector], settings.detect, [], org, day_start).get(detector.name)
    if found is None or without is None:
        return None
    change = next((one for one in mine if one.id == found.set_by), None)
    set_by = found.set_by if change is None else "change"
    lines = [Line(one, one.state(now)) for one in reversed(mine)]
    return Held(
        found.per_1000_users_day, set_by, change, without.per_1000_users_day, lines[:_SHOWN]
    )


async def put(visit: Visit) -> Response:
    """Put what the form says in force, from tomorrow on; then the detector's page again.

    Raises NotHere when there is no such detector, WrongUse for a number that cannot be, and
    without a reason.
    """
    name, form = visit.request.path_params["name"], visit.form
    detectors = await visit.state(detectors_of, visit.parts.settings)
    if name not in {one.name for one in detectors}:
        raise NotHere(f"There is no detector {shortened(name, 40)}: look at the list.")
    try:
        number = float(form.get("nominal", ""))
    except ValueError:
        raise WrongUse("The form does not say which number: load the page again.") from None
    made = drafted(
        detectors, name, number, org=visit.org, by=visit.account.email,
        reason=form.get("reason", ""), origin="console",
    )  # fmt: skip
    kept = await visit.state(visit.parts.thresholds.put, made)
    await visit.trail(THRESHOLD_SET, ("threshold", kept.id, name), kept.trail_details())
    return visit.go(visit.link(f"/detectors/{name}"))


async def revert(visit: Visit) -> Response:
    """Take the change that the form names back, from tomorrow on; then the page again.

    Raises NotHere when it does not hold any more, or never did.
    """
    name, wanted = visit.request.path_params["name"], visit.form.get("change", "")
    kept = await visit.state(visit.parts.thresholds.all)
    mine = (one for one in kept if one.id == wanted and one.org in (None, visit.org) and one.open)
    if not any(one.detector == name for one in mine):
        raise NotHere("That threshold does not hold any more: load the detector's page again.")
    end, at = visit.parts.thresholds.end, tomorrow(time.time())
    ended = await visit.state(end, wanted, visit.org, visit.account.email, at)
    await visit.trail(THRESHOLD_ENDED, ("threshold", ended.id, name), ended.trail_details())
    return visit.go(visit.link(f"/detectors/{name}"))


def detectors_of(settings: Settings) -> Sequence[Detector]:
    """All detectors that can run, built-in ones and those of users."""
    return plugins.load(all_detectors(), settings.detect.plugins, base=settings.data).detectors


def drafted(
    detectors: Sequence[Detector],
    name: str,
    number: float,
    *,
    org: str,
    by: str,
    reason: str,
    origin: str,
) -> StoredThreshold:
    """A change from tomorrow on. Raises WrongUse as `gridtrail.respond.thresholds.draft` does."""
    now = int(time.time())
    return draft(
        name, number, names=[one.name for one in detectors], org=org, since=tomorrow(now), by=by,
        reason=reason, origin=origin, now=now,
    )  # fmt: skip
