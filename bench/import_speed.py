"""Import of NDJSON, de-duplicated and durable, beside plain copies of the same columns.

The peers only extract the columns and write Parquet: no de-duplication, no checking of records, no
commit, no flush to the disk.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.measure import Result, Run, run_once, table

PATHS = {
    "id": "$.id",
    "date_create": "$.date_create",
    "action": "$.action",
    "actor_type": "$.actor.type",
    "actor_id": "$.actor.user.id",
    "actor_name": "$.actor.user.name",
    "actor_email": "$.actor.user.email",
    "actor_team": "$.actor.user.team",
    "entity_type": "$.entity.type",
    "entity_file": "$.entity.file.id",
    "entity_file_name": "$.entity.file.name",
    "entity_user": "$.entity.user.id",
    "entity_channel": "$.entity.channel.id",
    "entity_channel_name": "$.entity.channel.name",
    "location_type": "$.context.location.type",
    "location_id": "$.context.location.id",
    "location_domain": "$.context.location.domain",
    "ua": "$.context.ua",
    "ip": "$.context.ip_address",
    "session_id": "$.context.session_id",
    "app_id": "$.context.app.id",
    "details": "$.details",
}


def gridtrail(file: str, out: str) -> int:
    """Import `file` into a new lake under `out`; number of events stored."""
    from gridtrail.collect.importing import import_files
    from gridtrail.engine.duckdb import DuckDB
    from gridtrail.lake.lake import Lake
    from gridtrail.settings import load_settings

    settings = load_settings(Path(out))
    engine = DuckDB(memory_limit=settings.memory_limit)
    lake = Lake(settings.data / "lake", engine)
    report = import_files([Path(file)], lake, engine, settings, org="E0BENCH")
    return int(report.total.stored)


def duckdb_copy(file: str, out: str) -> int:
    """DuckDB's own COPY of the same columns."""
    import duckdb

    listed = ", ".join(f"'{path}'" for path in PATHS.values())
    columns = ", ".join(f"x[{i}] AS {name}" for i, name in enumerate(PATHS, 1))
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.execute("SET preserve_insertion_order = false")
    row = connection.execute(
        f"COPY (SELECT {columns}, raw FROM (SELECT json_extract_string(json, [{listed}]) AS x, "
        f"json AS raw FROM read_ndjson_objects('{file}'))) TO '{out}.parquet' "
        "(FORMAT parquet, COMPRESSION zstd)"
    ).fetchone()
    return int(row[0]) if row else 0


def chdb_copy(file: str, out: str) -> int:
    """chDB (embedded ClickHouse) writing the same columns to Parquet."""
    import chdb

    columns = ", ".join(
        "JSONExtractString(raw, "
        + ", ".join(f"'{part}'" for part in path.removeprefix("$.").split("."))
        + f") AS {name}"
        for name, path in PATHS.items()
        if name not in {"date_create", "session_id", "details"}
    )
    columns += ", JSONExtractInt(raw, 'date_create') AS date_create"
    columns += ", JSONExtractRaw(raw, 'context', 'session_id') AS session_id"
    columns += ", JSONExtractRaw(raw, 'details') AS details"
    chdb.query(
        f"INSERT INTO FUNCTION file('{out}.chdb.parquet', 'Parquet') SELECT {columns}, raw "
        f"FROM file('{file}', 'LineAsString', 'raw String') "
        "SETTINGS output_format_parquet_compression_method = 'zstd', max_threads = 2"
    )
    counted = chdb.query(f"SELECT count() FROM file('{out}.chdb.parquet', 'Parquet')", "CSV")
    return int(str(counted).strip())


CONTESTANTS = {
    "Gridtrail import": "gridtrail",
    "DuckDB COPY": "duckdb_copy",
    "chDB to Parquet": "chdb_copy",
}


def compare(file: Path, work: Path, rounds: int) -> str:
    """Run all contestants in turn, `rounds` times; the table."""
    runs: dict[str, list[Run]] = {name: [] for name in CONTESTANTS}
    for _ in range(rounds):
        for name, function in CONTESTANTS.items():
            shutil.rmtree(work / "out", ignore_errors=True)
            (work / "out").mkdir(parents=True)
            runs[name].append(
                run_once("bench.import_speed", function, [str(file), str(work / "out" / "o")])
            )
    results = [Result(name, tuple(runs[name])) for name in CONTESTANTS]
    return table("Import of NDJSON", "events", results, "DuckDB COPY")
