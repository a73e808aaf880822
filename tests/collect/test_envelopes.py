from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.collect.envelopes import unwrap

INNER = '{"id":"a\\"b", "n":1.50, "t":"é"}'
AS_TEXT = json.dumps(INNER)


@pytest.mark.parametrize(
    "wrapped",
    [
        f'{{"preview":false,"result":{{"_raw":{AS_TEXT},"host":"h"}}}}',
        f'{{"result":{{"_raw":{INNER}}}}}',
        f'{{"_raw":{AS_TEXT},"_time":"2026"}}',
        f'{{"time":1.5,"event":{INNER}}}',
        f'{{"event":{AS_TEXT},"host":"h"}}',
        f'{{"event":{{"original":{AS_TEXT},"kind":"event"}}}}',
        f'{{"event.original":{AS_TEXT}}}',
        f'{{"_index":"x","_source":{{"event":{{"original":{AS_TEXT}}}}}}}',
        f'{{"_source":{{"event.original":{AS_TEXT}}}}}',
        f'{{"@timestamp":"2026","message":{AS_TEXT}}}',
        f'{{"_source":{{"message":{AS_TEXT},"event":{{"kind":"event","original":{AS_TEXT}}}}}}}',
    ],
)
def test_each_wrapping_gives_back_the_event_byte_for_byte(wrapped: str) -> None:
    """Text is unescaped, an object is taken as it stands, spaces and number spelling included."""
    assert unwrap(wrapped.encode(), is_json=True) == [("", INNER.encode())]


@pytest.mark.parametrize(
    "raw",
    [
        "{}",
        '{"message":"hello"}',
        '{"message":5}',
        '{"event":"user_login"}',
        '{"event":null}',
        '{"event":{"original":5}}',
        '{"result":[]}',
        '{"a":{"entries":[]}}',
        '{"entries":{}}',
        "[5",
        '"text"',
    ],
)
def test_what_wraps_nothing_is_left_alone(raw: str) -> None:
    """Keys of that name with something else in them are no wrapping."""
    assert unwrap(raw.encode(), is_json=True) is None


def test_pages_arrays_and_several_values() -> None:
    """A page or an array on one line, and values one after another, come apart in order."""
    one = INNER.encode()
    page = b'{"ok":true,"entries":[' + one + b" , " + one + b'],"response_metadata":{"c":"}"}}'
    assert unwrap(page, is_json=True) == [("entries[0]", one), ("entries[1]", one)]
    assert unwrap(page + page, is_json=False) == [
        ("entries[0]", one),
        ("entries[1]", one),
        ("behind it", page),
    ]
    assert unwrap(b"[" + one + b",5]", is_json=True) == [("[0]", one), ("[1]", b"5")]
    assert unwrap(one + b" " + one, is_json=False) == [("value 1", one), ("value 2", one)]
    assert unwrap(one + b" x", is_json=False) is None
    assert unwrap(b'{"entries":[]}', is_json=True) == []


@given(
    st.binary(max_size=80)
    | st.text('{}[]",:\\_rawevents 1', max_size=80).map(str.encode)
    | st.text(max_size=20).map(lambda t: json.dumps({"event": {"original": t}}).encode()),
    st.booleans(),
)
def test_arbitrary_bytes_never_raise(raw: bytes, is_json: bool) -> None:
    """Whatever the bytes, they are opened or left alone."""
    unwrap(raw, is_json=is_json)
    unwrap(b'{"_raw":' + raw + b"}", is_json=is_json)
    unwrap(b'{"event":' + raw, is_json=is_json)
    unwrap(b'{"event":{' + raw + b"}}", is_json=is_json)
