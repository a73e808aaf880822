from __future__ import annotations

import json
import math
from collections.abc import Callable

from gridtrail.lab.intervals import Interval
from gridtrail.lab.outcome import Outcome
from gridtrail.lab.quality import quality
from gridtrail.lab.sections import exact_rows, sections, short, span


def test_lines_fit_their_columns(made: Callable[..., Outcome]) -> None:
    """Every section has lines, each with a text for every column, and exact values."""
    parts = sections(quality([made()]))
    assert [part.name for part in parts] == [
        "totals", "stories", "traps", "reasons", "calibration", "missed", "false alarms",
    ]  # fmt: skip
    for part in parts:
        assert part.lines
        for line in part.lines:
            assert len(line.shown) == len(part.columns)
            assert line.values


def test_programs_get_valid_json(made: Callable[..., Outcome]) -> None:
    """All rows have the same keys and no number that JSON cannot hold."""
    rows = exact_rows(sections(quality([made()])))
    assert len({tuple(row) for row in rows}) == 1
    json.dumps(rows, allow_nan=False)
    matt = next(row for row in rows if row["kind"] == "matt")
    assert (matt["section"], matt["raised"], matt["severities"]) == ("stories", 1, {"critical": 1})


def test_numbers_for_people() -> None:
    """Numbers have two digits, whole ones none behind the point, unknown ones a dash."""
    assert [short(n) for n in (0.0, 3.0, 0.1234, 12.34, 1234.5, math.nan)] == [
        "0", "3", "0.12", "12", "1,234", "–",
    ]  # fmt: skip
    assert span(Interval(0.5, 2)) == "0.5 – 2"
    assert span(Interval(-math.inf, math.inf)) == "unknown"
