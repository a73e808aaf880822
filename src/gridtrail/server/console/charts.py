"""Charts as numbers for SVG: a histogram over time, a line of days, the hours of a week.

Everything in them is a number of ours or a text that the template escapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gridtrail.server.console.listing import Bucket
from gridtrail.server.console.text import counted
from gridtrail.server.console.times import DAY, said

_WIDTHS = (60, 300, 900, 3_600, 10_800, 21_600, DAY, 7 * DAY, 28 * DAY)
_BARS = 84
_LEVELS = 5
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `x`, `y`, `width`, `height` in the chart's units, `share` of it are anomalies."""

    x: float
    y: float
    width: float
    height: float
    marked: float  # height of the anomalies' part
    href: str
    title: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts over time, `width` by `height` units; times are seconds."""

    bars: Sequence[Bar]
    width: int
    height: int
    total: int
    anomalies: int
    most: int
    first: int
    last: int
    bucket: int  # seconds


def bucket_width(first: int, last: int) -> int:
    """Seconds of a bucket so that a chart of the range has a readable number of bars."""
    for width in _WIDTHS:
        if (last - first) / width <= _BARS:
            return width
    return -(-(last - first) // (_BARS * DAY)) * DAY


def histogram(
    found: Sequence[Bucket],
    first: int,
    last: int,
    bucket: int,
    href: Callable[[int, int], str],
    *,
    width: int = 960,
    height: int = 96,
) -> Histogram:
    """The chart of `found` over [first, last]; `href` gives the address of a range of seconds."""
    begin = first // bucket * bucket
    slots = (last - begin) // bucket + 1
    step = width / slots
    most = max((one.events for one in found), default=0)
    bars = []
    for one in found:
        tall = max(1.5, one.events / most * (height - 4))
        marked = min(tall, max(3.0, one.anomalies / most * (height - 4))) if one.anomalies else 0.0
        end = one.start + bucket - 1
        title = f"{said(one.start)} UTC: {counted(one.events, 'event')}"
        if one.anomalies:
            title += f", {counted(one.anomalies, 'anomaly', 'anomalies')}"
        x = (one.start - begin) / bucket * step
        bars.append(
            Bar(
                round(x, 2),
                round(height - tall, 2),
                round(max(step - (1.5 if step > 4 else 0.3), 0.6), 2),
                round(tall, 2),
                round(marked, 2),
                href(max(one.start, first), min(end, last)),
                title,
                max(one.start, first),
                min(end, last),
            )
        )
    total, odd = sum(one.events for one in found), sum(one.anomalies for one in found)
    return Histogram(bars, width, height, total, odd, most, first, last, bucket)


@dataclass(frozen=True, slots=True)
class Line:
    """A small line of days: the points of a polyline, and whether there is anything to see."""

    points: str
    title: str
    most: int
    marks: Sequence[tuple[float, float]]  # where the days with anomalies are


def day_line(
    by_day: Mapping[int, tuple[int, int]], last_day: int, days: int = 30, title: str = ""
) -> Line:
    """The line of the `days` UTC days to `last_day`; `by_day` gives (events, anomalies)."""
    width, height = 108.0, 22.0
    span = range(last_day - days + 1, last_day + 1)
    most = max((by_day.get(day, (0, 0))[0] for day in span), default=0)
    step = (width - 6) / max(1, days - 1)
    points, marks = [], []
    for index, day in enumerate(span):
        events, odd = by_day.get(day, (0, 0))
        x = round(3 + index * step, 1)
        y = round(height - 3 - (events / most * (height - 7) if most else 0), 1)
        points.append(f"{x},{y}")
        if odd:
            marks.append((x, y))
    return Line(" ".join(points), title, most, marks)


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of the week: position, level 0 to 5, and what it says."""

    x: int
    y: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of a week, UTC: when somebody is usually at work."""

    cells: Sequence[Cell]
    days: Sequence[tuple[int, str]]  # y and name
    hours: Sequence[tuple[int, str]]  # x and name
    total: int


def week_hours(found: Mapping[tuple[int, int], int]) -> Hours:
    """The chart of (weekday from Monday 0, hour) -> events."""
    most = max(found.values(), default=0)
    cells = []
    for day in range(7):
        for hour in range(24):
            events = found.get((day, hour), 0)
            # the square root lets quiet hours be seen beside one loud hour
            level = 0 if not events else 1 + int((_LEVELS - 1) * (events / most) ** 0.5)
            title = f"{_DAYS[day]} {hour:02}:00 UTC: {counted(events, 'event')}"
            cells.append(Cell(34 + hour * 14, day * 14, level, title))
    names = [(day * 14 + 10, name) for day, name in enumerate(_DAYS)]
    marks = [(34 + hour * 14, f"{hour:02}") for hour in range(0, 24, 6)]
    return Hours(cells, names, marks, sum(found.values()))
