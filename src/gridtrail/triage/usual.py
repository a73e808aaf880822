"""What each day of an organization held, in short, so that a finding need not read its past.

A finding asks the same of the thirty days before it, whoever it is about: who used an address or a
client, who touched a file, how rare a word is in file names, how much a person and everybody did.
The table `triage_usual` answers with whole numbers, written once for each organization and UTC
day. Texts stand in it as 63 bits of their MD5 and are compared only with texts at hand. A row says
when its day first saw it, so that a finding of that very day counts only what came before its end.

A day that got more events is written again. The newest day of an organization still grows, so it
is kept in memory for one triage only, and so are days of few events.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from types import MappingProxyType

import ibis
import pyarrow as pa

from gridtrail.detect.attribution import READS, attributed
from gridtrail.detectors.unexpected_admin_action import SEVERITIES
from gridtrail.engine.duckdb import DuckDB, compiled, literal, quoted
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import TableShape
from gridtrail.triage.anomaly import DAY_SECONDS

VERSION = 2
"""Raise when a day is summed up otherwise than before: all days are then written again."""

VIEW = "triage_usual"
_MEMORY = "triage_usual_in_memory"

FEW_EVENTS = 100_000
"""So many are summed up each time: that is quicker done than written and found again."""

MOST_EVENTS = 500_000
"""Events that are summed up in one go, which bounds the memory."""

PRIVILEGED = 3
"""Administration from this severity on says that an account can do harm."""

MADE, PEOPLE, ADDRESS, AGENT, SESSION, FILE, FILES, WORD, DAY, HOUR, EVERYBODY, ADMINISTERS = range(
    1, 13
)
"""Kinds of rows. What is looked up by `key` comes after what is not.

MADE          key VERSION, n events of the day when it was summed up
PEOPLE        who did anything (people, by actor)
ADDRESS       key address, who used it
AGENT         key user agent, who used it
SESSION       key session, word the action it began the day with
FILE          key file (or canvas or list), who touched it
FILES         key ALL_FILES, n distinct files with a name
WORD          key word, n distinct files with it in their names
DAY, HOUR     key action and subject, n distinct things; HOUR has a row for each hour
EVERYBODY     key action, n distinct things that so many `people` did it with in the day
ADMINISTERS   key actor who did administration of severity PRIVILEGED or more
"""

ALL_FILES = 0
"""The key of the rows FILES."""

USUAL = TableShape(
    "triage_usual",
    pa.schema(
        [
            pa.field("org", pa.string(), nullable=False),
            pa.field("day", pa.date32(), nullable=False),
            pa.field("kind", pa.int64(), nullable=False),
            pa.field("key", pa.int64()),
            pa.field("who", pa.int64()),
            pa.field("app", pa.bool_()),  # whether `who` is an app or a bot
            pa.field("first_at", pa.int64()),  # seconds
            pa.field("n", pa.int64()),
            pa.field("people", pa.int64()),
            pa.field("word", pa.string()),
        ]
    ),
    ("org", "day"),
    order="kind",
)

MEASURED = MappingProxyType(
    {
        "excessive_downloads": "file_downloaded",
        "unexpected_scraping": "file_downloaded",
        "excessive_file_shares": "file_shared",
        "excessive_malware_uploads": "file_malicious_content_detected",
        "unexpected_message_deletion": "message_tombstoned",
    }
)
"""Reason -> the action whose distinct entities tell how much it was."""

IS_FILE = "entity_type IN ('file', 'canvas', 'list')"
NAME_CHARACTERS = 200

WORDS = (
    "list_distinct(list_filter(regexp_extract_all(lower(regexp_replace("
    f"left(name, {NAME_CHARACTERS}), '\\.[^.]{{1,10}}$', '')), '\\p{{L}}{{3,}}'), "
    "lambda w: regexp_matches(w, '[^a-f]')))"
)
"""SQL: the words of the text `name` of a file, its extension left out. A word has a letter beyond
f, so that pieces of hexadecimal names are none."""

_EPOCH = dt.date(1970, 1, 1)


def number(day: dt.date) -> int:
    """A day as a number since the epoch."""
    return (day - _EPOCH).days


def date_of(day: int) -> dt.date:
    """The day of a number since the epoch."""
    return _EPOCH + dt.timedelta(day)


def hashed(*texts: str) -> str:
    """SQL: the whole number that stands for the SQL texts `texts`; null if one of them is."""
    return f"(md5_number_lower({' || chr(0) || '.join(texts)}) >> 1)::BIGINT"


@cache
def attributed_sql(view: str, *columns: str) -> str:
    """SELECT of the text columns `columns`, `date_create` and what `attributed` adds, from the
    events view `view`."""
    texts = dict.fromkeys(columns, "string")
    events = ibis.table({**texts, "date_create": "int64", **READS}, name=view)
    return compiled(attributed(events))


def _listed(actions: Iterable[str]) -> str:
    return ", ".join(literal(one) for one in sorted(set(actions)))


_IN_MEASURED = _listed(MEASURED.values())
_IN_ADMINISTRATION = _listed(a for a, level in SEVERITIES.items() if level >= PRIVILEGED)

_NARROW = """
CREATE OR REPLACE TEMP TABLE triage_narrow AS
SELECT date_create // 86400 AS d, date_create AS seconds, id, action, actor_id,
    coalesce(actor_type = 'user', false) AS person, subject, subject_type = 'app' AS app,
    "foreign", ip, ua, session_id, {is_file} AS is_file,
    coalesce(entity_id, entity_name) AS entity, entity_name
