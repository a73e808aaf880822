"""What detectors of too many visible acts have in common: thresholds, the words, the evidence.

A detector names what it counts (`Counting`), which actions show it, and how to call it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from gridtrail.detect.contract import Anomaly, DayContext, Profile, Step, day_events
from gridtrail.detect.counting import Counting
from gridtrail.detect.evidence import p_text, sql_text

THINGS = ("file", "message", "workflow", "workflow_v2", "canvas", "list")
"""Entities that are one thing, however often it is done; of others each event counts."""
SPANS = {600: "ten minutes", 3600: "an hour", 86_400: "a day"}


def acts(actions: tuple[str, ...], *subject_types: str) -> ir.Table:
    """Events with these actions by subjects of these types, as `Counting` wants them: each thing
    (see THINGS) is counted once, and where an event is about none, each event."""
    rows = day_events.filter(
        day_events.action.isin(actions)
        & day_events.subject.notnull()
        & day_events.subject_type.isin(subject_types)
    )
    thing = ibis.ifelse(rows.entity_type.isin(THINGS), rows.entity_id, None)
    return rows.select(
        "subject", "subject_type", "actor_id", "at", "event_id", "action",
        item=ibis.coalesce(thing, rows.event_id),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CountDetector:
    """A detector of too many `things` in one window; its name is the metric of `counting`.

    `seen_in` are the actions that the query shows. `proxy` says what the log does not show, for a
    detector that stands in for something else. `methods` gives `api_call_method` by lane.
    """

    counting: Counting
    things: str  # "messages deleted"
    seen_in: tuple[str, ...]
    needs: tuple[str, ...]
    proxy: str = ""
    methods: Mapping[str, str] | None = None
    version: int = 1
    fidelity: str = "audit-proxy"
    repeat_seconds: tuple[int, ...] = (3600, 4 * 3600, 86_400)

    @property
    def name(self) -> str:
        """The reason, the file's name and the metric are one word."""
        return self.counting.metric

    @property
    def reasons(self) -> tuple[str, ...]:
        """The one reason."""
        return (self.name,)

    @property
    def share(self) -> float:
        """Share of the alarm budget."""
        return self.counting.share

    @property
    def learning_days(self) -> int:
        """Days of log before it speaks."""
        return self.counting.min_history_days

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """Those of the counts."""
        return self.counting.profiles

    @property
    def steps(self) -> tuple[Step, ...]:
        """Those of the counts."""
        return self.counting.steps

    @property
    def late_steps(self) -> tuple[Step, ...]:
        """Those of the counts."""
        return self.counting.late_steps

    @property
    def parameter_schema(self) -> Mapping[str, str]:
        """Thresholds of a subject and window."""
        return self.counting.parameter_schema

    @cached_property
    def candidates(self) -> ir.Table:
        """The event that made a window's count reach its threshold."""
        return self.counting.candidates

    def parameters(self, context: DayContext) -> pa.Table | None:
        """Thresholds of everybody who does such things today."""
        return self.counting.parameters(context)

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly:
        """The anomaly of the event that reached the threshold."""
        window, count = row["window"], row["threshold"]
        method = (self.methods or {}).get(row["lane"])
        observed = {"count": count, "of": self.things, "window_seconds": window}
        return Anomaly(
            reasons=self.reasons,
            p_value=row["p_value"],
            threshold=count,
            observed={**observed, "from": row["bucket"], "action": row["action"]},
            usual=_usual(row),
            words=self._words(row),
            query=self._query(row),
            silent_if=f"fewer than {count} {self.things} in {SPANS[window]}",
            repeat_key=row["lane"] or self.name,
            deciding_events=(row["event_id"],),
            details={} if method is None else {"api_call_method": method},
        )

    def _words(self, row: Mapping[str, Any]) -> str:
        own = (
            f"usual for this {row['subject_type']} is {row['typical']}, 99 of 100 times fewer than "
            f"{row['high']}"
            if row["windows_seen"]
            else f"nothing is known of this {row['subject_type']} yet"
        )
        more = f" {self.proxy}" if self.proxy else ""
        return (
            f"{row['threshold']} {self.things} within {SPANS[row['window']]} "
            f"(p = {p_text(row['p_value'])}): {own}; in the organization usual is "
            f"{row['organization_typical']}, 99 of 100 times at most "
            f"{row['organization_high']}.{more}"
        )

    def _query(self, row: Mapping[str, Any]) -> str:
        who = "app_id" if row["subject"] != row["actor_id"] else "app_id IS NULL AND actor_id"
        actions = ", ".join(f"'{action}'" for action in self.seen_in)
        return (
            "SELECT id, date_create, action, entity_id, entity_name, ip, ua FROM events WHERE "
            f"action IN ({actions}) AND {who} = {sql_text(row['subject'])} AND date_create BETWEEN "
            f"{row['bucket']} AND {row['bucket'] + row['window'] - 1} ORDER BY date_create, id"
        )


def _usual(row: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    return {
        "person": {
            "typical": row["typical"],
            "99_percent_below": row["high"],
            "often_up_to": row["habit"],
            "windows_seen": row["windows_seen"],
        },
        "peers": {"typical": row["peer_typical"]},
        "organization": {
            "typical": row["organization_typical"],
            "99_percent_below": row["organization_high"],
            "windows_seen": row["organization_windows"],
        },
    }
