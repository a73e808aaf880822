"""Gridtrail's own audit trail: what people did here, as audit events in Slack's shape.

An event is written to the state database at once and moved to the lake a moment later; its id
makes moving it twice harmless. In the lake its source is `gridtrail`. The action names are Slack's
where Slack has one.
"""

from __future__ import annotations

import getpass
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import orjson
import pyarrow as pa
import sqlalchemy as sa

from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS
from gridtrail.slack.event import read_event
from gridtrail.state.database import open_state, storable, writing

SOURCE = "gridtrail"

SIGNED_IN = "user_login"
SIGN_IN_FAILED = "user_login_failed"
SIGNED_OUT = "user_logout"
ACCOUNT_ADDED = "user_created"
ACCOUNT_REVOKED = "user_deactivated"
PASSWORD_SET = "gridtrail_password_set"  # noqa: S105 - the name of an action
LINK_MADE = "gridtrail_account_link_created"
ROLE_CHANGED = "gridtrail_account_role_changed"
TOKEN_ADDED = "gridtrail_token_created"  # noqa: S105 - the name of an action
TOKEN_REVOKED = "gridtrail_token_revoked"  # noqa: S105 - the name of an action
NOTIFICATIONS_RESENT = "gridtrail_notifications_resent"
QUERY_RUN = "gridtrail_query_run"
QUERY_SAVED = "gridtrail_query_saved"
QUERY_DELETED = "gridtrail_query_deleted"
LOGS_SEARCHED = "audit_logs_records_searched"
ANOMALIES_SEARCHED = "audit_logs_records_searched_anomaly"
EVENT_READ = "gridtrail_event_read"
ENTITY_READ = "gridtrail_entity_read"
EXPORTED = {"csv": "audit_logs_export_csv_started", "json": "audit_logs_export_json_started"}
FINDING_DECIDED = "gridtrail_finding_decided"
FINDING_NOTED = "gridtrail_finding_noted"
FINDING_ASSIGNED = "gridtrail_finding_assigned"
SIGN_OUT_ASKED = "gridtrail_sign_out_requested"
SIGN_OUT_DONE = "gridtrail_sign_out_done"
SIGN_OUT_FAILED = "gridtrail_sign_out_failed"
SIGN_OUT_UNCLEAR = "gridtrail_sign_out_unclear"
SIGN_OUT_APPROVED = "gridtrail_sign_out_approved"
SIGN_OUT_REFUSED = "gridtrail_sign_out_refused"
ALLOW_ADDED = "gridtrail_allow_entry_added"
ALLOW_REMOVED = "gridtrail_allow_entry_removed"
ALLOW_EXPIRED = "gridtrail_allow_entry_expired"
ALLOW_PULLED = "gridtrail_allow_list_pulled"
ALLOW_PUSHED = "gridtrail_allow_list_pushed"
THRESHOLD_SET = "gridtrail_threshold_set"
THRESHOLD_ENDED = "gridtrail_threshold_taken_back"
RESPONSE_DECIDED = "gridtrail_automatic_response_decided"
BRAKE_PULLED = "gridtrail_automatic_response_stopped"
BRAKE_RELEASED = "gridtrail_automatic_response_released"

_EPOCH = date(1970, 1, 1)
_BATCH = "_trail"
_MOST = 1_000  # events moved at once

metadata = sa.MetaData()

waiting = sa.Table(
    "trail",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("org", sa.Text, nullable=False),
    sa.Column("raw", sa.Text, nullable=False),  # the event as JSON
    sa.Column("at", sa.BigInteger, nullable=False),  # seconds since the epoch
)
"""Events that are not in the lake yet."""


class Named(Protocol):
    """An account, as far as the trail looks at it."""

    @property
    def id(self) -> str:
        """A user's id in Slack's form."""

    @property
    def name(self) -> str:
        """The name."""

    @property
    def email(self) -> str:
        """The e-mail address; may be empty."""


