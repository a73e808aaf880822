"""Near misses of plain events: what looks like Slack's writing and is not."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gridtrail.collect.fast import TABLE, FastReader
from gridtrail.collect.plain import judge_app
from gridtrail.collect.records import Records
from gridtrail.engine.duckdb import DuckDB
from gridtrail.slack.event import EventFields, read_event

FIELDS = list(EventFields.__dataclass_fields__)
TEXTS = st.sampled_from(
    ["W0M", "Matt", "", "a/b", "NaN", "caf\u00e9", "\u65e5\u672c", "x y", "inf,"]
)
THINGS = st.sampled_from(
    [
        ("file", ["id", "name", "filetype", "title"]),
        ("user", ["id", "name", "email", "team"]),
        ("channel", ["id", "privacy", "name", "is_shared", "is_org_shared", "teams_shared_with"]),
        ("message", ["channel", "timestamp", "team"]),
        ("huddle", ["id", "date_start", "participants"]),
        ("brand_new", ["id", "name"]),
    ]
)
VALUES: dict[str, Any] = {
    "is_shared": False,
    "is_org_shared": True,
    "teams_shared_with": [],
    "date_start": 1790000000,
    "participants": ["W1", "W2"],
}


@st.composite
def plain_events(draw: st.DrawFn) -> dict[str, Any]:
    """Events of the shape that Slack gives them."""
    kind, keys = draw(THINGS)
    user = {key: draw(TEXTS) for key in ("id", "name", "email", "team")}
    context: dict[str, Any] = {
        "location": {key: draw(TEXTS) for key in ("type", "id", "name", "domain")},
        "ua": draw(TEXTS),
        "ip_address": draw(TEXTS),
        "session_id": draw(st.sampled_from([None, 0, 12177102026566, "12"])),
    }
    if draw(st.booleans()):
        context["app"] = {"id": "A1", "name": draw(TEXTS), "scopes": ["a:b"], "team": "T0"}
    event = {
        "id": "e-1",
        "date_create": 1790000000,
        "action": "file_downloaded",
        "actor": {"type": "user", "user": user},
        "entity": {"type": kind, kind: {k: VALUES.get(k) or draw(TEXTS) for k in keys}},
        "context": context,
    }
    if draw(st.booleans()):
        event["details"] = {"new_value": draw(TEXTS), "n": [1, {"a": None}]}
    return event


def written(event: dict[str, Any]) -> bytes:
    """As Slack writes it: no spaces, slashes and all that is not ASCII escaped."""
    return json.dumps(event, separators=(",", ":")).replace("/", r"\/").encode()


MEMBERS = [
    b'"x":1', b'"x":""', b'"":0', b'"x":1e5', b'"x":NaN', b'"x":[-inf]', b'"x":[1,]', b'"id":"z"',
    b'"id":5', b'"type":"user"', b'"name":1.0', b'"name":null', b'"session_id":-0', b'"x":-0',
    b'"user":{}', b'"file":{"id":"F"}', b'"title":{"a":1}', b'"email":true', b'"x":"\\""',
    b'"x":1,"x":2', b'"x":1E400', b'"x":100000000000000000000000', b'"session_id":1e3',
    b'"n\\u0061me":"z"',
]  # fmt: skip
BEFORE = st.sampled_from([b" ", b"\t", b",", b", ", b"\r", b"/**/"])


@st.composite
def near_misses(draw: st.DrawFn) -> bytes:
    """Plain events changed in a few places between their strings."""
    raw = written(draw(plain_events()))
    for _ in range(draw(st.integers(1, 3))):
        what = draw(st.sampled_from(["member", "member", "before", "value", "drop"]))
        if what == "member":
            at = draw(st.sampled_from([m.end() for m in re.finditer(rb"\{", raw)]))
            comma = b"" if raw[at : at + 1] == b"}" else b","
            raw = raw[:at] + draw(st.sampled_from(MEMBERS)) + comma + raw[at:]
        elif what == "before":
            at = draw(st.sampled_from([m.start() for m in re.finditer(rb"[{}\[\],:]", raw)]))
            raw = raw[:at] + draw(BEFORE) + raw[at:]
        elif what == "value":
            found = draw(st.sampled_from(list(re.finditer(rb':("[^"]*"|[0-9]+)', raw))))
            other = draw(st.sampled_from([b"5", b"null", b"1e5", b"NaN", b"{}", b"[]", b'""']))
            raw = raw[: found.start() + 1] + other + raw[found.end() :]
        else:
            at = draw(st.integers(0, len(raw) - 1))
            raw = raw[:at] + raw[at + 1 :]
    return raw


def compare(engine: DuckDB, raws: list[bytes]) -> int:
    """Assert that what was taken reads as the reference reader reads it; how many were plain."""
    reader = FastReader(engine, org="E0", source="import", max_record_bytes=10**6)
    left = reader.read(Records.of(raws, list(map(str, range(len(raws))))), datetime.now(UTC), 0)
    rows = engine.rows(f"SELECT row, raw, plain, {', '.join(FIELDS)} FROM {TABLE}").to_pylist()
    assert sorted([*left, *(row["row"] for row in rows)]) == list(range(len(raws)))
    plain: int = sum(row.pop("plain") for row in rows)
    for row in rows:
        raw = raws[row.pop("row")]
        assert row.pop("raw").encode() == raw
        expected = read_event(raw)
        assert row == {name: getattr(expected, name) for name in FIELDS}
    return plain


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(plain_events(), min_size=1, max_size=20))
def test_events_as_slack_writes_them_are_all_plain(engine: DuckDB, events: list[Any]) -> None:
    """No event of Slack's own shape and spelling needs more than the one quick look."""
    assert compare(engine, [written(event) for event in events]) == len(events)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(near_misses(), min_size=1, max_size=25))
