from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtrail.collect.records import KEPT_BYTES, Cut, Records
from gridtrail.collect.splitting import Splitter

EVENTS = [{"id": str(i), "x": {"a": '}]\\"[{', "b": [1, "é"]}} for i in range(5)]
LINES = "\n".join(map(json.dumps, EVENTS)).encode()
PAGE = {"ok": True, "response_metadata": {"next_cursor": "a}"}, "entries": EVENTS, "z": [{}]}


def split(
    data: bytes, size: int = 10**6, limit: int = 10**6
) -> tuple[list[tuple[str, bytes]], list[Cut], Splitter]:
    splitter = Splitter(limit)
    records: list[tuple[str, bytes]] = []
    cuts: list[Cut] = []

    def take(piece: Records | Cut) -> None:
        if isinstance(piece, Cut):
            cuts.append(piece)
        else:
            records.extend((piece.place(i), piece.raw(i)) for i in range(len(piece)))

    for start in range(0, len(data), size):
        for piece in splitter.feed(data[start : start + size]):
            take(piece)
    for piece in splitter.finish():
        take(piece)
    return records, cuts, splitter


@pytest.mark.parametrize("size", [1, 13, 10**6])
@pytest.mark.parametrize(
    ("data", "first_place"),
    [
        (LINES, "line 1"),
        (LINES + b"\n", "line 1"),
        (LINES.replace(b"\n", b"\r\n\r\n\n"), "line 1"),
        (b"\xef\xbb\xbf" + LINES, "line 1"),
        (b"\n\n" + LINES, "line 3"),
        (json.dumps(EVENTS, indent=2).encode(), "[0]"),
        (json.dumps(EVENTS, indent=2).replace("\n", "\r\n").encode(), "[0]"),
        (b"[\n" + LINES.replace(b"\n", b",\n") + b"\n]\n", "[0]"),
        (json.dumps(PAGE, indent=1).encode(), "line 6, entries[0]"),
        ("\n".join(json.dumps(e, indent=4) for e in EVENTS).encode(), "line 1"),
        ("".join(json.dumps(e, indent=4) for e in EVENTS).encode(), "line 1"),
        (json.dumps(EVENTS[:2]).encode() + b"\n" + LINES.split(b"\n", 2)[2], None),
        (json.dumps(EVENTS[:2], indent=1).encode() + LINES.split(b"\n", 2)[2], "[0]"),
    ],
)
def test_every_event_comes_out_of_every_layout(
    data: bytes, first_place: str | None, size: int
) -> None:
    """Lines, arrays, pages and pretty values give the same events, wherever blocks are cut."""
    records, cuts, splitter = split(data, size)
    found = []
    for _, raw in records:
        value = json.loads(raw)
        found += value if isinstance(value, list) else [value]
    assert found == EVENTS
    assert not cuts
    assert not splitter.unclosed
    assert first_place is None or records[0][0] == first_place


def test_an_element_is_the_bytes_between_its_brackets() -> None:
    """What comes out of an array are the bytes as they stand there."""
    records, _, _ = split(b'[\n {"a" :1}  ,\n{"b":[ ]}, 5, "x,y"\n]')
    assert [raw for _, raw in records] == [b'{"a" :1}', b'{"b":[ ]}', b'5, "x,y"']


@pytest.mark.parametrize("size", [7, 50, 10**6])
@pytest.mark.parametrize("layout", ["lines", "array", "page", "pretty"])
def test_an_oversized_record_is_passed_over(layout: str, size: int) -> None:
    """A record beyond the limit is cut, with its true size, and the rest goes on."""
    big = json.dumps({"x": '}{\\"' * 100_000, "y": [1]})
    small = '{"a":1}'
    data = {
        "lines": f"{small}\n{big}\n{small}\n",
        "array": f"[{small},{big},{small}]\n{small}",
        "page": f'{{"entries":[{small},{big},{small}],"m":\n1}}\n',
        "pretty": f"[{small},\n{json.dumps(json.loads(big), indent=1)},\n{small}]",
    }[layout].encode()
    if size < 50:
        data, limit = data.replace(b'}{\\\\\\"' * 99_900, b""), 300
    else:
        limit = 1000
    records, cuts, splitter = split(data, size, limit)
    if layout == "lines" and size == 10**6:  # all of it fits a block; the reader refuses it there
        assert len(records) == 3
        return
    places = [place for place, _ in records]
    assert len(cuts) <= 1
    assert len(records) + len(cuts) == (4 if layout == "array" else 3), (places, cuts)
    if cuts:
        assert cuts[0].reason == "too_large"
        assert abs(cuts[0].size - len(big)) < 100 or size < 50
        assert len(cuts[0].head) <= KEPT_BYTES
    assert not splitter.unclosed