FROM ({attributed})
WHERE list_contains(?, date_create // 86400) AND (source != 'gridtrail' OR action = 'anomaly')
"""

_NAMES = """
CREATE OR REPLACE TEMP TABLE triage_names AS
SELECT d, max(entity_name) AS name FROM triage_narrow
WHERE is_file AND entity IS NOT NULL GROUP BY d, entity
"""

_ROWS = f"""
SELECT d, {PEOPLE} AS kind, NULL AS key, {hashed("actor_id")} AS who, false AS app,
    min(seconds) AS first_at, NULL AS n, NULL AS people, NULL AS word
FROM triage_narrow WHERE person AND actor_id IS NOT NULL GROUP BY d, actor_id
UNION ALL
SELECT d, {ADDRESS}, {hashed("ip")}, {hashed("subject")}, app, min(seconds), NULL, NULL, NULL
FROM triage_narrow WHERE ip IS NOT NULL AND NOT "foreign" GROUP BY d, ip, subject, app
UNION ALL
SELECT d, {AGENT}, {hashed("ua")}, {hashed("subject")}, app, min(seconds), NULL, NULL, NULL
FROM triage_narrow WHERE ua IS NOT NULL AND NOT "foreign" GROUP BY d, ua, subject, app
UNION ALL
SELECT d, {SESSION}, {hashed("session_id")}, NULL, NULL, min(seconds), NULL, NULL,
    arg_min(action, (seconds, id))
FROM triage_narrow WHERE session_id IS NOT NULL GROUP BY d, session_id
UNION ALL
SELECT d, {FILE}, {hashed("entity")}, {hashed("subject")}, app, min(seconds), NULL, NULL, NULL
FROM triage_narrow WHERE is_file AND entity IS NOT NULL GROUP BY d, entity, subject, app
UNION ALL
SELECT d, {FILES}, {ALL_FILES}, NULL, NULL, d * 86400, count(*), NULL, NULL
FROM triage_names GROUP BY d
UNION ALL
SELECT d, {WORD}, {hashed("word")}, NULL, NULL, d * 86400, count(*), NULL, NULL
FROM (SELECT d, unnest({WORDS}) AS word FROM triage_names) GROUP BY d, word
UNION ALL
SELECT d, {DAY}, {hashed("action", "subject")}, NULL, app, d * 86400, n, NULL, NULL
FROM triage_done
UNION ALL
SELECT d, {HOUR}, {hashed("action", "subject")}, NULL, app, seconds // 3600 * 3600,
    count(DISTINCT entity), NULL, NULL
FROM triage_narrow WHERE action IN ({_IN_MEASURED}) AND subject IS NOT NULL
GROUP BY d, action, subject, app, seconds // 3600
UNION ALL
SELECT d, {EVERYBODY}, {hashed("action")}, NULL, NULL, d * 86400, n, count(*), NULL
FROM triage_done WHERE NOT app GROUP BY d, action, n
UNION ALL
SELECT d, {ADMINISTERS}, {hashed("actor_id")}, NULL, app, min(seconds), NULL, NULL, NULL
FROM triage_narrow WHERE actor_id IS NOT NULL AND action IN ({_IN_ADMINISTRATION})
GROUP BY d, actor_id, app
UNION ALL
SELECT unnest($1), {MADE}, {VERSION}, NULL, NULL, NULL, unnest($2), NULL, NULL
"""

_DONE = f"""
CREATE OR REPLACE TEMP TABLE triage_done AS
SELECT d, action, subject, app, count(DISTINCT entity) AS n FROM triage_narrow
WHERE action IN ({_IN_MEASURED}) AND subject IS NOT NULL GROUP BY d, action, subject, app
"""


class Usual:
    """The days of one organization in short, as the view VIEW (the columns of USUAL)."""

    def __init__(
        self, lake: Lake, engine: DuckDB, org: str, *, few_events: int = FEW_EVENTS
    ) -> None:
        """`few_events`: days with no more events than these together are not written."""
        self._few_events = few_events
        self._lake = lake
        self._engine = engine
        self._org = org
        self._counts = {number(day): rows for day, rows in lake.day_counts(org).items()}
        self._newest = max(self._counts, default=0)
        self._learned: set[int] = set()
        self._in_memory: set[int] = set()
        columns = self._engine.sql_types(USUAL.schema)
        listed = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
        engine.command(f"CREATE OR REPLACE TEMP TABLE {_MEMORY} ({listed})")
        self._view()

    @property
    def first_day(self) -> int:
        """The day of the oldest event, as a number since the epoch; 0 for an empty log."""
        return min(self._counts, default=0)

    def learn(self, days: Iterable[int]) -> None:
        """Sum up those of `days` (numbers since the epoch) that are not, or are not any more as
        the log is."""
        wanted = sorted(set(days) & self._counts.keys() - self._learned)
        if not wanted:
            return
        self._forget()
        made = self._made(wanted)
        missing = [day for day in wanted if made.get(day) != (VERSION, self._counts[day])]
        few = sum(self._counts[day] for day in missing) <= self._few_events
        for chunk in self._chunks(missing):
            self._sum_up(chunk)
            keep = chunk if few else [day for day in chunk if day == self._newest]
            self._in_memory.update(keep)
            for day in chunk:
                if day not in keep:
                    self._write(day)
            self._engine.command(
                f"INSERT INTO {_MEMORY} BY NAME SELECT * EXCLUDE (d) FROM triage_summed_up "
                "WHERE list_contains(?, d)",
                [keep],
            )
        self._learned.update(wanted)
        self._view()

    def people(self, first: int, last: int) -> int:
        """How many people did anything in the days `first` … `last`, which must be learned."""
        found: int = self._engine.value(
            f'SELECT count(DISTINCT who) FROM {VIEW} WHERE kind = {PEOPLE} AND "day" BETWEEN ? '
            "AND ?",
            [date_of(first), date_of(last)],
        )
        return found

    def _chunks(self, days: Sequence[int]) -> Iterator[list[int]]:
        """Days that are summed up together: as many as have MOST_EVENTS, one at least."""
        chunk: list[int] = []
        for day in days:
            if chunk and sum(self._counts[one] for one in [*chunk, day]) > MOST_EVENTS:
                yield chunk
                chunk = []
            chunk.append(day)
        if chunk:
            yield chunk

    def _write(self, day: int) -> None:
        self._engine.command(
            "CREATE OR REPLACE TEMP TABLE triage_one_day AS SELECT * EXCLUDE (d) "
            "FROM triage_summed_up WHERE d = ? ORDER BY kind, key, who",
            [day],
        )
        self._lake.write(USUAL, "triage_one_day", replace=self._part(date_of(day)))

    def _part(self, day: dt.date) -> dict[str, str | dt.date]:
        return {"org": self._org, "day": day}

    def _forget(self) -> None:
        """Take out the days that the log has no more."""
        log = self._lake.log(USUAL)
        log.refresh()
        kept = {f.partition["day"] for f in log.files() if f.partition["org"] == self._org}
        for day in sorted(kept - {date_of(one).isoformat() for one in self._counts}):
            part = self._part(dt.date.fromisoformat(day))
            self._lake.write(USUAL, USUAL.schema.empty_table(), replace=part)

    def _made(self, days: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Day -> the version it was summed up by and the events it had."""
        self._lake.view(USUAL, "triage_kept", org=self._org)
        rows = self._engine.rows(
            f'SELECT "day", key, n FROM triage_kept WHERE kind = {MADE} AND "day" BETWEEN ? AND ?',
            [date_of(days[0]), date_of(days[-1])],
        )
        return {number(row["day"]): (row["key"], row["n"]) for row in rows.to_pylist()}

    def _sum_up(self, days: Sequence[int]) -> None:
        """Make `triage_summed_up`: the rows of `days`, with the number `d` of their day."""
        self._lake.events_view(
            "triage_day_events",
            org=self._org,
            oldest=days[0] * DAY_SECONDS,
            latest=(days[-1] + 1) * DAY_SECONDS - 1,
        )
        columns = ("id", "entity_type", "entity_id", "entity_name", "ua", "session_id", "source")
        told = attributed_sql("triage_day_events", *columns)
        self._engine.command(_NARROW.format(is_file=IS_FILE, attributed=told), [list(days)])
        self._engine.command(_NAMES)
        self._engine.command(_DONE)
        self._engine.command(
            f"CREATE OR REPLACE TEMP TABLE triage_summed_up AS SELECT {literal(self._org)} AS org, "
            f"DATE '1970-01-01' + d::INTEGER AS \"day\", * FROM ({_ROWS})",
            [list(days), [self._counts[day] for day in days]],
        )

    def _view(self) -> None:
        self._lake.view(USUAL, "triage_kept", org=self._org)
        memory = ", ".join(f"DATE {literal(date_of(day).isoformat())}" for day in self._in_memory)
        others = f'WHERE "day" NOT IN ({memory})' if memory else ""
        self._engine.view(VIEW, f"SELECT * FROM triage_kept {others} UNION ALL FROM {_MEMORY}")
