"""Bodies of pages: entries byte for byte, cursors, and what is no page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.collect.slack_api.pages import BrokenBody, Page, read_page

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def parts(found: Page) -> list[bytes]:
    return [found.records.raw(i) for i in range(len(found.records))]


@given(
    entries=st.lists(st.dictionaries(st.text(max_size=5), json_values), max_size=6),
    cursor=st.text(max_size=12),
    spaced=st.booleans(),
    before=st.booleans(),
)
def test_entries_come_out_byte_for_byte(
    entries: list[dict[str, Any]], cursor: str, spaced: bool, before: bool
) -> None:
    """Whatever the entries hold, and wherever the cursor stands, both come out as they were."""
    separators = (", ", ": ") if spaced else (",", ":")
    texts = [json.dumps(e, separators=separators).replace("/", "\\/") for e in entries]
    metadata = f'"response_metadata":{{"next_cursor":{json.dumps(cursor)}}}'
    listed = f'"entries":[{separators[0].join(texts)}]'
    inside = [metadata, listed] if before else [listed, metadata]
    found = read_page(("{" + ",".join(inside) + "}").encode())
    assert parts(found) == [text.encode() for text in texts]
    assert found.cursor == cursor


@given(cut=st.integers(0, 200))
def test_a_page_that_is_cut_off_is_never_a_page(cut: int) -> None:
    """No beginning of a page passes for a whole one."""
    entries = [{"id": "a", "x": "]}"}, {"id": "b", "y": [1, {"z": []}]}]
    body = json.dumps({"entries": entries, "response_metadata": {"next_cursor": "abc"}}).encode()
    if cut < len(body):
        with pytest.raises(BrokenBody):
            read_page(body[:cut])


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"<html>", b'{"ok":true}', b'{"entries":{}}',
     b'{"entries":[{}},"response_metadata":{}}', b'{"entries":[]}x',
     b'{"entries":[],"response_metadata":{"next_cursor":7}}', b'{"entries":[],"entries":[{}]}'],
)  # fmt: skip
def test_what_is_no_page(body: bytes) -> None:
    """Other bodies are refused, to be asked for again."""
    with pytest.raises(BrokenBody):
        read_page(body)


@pytest.mark.parametrize(
    "end", [b"", b',"response_metadata":null', b',"response_metadata":{"next_cursor":null}',
            b',"response_metadata":{}', b',"response_metadata":{"next_cursor":""}'],
)  # fmt: skip
def test_an_absent_null_or_empty_cursor_ends_the_listing(end: bytes) -> None:
    """All three mean that there is no more."""
    assert read_page(b'{"entries":[]' + end + b"}").cursor == ""
