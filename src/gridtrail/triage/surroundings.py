"""The audit events around a finding: which are read, and the relations the questions are put to.

Only the days of the finding itself are read, and never `raw`; what came before is read in short
(`usual`). Relations are made in the engine:

    triage_near    the people's own events and those of the finding's sessions, an hour around it
    triage_after   what was done to the people then and in the day that follows
    triage_past    what the days in short say of what stands in triage_near, from PAST_DAYS before
                   the finding's first day to its end; `before` is true before that first day
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from gridtrail.engine.duckdb import DuckDB, literal
from gridtrail.triage.anomaly import DAY_SECONDS, Anomaly
from gridtrail.triage.usual import (
    ADDRESS,
    ADMINISTERS,
    ALL_FILES,
    IS_FILE,
    MEASURED,
    VIEW,
    WORDS,
    attributed_sql,
    date_of,
    hashed,
)

PAST_DAYS = 30
"""Days before a finding's first day that say what is usual."""

AROUND_SECONDS = 3_600
RESPONSE_SECONDS = DAY_SECONDS

SLACKS_RESPONSES = (
    "bulk_session_reset_by_admin",
    "file_download_blocked",
    "file_downloaded_blocked",
    "ip_allowlist_access_denied",
    "user_deactivated",
    "user_logout_compromised",
    "user_password_reset_by_admin",
    "user_password_reset_slack_security",
    "user_session_invalidated",
    "user_session_reset_by_admin",
    "user_sessions_reset_by_anomaly_event_response",
    "user_sessions_reset_by_circuit_breaker",
)
"""Actions that end or limit what a person can do: by Slack, or by an administrator."""

LOGINS = ("user_login", "cli_login")


APPS_ADMINISTERED = (
    "app_approved",
    "app_collaborator_added",
    "app_installed",
    "app_manifest_updated",
    "app_resources_added",
    "app_resources_granted",
    "app_scopes_expanded",
    "app_token_preserved",
    "bot_token_upgraded",
)
"""Actions that give an app more than it had."""

MALWARE_FOUND = "file_malicious_content_detected"

MARKED = "triage_marked"
_RESPONSES = ", ".join(literal(one) for one in SLACKS_RESPONSES)


def mark(engine: DuckDB, view: str) -> None:
    """Keep, as the table MARKED, the few events that are looked for in all of the log: anomalies,
    SLACKS_RESPONSES, APPS_ADMINISTERED and MALWARE_FOUND of the events view `view`; `response`
    says which are the second."""
    columns = (
        "org, id, date_create, action, actor_id, actor_name, actor_email, entity_type, entity_id, "
        "entity_name, app_id, session_id, ip, ua, source, reasons, details, "
        f"action IN ({_RESPONSES}) AS response"
    )
    looked_for = ("anomaly", *SLACKS_RESPONSES, *APPS_ADMINISTERED, MALWARE_FOUND)
    listed = ", ".join(literal(one) for one in looked_for)
    found = engine.rows(f"SELECT DISTINCT action FROM {view} WHERE action IN ({listed})")
    actions = ["anomaly", *sorted(set(found["action"].to_pylist()) - {"anomaly"})]
    # one at a time: the engine passes by the other columns of rows that are not equal, and reads
    # them all for an IN
    parts = [f"SELECT {columns} FROM {view} WHERE action = {literal(one)}" for one in actions]
    engine.command(f"CREATE OR REPLACE TEMP TABLE {MARKED} AS {' UNION ALL '.join(parts)}")


