"""What has no rows is told from its tables, and not computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtrail.detect.contract import table
from gridtrail.detect.emptiness import Sparing, no_rows, row_counts
from gridtrail.engine.duckdb import DuckDB

SCHEMA = {"who": "string", "count": "int64"}
ONE, OTHER, THIRD = (table(name, SCHEMA) for name in ("one", "other", "third"))
NAMES = ("one", "other", "third")
ROWS = pa.table({"who": ["ann", "ben"], "count": [1, 2]})

Make = Callable[[ir.Table, ir.Table], ir.Table]
MAKES: dict[str, Make] = {
    "filter": lambda a, _b: a.filter(a["count"] > 0),
    "window": lambda a, _b: a.mutate(nth=ibis.row_number().over(order_by=a["count"])).drop("nth"),
    "groups": lambda a, _b: a.group_by("who").aggregate(count=a["count"].sum().cast("int64")),
    "total": lambda a, _b: a.aggregate(who=a.who.max(), count=a.count()),
    "union": lambda a, b: a.union(b),
    "left": lambda a, b: a.left_join(b, "who").select("who", "count"),
    "inner": lambda a, b: a.join(b.select("who"), "who"),
    "semi": lambda a, b: a.semi_join(b, "who"),
    "anti": lambda a, b: a.anti_join(b, "who"),
    "cross": lambda a, b: a.cross_join(b.select(more="who")).drop("more"),
    "outer": lambda a, b: a.outer_join(b.select("who"), "who").select("who", "count"),
}  # fmt: skip


@st.composite
def relations(draw: st.DrawFn) -> ir.Table:
    """Two steps of work over up to three tables."""
    inner = MAKES[draw(st.sampled_from(sorted(MAKES)))](ONE, OTHER)
    outer = MAKES[draw(st.sampled_from(sorted(MAKES)))]
    return outer(inner, THIRD) if draw(st.booleans()) else outer(THIRD, inner)


@settings(max_examples=40, deadline=None)
@given(relations(), st.sets(st.sampled_from(NAMES)))
def test_what_has_no_rows_has_none(engine: DuckDB, relation: ir.Table, empty: set[str]) -> None:
    """Whatever is said to have no rows has none when it is computed."""
    for name in NAMES:
        engine.keep(name, ROWS.slice(0, 0) if name in empty else ROWS)

    assert not (no_rows(relation, empty) and engine.rows(relation).num_rows)


@pytest.mark.parametrize(
    ("name", "gates"),
    [
        ("filter", {"one"}),
        ("window", {"one"}),
        ("groups", {"one"}),
        ("total", set()),
        ("union", set()),
        ("left", {"one"}),
        ("inner", {"one", "other"}),
        ("semi", {"one", "other"}),
        ("anti", {"one"}),
        ("cross", {"one", "other"}),
        ("outer", set()),
    ],
)
def test_one_table_is_enough(name: str, gates: set[str]) -> None:
    """It is known of each kind of relation which single empty table leaves nothing of it."""
    relation = MAKES[name](ONE, OTHER)

    assert {table for table in NAMES if no_rows(relation, {table})} == gates


def test_only_what_may_have_rows_is_computed(engine: DuckDB) -> None:
    """What has no rows is kept as an empty table with its columns, once; when its tables have
    rows again it is computed again."""
    computed: list[str] = []

    def work(relations: Mapping[str, ir.Table]) -> Mapping[str, int]:
        computed.extend(relations)
        return engine.keep_all(relations)

    tables = Sparing(engine)
    kept = {"many": ONE.filter(ONE["count"] > 1), "all": OTHER.aggregate(rows=OTHER.count())}
    for rows, many in ((0, 0), (2, 1), (0, 0)):
        for name in ("one", "other"):
            engine.keep(name, ROWS.slice(0, rows))
        tables.count(row_counts([ONE, OTHER]))
        tables.keep_all(kept, work)
        assert engine.rows(table("many", SCHEMA)).num_rows == many
        assert engine.rows(table("all", {"rows": "int64"}))["rows"].to_pylist() == [rows]

    assert computed == ["all", "many", "all", "all"]


def test_what_the_engine_says_of_rows(engine: DuckDB) -> None:
    """How many rows a table has is taken from who keeps it; only where it does not say so are they
    to be counted."""
    tables = Sparing(engine)
    for name, rows in (("one", 2), ("other", 2)):
        engine.keep(name, ROWS.slice(0, rows))
    none, some = ONE.filter(ONE["count"] > 9), OTHER.aggregate(rows=OTHER.count())
    after = table("none", SCHEMA)

    assert not tables.keep_all({"none": none, "some": some}, engine.keep_all)
    assert tables.has_no_rows(after)
    assert not tables.has_no_rows(table("some", {"rows": "int64"}))

    assert tables.keep_all({"none": none}, lambda _relations: {})
    assert not tables.has_no_rows(after)


def test_a_table_that_changes_may_have_rows(engine: DuckDB) -> None:
    """What is forgotten of a table no longer tells anything."""
    tables = Sparing(engine)
    tables.clear({"one": ROWS.schema})
    assert tables.has_no_rows(ONE)
    tables.forget("one")
    assert not tables.has_no_rows(ONE)
