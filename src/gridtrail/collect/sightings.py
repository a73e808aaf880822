"""Who was seen where by other systems: identity provider, VPN, agents on people's computers.

Rows come from files (NDJSON, a JSON array, CSV or Parquet) with a mapping that says where a row
holds what. They are folded to one row a day for each person, address, device and system, so the
same file read twice changes nothing.
"""

from __future__ import annotations

import csv
import datetime as dt
import ipaddress
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import SkipRecord, WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import TableShape

_DAY_SECONDS = 86_400
_LONGEST = 320  # characters of a person, a device or a system; an e-mail address has no more
_MOST_TOLD = 20  # rows that could not be read, told with their place
_LATEST = 4_102_444_800  # 2100-01-01: a later time is milliseconds or nonsense

SIGHTINGS = TableShape(
    "sightings",
    pa.schema(
        [
            pa.field("org", pa.string(), nullable=False),
            pa.field("day", pa.date32(), nullable=False),  # UTC day of first_seen
            pa.field("person", pa.string(), nullable=False),  # e-mail in lower case, or Slack id
            pa.field("ip", pa.string(), nullable=False),
            pa.field("device", pa.string(), nullable=False),  # "" when not told
            pa.field("system", pa.string(), nullable=False),  # who saw it, such as okta or vpn
            pa.field("first_seen", pa.int64(), nullable=False),  # seconds since the epoch
            pa.field("last_seen", pa.int64(), nullable=False),
        ]
    ),
    ("org", "day"),
)
"""The table of sightings."""

FIELDS = ("person", "ip", "device", "system", "time", "first_seen", "last_seen")
"""What a mapping may name; `time` stands for both first_seen and last_seen."""

PRESETS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "plain": {name: name for name in FIELDS},
        "okta": {
            "person": "actor.alternateId",
            "ip": "client.ipAddress",
            "device": "client.userAgent.rawUserAgent",
            "time": "published",
        },
        "entra": {
            "person": "userPrincipalName",
            "ip": "ipAddress",
            "device": "deviceDetail.displayName",
            "time": "createdDateTime",
        },
        "osquery": {
            "person": "columns.email",
            "ip": "columns.address",
            "device": "hostIdentifier",
            "time": "unixTime",
        },
    }
)
"""Kind of file -> where its rows hold what (dotted paths). Okta's System Log, Entra's sign-in log
and osquery's result log, by their public documentation."""


@dataclass
class SightingsReport:
    """How an import went; `problems` are sentences with file and row, the first _MOST_TOLD."""

    read: int = 0
    stored: int = 0  # rows of a person, address, device, system and day that are new or wider
    skipped: Counter[str] = field(default_factory=Counter)  # reason -> rows
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Seen:
    day: dt.date
    person: str
    ip: str
    device: str
    system: str


def import_sightings(
    files: Iterable[Path | IO[bytes]],
    lake: Lake,
    engine: DuckDB,
    *,
    org: str,
    kind: str = "plain",
    mapping: Mapping[str, str] | None = None,
    system: str | None = None,
) -> SightingsReport:
    """Read `files` into the table of sightings.

    `kind` names a preset, `mapping` (field -> dotted path) changes it, `system` is what saw it
    where the rows do not say (default: the kind). Raises WrongUse for an unknown kind or field and
    for a file that cannot be read; a row that lacks person, address or time is counted and told.
    """
    paths = _paths(kind, mapping or {})
    report = SightingsReport()
    found: dict[_Seen, tuple[int, int]] = {}
    for file in files:
        name = str(file) if isinstance(file, Path) else "stdin"
        for number, row in enumerate(_rows(file), 1):
            report.read += 1
            try:
                seen, first, last = _sighting(row, paths, system or kind)
            except SkipRecord as error:
                report.skipped[error.reason] += 1
                if len(report.problems) < _MOST_TOLD:
                    report.problems.append(f"{name}, row {number}: {error}")
                continue
            before = found.get(seen, (first, last))
            found[seen] = (min(first, before[0]), max(last, before[1]))
    report.stored = _store(lake, engine, org, found)
    return report


