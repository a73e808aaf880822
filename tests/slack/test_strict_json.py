from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.errors import SkipRecord
from gridtrail.slack import strict_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a":NaN}', "not_json"),
        (b'{"a":-Infinity}', "not_json"),
        (b'{"a":1,}', "not_json"),
        (b'{"a":1} x', "not_json"),
        (b'{"a":"\t"}', "not_json"),
        (b"{'a':1}", "not_json"),
        (b"", "not_json"),
        (b'{"a":1}\x00', "not_json"),
        (b'"\xff"', "not_utf8"),
        (b'"\xed\xa0\x80"', "not_utf8"),
        (rb'"\ud83d"', "not_utf8"),
        (rb'"\ude00\ud83d"', "not_utf8"),
        (rb'"\ud83dx\ude00"', "not_utf8"),
        (rb'{"\uD83D\n":1}', "not_utf8"),
        (b"[" * 101 + b"]" * 101, "too_deep"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "too_deep"),
        (b"[" * 200_000, "too_deep"),
    ],
)
def test_what_is_not_strict_json_is_refused(raw: bytes, reason: str) -> None:
    """Each kind of malformed text is refused with its own code."""
    with pytest.raises(SkipRecord) as caught:
        strict_json.read(raw)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100 + b"]" * 100,
        b'["' + b"[" * 500 + b'"]',
        rb'"\ud83d\ude00 \\ud83d \\\\udc00"',
        b" \r\n\t[] \n",
        b"1e999",
        b"123456789012345678901234567890",
    ],
)
def test_near_misses_are_read(raw: bytes) -> None:
    """A hundred levels, brackets inside text, whole pairs, spaces and huge numbers are fine."""
    strict_json.read(raw)


def test_nothing_is_thrown_away() -> None:
    """Numbers keep their spelling, and a key that stands twice is kept and named."""
    value = strict_json.read(b'{"n": 1.50, "b":{"a":1e5 ,"a":-0},"b":"\\u001f/\\/\x7f"}')
    assert strict_json.minified(value) == (
        '{"n":1.50,"b":{"a":1e5,"a":-0},"b":"\\u001F//\x7f"}'  # keys twice, as they came
    )
    assert value.twice == "b"
    assert value["b"].twice == "a"
    assert value["b"]["a"] == "1e5"


@given(JSON)
def test_reading_and_minifying_is_the_identity_on_values(value: object) -> None:
    """Text that two well-known writers made is read, and minified it means the same."""
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=2)):
        try:
            raw = text.encode()
        except UnicodeEncodeError:
            continue
        again = strict_json.minified(strict_json.read(raw))
        assert json.loads(again) == value


@given(
    st.binary(max_size=40)
    | st.text('{}[]",:\\ud8c01eE+-.truefalsn \n', max_size=20).map(str.encode)
)
def test_never_stricter_nor_laxer_than_a_strict_reader(raw: bytes) -> None:
    """On arbitrary bytes the verdict is orjson's, but for numbers beyond its range."""
    try:
        strict_json.read(raw)
        mine = True
    except SkipRecord:
        mine = False
    try:
        orjson.loads(raw)
        theirs = True
    except orjson.JSONDecodeError:
        theirs = False
    assert mine == theirs or (mine and b"e" in raw.lower())