@dataclass(frozen=True, slots=True)
class Doer:
    """Who did it and from where; what is not known is empty."""

    id: str = "USLACKUSER"
    name: str = ""
    email: str = ""
    ip: str = ""
    ua: str = ""
    session: str = ""

    @classmethod
    def of(cls, account: Named, *, ip: str = "", ua: str = "", session: str = "") -> Doer:
        """The account, from `ip` with the user agent `ua` in the session."""
        return cls(account.id, account.name, account.email, ip, ua, session)

    @classmethod
    def here(cls) -> Doer:
        """Whoever uses the command line: the user of the operating system."""
        return cls(name=getpass.getuser())


GRIDTRAIL = Doer(name="Gridtrail")
"""What happens by itself."""


class Trail:
    """The trail of one installation; `place` as in `open_state`. May be shared between threads."""

    def __init__(self, place: Path | str, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._engine = open_state(place)

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def __enter__(self) -> Trail:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def put(
        self,
        org: str,
        action: str,
        doer: Doer,
        entity: tuple[str, str, str] | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Keep that `doer` did `action` to `entity` (type, id, name; None: to themselves).

        It is on the disk when this returns.
        """
        with writing(self._engine).begin() as connection:
            keep(connection, int(self._clock()), org, action, doer, entity, details)

    def waits(self) -> bool:
        """Whether there is anything to move."""
        with self._engine.connect() as connection:
            return connection.execute(sa.select(waiting.c.id).limit(1)).first() is not None

    def waiting(self, org: str) -> list[dict[str, Any]]:
        """What waits of the organization, the oldest first: rows with columns of EVENTS."""
        query = waiting.select().where(waiting.c.org == org)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(waiting.c.at, waiting.c.id)).all()
        return [asdict(read_event(row.raw.encode())) for row in rows]

    def move(self, lake: Lake) -> int:
        """Move what waits into the lake; the number of events moved.

        Raises RetryLater as `Lake.append_events` does; nothing is forgotten then.
        """
        with self._engine.connect() as connection:
            query = waiting.select().order_by(waiting.c.at, waiting.c.id).limit(_MOST)
            rows = connection.execute(query).all()
        if not rows:
            return 0
        lake.engine.register(_BATCH, _table(rows))
        try:
            lake.append_events(_BATCH)
        finally:
            lake.engine.unregister(_BATCH)
        with writing(self._engine).begin() as connection:
            ids = [row.id for row in rows]
            connection.execute(waiting.delete().where(waiting.c.id.in_(ids)))
        return len(rows)


def keep(
    connection: sa.Connection,
    at: int,
    org: str,
    action: str,
    doer: Doer,
    entity: tuple[str, str, str] | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """As `Trail.put`, inside a transaction that writes: kept with all that it does, or not at all.

    `at` is in seconds since the epoch.
    """
    kind, key, name = entity or ("user", doer.id, doer.name)
    user = {"id": doer.id, "name": doer.name, "email": doer.email, "team": org}
    event = {
        "id": str(uuid.uuid4()),
        "date_create": at,
        "action": action,
        "actor": {"type": "user", "user": user},
        "entity": {"type": kind, kind: {"id": key, "name": name}},
        "context": {
            "location": {"type": "enterprise", "id": org, "name": org, "domain": "gridtrail"},
            "ua": doer.ua,
            "ip_address": doer.ip,
            "session_id": doer.session or None,
        },
        "details": _plain({**(details or {}), "application": "gridtrail"}),
    }
    raw = orjson.dumps(event).decode()
    values = {"id": event["id"], "org": storable(org), "raw": raw, "at": at}
    connection.execute(waiting.insert().values(values))


def _plain(details: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in details.items() if value not in (None, "", (), [])}


def _table(rows: Any) -> pa.Table:
    now = datetime.now(UTC)
    found = []
    for row in rows:
        fields = read_event(row.raw.encode())
        typed = {name: getattr(fields, name, None) for name in EVENTS.names}
        day = _EPOCH + timedelta(days=fields.date_create // 86400)
        ours = {"org": row.org, "day": day, "raw": row.raw, "source": SOURCE, "ingested_at": now}
        found.append(typed | ours)
    return pa.Table.from_pylist(found, schema=EVENTS)
