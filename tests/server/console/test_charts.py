"""Charts show every event where it belongs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.server.console.charts import bucket_width, day_line, histogram, week_hours
from gridtrail.server.console.listing import Bucket


@given(st.integers(0, 2_000_000_000), st.integers(0, 2_000_000_000))
def test_a_chart_has_a_readable_number_of_bars(first: int, length: int) -> None:
    """However long the range, some eighty bars at most."""
    width = bucket_width(first, first + length)
    assert width >= 60
    assert (first + length) // width - first // width <= 85


def test_bars_stand_side_by_side_and_lead_to_their_range() -> None:
    """The tallest fills the chart, an anomaly is seen however rare, and links join without gaps."""
    found = [Bucket(600, 1000, 1), Bucket(1200, 10, 0), Bucket(1800, 1, 1)]
    chart = histogram(found, 700, 2000, 600, lambda a, b: f"/{a}-{b}", width=300, height=100)
    assert [bar.href for bar in chart.bars] == ["/700-1199", "/1200-1799", "/1800-2000"]
    assert [bar.x for bar in chart.bars] == [0, 100, 200]
    assert chart.bars[0].height == 96
    assert chart.bars[0].marked == 3
    assert chart.bars[1].marked == 0
    assert 0 < chart.bars[2].marked <= chart.bars[2].height
    assert all(bar.y + bar.height == pytest.approx(100) for bar in chart.bars)
    assert (chart.total, chart.anomalies, chart.most) == (1011, 2, 1000)


def test_an_empty_chart_has_no_bars() -> None:
    """No event, no bar, no error."""
    assert histogram([], 0, 100, 60, lambda a, b: "").bars == []


def test_a_line_has_a_point_for_each_day() -> None:
    """Quiet days are at the bottom, the loudest at the top; days with anomalies have a dot."""
    line = day_line({99: (10, 0), 100: (5, 2), 3: (99, 9)}, 100, days=30)
    points = [tuple(map(float, one.split(","))) for one in line.points.split()]
    assert len(points) == 30
    assert line.most == 10
    assert min(y for _, y in points) == points[-2][1]
    assert line.marks == [points[-1]]
    assert day_line({}, 5).most == 0


def test_hours_of_the_week_are_all_there() -> None:
    """168 cells, none without a level, the loudest at the highest."""
    hours = week_hours({(0, 9): 100, (6, 23): 1})
    assert len(hours.cells) == 168
    assert hours.total == 101
    levels = {one.title: one.level for one in hours.cells}
    assert levels["Mon 09:00 UTC: 100 events"] == 5
    assert levels["Sun 23:00 UTC: 1 event"] == 1
    assert sum(level == 0 for level in levels.values()) == 166
