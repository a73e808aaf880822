"""The embedded engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from gridtrail.engine.duckdb import DuckDB, ParquetLayout, exact_path, literal, parquet_scan, quoted
from gridtrail.errors import WrongUse


@pytest.fixture
def engine() -> Iterator[DuckDB]:
    """A session of its own."""
    session = DuckDB(threads=2)
    yield session
    session.close()


def test_names_and_texts_are_quoted(engine: DuckDB) -> None:
    """Any name and any text can stand in SQL once quoted."""
    for text in ["plain", 'a"b', "a'b", "; DROP TABLE x; --", "ünï\ncode"]:
        engine.keep(text, f"SELECT {literal(text)} AS {quoted(text)}")
        assert engine.rows(f"SELECT * FROM {quoted(text)}").to_pylist() == [{text: text}]


def test_first_value_leaves_the_session_free(engine: DuckDB) -> None:
    """Asking for one value of many rows, or for nothing, does not block what comes after."""
    assert engine.value("SELECT range FROM range(100000) ORDER BY 1") == 0
    assert engine.rows("SELECT 1 AS one").to_pylist() == [{"one": 1}]
    engine.command("SELECT * FROM range(100000)")
    assert engine.rows("SELECT 2 AS two").to_pylist() == [{"two": 2}]
    assert engine.value("SELECT 1 WHERE false") is None


def test_a_command_that_data_stops_changes_nothing(engine: DuckDB) -> None:
    """Text that is not JSON stops a command, which says so and leaves the table as it was."""
    engine.keep("kept", "SELECT '{}' AS raw")
    add = "INSERT INTO kept SELECT json_extract(raw, ['$'])[1] FROM (VALUES ('{}'), ('{')) t (raw)"
    assert not engine.try_command(add)
    assert engine.value("SELECT count(*) FROM kept") == 1
    assert engine.try_command("INSERT INTO kept SELECT * FROM kept")
    assert engine.value("SELECT count(*) FROM kept") == 2


def test_copy_says_what_it_wrote(engine: DuckDB, tmp_path: Path) -> None:
    """A written file comes with its rows, size, bounds and nulls."""
    target = tmp_path / "it's.parquet"
    query = 'SELECT range AS n, NULL::VARCHAR[] AS tags, \'x\' AS "a.""b" FROM range(5000)'
    (file,) = engine.copy(query, target, layout=ParquetLayout(row_group_rows=2048))
    assert (file.path, file.rows, file.size) == (target, 5000, target.stat().st_size)
    assert (file.smallest["n"], file.largest["n"], file.nulls["n"]) == ("0", "4999", 0)
    assert file.nulls["tags"] == 5000
    assert file.smallest['a."b'] == "x"
    groups = f"SELECT count(DISTINCT row_group_id) FROM parquet_metadata({exact_path(target)})"
    assert engine.value(groups) == 3


def test_copy_by_partition(engine: DuckDB, tmp_path: Path) -> None:
    """With partitions each value gets a file whose path and report name it."""
    query = "SELECT range % 3 AS part, range AS n FROM range(30)"
    for _ in range(2):
        files = engine.copy(query, tmp_path, layout=ParquetLayout(), partitions=("part",))
        assert sorted(file.partition["part"] for file in files) == ["0", "1", "2"]
    paths = [str(path) for path in tmp_path.rglob("*.parquet")]
    assert len(paths) == 6
    scan = parquet_scan(paths, {"part": "BIGINT"}, ("part",))
    assert engine.value(f"SELECT count(*) FROM {scan} WHERE part = n % 3") == 60


def test_parquet_view(engine: DuckDB, tmp_path: Path) -> None:
    """A view reads exactly its files, wildcards in names included; without files it is empty."""
    for name in ("a.parquet", "[a].parquet", "*.parquet"):
        engine.copy(f"SELECT {literal(name)} AS name", tmp_path / name, layout=ParquetLayout())
    engine.parquet_view("one", [str(tmp_path / "*.parquet")], {"name": "VARCHAR"}, ())
    assert engine.rows("SELECT * FROM one").to_pylist() == [{"name": "*.parquet"}]
    engine.parquet_view("none", [], {"name": "VARCHAR"}, ())
    assert engine.rows("SELECT * FROM none").schema.names == ["name"]


def test_sql_types(engine: DuckDB) -> None:
    """Arrow types get the SQL type that reads back as the same."""
    schema = pa.schema(
        [("t", pa.timestamp("us", tz="UTC")), ("l", pa.list_(pa.string())), ("b", pa.binary())]
    )
    types = engine.sql_types(schema)
    assert types == {"t": "TIMESTAMP WITH TIME ZONE", "l": "VARCHAR[]", "b": "BLOB"}
    engine.parquet_view("empty", [], types, ())
    assert engine.rows("SELECT * FROM empty").schema.types == schema.types


def test_is_table(engine: DuckDB) -> None:
    """Only what `keep` made is a table; views and Arrow tables are not."""
    engine.keep("kept", "SELECT 1 AS one")
    engine.view("seen", "SELECT 1 AS one")
    engine.register("given", pa.table({"one": [1]}))
    assert [engine.is_table(name) for name in ("kept", "seen", "given", "x")] == [True] + [
        False
    ] * 3


@pytest.mark.parametrize(
    "sql",
    ["DROP TABLE x", "SELECT 1; SELECT 2", "COPY (SELECT 1) TO 'x'", "selekt", "SET threads=1"],
)
def test_only_one_select_is_read_only(engine: DuckDB, sql: str) -> None:
    """Anything but one SELECT is refused with a sentence."""
    engine.check_read_only("SELECT 1")
    with pytest.raises(WrongUse):
        engine.check_read_only(sql)


def test_locked_down_session_reads_only_its_files(engine: DuckDB, tmp_path: Path) -> None:
    """After `lock_down` other files cannot be read nor settings changed."""
    for name in ("mine", "other"):
        engine.copy("SELECT 1 AS one", tmp_path / name, layout=ParquetLayout())
    engine.lock_down([str(tmp_path / "mine")])
    assert engine.select(f"SELECT * FROM read_parquet('{tmp_path / 'mine'}')").num_rows == 1
    with pytest.raises(WrongUse):
        engine.select(f"SELECT * FROM read_parquet('{tmp_path / 'other'}')")
    with pytest.raises(WrongUse):
        engine.select("SET threads = 1")


def test_what_does_not_fit_goes_to_the_disk(tmp_path: Path) -> None:
    """More rows than memory are kept, in the directory named for it, which then goes again."""
    spill = tmp_path / "spill"
    engine = DuckDB(threads=1, memory_limit="60MiB", spill=spill)
    engine.keep("t", "SELECT range AS i, md5(range::VARCHAR) AS m FROM range(3000000)")
    assert any(spill.iterdir())
    assert engine.value("SELECT count(DISTINCT m[1:2]) FROM t") == 256
    engine.close()
    assert not spill.exists()


def test_several_files_at_once(engine: DuckDB, tmp_path: Path) -> None:
    """Files written at the same time hold each its own rows, in order."""
    engine.command("CREATE TABLE numbers AS SELECT range AS i FROM range(1000)")
    engine.register("own", pa.table({"i": [1]}))
    assert engine.is_shared("numbers")
    assert not engine.is_shared("own")
    jobs = [
        (f"SELECT i FROM numbers WHERE i % 3 = {k} ORDER BY i DESC", tmp_path / f"{k}.parquet")
        for k in range(3)
    ]
    written = engine.copies(jobs, layout=ParquetLayout())
    assert [sum(file.rows for file in files) for files in written] == [334, 333, 333]
    for k, (_, path) in enumerate(jobs):
        found = engine.rows(f"SELECT i FROM read_parquet({literal(path)})")["i"].to_pylist()
        assert found == [i for i in reversed(range(1000)) if i % 3 == k]


def test_a_query_has_a_time(engine: DuckDB) -> None:
    """A stranger's query ends after the time it was given, and the next one runs."""
    endless = "SELECT sum(a.range * b.range) FROM range(100000000) a, range(100000000) b"
    with pytest.raises(WrongUse, match=r"took longer than 0\.2 seconds"):
        engine.select(endless, 0.2)
    assert engine.select("SELECT 1 AS one").to_pylist() == [{"one": 1}]


def test_a_query_has_a_size(engine: DuckDB) -> None:
    """A result that takes more memory than was given is refused; smaller ones come whole."""
    rows = "SELECT range AS i FROM range(100000)"
    assert engine.select(rows, most_bytes=10_000_000).num_rows == 100_000
    assert engine.select("SELECT 1 AS one WHERE false", most_bytes=10).schema.names == ["one"]
    with pytest.raises(WrongUse, match="more than 0 MiB: ask for fewer"):
        engine.select(rows, most_bytes=1000)
    with pytest.raises(WrongUse, match="query failed"):
        engine.select("SELECT error('no') FROM range(5)", most_bytes=1000)


def test_how_many_rows_are_kept(engine: DuckDB) -> None:
    """Who keeps several relations is told how many rows each has, also in a view's place."""
    one = ibis.table({"x": "int64"}, "one")
    engine.view("few", "SELECT 1")
    engine.keep("one", "SELECT range AS x FROM range(7)")

    told = engine.keep_all({"few": one.filter(one.x > 4), "none": one.filter(one.x > 9)})

    assert told == {"few": 2, "none": 0}
    assert engine.value("SELECT count(*) FROM few") == 2
