"""Anomaly events as triage reads them: Slack's own and ours, whatever a stranger put into them.

All anomalies are read narrowly (who, when, which reasons: `Raised`), because rates and joining
need every one; those of the findings at hand are read with their details (`Anomaly`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa

from gridtrail.engine.duckdb import DuckDB
from gridtrail.enrich.clients import client_of, expected
from gridtrail.triage.reasons import families_of, family_of

DAY_SECONDS = 86_400
_LATE_SECONDS = DAY_SECONDS
"""An action older than this at the time of its anomaly is not believed (a stranger's number)."""

_MOST_DECIDING = 1_000


@dataclass(frozen=True, slots=True)
class Raised:
    """That an anomaly was raised: `at` is date_create in seconds, `actor` who it is about.

    `actor` is who did it: the app of an app's anomaly, else the actor, else the user that it is
    about, else None; a rule's hit that counts people is about none of them;
    `session_id`, `ip` and `ua` are those of the flagged action, or "".
    """

    org: str
    id: str
    at: int
    actor: str | None
    families: frozenset[str]
    session_id: str = ""
    ip: str = ""
    ua: str = ""
    is_app: bool = False
    level: str = ""  # of a rule's hit; "" for an anomaly
    kinds: tuple[str, ...] = ()  # reasons, or `rule:` and a rule's name
    shows: frozenset[str] = frozenset()  # stages that a rule's hit stands for, as families
    decided_by: str = ""  # the event that decided a rule's hit
    about: str = ""  # the app that a rule's hit is about (see `ties`)
    things: tuple[str, ...] = ()  # malicious files that an anomaly is about (see `ties`)
    tries: bool = False  # a rule's hit: credentials of many were tried from its address

    @property
    def stages(self) -> frozenset[str]:
        """Which stages of an attack it shows, as reason families."""
        return self.shows if self.level else self.families

    @property
    def day(self) -> int:
        """UTC day as a number of days since the epoch."""
        return self.at // DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Evidence:
    """What our own detector says of an anomaly (`details.gridtrail`); all of it may be absent."""

    detector: str = ""
    p_value: float | None = None  # in [0, 1]
    words: str = ""
    silent_if: str = ""
    query: str = ""
    deciding_events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Anomaly:
    """An anomaly event with what a finding needs of it; texts are as they came, or ""."""

    raised: Raised
    happened: int  # seconds: when the flagged action happened, `raised.at` if not said
    actor_name: str
    actor_email: str
    reasons: tuple[str, ...]
    session_id: str
    ip: str
    ua: str
    source: str
    details: Mapping[str, Any] = field(default_factory=dict)
    evidence: Evidence | None = None
    title: str = ""  # of the rule, for a rule's hit

    def detail(self, key: str) -> str:
        """`details[key]` when it is text, else ""."""
        return _text(self.details.get(key))

    @property
    def counted_from(self) -> int:
        """Where our own detector began to count (seconds), if it says so and that is less than a
        day ago; else `happened`."""
        own = self.details.get("gridtrail")
        seen = own.get("observed") if isinstance(own, dict) else None
        since = seen.get("from") if isinstance(seen, dict) else None
        if not isinstance(since, int) or isinstance(since, bool):
            return self.happened
        return since if self.happened - DAY_SECONDS < since <= self.happened else self.happened

    @property
    def same_client(self) -> bool:
        """Whether all that is odd of the client is that it became another one that people are
        expected to use (an update, an old computer): not a tool."""
        odd = {reason for reason in self.reasons if family_of(reason) in ("client", "scraping")}
        return odd == {"user_agent"} and expected(client_of(self.ua))

    @property
    def hosted_abroad(self) -> bool:
        """Whether our own detector saw a person at a hosting company, in a country that is new to
        them (what is ordinary in an organization it does not say)."""
        own = self.details.get("gridtrail")
        seen = own.get("observed") if isinstance(own, dict) else None
        if not isinstance(seen, dict) or self.raised.is_app:
            return False
        marks = _text(seen.get("category")).split("|")
        return seen.get("kind") == "hosting" and "new_country" in marks


def read_raised(engine: DuckDB, view: str) -> list[Raised]:
    """Every anomaly of the events view `view`, oldest first (same second: by id)."""
    rows = engine.rows(
        "SELECT org, id, date_create AS seconds, reasons, session_id, ip, ua, entity_type, "
        "coalesce(CASE WHEN entity_type = 'app' THEN entity_id END, actor_id, "
        "CASE WHEN entity_type = 'user' THEN entity_id END) AS actor "
        f"FROM {view} WHERE action = 'anomaly' ORDER BY org, date_create, id"
    )
    return [
        Raised(
            row["org"],
            row["id"],
            row["seconds"],
            row["actor"],
            families_of(_reasons(row)),
            row["session_id"] or "",
            row["ip"] or "",
            row["ua"] or "",
            row["entity_type"] == "app",
            kinds=_reasons(row),
        )
        for row in rows.to_pylist()
    ]


def read_anomalies(engine: DuckDB, view: str, wanted: Iterable[Raised]) -> dict[str, Anomaly]:
    """The anomalies `wanted` (of one organization) by id, read from `view` with their details."""
    by_id = {one.id: one for one in wanted}
    if not by_id:
        return {}
    times = [one.at for one in by_id.values()]
    engine.register("triage_wanted", pa.table({"id": pa.array(sorted(by_id), pa.string())}))
    try:
        rows = engine.rows(
            "SELECT id, actor_name, actor_email, entity_name, session_id, ip, ua, source, reasons, "
            "details "
            f"FROM {view} SEMI JOIN triage_wanted USING (id) "
            "WHERE action = 'anomaly' AND date_create BETWEEN ? AND ?",
            [min(times), max(times)],
        )
    finally:
        engine.unregister("triage_wanted")
    return {row["id"]: _anomaly(by_id[row["id"]], row) for row in rows.to_pylist()}


def _anomaly(raised: Raised, row: Mapping[str, Any]) -> Anomaly:
    details = _object(row["details"])
    return Anomaly(
        raised=raised,
        happened=_happened(raised.at, details.get("action_timestamp")),
        actor_name=(row["entity_name"] if raised.is_app else row["actor_name"]) or "",
        actor_email="" if raised.is_app else row["actor_email"] or "",
        reasons=_reasons(row),
        session_id=row["session_id"] or "",
        ip=row["ip"] or "",
        ua=row["ua"] or "",
        source=row["source"],
        details=details,
        evidence=_evidence(details.get("gridtrail")),
    )


def _reasons(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted({one for one in row["reasons"] or () if one}))


def _object(text: str | None) -> Mapping[str, Any]:
    try:
        value = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _happened(at: int, stamp: object) -> int:
    """Seconds of Slack's `action_timestamp`, which comes in micro- or milliseconds."""
    if isinstance(stamp, bool) or not isinstance(stamp, int):
        return at
    for unit in (1_000_000, 1_000, 1):
        if at - _LATE_SECONDS <= stamp // unit <= at:
            return stamp // unit
    return at


def _evidence(value: object) -> Evidence | None:
    if not isinstance(value, dict):
        return None
    deciding = value.get("deciding_events")
    listed: Sequence[object] = deciding if isinstance(deciding, list) else ()
    return Evidence(
        detector=_text(value.get("detector")),
        p_value=_probability(value.get("p_value")),
        words=_text(value.get("words")),
        silent_if=_text(value.get("silent_if")),
        query=_text(value.get("query")),
        deciding_events=tuple(one for one in listed if isinstance(one, str))[:_MOST_DECIDING],
    )


def _probability(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and 0 <= number <= 1 else None
