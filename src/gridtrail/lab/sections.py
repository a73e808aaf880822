"""The quality table in sections: exact values for programs, short text for people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridtrail.lab.attempts import StoryLine
from gridtrail.lab.calibration import Calibration
from gridtrail.lab.harmless import ReasonLine, TrapLine
from gridtrail.lab.intervals import Interval
from gridtrail.lab.quality import Quality
from gridtrail.lab.totals import Total
from gridtrail.lab.wrong import Wrong


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `values` are exact, `shown` is the text of each column of the section."""

    values: Mapping[str, Any]
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the table, what it says in a sentence, and its columns for people."""

    name: str
    title: str
    words: str
    columns: tuple[str, ...]
    lines: list[Line]


def sections(found: Quality) -> list[Section]:
    """Every section in the order of reading."""
    return [
        Section(
            "totals", "In short", "Aims are the project's own.",
            ("what", "value", "95 % interval", "counts", "aim"), [*map(_total, found.totals)],
        ),
        Section(
            "stories", "Attacks",
            "`raised`: an anomaly with a fitting reason. `of note`: it stands in a finding of "
            "medium severity or above. `reasons`: share of the reasons that the truth names. "
            "`rank`: median place of the finding among all of its organization.",
            ("attack", "loudness", "raised", "95 %", "of note", "95 %", "severities", "rank",
             "reasons"), [*map(_story, found.stories)],
        ),
        Section(
            "traps", "Harmless stories",
            "Nothing of medium severity or above should be said of these.",
            ("story", "loudness", "tried", "anomalies", "findings", "of note", "reasons"),
            [*map(_trap, found.traps)],
        ),
        Section(
            "reasons", "Ordinary life, by reason",
            "Anomalies that belong to no planted story, per 1,000 users and day.",
            ("reason", "anomalies", "rate", "95 %"), [*map(_reason, found.reasons)],
        ),
        Section(
            "calibration", "Realised over nominal alarm rates",
            "Alarms of ordinary life, silenced ones too, over what each detector's share of the "
            "budget allows; 1 is as it says.",
            ("detector", "stratum", "subject-days", "nominal", "realised", "ratio", "95 %", ""),
            calibration_lines(found.calibration),
        ),
        Section(
            "missed", "Missed",
            "Attacks that made no finding of note, but for the mimic.",
            ("seed", "attack", "who", "why"), [*map(_wrong, found.missed)],
        ),
        Section(
            "false alarms", "False alarms",
            "Findings of note that no attack has a part in.",
            ("seed", "finding", "who", "where from"), [*map(_wrong, found.false_alarms)],
        ),
    ]  # fmt: skip


def calibration_lines(found: Iterable[Calibration]) -> list[Line]:
    """The lines of a calibration."""
    return [*map(_calibration, found)]


def exact_rows(parts: Sequence[Section]) -> list[dict[str, Any]]:
    """All lines for programs: each with the section's name and the same keys, null where a section
    has no such thing."""
    keys = dict.fromkeys(key for part in parts for line in part.lines for key in line.values)
    return [
        {"section": part.name} | {key: line.values.get(key) for key in keys}
        for part in parts
        for line in part.lines
    ]


def _total(one: Total) -> Line:
    values = {"name": one.name, "value": finite(one.value), **_bounds(one.interval)}
    aim = one.aim if one.met is None else f"{one.aim}: {'met' if one.met else 'MISSED'}"
    values |= {"counts": one.counts, "aim": one.aim, "met": one.met}
    return Line(values, (one.name, short(one.value), span(one.interval), one.counts, aim))


def _story(one: StoryLine) -> Line:
    values = {
        "kind": one.kind, "loudness": one.loudness, "tried": one.tried, "raised": one.raised,
        "raised_low": one.raised_interval.low, "raised_high": one.raised_interval.high,
        "found": one.found, "noted": one.noted, "noted_low": one.noted_interval.low,
        "noted_high": one.noted_interval.high, "severities": one.severities, "rank": one.rank,
        "expected": one.expected, "to_be_missed": one.to_be_missed,
    }  # fmt: skip
    name = one.kind + (" (to be missed)" if one.to_be_missed else "")
    return Line(
        values,
        (
            name,
            one.loudness,
            f"{one.raised} of {one.tried}",
            span(one.raised_interval),
            f"{one.noted} of {one.tried}",
            span(one.noted_interval),
            _counts(one.severities),
            "" if one.rank is None else f"{one.rank:g}",
            "" if one.expected is None else f"{one.expected:.0%}",
        ),
    )


def _trap(one: TrapLine) -> Line:
    values = {
        "kind": one.kind, "loudness": one.loudness, "tried": one.tried,
        "anomalies": one.anomalies, "findings": one.findings, "noted": one.noted,
        "reasons": one.reasons,
    }  # fmt: skip
    numbers = (str(n) for n in (one.tried, one.anomalies, one.findings, one.noted))
    return Line(values, (one.kind, one.loudness, *numbers, _counts(one.reasons)))


def _reason(one: ReasonLine) -> Line:
    values = {"reason": one.reason, "anomalies": one.anomalies, "rate": one.rate}
    values |= _bounds(one.interval)
    return Line(values, (one.reason, str(one.anomalies), short(one.rate), span(one.interval)))


def _calibration(one: Calibration) -> Line:
    rate = one.rate
    values = {
        "detector": rate.detector, "stratum": rate.stratum, "subject_days": rate.subject_days,
        "nominal": rate.nominal, "realised": rate.realised, "ratio": one.ratio,
        **_bounds(one.interval), "note": one.note,
    }  # fmt: skip
    ratio = "" if one.ratio is None else short(one.ratio)
    return Line(
        values,
        (
            rate.detector,
            rate.stratum,
            f"{rate.subject_days:,}",
            short(rate.nominal),
            str(rate.realised),
            ratio,
            span(one.interval) if one.ratio is not None else "",
            one.note,
        ),
    )


def _wrong(one: Wrong) -> Line:
    values = {"seed": one.seed, "what": one.what, "who": one.who, "words": one.words}
    return Line(values, (str(one.seed), one.what, one.who, one.words))


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _bounds(interval: Interval) -> dict[str, float | None]:
    return {"low": finite(interval.low), "high": finite(interval.high)}


def finite(value: float) -> float | None:
    """JSON has no infinity: null."""
    return value if math.isfinite(value) else None


def short(value: float) -> str:
    """A number in two or three digits."""
    if not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2g}"


def span(interval: Interval) -> str:
    """An interval for people."""
    if not math.isfinite(interval.low) and not math.isfinite(interval.high):
        return "unknown"
    return f"{short(interval.low)} – {short(interval.high)}"
