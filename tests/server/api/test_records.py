"""Posted bodies to records."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.server.api.records import MAX_RECORDS, Posted, read_body
from gridtrail.server.api.refusals import Refusal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(), JSON, min_size=1, max_size=4)
STYLES = st.sampled_from([{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}])


def test_one_event() -> None:
    """One object is one record, in its own bytes, however it is laid out."""
    for body in (b'{"id":"a"}', b'{\n "id" : "a"\n}', b'{"id":"a","entries":[1],"action":"x"}'):
        assert read_body(body) == [Posted("line 1", body)]
    assert read_body(b'\xef\xbb\xbf {"id":1.50} \n') == [Posted("line 1", b'{"id":1.50}')]


@given(st.lists(OBJECTS, min_size=1, max_size=4), STYLES)
def test_a_list(events: list[object], style: dict[str, object]) -> None:
    """The elements of a list are the records, each in its own bytes."""
    found = read_body(json.dumps(events, **style).encode("utf-8", "replace"))  # type: ignore[arg-type]
    assert [record.place for record in found] == [f"[{i}]" for i in range(len(events))]
    assert [len(json.loads(record.raw)) for record in found] == [len(e) for e in events]  # type: ignore[arg-type]


@given(st.lists(OBJECTS, min_size=1, max_size=4), OBJECTS, STYLES)
def test_a_page(events: list[object], more: dict[str, object], style: dict[str, object]) -> None:
    """A page of the API gives its entries, whatever else it holds."""
    body = {**{k: v for k, v in more.items() if k != "action"}, "entries": events}
    text = json.dumps({**body, "response_metadata": {"next_cursor": "x"}}, **style)  # type: ignore[arg-type]
    found = read_body(text.encode("utf-8", "replace"))
    assert [record.place for record in found] == [f"entries[{i}]" for i in range(len(events))]


@given(st.lists(OBJECTS, min_size=2, max_size=5))
def test_lines(events: list[object]) -> None:
    """Each line is a record, blank ones are passed over."""
    lines = [json.dumps(event) for event in events]
    found = read_body("\n\n".join(lines).encode() + b"\r\n")
    assert [record.raw.decode() for record in found] == lines
    assert [record.place for record in found] == [f"line {1 + 2 * i}" for i in range(len(lines))]


def test_one_bad_line() -> None:
    """A bad line is a record too, so that the others are taken and it is named."""
    body = b'{"id":"a"}\n{"id": nonsense}\n\xff\n'
    assert [record.place for record in read_body(body)] == ["line 1", "line 2", "line 3"]
    assert [r.raw for r in read_body(b'{"id": bad}\n{"id":"b"}')] == [b'{"id": bad}', b'{"id":"b"}']
    assert read_body(b"nonsense", lines=True) == [Posted("line 1", b"nonsense")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"[]",
        b'{"entries":[]}',
        b'[{"id":"a"},',
        b"id=a&b=c",
        b"\xff",
        b"[" * 99999,
        b'{"a":' * 99999,
    ],
)
def test_refused(body: bytes) -> None:
    """A body that is cut off, empty or no JSON at all is refused whole."""
    with pytest.raises(Refusal, match=r"body|record|UTF-8") as caught:
        read_body(body)
    assert (caught.value.code, caught.value.status) == ("invalid_json", 400)


def test_too_many() -> None:
    """More records than one request may bring are refused."""
    with pytest.raises(Refusal, match="too many") as caught:
        read_body(b"{}\n" * (MAX_RECORDS + 1))
    assert caught.value.status == 413


@given(st.binary())
def test_any_bytes(body: bytes) -> None:
    """Whatever is posted gives records or a refusal."""
    try:
        found = read_body(body)
    except Refusal as refusal:
        found = []
        body = refusal.code.encode()
    assert found or body == b"invalid_json"
