"""unexpected_api_call_volume: more events of one client than a person or this app makes.

Slack counts calls of its API; the audit log shows only those that are worth an audit event, so this
is a proxy (`fidelity: audit-proxy`): audit events a minute, ten minutes, an hour and a day of one
client in one session of a person, or of an app, against what is usual (`gridtrail.detect.counting`,
SCIENCE B.1). Reading that leaves no audit event (history, search, lists of members) is not seen.
An app's first day is no measure of anything: what a new one takes is told by `excessive_downloads`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from gridtrail.detect.contract import Anomaly, DayContext, Profile, Step, day_events
from gridtrail.detect.counting import Counting
from gridtrail.detect.evidence import p_text, sql_text

WORDS = {60: "a minute", 600: "ten minutes", 3600: "an hour", 86_400: "a day"}

_app = day_events.subject_type == "app"
_calls = day_events.filter((day_events.own | _app) & day_events.subject.notnull())
COUNTING = Counting(
    metric="unexpected_api_call_volume",
    items=_calls.select(
        "subject", "subject_type", "actor_id", "at", "event_id", "session_id", "ua", "family",
        item="event_id",
        lane=_calls.session_id.fill_null("") + " " + _calls.family.fill_null(""),
    ),
    floors={60: 60, 600: 240, 3600: 600, 86_400: 2000},
    share=0.03,
    repeats=True,
)  # fmt: skip
"""Floors: people stay below 50 events an hour 999 of 1,000 times (SCIENCE C), and viewing a video
makes twenty rows within a minute."""


@dataclass(frozen=True)
class UnexpectedApiCallVolume:
    """Too many events of one client in one window."""

    name: str = "unexpected_api_call_volume"
    version: int = 1
    reasons: tuple[str, ...] = ("unexpected_api_call_volume",)
    fidelity: str = "audit-proxy"
    share: float = COUNTING.share
    repeat_seconds: tuple[int, ...] = (3600, 4 * 3600, 86_400)
    needs: tuple[str, ...] = ("ua",)
    learning_days: int = COUNTING.min_history_days
    profiles: tuple[Profile, ...] = COUNTING.profiles
    steps: tuple[Step, ...] = COUNTING.steps
    late_steps: tuple[Step, ...] = COUNTING.late_steps

    @property
    def parameter_schema(self) -> Mapping[str, str]:
        """Thresholds of a subject and window."""
        return COUNTING.parameter_schema

    @cached_property
    def candidates(self) -> ir.Table:
        """The event that made a window's count reach its threshold."""
        return COUNTING.candidates

    def parameters(self, context: DayContext) -> pa.Table | None:
        """Thresholds of everybody who is active today."""
        return COUNTING.parameters(context)

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        """The anomaly of the event that reached the threshold; None on an app's first day."""
        window, count = row["window"], row["threshold"]
        kind = row["subject_type"]
        if kind == "app" and not row["windows_seen"]:
            return None
        return Anomaly(
            reasons=self.reasons,
            p_value=row["p_value"],
            threshold=count,
            observed={
                "audit_events": count,
                "window_seconds": window,
                "from": row["bucket"],
                "client": row["family"] or "",
            },
            usual={
                kind: {
                    "typical": row["typical"],
                    "99_percent_below": row["high"],
                    "often_up_to": row["habit"],
                    "windows_seen": row["windows_seen"],
                },
                "organization": {
                    "typical": row["organization_typical"],
                    "99_percent_below": row["organization_high"],
                },
            },
            words=(
                f"{count} audit events within {WORDS[window]} by one client "
                f"(p = {p_text(row['p_value'])}): usual for this {kind} is {row['typical']}, 99 of "
                f"100 times fewer than {row['high']}. Calls that leave no audit event are not "
                "counted."
            ),
            query=_query(row),
            silent_if=f"fewer than {count} events in {WORDS[window]}",
            repeat_key="volume",
            deciding_events=(row["event_id"],),
        )


def _query(row: Mapping[str, Any]) -> str:
    app = row["subject_type"] == "app" and row["subject"] != row["actor_id"]
    who = "app_id" if app else "app_id IS NULL AND actor_id"
    session = row["session_id"]
    same = "session_id IS NULL" if session is None else f"session_id = {sql_text(session)}"
    return (
        "SELECT id, date_create, action, entity_type, entity_id, ua, ip FROM events WHERE "
        f"action <> 'anomaly' AND {who} = {sql_text(row['subject'])} AND {same} AND date_create "
        f"BETWEEN {row['bucket']} AND {row['bucket'] + row['window'] - 1} ORDER BY date_create, id"
    )


DETECTOR = UnexpectedApiCallVolume()