class Lake(Protocol):
    """What triage needs of the lake."""

    def events_view(
        self,
        name: str = ...,
        *,
        org: str | None = ...,
        oldest: int | None = ...,
        latest: int | None = ...,
    ) -> object:
        """Make events readable as the view `name` in the engine's session."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is looked at for one finding; times are seconds, `start` and `end` inclusive.

    `actor` is the one that it is about first of all, `actors` are all.
    """

    org: str
    actor: str | None
    actors: tuple[str, ...]
    sessions: tuple[str, ...]
    first: int  # of the flagged actions and their anomalies
    last: int

    @property
    def start(self) -> int:
        """An hour before the first flagged action."""
        return self.first - AROUND_SECONDS

    @property
    def end(self) -> int:
        """An hour after the last anomaly or flagged action."""
        return self.last + AROUND_SECONDS

    @property
    def first_midnight(self) -> int:
        """Start of the UTC day of the first flagged action: history ends here."""
        return self.first // DAY_SECONDS * DAY_SECONDS

    @property
    def days(self) -> range:
        """The UTC days that are looked at in short, as numbers since the epoch."""
        return range(self.past // DAY_SECONDS, self.end // DAY_SECONDS + 1)

    @property
    def past(self) -> int:
        """Where history begins."""
        return self.first_midnight - PAST_DAYS * DAY_SECONDS


class Surroundings:
    """The relations around one finding, readable until the next one is made.

    What `mark` keeps must be there, and the days of `window.days` learned (`Usual.learn`).
    """

    def __init__(self, engine: DuckDB, lake: Lake, window: Window) -> None:
        self.engine = engine
        self.window = window
        lake.events_view("triage_days", org=window.org, oldest=window.start, latest=window.end)
        self._near()
        self._past()

    def ask(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The rows of `sql` over the relations."""
        rows: list[dict[str, Any]] = self.engine.rows(sql, parameters).to_pylist()
        return rows

    def administered(self, actors: Sequence[str]) -> bool:
        """Whether one of `actors`, who are the finding's, did administration (see `usual`)."""
        found = self.ask(
            f"SELECT 1 FROM triage_past WHERE kind = {ADMINISTERS} AND key IN "
            f"(SELECT {hashed('unnest(?::VARCHAR[])')}) LIMIT 1",
            [list(actors)],
        )
        return bool(found)

    def _near(self) -> None:
        window, actors = self.window, list(self.window.actors)
        columns = ("id", "entity_type", "entity_id", "entity_name", "location_id",
                   "location_domain", "ua", "session_id")  # fmt: skip
        self.engine.command(
            "CREATE OR REPLACE TEMP TABLE triage_near AS "
            "SELECT id, date_create AS seconds, action, actor_id, subject, "
            "entity_type, coalesce(entity_id, entity_name) AS entity, entity_name, "
            "location_id, location_domain, ua, ip, session_id, "
            '((app_id IS NULL AND NOT "foreign") OR list_contains(?, app_id)) AS own '
            f"FROM ({attributed_sql('triage_days', *columns)}) WHERE (list_contains(?, subject) "
            "OR list_contains(?, actor_id) OR list_contains(?, session_id))",
            [actors, actors, actors, list(window.sessions)],
        )
        self.engine.command(
            "CREATE OR REPLACE TEMP TABLE triage_after AS "
            "SELECT id, date_create AS seconds, action, actor_id "
            f"FROM {MARKED} WHERE org = ? AND response "
            "AND date_create BETWEEN ? AND ? "
            "AND (list_contains(?, entity_id) OR list_contains(?, actor_id))",
            [window.org, window.first, window.end + RESPONSE_SECONDS, actors, actors],
        )

    def _past(self) -> None:
        """One pass over the days in short for all that is asked of them: opening so many files
        takes longer than reading them."""
        window = self.window
        oldest, first, last = (
            f"DATE {literal(date_of(at // DAY_SECONDS).isoformat())}"
            for at in (window.past, window.first_midnight, window.end)
        )
        self.engine.command(_WANTED, [list(window.actors), window.actor])
        self.engine.command(
            "CREATE OR REPLACE TEMP TABLE triage_past AS "
            f'SELECT kind, key, who, app, first_at, n, people, word, "day" < {first} AS before '
            f'FROM {VIEW} WHERE "day" BETWEEN {oldest} AND {last} AND kind >= {ADDRESS} '
            f"AND first_at <= {int(window.end)} AND key IN (FROM triage_wanted_keys)"
        )


_ACTIONS = "unnest([" + ", ".join(literal(one) for one in sorted(set(MEASURED.values()))) + "])"
_WANTED = f"""
CREATE OR REPLACE TEMP TABLE triage_wanted_keys AS
SELECT DISTINCT key FROM (
    SELECT {hashed("ip")} AS key FROM triage_near WHERE own
    UNION ALL SELECT {hashed("ua")} FROM triage_near WHERE own
    UNION ALL SELECT {hashed("session_id")} FROM triage_near WHERE own
    UNION ALL SELECT {hashed("entity")} FROM triage_near WHERE {IS_FILE}
    UNION ALL SELECT {hashed("unnest(" + WORDS + ")")}
        FROM (SELECT DISTINCT entity_name AS name FROM triage_near WHERE {IS_FILE})
    UNION ALL SELECT {hashed("unnest($1::VARCHAR[])")}
    UNION ALL SELECT {hashed("action")} FROM (SELECT {_ACTIONS} AS action)
    UNION ALL SELECT {hashed("action", "$2::VARCHAR")} FROM (SELECT {_ACTIONS} AS action)
    UNION ALL SELECT {ALL_FILES}
) WHERE key IS NOT NULL
"""
"""The keys of all that a finding asks of the days in short: $1 its actors, $2 the main one."""


def read_moments(engine: DuckDB, lake: Lake, anomalies: Iterable[Anomaly]) -> dict[str, int]:
    """When the events that decided `anomalies` (of one organization) happened: id -> seconds."""
    listed = [one for one in anomalies if one.evidence and one.evidence.deciding_events]
    if not listed:
        return {}
    deciding = {i for one in listed if one.evidence for i in one.evidence.deciding_events}
    oldest = min(one.happened for one in listed) - DAY_SECONDS
    latest = max(one.raised.at for one in listed)
    lake.events_view("triage_deciding", org=listed[0].raised.org, oldest=oldest, latest=latest)
    engine.register("triage_wanted", pa.table({"id": pa.array(sorted(deciding), pa.string())}))
    try:
        rows = engine.rows(
            "SELECT id, date_create AS seconds FROM triage_deciding "
            "SEMI JOIN triage_wanted USING (id)"
        )
    finally:
        engine.unregister("triage_wanted")
    return {row["id"]: row["seconds"] for row in rows.to_pylist()}


def window_of(
    anomalies: Sequence[Anomaly], actors: Sequence[str], moments: Mapping[str, int]
) -> Window:
    """The window around the anomalies of one finding, the events that decided them (those of
    `moments` that are at most a day older) and what they counted; `actors` are the finding's, the
    one that it is about first of all first."""
    times = [at for one in anomalies for at in (one.happened, one.raised.at)]
    deciding = {i for one in anomalies if one.evidence for i in one.evidence.deciding_events}
    oldest, latest = min(times) - DAY_SECONDS, max(times)
    times += [moments[i] for i in deciding if oldest <= moments.get(i, -1) <= latest]
    times += [one.counted_from for one in anomalies]
    sessions = tuple(sorted({one.session_id for one in anomalies if one.session_id}))
    first = actors[0] if actors else None
    return Window(anomalies[0].raised.org, first, tuple(actors), sessions, min(times), max(times))
