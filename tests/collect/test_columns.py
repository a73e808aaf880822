"""The fast way and the reference reader give the same columns on every record."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gridtrail.collect import columns
from gridtrail.collect.columns import ENTITY_KEYS, judge
from gridtrail.collect.fast import TABLE, FastReader
from gridtrail.collect.records import Records
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import SkipRecord
from gridtrail.slack.event import EventFields, read_event

FIELDS = list(EventFields.__dataclass_fields__)

TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            "W0M",
            "",
            "true",
            "null",
            "5",
            "1.5",
            "{",
            '{"a":1}',
            "a\x00b",
            "\x1f\x7f\x85",
            "NaN ,",
            "inf]",
            "Infinity}",
            "a ,]",
            '"\\',
            "\u2028😀",
            "'; DROP TABLE events; --",
            "=cmd()",
            "<script>",
            "\ud800",
        ]
    ),
)
SCALARS = st.one_of(
    TEXTS,
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, -0.0, 1.5, 1.68e9, 1e300, 1e-7, 12177102026566, float("nan")]),
)
ANY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
TIMES = st.one_of(
    st.integers(0, 2**40),
    st.sampled_from(["1790000000", "1.68e+09", "2026-09-21T13:33:20Z", 1790000000123456, -1]),
    ANY,
)
KINDS = st.sampled_from([*ENTITY_KEYS, "brand_new", "external_auth_oauth2_token"])
KEYS = st.sampled_from(["id", "name", "title", "template_name", "channel", "timestamp", "x"])


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with any of `fields`, mostly text, now and then anything."""
    return st.fixed_dictionaries({}, optional={k: v | ANY for k, v in fields.items()})


@st.composite
def typed(draw: st.DrawFn, kinds: st.SearchStrategy[str]) -> Any:
    kind = draw(kinds)
    inside = draw(st.dictionaries(KEYS | st.sampled_from(["email", "team"]), TEXTS | ANY))
    whole = {"type": draw(st.just(kind) | ANY), kind: inside}
    return draw(st.just(whole) | ANY) if draw(st.integers(0, 5)) == 0 else {**whole, "type": kind}


EVENTS = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["e-1", "0f6d6f1c-6b0e-4d43-9f0a-6a2f6f5c8a11"]) | ANY,
        "date_create": st.just(1790000000) | TIMES,
        "action": st.sampled_from(["user_login", "pref.sso", "anomaly"]) | TEXTS,
        "actor": typed(st.sampled_from(["user", "user", "app"])),
        "entity": typed(KINDS),
        "context": some(
            location=some(type=TEXTS, id=TEXTS, domain=TEXTS),
            ua=TEXTS,
            ip_address=TEXTS,
            session_id=st.integers(0, 2**64) | st.none() | TEXTS,
            app=some(id=TEXTS),
        ),
    },
    optional={"details": st.dictionaries(TEXTS | st.just("reason"), ANY, max_size=3) | ANY},
)


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """JSON text of an event, in several spellings, sometimes broken or mutated."""
    event = draw(EVENTS)
    text = json.dumps(
        event,
        ensure_ascii=draw(st.booleans()),
        separators=draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " :  ")])),
    )
    raw = text.encode("utf-8", "surrogatepass")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(raw)))
        raw = draw(
            st.sampled_from(
                [
                    raw[:at] + raw[at + 1 :],
                    raw[:at],
                    raw[:at] + raw[at : at + 20] + raw[at:],
                    raw[:at] + draw(st.binary(max_size=3)) + raw[at:],
                    raw.replace(b"}", b",}", 1),
                    raw.replace(b"1790000000", b"1.79e9", 1),
                    raw.replace(b'"action"', b'"id":"z","action"', 1),
                    raw.replace(b'"type"', b'"type":"user","type"', 1),
                    raw.replace(b'"id"', rb'"\u0069d"', 1),
                ]
            )
        )
    return raw.replace(b"\n", b" ")


