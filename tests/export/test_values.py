"""Values as JSON and as cells."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.export.values import (
    cell_text,
    escaped_in_json,
    iso_seconds,
    iso_time,
    json_text,
    plain,
)

anything = st.text(alphabet=st.characters(exclude_categories=[]))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | anything,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(anything, inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_json_loses_nothing(value: object) -> None:
    """A JSON value comes back equal from its text, whatever characters it holds."""
    assert json.loads(json_text(value).encode("utf-8", "backslashreplace")) == value


UNRULY = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\U000e0000-\\U000e007f]"
)


@given(anything | st.text(alphabet="a\x1b\x9b\x7f\n\u202e\u2066\u200b\u2028\ufeff\U000e0041"))
def test_json_text_is_safe_on_a_terminal(text: str) -> None:
    """JSON text holds no character that moves, hides or reorders anything."""
    assert UNRULY.search(json_text(text)) is None


@given(anything, st.none() | st.just(2))
def test_json_layout_does_not_change_the_value(text: str, indent: int | None) -> None:
    """Indented and narrow JSON say the same."""
    assert json.loads(json_text([text, {text: 1}], indent=indent)) == [text, {text: 1}]


def test_letters_stay_letters() -> None:
    """Non-ASCII letters are kept in JSON, invisible characters are escaped."""
    assert json_text("żółw 漢字 \u202e\x9b") == '"żółw 漢字 \\u202e\\u009b"'


def test_raw_json_is_escaped_without_a_change_of_meaning() -> None:
    """Escaping a raw event's text keeps what it says."""
    raw = '{"name":"a\u202eb\U000e0041"}'
    assert "\u202e" not in escaped_in_json(raw)
    assert json.loads(escaped_in_json(raw)) == json.loads(raw)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 10, 1, 8, 15, 30, tzinfo=UTC), "2026-10-01T08:15:30Z"),
        (datetime(2026, 10, 1, 8, tzinfo=timezone(timedelta(hours=2))), "2026-10-01T06:00:00Z"),
        (date(2026, 10, 1), "2026-10-01"),
        (time(8, 15), "08:15:00"),
        (timedelta(minutes=2), 120.0),
        (b"bytes", "bytes"),
        (b"\xff\x00", {"base64": "/wA="}),
        (Decimal("12345678901234567890123"), 12345678901234567890123),
        (Decimal("0.5"), 0.5),
        (Decimal("0.12345678901234567890123"), "0.12345678901234567890123"),
        (float("nan"), "nan"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([("a", 1)], [["a", 1]]),
        (pa.MonthDayNano([1, 2, 3_500_000_000]), "P1M2DT3.5S"),
    ],
)
def test_values_json_does_not_know(value: object, expected: object) -> None:
    """Times, bytes and odd numbers have one exact form."""
    assert plain(value) == expected


def test_unknown_kind_is_loud() -> None:
    """A value without a form in JSON is an error, not its repr."""
    with pytest.raises(TypeError, match="no form in JSON"):
        plain(object())


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "true"),
        (-5, "-5"),
        (-1.5, "-1.5"),
        ("=1", "'=1"),
        (["=1"], '["=1"]'),
        ({"a": 1}, '{"a":1}'),
        (b"=1", "'=1"),
        (datetime(2026, 10, 1, tzinfo=UTC), "2026-10-01T00:00:00Z"),
    ],
)
def test_cells(value: object, cell: str) -> None:
    """Numbers stay numbers, text is disarmed, lists and objects are JSON."""
    assert cell_text(value) == cell


def test_times_no_calendar_has() -> None:
    """A second outside every calendar is shown as the number it is."""
    assert iso_seconds(1_790_000_000) == "2026-09-21T14:13:20Z"
    assert iso_seconds(10**18) == str(10**18)
    assert iso_time(datetime(2026, 10, 1)) == "2026-10-01T00:00:00Z"  # noqa: DTZ001 - naive on purpose
