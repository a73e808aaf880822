"""What is known of each detector: what it judges, how it fares, what it raised and held back."""

from __future__ import annotations

import inspect
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gridtrail.detect import plugins
from gridtrail.detect.budget import ABSOLUTE
from gridtrail.detect.contract import Detector
from gridtrail.detect.state import DETECTOR_STATES, SILENCED, day_of
from gridtrail.detectors import all_detectors
from gridtrail.lake.lake import Lake
from gridtrail.server.console.per_file import FileCounts, Raised
from gridtrail.server.console.times import DAY
from gridtrail.settings import Settings
from gridtrail.slack.reasons import REASONS

DAYS = 30
"""How far back "lately" reaches."""

_NOTES = re.compile(r"\s*(Method: [^.]*SCIENCE.*?\.(?=\s|\Z)|\([^()]*SCIENCE[^()]*\))")
_PLACES = re.compile(r",? ?(SCIENCE [A-Z][.\d]*( and [A-Z][.\d]*)*|slack/api\.md [\d.]+)")


@dataclass(frozen=True, slots=True)
class DetectorFacts:
    """One detector; times in seconds, `raised` by UTC day since the epoch.

    `state` is `working`, `learning`, `blind` or `failed` with `why`, or `never` when detection did
    not run yet; `silenced` counts by why, over the same days as `raised`.
    """

    name: str
    meaning: str
    state: str
    why: str
    decided_to: int | None
    off: bool
    own: bool  # a user brought it
    fidelity: str
    share: float | None  # of the budget; None when its evidence is absolute, or it cannot run
    raised: Mapping[int, int]
    silenced: Mapping[str, int]

    @property
    def total(self) -> int:
        """Anomalies that it raised."""
        return sum(self.raised.values())


@dataclass(frozen=True, slots=True)
class Overview:
    """All detectors of an organization, and what others raised, by reason; `last_day` ends the
    days that are looked at (UTC, since the epoch)."""

    detectors: Sequence[DetectorFacts]
    others: Mapping[str, int]
    last_day: int

    @property
    def first_day(self) -> int:
        """The first of the days."""
        return self.last_day - DAYS + 1


def overview(lake: Lake, settings: Settings, counts: FileCounts, org: str) -> Overview:
    """The detectors, those that need a look first."""
    last_day = counts.last_day(lake, org)
    raised = counts.raised(lake, org, last_day - DAYS + 1, last_day)
    states = _states(lake, org)
    silenced = _silenced(lake, org, last_day - DAYS + 1)
    loaded = plugins.load(all_detectors(), settings.detect.plugins, base=settings.data)
    known = {one.name: one for one in loaded.detectors}
    found = [
        _facts(name, known.get(name), states.get(name), settings, loaded, raised, silenced)
        for name in sorted({*known, *states, *loaded.failed})
    ]
    others: Counter[str] = Counter()
    for one, number in raised.items():
        if not one.ours:
            others[one.name] += number
    order = {"failed": 0, "blind": 1, "never": 2, "learning": 3, "working": 4}
    found.sort(key=lambda one: (one.off, order.get(one.state, 0), -one.total, one.name))
    return Overview(found, dict(others.most_common()), last_day)


def _facts(
    name: str,
    detector: Detector | None,
    state: tuple[str, str, int] | None,
    settings: Settings,
    loaded: plugins.Loaded,
    raised: Mapping[Raised, int],
    silenced: Mapping[tuple[str, str], int],
) -> DetectorFacts:
    said, why, decided_to = state or ("never", "detection did not run yet", None)
    if name in loaded.failed:
        said, why = "failed", loaded.failed[name]
    absolute = detector is None or name in ABSOLUTE
    return DetectorFacts(
        name=name,
        meaning=REASONS[name].meaning if name in REASONS else headline(detector),
        state=said,
        why=why,
        decided_to=decided_to,
        off=name in settings.detect.off,
        own=detector is None or name in loaded.plugins,
        fidelity=detector.fidelity if detector is not None else "",
        share=None if absolute or detector is None else detector.share,
        raised={one.day: n for one, n in raised.items() if one.ours and one.name == name},
        silenced={why: n for (which, why), n in silenced.items() if which == name},
    )


def _states(lake: Lake, org: str) -> dict[str, tuple[str, str, int]]:
    lake.view(DETECTOR_STATES, "_console_states", org=org)
    rows = lake.engine.rows("SELECT detector, state, why, decided_to FROM _console_states")
    return {r["detector"]: (r["state"], r["why"] or "", r["decided_to"]) for r in rows.to_pylist()}


def _silenced(lake: Lake, org: str, first_day: int) -> dict[tuple[str, str], int]:
    """What was held back by (detector, why); names of allow-list entries are left out."""
    lake.view(SILENCED, "_console_silenced", org=org)
    rows = lake.engine.rows(
        "SELECT detector, split_part(why, ':', 1) AS why, count(*) AS n FROM _console_silenced "
        "WHERE day >= ? GROUP BY ALL ORDER BY n DESC, why",
        [day_of(first_day * DAY)],
    )
    return {(row["detector"], row["why"]): row["n"] for row in rows.to_pylist()}


def paragraphs(detector: Detector | None) -> list[str]:
    """What its author says of it, in paragraphs; the first is one sentence."""
    if detector is None:
        return []
    module = sys.modules.get(f"gridtrail.detectors.{detector.name}")
    module = module or sys.modules[type(detector).__module__]
    text = inspect.cleandoc(module.__doc__ or "").removeprefix(f"{detector.name}: ")
    text = _PLACES.sub("", _NOTES.sub("", text)).replace("`", "")
    parts = [part.strip() for part in re.split(r"\n\n|\n(?=- |\d\. )", text)]
    return [part[0].upper() + part[1:] for part in parts if part]


def headline(detector: Detector | None) -> str:
    """The first sentence of it."""
    found = paragraphs(detector)
    return found[0].rstrip(".") if found else ""
