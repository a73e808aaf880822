"""What a person's SQL may name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse
from gridtrail.lake.sql_guard import check_query, lock

ALLOWED = [
    "select * from events",
    "select count(*) from EVENTS e join quarantine q on true",
    "from events select id where id in (select id from quarantine)",
    "with busy as (select id from events) select * from busy",
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 5) select * from n",
    "select * from range(5), unnest([1, 2])",
    "select e.key from events, json_each('[1]') e",
    "describe events",
    "summarize events",
    "show tables",
    "values (1), (2)",
    "select 1 -- a comment",
    "select 'copy; attach' as text",
    "select id from events union all select id from quarantine order by 1 limit 3",
]

REFUSED = [
    "select 1; select 2",
    "",
    "copy events to '{dir}/out.csv'",
    "copy (select 1) to '{dir}/out.parquet'",
    "attach '{dir}/other.db'",
    "detach memory",
    "install httpfs",
    "load httpfs",
    "set threads = 1",
    "set enable_external_access = true",
    "reset allowed_paths",
    "pragma database_list",
    "pragma enable_profiling",
    "call pragma_version()",
    "create table t as select 1",
    "create view v as select 1",
    "drop view events",
    "insert into events values ('x')",
    "update events set id = 'x'",
    "delete from events",
    "with gone as (delete from events returning *) select * from gone",
    "with gone as (insert into events values ('x') returning *) select * from gone",
    "with gone as (update events set id = 'x' returning *) select * from gone",
    "with gone as (copy events to '{dir}/out.csv') select * from gone",
    "export database '{dir}/dump'",
    "import database '{dir}/dump'",
    "checkpoint",
    "vacuum",
    "prepare p as select 1",
    "explain analyze select 1",
    "select * from '{dir}/secret.txt'",
    "select * from '{dir}/secret.csv'",
    "select * from read_text('{dir}/secret.txt')",
    "select * from read_blob('/proc/self/environ')",
    "select * from read_csv('{dir}/secret.csv')",
    "select * from read_csv_auto('{dir}/secret.csv')",
    "select * from read_json('http://127.0.0.1:1/x.json')",
    "select * from read_parquet('s3://bucket/x.parquet')",
    "select * from parquet_metadata('{dir}/secret.txt')",
    "select * from sniff_csv('{dir}/secret.csv')",
    "select * from glob('{dir}/*')",
    "select * from query('select 1')",
    "select * from query_table('events')",
    "select * from duckdb_secrets()",
    "select * from which_secret('a', 's3')",
    "select * from duckdb_settings()",
    "select * from duckdb_settings",
    "select * from duckdb_views()",
    "select * from duckdb_logs",
    "select * from pragma_table_info('events')",
    "select * from information_schema.tables",
    "select * from pg_catalog.pg_tables",
    "select * from sqlite_master",
    "select * from memory.main.events",
    "select * from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "select current_setting('allowed_paths')",
    "select getenv('HOME')",
    "select write_log('x')",
    "select getvariable('x')",
    "select (select content from read_text('{dir}/secret.txt'))",
    "with a as materialized (from read_text('{dir}/secret.txt')) select * from a",
    "with a as (with b as (from '{dir}/secret.csv') from b) from a",
    "with information_schema as (select 1) select * from information_schema.tables",
    "with duckdb_settings as (select 1) select * from duckdb_settings",
    'with "{dir}/secret.csv" as (select 1) select * from "{dir}/secret.csv"',
    "select * from events where exists (from glob('*'))",
    "select * from events, lateral (from read_text(events.id))",
    "describe '{dir}/secret.csv'",
    "summarize '{dir}/secret.csv'",
    "describe from read_csv('{dir}/secret.csv')",
    "show databases",
    "select * from lake",
    "from engine",
]


@pytest.fixture
def engine() -> Iterator[DuckDB]:
    session = DuckDB(threads=1)
    session.view("events", "SELECT 'a' AS id")
    session.view("quarantine", "SELECT 'a' AS id")
    yield session
    session.close()


@pytest.mark.parametrize("sql", ALLOWED)
def test_questions_about_the_lake_pass(engine: DuckDB, sql: str) -> None:
    """Every form of SELECT over the tables passes and runs."""
    check_query(engine, sql, ["events", "quarantine"])
    lock(engine, [])
    engine.select(sql)


@pytest.mark.parametrize("sql", REFUSED)
def test_everything_else_is_refused(engine: DuckDB, sql: str, tmp_path: Path) -> None:
    """Files, network, settings, catalogs and statements that change anything are refused."""
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    with pytest.raises(WrongUse):
        check_query(engine, sql.replace("{dir}", str(tmp_path)), ["events", "quarantine"])


FILES = [
    sql
    for sql in REFUSED
    if ("{dir}" in sql or "/proc" in sql or "glob" in sql) and '"{dir}' not in sql
]


@pytest.mark.parametrize("sql", FILES)
def test_engine_is_locked_behind_the_guard(engine: DuckDB, sql: str, tmp_path: Path) -> None:
    """Without the guard the locked engine alone still refuses every file."""
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    lock(engine, [])
    with pytest.raises(WrongUse):
        engine.select(sql.replace("{dir}", str(tmp_path)))


def test_objects_of_the_program_cannot_be_queried(engine: DuckDB) -> None:
    """A name in a query never finds a table that the program holds in a variable."""
    secret = pa.table({"x": [1]})
    lock(engine, [])
    with pytest.raises(WrongUse, match="secret does not exist"):
        engine.select("select * from secret")
    assert secret.num_rows == 1


def test_locked_engine_keeps_order_and_settings(engine: DuckDB) -> None:
    """Rows come in the order asked for, and no setting can be changed any more."""
    lock(engine, [])
    asked = engine.rows("select current_setting('preserve_insertion_order') as kept")
    assert asked["kept"].to_pylist() == [True]
    with pytest.raises(Exception, match="locked"):
        engine.command("SET threads = 1")


def test_errors_say_what_there_is(engine: DuckDB) -> None:
    """An unknown table is answered with the tables that exist."""
    with pytest.raises(WrongUse, match="no table 'evnts': query events, quarantine"):
        check_query(engine, "select * from evnts", ["events", "quarantine"])


def test_tables_of_the_query_are_named(engine: DuckDB) -> None:
    """The check returns the tables that the query reads."""
    sql = "with a as (from quarantine) from a, Events"
    checked = check_query(engine, sql, ["events", "quarantine"])
    assert sorted(checked.tables) == ["events", "quarantine"]
    assert checked.sql == sql


def test_deep_nesting_is_an_error_not_a_crash(engine: DuckDB) -> None:
    """A query nested beyond reading is refused in a sentence."""
    with pytest.raises(WrongUse, match="shorter"):
        check_query(engine, "select " + "1+" * 900 + "1", ["events"])


@pytest.mark.parametrize("end", [";", "; -- no; more", " ; /* ; */ ", " -- a; b"])
def test_checked_query_can_stand_in_brackets(engine: DuckDB, end: str) -> None:
    """Whatever ends a query, it can be wrapped afterwards."""
    checked = check_query(engine, f"select id from events{end}", ["events"])
    assert engine.select(f"select * from (\n{checked.sql}\n)").to_pylist() == [{"id": "a"}]
