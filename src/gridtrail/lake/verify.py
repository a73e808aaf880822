"""Prove that the lake is whole: files against the log, columns against raw bytes, no gaps in time.

Every value of every file is read once, ids once more. What disagrees is said in one sentence each.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from gridtrail.engine.duckdb import DuckDB, UnreadableFile, parquet_scan
from gridtrail.errors import DamagedLake
from gridtrail.lake.gaps import Gap, find_gaps
from gridtrail.lake.log import DataFile, TableLog

_IDS_AT_ONCE = 4_000_000
_EXAMPLES = 5

# What an hour of one file holds. `disagreeing` rows have columns that are not what `raw` says.
_FILE_SQL = """
SELECT date_create // 3600 AS hour, count(*) AS rows, min(date_create) AS first,
  max(date_create) AS last, count(*) FILTER (
    x IS NULL OR x[1] IS DISTINCT FROM id OR x[3] IS DISTINCT FROM action
    OR floor(TRY_CAST(x[2] AS DOUBLE)) IS DISTINCT FROM date_create::DOUBLE) AS disagreeing,
  bit_xor(row_hash) AS every_column_was_read
FROM (SELECT id, date_create, action, hash(event) AS row_hash,
  TRY(json_extract_string(raw, ['$.id', '$.date_create', '$.action'])) AS x FROM {scan} event)
