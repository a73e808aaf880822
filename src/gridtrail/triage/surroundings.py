"""The audit events around a finding: which are read, and the relations the questions are put to.

Only the days that are needed are read, and never `raw`. Three relations are made in the engine:

    triage_days   events of the organization from PAST_DAYS before the finding to its end
    triage_near   the people's own events and those of the finding's sessions, an hour around it
    triage_after  what was done to the people then and in the day that follows
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gridtrail.engine.duckdb import DuckDB
from gridtrail.triage.anomaly import DAY_SECONDS, Anomaly

PAST_DAYS = 30
"""Days before a finding's first day that say what is usual."""

AROUND_SECONDS = 3_600
RESPONSE_SECONDS = DAY_SECONDS

OWN_CONTEXT = (
    "(app_id IS NULL AND NOT (action = 'user_channel_join' AND "
    "(contains(coalesce(details, ''), 'INVITED') OR contains(coalesce(details, ''), 'KICKED'))))"
)
"""SQL: the context of the event is its actor's own client. An app's is not, and who was invited or
removed carries the context of whoever did it (slack/api.md 2; see `detect.day`)."""

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
    def past(self) -> int:
        """Where history begins."""
        return self.first_midnight - PAST_DAYS * DAY_SECONDS


class Surroundings:
    """The relations around one finding, readable until the next one is made."""

    def __init__(self, engine: DuckDB, lake: Lake, window: Window) -> None:
        self.engine = engine
        self.window = window
        lake.events_view(
            "triage_days",
            org=window.org,
            oldest=window.past,
            latest=window.end + RESPONSE_SECONDS,
        )
        self._near()

    def ask(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The rows of `sql` over the relations."""
        rows: list[dict[str, Any]] = self.engine.rows(sql, parameters).to_pylist()
        return rows

    def did(self, actors: Sequence[str], actions: Sequence[str]) -> bool:
        """Whether one of `actors` did one of `actions` in the days that are looked at."""
        found = self.ask(
            "SELECT 1 FROM triage_days WHERE date_create <= ? AND list_contains(?, actor_id) "
            "AND list_contains(?, action) LIMIT 1",
            [self.window.end, list(actors), list(actions)],
        )
        return bool(found)

    def _near(self) -> None:
        window, actors = self.window, list(self.window.actors)
        self.engine.command(
            "CREATE OR REPLACE TEMP TABLE triage_near AS "
            "SELECT id, date_create AS seconds, action, actor_id, "
            "entity_type, coalesce(entity_id, entity_name) AS entity, entity_name, "
            "location_id, location_domain, ua, ip, session_id, reasons, "
            f"({OWN_CONTEXT} OR list_contains(?, app_id)) AS own "
            "FROM triage_days WHERE date_create BETWEEN ? AND ? "
            "AND (list_contains(?, coalesce(app_id, actor_id)) OR list_contains(?, actor_id) "
            "OR list_contains(?, session_id))",
            [actors, window.start, window.end, actors, actors, list(window.sessions)],
        )
        self.engine.command(
            "CREATE OR REPLACE TEMP TABLE triage_after AS "
            "SELECT id, date_create AS seconds, action, actor_id "
            "FROM triage_days WHERE date_create BETWEEN ? AND ? "
            "AND list_contains(?, action) "
            "AND (list_contains(?, entity_id) OR list_contains(?, actor_id))",
            [
                window.first,
                window.end + RESPONSE_SECONDS,
                list(SLACKS_RESPONSES),
                actors,
                actors,
            ],
        )


def window_of(
    engine: DuckDB, lake: Lake, anomalies: Sequence[Anomaly], actors: Sequence[str] = ()
) -> Window:
    """The window around the anomalies of one finding and the events that decided them; `actors`
    are the finding's, the one that it is about first of all first."""
    raised = anomalies[0].raised
    times = [at for one in anomalies for at in (one.happened, one.raised.at)]
    deciding = {i for one in anomalies if one.evidence for i in one.evidence.deciding_events}
    if deciding:
        oldest, latest = min(times) - DAY_SECONDS, max(times)
        lake.events_view("triage_deciding", org=raised.org, oldest=oldest, latest=latest)
        rows = engine.rows(
            "SELECT min(date_create) AS first, max(date_create) AS last FROM triage_deciding "
            "WHERE date_create BETWEEN ? AND ? AND list_contains(?, id)",
            [oldest, latest, sorted(deciding)],
        ).to_pylist()
        times += [at for at in (rows[0]["first"], rows[0]["last"]) if at is not None]
    sessions = tuple(sorted({one.session_id for one in anomalies if one.session_id}))
    first = actors[0] if actors else None
    return Window(raised.org, first, tuple(actors), sessions, min(times), max(times))
