"""One body of tests for every engine: the shape that detection relies on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gridtrail.engine.duckdb import DuckDB
from gridtrail.engine.shape import Engine

ROWS = pa.table(
    {
        "who": ["b", "a", None, "B", "ä", "a|b", "x\x00y", "'\"\\"],
        "at": pa.array([5, 7, 7, None, -9, 2**40, 86_399, 86_400], pa.int64()),
        "share": [0.1, None, 1e-300, 2.5, -0.0, 1.0, 3.0, 4.0],
        "own": [True, False, None, True, True, False, True, False],
    }
)
ALL = ibis.table({"who": "string", "at": "int64", "share": "float64", "own": "boolean"}, "t")
KEPT = ibis.table({"who": "string", "at": "int64"}, "kept")


@pytest.fixture(scope="module")
def embedded() -> Iterator[DuckDB]:
    """The embedded session."""
    session = DuckDB(threads=1)
    yield session
    session.close()


@pytest.fixture(params=["duckdb", "spark"])
def engine(request: pytest.FixtureRequest, embedded: DuckDB) -> Engine:
    """Each engine, with the rows as `t`."""
    other = "local_spark"
    chosen: Engine = embedded if request.param == "duckdb" else request.getfixturevalue(other)
    chosen.keep("t", ROWS)
    return chosen


def listed(rows: pa.Table) -> list[str]:
    """Rows in an order of their own."""
    return sorted(map(str, rows.to_pylist()))


def _sums() -> ibis.Table:
    earlier = ibis.range_window(preceding=(None, 1), order_by=ALL["at"], group_by=ALL.own)
    order = [ALL["at"].desc(), ALL.who]
    rows = ALL.mutate(
        place=ibis.row_number().over(group_by=ALL.own, order_by=order),
        before=ALL.count().over(earlier),
        text=ALL["at"].cast("string"),
        back=ALL["at"].cast("string").cast("int64"),
        first=ALL.who.split("|")[0],
        second=ALL.who.split("|")[1],
        bucket=ALL["at"] - ALL["at"] % 600,
        part=ALL["at"] // 7,
        half=(ALL["at"] * 5) >> 3,
        least=ibis.least(ALL["at"], 6),
        literal=ibis.literal('it\'s \\ a\nb "c" %s'),
        odd=ALL.who.contains("'\"\\") | ALL.who.startswith("x"),
        long=ALL.who.length(),
        listed=ALL.who.isin(("a", "b")) == ALL.own,
        unknown=ALL.who.isnull() == ALL.own,
        known=ALL.who.notnull() == ALL["at"].between(0, 7),
        cut=ALL.who.re_replace(r"\|[^|]*$", ""),
        found=ALL.who.re_extract(r"([a-z])\|", 1),
        small=ALL.share < 1e-299,
    )
    return rows.mutate(largest=rows.who.max().over(ibis.window(group_by=rows.own)))


SUMS = _sums()
GROUPS = ALL.group_by("own").aggregate(
    n=ALL.count(), all=ALL["at"].sum(), few=ALL.who.nunique(), top=ALL.who.max(), low=ALL.who.min()
)
JOINED = ALL.left_join(KEPT, "who").select("who", seen=KEPT["at"])


@pytest.mark.parametrize("relation", [SUMS, GROUPS], ids=["rows", "groups"])
def test_same_rows(engine: Engine, embedded: DuckDB, relation: ibis.Table) -> None:
    """Windows, groups, texts, whole numbers and nulls come out as from the embedded engine."""
    embedded.keep("t", ROWS)
    expected = embedded.rows(relation)

    rows = engine.rows(relation)

    assert listed(rows) == listed(expected)
    assert rows.schema.equals(expected.schema)


def test_keep_replaces(engine: Engine) -> None:
    """A kept table is replaced by what is computed from it."""
    more = KEPT.mutate(at=KEPT["at"] + 1)
    engine.keep("kept", ROWS.select(["who", "at"]).slice(0, 2))
    for _ in range(3):
        engine.keep("kept", more)

    assert listed(engine.rows(KEPT)) == ["{'who': 'a', 'at': 10}", "{'who': 'b', 'at': 8}"]


def test_prepared_from_tables_as_they_were(engine: Engine) -> None:
    """What is prepared reads the tables of that moment, and then takes their place."""
    more = KEPT.mutate(at=KEPT["at"] + 1)
    engine.keep("kept", ROWS.select(["who", "at"]).slice(0, 1))
    engine.prepare({"next": more})
    after = ibis.table({"who": "string", "at": "int64"}, "next")
    both = KEPT.union(after)
    told = engine.keep_all({"kept": both.group_by("who").aggregate(at=both["at"].sum())})

    assert engine.rows(KEPT).to_pylist() == [{"who": "b", "at": 11}]
    assert told in ({"kept": 1}, {})  # nothing, where it would have to be asked


def test_empty_tables(engine: Engine) -> None:
    """Tables without rows have their columns."""
    schema = ROWS.select(["who", "at"]).schema
    engine.keep("kept", schema.empty_table())
    engine.scan("nothing", [], schema, ("at", 0, 1))

    assert engine.rows(KEPT).num_rows == 0
    assert engine.rows(JOINED)["seen"].null_count == ROWS.num_rows
    nothing = ibis.table({"who": "string", "at": "int64"}, "nothing")
    assert engine.rows(nothing).schema.names == ["who", "at"]


def test_files(engine: Engine, tmp_path: Path) -> None:
    """Files are read whatever their names hold; bounds include both ends, and the column that is
    bounded need not be wanted."""
    files = []
    for number, name in enumerate(("plain", "we{ird}[x]*? ü", "org=E0%3Ax")):
        folder = tmp_path / name / "day=2026-11-18"
        folder.mkdir(parents=True)
        files.append(str(folder / "part.parquet"))
        pq.write_table(
            pa.table({"at": [number * 10, number * 10 + 1], "who": ["x", "y"]}), files[-1]
        )

    engine.scan("files", files, pa.schema([("who", pa.string())]), ("at", 1, 20))

    found = engine.rows(ibis.table({"who": "string"}, "files"))
    assert sorted(found["who"].to_pylist()) == ["x", "x", "y", "y"]


def test_to_and_from_the_embedded_session(engine: Engine, embedded: DuckDB) -> None:
    """Tables go over to the embedded session and back."""
    engine.keep("kept", ROWS.select(["who", "at"]))
    engine.lend(KEPT, embedded)
    embedded.keep("facts", 'SELECT who FROM kept WHERE "at" > 5 AND who IS NOT NULL')
    engine.borrow("facts", embedded)

    facts = engine.rows(ibis.table({"who": "string"}, "facts"))
    assert sorted(facts["who"].to_pylist()) == ["'\"\\", "a", "a|b", "x\x00y"]


def test_each(engine: Engine) -> None:
    """Work on several things gives its answers in their order."""
    relations = [KEPT.filter(KEPT["at"] > n).count().as_table() for n in (0, 6, 100)]
    engine.keep("kept", ROWS.select(["who", "at"]))

    counts = [rows.column(0)[0].as_py() for rows in engine.each(engine.rows, relations)]

    assert counts == [6, 5, 3]


def test_names(engine: Engine) -> None:
    """The name is the one of the settings."""
    assert engine.name in ("duckdb", "spark")