@pytest.mark.parametrize(
    ("data", "records", "cut"),
    [
        (b'{"a":1}\n{"b":"x', 1, b'{"b":"x'),
        (b'{"a":1}\n{"b":[1,', 1, b'{"b":[1,'),
        (b'[{"a":1},{"b"', 1, b',{"b"'),
        (b'{"entries":[\n{"a":1},\n{"b":2}', 2, None),
        (b'{"a":1}\n{\n "b": 1,\n', 1, b'{\n "b": 1,\n'),
        (b'{"a":1}\nnonsense', 2, None),
        (b'{"a":1}\n{"b":1}', 2, None),
    ],
)
def test_the_end_may_cut_a_record_off(data: bytes, records: int, cut: bytes | None) -> None:
    """A record that the end cuts off is told apart from one without a newline behind it."""
    found, cuts, splitter = split(data)
    assert len(found) == records
    assert [c.head for c in cuts] == ([] if cut is None else [cut])
    assert all(c.reason == "truncated" for c in cuts)
    assert splitter.unclosed == (not data.endswith((b"nonsense", b'{"b":1}')))


def test_a_cut_off_line_does_not_swallow_the_next() -> None:
    """A line that was cut off in the midst, even after a bracket, is one bad record."""
    bad = [b'{"id":"x","a":[', b'{"id":"x",', b'{"id":"x', b"{", b"[5,", b"}}}"]
    records, cuts, _ = split(b'{"id":1,\n  \nx\n')
    assert ([raw for _, raw in records], cuts) == ([b'{"id":1,', b"  ", b"x"], [])
    for line in bad:
        records, cuts, _ = split(b'{"a":1}\n' + line + b'\n{"b":1}\n{"c":1}\n')
        assert [raw for _, raw in records] == [b'{"a":1}', line, b'{"b":1}', b'{"c":1}']
        assert not cuts


@settings(max_examples=300)
@given(st.text('{}[]",:\\ \nab1', max_size=60).map(str.encode), st.integers(1, 20))
def test_no_byte_is_lost(data: bytes, size: int) -> None:
    """On any bytes, what comes out holds all that is more than space and punctuation."""
    records, cuts, _ = split(data, size, 50)
    letters = sorted(c for c in data if c in b"ab1")
    out = b"".join(raw for _, raw in records)
    whole = sum(cut.size for cut in cuts)
    kept = sorted(c for c in out + b"".join(cut.head for cut in cuts) if c in b"ab1")
    assert kept == letters or b'"entries"' in data
    assert len(out) + whole <= len(data)


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from(["lines", "array", "page", "pretty", "blank"]), max_size=6),
    st.integers(1, 200),
)
def test_layouts_may_follow_each_other(layouts: list[str], size: int) -> None:
    """A file may change its layout as often as it likes."""
    parts, expected = [], []
    for number, layout in enumerate(layouts):
        event = {"id": number, "t": "\n}]"}
        parts.append(
            {
                "lines": json.dumps(event),
                "array": json.dumps([event, event], indent=1),
                "page": json.dumps({"entries": [event], "m": {"c": ""}}, indent=2),
                "pretty": json.dumps(event, indent=3),
                "blank": "  \r",
            }[layout]
        )
        expected += {"array": [number] * 2, "blank": []}.get(layout, [number])
    records, cuts, splitter = split("\n".join(parts).encode(), size)
    assert [json.loads(raw)["id"] for _, raw in records if raw.strip()] == expected
    assert not cuts
    assert not splitter.unclosed
