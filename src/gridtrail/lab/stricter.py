"""Which stricter threshold would have spared people what they decided to be harmless.

Verdicts say of which anomalies one wants to hear less (`gridtrail.triage.verdicts.Wish`); how
strict the threshold must be, nobody can tell from p-values: whoever goes on beyond a higher
threshold is said all the same, only later. So detection decides the days of the verdicts again, for
half of what is in force, a quarter and so on, and what it still says is held against the verdicts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace

from gridtrail.detect import state as st
from gridtrail.detect.contract import DAY_SECONDS, Detector
from gridtrail.detect.nominal import Change, nominals
from gridtrail.engine.shape import Engine
from gridtrail.lab.tuning import OnProgress, raised
from gridtrail.lake.lake import Lake
from gridtrail.settings import LEAST_NOMINAL, Settings
from gridtrail.triage.verdicts import FEWEST, Judged, Proposal, Wish

HALVINGS = 7
"""The strictest that is tried is less than a hundredth of what is in force."""

DAYS = 62
"""So many days before the newest verdict's are decided again; older verdicts do not count."""

Says = Callable[[float | None], set[tuple[str, int]]]
"""What is said (subject, day) with a number; None is what is in force."""


def tried(
    lake: Lake,
    engine: Engine,
    settings: Settings,
    proposal: Proposal,
    *,
    detectors: Sequence[Detector],
    changes: Sequence[Change] = (),
    now: int | None = None,
    on_progress: OnProgress | None = None,
) -> Proposal | None:
    """The proposal with the loosest threshold that spares most of what was harmless and loses no
    true positive; None when there is none, or when the detector cannot be tried. One that wishes
    no threshold stays as it is.

    Nothing is written but facts of new addresses and clients.
    """
    wish = proposal.wish
    if wish is None:
        return proposal
    detector = next((one for one in detectors if one.name == wish.detector), None)
    if detector is None or not wish.judged:
        return None
    newest = max(one.day for one in wish.judged)
    judged = [one for one in wish.judged if newest - one.day < DAYS]
    first, last = (_date(end(one.day for one in judged)) for end in (min, max))

    def says(nominal: float | None) -> set[tuple[str, int]]:
        found = raised(
            lake, engine, settings, detector, nominal, detectors=detectors, changes=changes,
            org=wish.org, first=first, last=last, now=now, on_progress=on_progress,
        )  # fmt: skip
        return {(one.subject, one.at // DAY_SECONDS) for one in found.values()}

    in_force = nominals([detector], settings.detect, changes, wish.org, st.midnight(last))
    now_made_for = in_force[detector.name].per_1000_users_day
    found = loosest(says, judged, now_made_for)
    return None if found is None else _proposal(proposal, wish, now_made_for, *found)


def loosest(
    says: Says, judged: Sequence[Judged], in_force: float
) -> tuple[float, list[Judged]] | None:
    """The largest number below `in_force` that spares most harmless anomalies, FEWEST at least, of
    those that are said now, and loses no other; with those that it spares."""
    said = says(None)
    harmless = [one for one in judged if one.harmless and _key(one) in said]
    harmful = {_key(one) for one in judged if not one.harmless} & said
    best: tuple[float, list[Judged]] | None = None
    for halving in range(1, HALVINGS + 1):
        number = float(f"{in_force / 2**halving:.2g}")
        if number < LEAST_NOMINAL or (best is not None and len(best[1]) == len(harmless)):
            break
        still = says(number)
        if harmful - still:
            break
        spared = [one for one in harmless if _key(one) not in still]
        if len(spared) >= FEWEST and (best is None or len(spared) > len(best[1])):
            best = (number, spared)
    return best


def _proposal(
    proposal: Proposal, wish: Wish, in_force: float, number: float, spared: Sequence[Judged]
) -> Proposal:
    findings = dict.fromkeys(one.finding for one in spared)
    left = {one.finding for one in wish.judged if one not in spared}
    whole = [one for one in findings if one in wish.alone and one not in left]
    return replace(
        proposal,
        words=f"a stricter threshold for {wish.detector}: made for {number:g} anomalies per 1,000 "
        f"users and day instead of {in_force:g}",
        toml=f"[detect.budgets]\n{wish.detector} = {number:g}",
        findings=tuple(findings),
        anomalies=len(spared),
        silenced=tuple(whole),
        true_positives=(),
        threshold={"detector": wish.detector, "org": wish.org, "per_1000_users_day": number},
    )


def _key(one: Judged) -> tuple[str, int]:
    return one.subject, one.day


def _date(day: int) -> dt.date:
    return st.day_of(day * DAY_SECONDS)