@example([b'{"id":"a","date_create":1790000000,"action":"x","actor":{"type":"user"}}'])
def test_near_misses_are_read_as_the_reference_reads_them(
    engine: DuckDB, raws: list[bytes]
) -> None:
    """Whatever stands between the strings of a plain event, it is read rightly or left alone."""
    compare(engine, raws)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # each adds as many bytes as it saves, so that the length alone would not tell
        (b'"details":{"a":1}', b'"details":{"a":1e5},"":0'),
        (b'"app":{"id":"A"}', b'"app":{"id":"A","b":1e5},"":0'),
        (b'"name":"a.pdf"}', b'"name":"a.pdf","n":1e5}     '),
        (b'"name":"a.pdf"}', b'"name":"a.pdf","n":NaN}'),
        (b'"ua":"Slack"', rb'"ua":"\"\"\"\"\"\"","":0'),
        (b'"session_id":5', b'"session_id":1e5     '),
        # and these do not change what the lengths say
        (b'"details":{"a":1}', b'"details":{"a":1,"a":1}'),
        (b'"name":"a.pdf"', b'"name":"a.pdf","n":1,"n":1'),
        (b"1790000000", b"1790000000.7"),
        (b'"ua":"Slack"', b'"ua":5'),
        (b'"ua":"Slack"', b'"ua":{}'),
        (b'"name":"a.pdf"', b'"name":7'),
    ],
)
def test_what_saves_bytes_cannot_hide_what_adds_them(
    engine: DuckDB, old: bytes, new: bytes
) -> None:
    """Numbers spelt anew and escaped quotes never make room for something unseen."""
    raw = (
        b'{"id":"e","date_create":1790000000,"action":"x","actor":{"type":"user","user":{"id":"U"}}'
        b',"entity":{"type":"file","file":{"id":"F","name":"a.pdf"}},"context":{"ua":"Slack",'
        b'"session_id":5,"app":{"id":"A"}},"details":{"a":1}}'
    )
    assert compare(engine, [raw]) == 1
    assert compare(engine, [raw.replace(old, new), raw]) == 1


def test_one_broken_record_does_not_slow_down_the_others(engine: DuckDB, event: Any) -> None:
    """Text that is not JSON among plain events leaves them plain."""
    raws = [written(event(i)) for i in range(50)]
    raws[7] = raws[7][:-2]
    raws[9] = raws[9].replace(b'"file":{', b'"file":{},"file":{')
    assert compare(engine, raws) == 48


def test_a_file_may_change_its_writing(engine: DuckDB, event: Any) -> None:
    """Records are plain or not as they are written, whatever stood before them."""
    reader = FastReader(engine, org="E0", source="import", max_record_bytes=10**6)
    spaced = [json.dumps(event(i)).encode() for i in range(1500)]
    tight = [written(event(i)) for i in range(1500)]
    found = []
    for raws in [spaced, tight, tight, spaced, spaced + tight]:
        records = Records.of(raws, list(map(str, range(len(raws)))))
        assert reader.read(records, datetime.now(UTC), 0) == []
        kept = engine.rows(f"SELECT row, plain FROM {TABLE} ORDER BY row")
        assert kept["row"].to_pylist() == list(range(len(raws)))
        found.append(sum(kept["plain"].to_pylist()))
    assert found == [0, 1500, 1500, 0, 0]


def test_an_app_is_judged_by_its_own_object() -> None:
    """Numbers that the engine spells anew and keys that stand twice make an app not plain."""
    whole = b'{"context":{"app":%s}}'
    good = [b"null", b'{"id":"A","n":[1,true]}']
    bad = [b"5", b"[]", b'{"n":1.5}', b'{"n":-0}', b'{"a":1,"a":1}', b'{"n":NaN}', b'{"a":[1,]}']
    assert [judge_app(whole % app) for app in good + bad] == [True] * 2 + [False] * 7
    assert judge_app(b'{"context":{}}')