def _paths(kind: str, mapping: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    if kind not in PRESETS:
        raise WrongUse(f"There is no kind of sightings {kind!r}: use one of {', '.join(PRESETS)}.")
    unknown = [name for name in mapping if name not in FIELDS]
    if unknown:
        raise WrongUse(f"Sightings have no field {unknown[0]!r}: map one of {', '.join(FIELDS)}.")
    return {name: tuple(path.split(".")) for name, path in ({**PRESETS[kind], **mapping}).items()}


# reading ------------------------------------------------------------------------------------


def _rows(file: Path | IO[bytes]) -> Iterator[Any]:
    """The rows of a file by its name's end; NDJSON or a JSON array otherwise. A row that is no
    object comes as None."""
    if not isinstance(file, Path):
        yield from _json_rows(file)
        return
    try:
        if file.suffix == ".parquet":
            for batch in pq.ParquetFile(file).iter_batches():
                yield from batch.to_pylist()
        elif file.suffix == ".csv":
            with file.open(encoding="utf-8-sig", errors="replace", newline="") as text:
                yield from csv.DictReader(text)
        else:
            with file.open("rb") as stream:
                yield from _json_rows(stream)
    except (OSError, pa.ArrowInvalid, csv.Error) as error:
        raise WrongUse(f"{file} cannot be read ({error}): correct the file or its name.") from error


def _json_rows(stream: IO[bytes]) -> Iterator[Any]:
    lines = (line for line in stream if line.strip())
    first = next(lines, b"")
    if not first.lstrip().startswith(b"["):
        for line in itertools.chain([first], lines) if first else ():
            yield _object(line)
        return
    try:
        whole = orjson.loads(b"".join([first, *lines]))
    except orjson.JSONDecodeError as error:
        raise WrongUse(f"The JSON array is broken ({error}): correct the file.") from error
    for row in whole:
        yield row if isinstance(row, dict) else None


def _object(line: bytes) -> Any:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return row if isinstance(row, dict) else None


def _sighting(
    row: Any, paths: Mapping[str, tuple[str, ...]], system: str
) -> tuple[_Seen, int, int]:
    if row is None:
        raise SkipRecord("not_an_object", "it is no object: write one with a person, ip and time.")
    told = {name: _at(row, path) for name, path in paths.items()}
    person, ip = _text(told.get("person")).lower(), _address(told.get("ip"))
    if person.startswith(("u0", "w0")) and "@" not in person:
        person = person.upper()  # a Slack id
    if not person:
        raise SkipRecord("no_person", "it names no person: map person to the right field.")
    if ip is None:
        raise SkipRecord("no_address", "it has no address: map ip to the right field.")
    first = _seconds(told.get("first_seen")) or _seconds(told.get("time"))
    last = _seconds(told.get("last_seen")) or _seconds(told.get("time")) or first
    if first is None or last is None:
        raise SkipRecord("no_time", "it has no time: map time to the right field.")
    day = dt.date(1970, 1, 1) + dt.timedelta(days=min(first, last) // _DAY_SECONDS)
    seen = _Seen(
        day, person, ip, _text(told.get("device")), _text(told.get("system")) or system[:_LONGEST]
    )
    return seen, min(first, last), max(first, last)


def _at(row: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(row, Mapping):
            return None
        row = row.get(name)
    return row


def _text(value: Any) -> str:
    return value.strip()[:_LONGEST] if isinstance(value, str) else ""


def _address(value: Any) -> str | None:
    try:
        address = ipaddress.ip_address(_text(value))
    except ValueError:
        return None
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(inner or address)


def _seconds(value: Any) -> int | None:
    """Seconds since the epoch of a number (seconds or milliseconds) or an ISO 8601 text (UTC where
    it names no zone)."""
    if isinstance(value, dt.datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        return _whole(moment.timestamp())
    text = _text(value) if isinstance(value, str) else value
    if isinstance(text, str):
        try:
            return _whole(float(text))
        except ValueError:
            pass
        try:
            return _seconds(dt.datetime.fromisoformat(text))
        except ValueError:
            return None
    if isinstance(text, int | float) and not isinstance(text, bool):
        return _whole(text)
    return None


def _whole(number: float) -> int | None:
    if not 0 < number < _LATEST * 1_000:  # also refuses what is no number
        return None
    return int(number if number < _LATEST else number / 1_000)


# storing ------------------------------------------------------------------------------------


def _store(lake: Lake, engine: DuckDB, org: str, found: Mapping[_Seen, tuple[int, int]]) -> int:
    changed = 0
    for day, group in itertools.groupby(sorted(found, key=_key), key=lambda seen: seen.day):
        lake.view(SIGHTINGS, "_sightings", org=org, day=day)
        rows = engine.rows("SELECT * FROM _sightings").to_pylist()
        kept = {
            _Seen(day, row["person"], row["ip"], row["device"], row["system"]): (
                row["first_seen"],
                row["last_seen"],
            )
            for row in rows
        }
        wider = 0
        for seen in group:
            first, last = found[seen]
            old = kept.get(seen)
            kept[seen] = (min(first, old[0]), max(last, old[1])) if old else (first, last)
            wider += kept[seen] != old
        if wider:
            lake.write(SIGHTINGS, _table(org, kept), replace={"org": org, "day": day})
        changed += wider
    return changed


def _key(seen: _Seen) -> tuple[Any, ...]:
    return (seen.day, seen.person, seen.ip, seen.device, seen.system)


def _table(org: str, kept: Mapping[_Seen, tuple[int, int]]) -> pa.Table:
    rows = [
        {"org": org, "day": seen.day, "person": seen.person, "ip": seen.ip}
        | {"device": seen.device, "system": seen.system}
        | {"first_seen": kept[seen][0], "last_seen": kept[seen][1]}
        for seen in sorted(kept, key=_key)
    ]
    return pa.Table.from_pylist(rows, schema=SIGHTINGS.schema)
