"""Bar charts as numbers for SVG: one bar a value, and beside it a second one to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH = 960
_WIDEST = 72


@dataclass(frozen=True, slots=True)
class Value:
    """What one bar shows: its value (0 or more; None: nothing is known), a sentence about it,
    where it leads, and a second value. `kind` is a class of the style: `gap` or ''."""

    value: float | None
    title: str
    href: str = ""
    other: float | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar in the chart's units; `other_height` is that of the second value."""

    x: float
    y: float
    width: float
    height: float
    other_y: float
    other_height: float
    value: Value


@dataclass(frozen=True, slots=True)
class Bars:
    """The chart, WIDTH by `height` units; `ends` stand under its left and right end."""

    label: str
    bars: Sequence[Bar]
    most: float
    ends: tuple[str, str]
    compared: bool
    height: int
    width: int = field(default=WIDTH)


def bars(
    label: str,
    values: Sequence[Value],
    *,
    ends: tuple[str, str] = ("", ""),
    height: int = 96,
) -> Bars:
    """The chart of `values` in their order; the tallest fills it."""
    known = [v for one in values for v in (one.value, one.other) if v is not None]
    most = max(known, default=0)
    step = WIDTH / max(1, len(values))
    wide = min(_WIDEST, max(step - (1.5 if step > 4 else 0.3), 0.6))
    compared = any(one.other is not None for one in values)
    made = []
    for index, one in enumerate(values):
        tall = _height(one.value, most, height)
        other = _height(one.other, most, height)
        made.append(
            Bar(
                round(index * step + (step - wide) / 2 if wide == _WIDEST else index * step, 2),
                round(height - tall, 2),
                round(wide, 2),
                tall,
                round(height - other, 2),
                other,
                one,
            )
        )
    return Bars(label, made, most, ends, compared, height)


def _height(value: float | None, most: float, height: int) -> float:
    if not value or most <= 0:
        return 0.0
    return round(max(2.0, value / most * (height - 4)), 2)