GROUP BY 1
"""

_DUPLICATES_SQL = """
SELECT id, count(*) AS n FROM {scan} WHERE hash(id) % {parts} = {part}
GROUP BY id HAVING count(*) > 1 ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class OrganizationState:
    """What the lake holds of one organization.

    `first` and `last` are seconds since the epoch; `duplicated` counts surplus rows with an id
    that is there already, `disagreeing` rows whose columns are not what their raw bytes say.
    """

    org: str
    events: int
    first: int | None
    last: int | None
    days: Mapping[date, int]
    duplicated: int
    duplicated_ids: tuple[str, ...]  # at most five, as examples
    disagreeing: int
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found. `problems` and `remarks` are sentences; only problems spoil `ok`.

    The file lists hold paths relative to the lake. Orphans are files that the log does not know:
    of a writer that died, or of one that is writing now; `vacuum` removes the old ones.
    """

    version: int
    organizations: tuple[OrganizationState, ...]
    quarantine: Mapping[str, int]  # records by reason
    missing_files: tuple[str, ...]
    wrong_size_files: tuple[str, ...]
    unreadable_files: tuple[str, ...]
    orphan_files: tuple[str, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass(slots=True)
class _Found:
    """What is gathered on the way."""

    missing: list[str] = field(default_factory=list)
    wrong_size: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Organization:
    hours: Counter[int] = field(default_factory=Counter)
    days: Counter[date] = field(default_factory=Counter)
    readable: list[DataFile] = field(default_factory=list)
    first: int | None = None
    last: int | None = None
    disagreeing: int = 0


def verify_lake(
    engine: DuckDB, events: TableLog, quarantine: TableLog, others: Sequence[TableLog]
) -> Verification:
    """Check the tables; see `Lake.verify`."""
    found = _Found()
    whole = {log.shape.name: _check_files(log, found) for log in (events, quarantine, *others)}
    organizations = _read_events(engine, events, whole[events.shape.name], found)
    states = [
        _judge(engine, events, org, seen, found) for org, seen in sorted(organizations.items())
    ]
    reasons = _quarantined(engine, quarantine, whole[quarantine.shape.name], found)
    if reasons:
        total = sum(reasons.values())
        found.remarks.append(f"{total} records are in the quarantine, not among the events.")
    return Verification(
        version=events.version,
        organizations=tuple(states),
        quarantine=reasons,
        missing_files=tuple(found.missing),
        wrong_size_files=tuple(found.wrong_size),
        unreadable_files=tuple(found.unreadable),
        orphan_files=tuple(found.orphans),
        problems=tuple(found.problems),
        remarks=tuple(found.remarks),
    )


def _check_files(log: TableLog, found: _Found) -> list[DataFile]:
    """Compare the log with the directory; the files that are there in full."""
    name = log.shape.name
    try:
        log.refresh()
        files = log.files()
    except DamagedLake as error:
        found.problems.append(str(error))
        return []
    whole = []
    for file in files:
        path = log.root / file.path
        if not path.is_file():
            found.missing.append(f"{name}/{file.path}")
            found.problems.append(
                f"The file {name}/{file.path} with {file.rows} rows is missing: restore it from a "
                "copy or import its events again."
            )
        elif path.stat().st_size != file.size:
            found.wrong_size.append(f"{name}/{file.path}")
            found.problems.append(
                f"The file {name}/{file.path} has {path.stat().st_size} bytes, {file.size} were "
                "written: restore it from a copy."
            )
        else:
            whole.append(file)
    known = {file.path for file in files} | log.superseded()
    on_disk = {p.relative_to(log.root).as_posix() for p in log.root.rglob("*.parquet")}
    orphans = sorted(p for p in on_disk - known if not p.startswith("_delta_log/"))
    found.orphans += [f"{name}/{path}" for path in orphans]
    if orphans:
        found.remarks.append(
            f"{len(orphans)} files of the table {name} never got into its log: `vacuum` removes "
            "them once they are old enough."
        )
    return whole


def _read_events(
    engine: DuckDB, log: TableLog, files: Iterable[DataFile], found: _Found
) -> dict[str, _Organization]:
    organizations: defaultdict[str, _Organization] = defaultdict(_Organization)
    for file in files:
        seen = organizations[file.partition["org"]]
        name = f"{log.shape.name}/{file.path}"
        scan = parquet_scan(log.absolute([file]), {}, ())
        try:
            hours = engine.checked_rows(_FILE_SQL.format(scan=scan)).to_pylist()
        except UnreadableFile as error:
            found.unreadable.append(name)
            found.problems.append(f"The file {name} cannot be read ({error}): restore it.")
            continue
        seen.readable.append(file)
        rows = sum(hour["rows"] for hour in hours)
        seen.days[date.fromisoformat(file.partition["day"])] += rows
        for hour in hours:
            seen.hours[hour["hour"]] += hour["rows"]
            seen.disagreeing += hour["disagreeing"]
        _compare_with_log(file, name, hours, found)
        _extend(seen, hours)
    return dict(organizations)


def _compare_with_log(
    file: DataFile, name: str, hours: list[dict[str, int]], found: _Found
) -> None:
    rows = sum(hour["rows"] for hour in hours)
    if rows != file.rows:
        found.problems.append(
            f"The file {name} holds {rows} events, the log says {file.rows}: restore it."
        )
    if not hours:
        return
    first, last = min(hour["first"] for hour in hours), max(hour["last"] for hour in hours)
    if (first, last) != (file.first, file.last):
        found.problems.append(
            f"The file {name} holds times from {_time(first)} to {_time(last)}, the log says "
            "otherwise, so look-ups may pass it by: restore it."
        )
    day = date.fromisoformat(file.partition["day"])
    if {datetime.fromtimestamp(t, UTC).date() for t in (first, last)} != {day}:
        found.problems.append(f"The file {name} holds events of another day than {day}.")


def _extend(seen: _Organization, hours: list[dict[str, int]]) -> None:
    firsts = [hour["first"] for hour in hours] + [t for t in (seen.first,) if t is not None]
    lasts = [hour["last"] for hour in hours] + [t for t in (seen.last,) if t is not None]
    seen.first, seen.last = min(firsts, default=None), max(lasts, default=None)


def _judge(
    engine: DuckDB, log: TableLog, org: str, seen: _Organization, found: _Found
) -> OrganizationState:
    duplicates = _duplicates(engine, log, seen.readable)
    surplus = sum(count - 1 for count in duplicates.values())
    if surplus:
        found.problems.append(
            f"{surplus} events of {org} have an id that another event has too: compare them with "
            "`gridtrail sql`."
        )
    if seen.disagreeing:
        found.problems.append(
            f"{seen.disagreeing} events of {org} have columns that are not what their raw bytes "
            "say: import them again from their source."
        )
    gaps = find_gaps(seen.hours)
    found.problems += [
        f"No event of {org} from {_time(gap.first)} to {_time(gap.last)}, where about {gap.usual} "
        "are usual: collect that time again."
        for gap in gaps
    ]
    return OrganizationState(
        org=org,
        events=seen.hours.total(),
        first=seen.first,
        last=seen.last,
        days=dict(sorted(seen.days.items())),
        duplicated=surplus,
        duplicated_ids=tuple(sorted(duplicates)[:_EXAMPLES]),
        disagreeing=seen.disagreeing,
        gaps=tuple(gaps),
    )


def _duplicates(engine: DuckDB, log: TableLog, files: Sequence[DataFile]) -> dict[str, int]:
    """Ids that stand more than once in `files`, with their number of rows; memory bounded."""
    found: dict[str, int] = {}
    if not files:
        return found
    parts = -(-sum(file.rows for file in files) // _IDS_AT_ONCE) or 1
    scan = parquet_scan(log.absolute(files), {}, ())
    for part in range(parts):
        rows = engine.rows(_DUPLICATES_SQL.format(scan=scan, parts=parts, part=part))
        found |= {row["id"]: row["n"] for row in rows.to_pylist()}
    return found


def _quarantined(
    engine: DuckDB, log: TableLog, files: Sequence[DataFile], found: _Found
) -> dict[str, int]:
    reasons: Counter[str] = Counter()
    for file in files:
        scan = parquet_scan(log.absolute([file]), {}, ())
        try:
            rows = engine.checked_rows(
                f"SELECT reason, count(*) AS n, sum(octet_length(raw)) FROM {scan} GROUP BY 1"
            )
        except UnreadableFile as error:
            name = f"{log.shape.name}/{file.path}"
            found.unreadable.append(name)
            found.problems.append(f"The file {name} cannot be read ({error}): restore it.")
            continue
        for row in rows.to_pylist():
            reasons[row["reason"]] += row["n"]
    return dict(sorted(reasons.items()))


def _time(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S")
