"""Bars are as tall as their values are."""

from __future__ import annotations

from gridtrail.server.console.bars import WIDTH, Value, bars


def test_heights_are_in_proportion() -> None:
    """The tallest nearly fills the chart, small ones can still be seen, nothing has no bar."""
    chart = bars("x", [Value(100, "a"), Value(50, "b"), Value(0.001, "c"), Value(0, "d")])
    tall, half, tiny, none = chart.bars
    assert tall.height == 92
    assert half.height == 46
    assert (tiny.height, none.height) == (2.0, 0.0)
    assert tall.y + tall.height == chart.height
    assert not chart.compared
    assert none.x + none.width <= WIDTH


def test_two_series_share_one_scale() -> None:
    """What is compared is measured by the greatest of both."""
    chart = bars("x", [Value(1, "a", other=4), Value(None, "b", other=2)])
    assert chart.compared
    assert [bar.height for bar in chart.bars] == [23.0, 0.0]
    assert [bar.other_height for bar in chart.bars] == [92.0, 46.0]


def test_nothing_is_a_chart_too() -> None:
    """No values, or only zeros, give no bar and no error."""
    assert bars("x", []).bars == []
    assert bars("x", [Value(0, "a")]).bars[0].height == 0