def compare(engine: DuckDB, raws: list[bytes]) -> tuple[int, int]:
    """Assert that both ways agree on `raws`; how many went the fast way, and how many at all."""
    reader = FastReader(engine, org="E0", source="import", max_record_bytes=10**6)
    placed = Records.of(raws, [f"{i}" for i in range(len(raws))])
    slow = set(reader.read(placed, datetime.now(UTC), 0))
    columns = ", ".join(["row", "raw", *FIELDS])
    rows = {
        row.pop("row"): row for row in engine.rows(f"SELECT {columns} FROM {TABLE}").to_pylist()
    }
    assert set(rows) | slow == set(range(len(raws)))
    assert not set(rows) & slow
    for i, row in rows.items():
        raw = row.pop("raw")
        assert raw.encode() == raws[i]
        expected = read_event(raws[i])
        assert row == {name: getattr(expected, name) for name in FIELDS}
    return len(rows), len(raws)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(records(), min_size=1, max_size=12))
@example([b'{"id":"a","date_create":1,"action":"x","details":{"a":-0}}'])
def test_both_ways_agree(engine: DuckDB, raws: list[bytes]) -> None:
    """Whatever the fast way takes, it reads exactly as the reference reader does."""
    compare(engine, raws)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(ENTITY_KEYS)),
            st.lists(TEXTS.filter(lambda t: "\ud800" not in t), min_size=12, max_size=12),
            st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=2),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_plain_events_with_hostile_text_agree(
    engine: DuckDB, drawn: list[tuple[str, list[str], dict[str, str] | None]]
) -> None:
    """Any text in any column of a plain event comes out the same both ways."""
    raws = []
    for kind, t, details in drawn:
        event = {
            "id": "e-1",
            "date_create": 1790000000,
            "action": "user_login",
            "actor": {
                "type": "user",
                "user": dict(zip(("id", "name", "email", "team"), t, strict=False)),
            },
            "entity": {"type": kind, kind: dict(zip(ENTITY_KEYS[kind], t[4:], strict=False))},
            "context": {
                "location": {"type": t[7], "id": t[8], "domain": t[9]},
                "ua": t[10],
                "ip_address": t[11],
                "session_id": 12177102026566,
                "app": {"id": t[0]},
            },
            "details": details,
        }
        raws.append(json.dumps(event).encode())
    compare(engine, raws)


def test_plain_events_go_the_fast_way(engine: DuckDB, event: Any) -> None:
    """Events as Slack sends them never need the reference reader."""
    user = {"type": "user", "user": {"id": "W1"}}
    raws = [
        event(1),
        event(2, details={"new_value": {"type": ["A"]}, "previous_value": None, "n": [1, 20]}),
        event(3, entity=user, context={"session_id": None, "ua": "", "ip_address": ""}),
        event(4, entity={"type": "message", "message": {"channel": "C", "timestamp": "1.2"}}),
        event(5, brand_new_key={"x": [1.5]}),
        *(
            event(6, entity={"type": kind, kind: {keys[0]: "X"}})
            for kind, keys in ENTITY_KEYS.items()
        ),
    ]
    assert compare(engine, [json.dumps(raw).encode() for raw in raws])[0] == len(raws)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"id":"a","date_create":NaN,"action":"x","actor":{"type":"user"}}',
        b'{"id":"a","date_create":1,"action":"x","k":[-inf ],"actor":{"type":"user"}}',
        b'{"id":"a","date_create":1,"action":"x","k":Infinity}',
        b'{"id":"a","date_create":1,"action":"x","k":[1, ]}',
        b'{"id":"a","id":"b","date_create":1,"action":"x"}',
    ],
)
def test_what_only_the_engine_accepts_is_left_to_the_reference(engine: DuckDB, raw: bytes) -> None:
    """The engine's JSON reader is laxer than JSON; such records never go the fast way."""
    full = raw[:-1] + b',"entity":{"type":"user","user":{}}}'
    assert compare(engine, [full]) == (0, 1)
    with pytest.raises(SkipRecord):
        read_event(full)


def test_judge_refuses_an_entity_under_another_key() -> None:
    """A shape whose entity object is not the one that its type names is not plain."""
    types: list[str | None] = ["VARCHAR", "VARCHAR", "UBIGINT", None, None, "VARCHAR", "VARCHAR"]
    types += [None] * 200
    types = types[: len(columns._ALL_PATHS)]
    keys: list[list[str] | None] = [[] for _ in columns._OBJECTS]
    keys[columns._OBJECTS.index("$.entity")] = ["type", "file"]
    assert judge(types, keys, "user", "file")
    assert not judge(types, keys, "user", "user")
    assert not judge(types, keys, "app", "file")
    keys[0] = ["id", "id"]
    assert not judge(types, keys, "user", "file")
