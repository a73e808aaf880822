"""excessive_downloads: more distinct files than this person, the peers and the organization know.

Counted in distinct files (a streamed video is one file, however many rows it makes; opening in
Slack counts as a download there, slack/api.md 2), in windows of ten minutes, an hour and a day,
and over weeks (`gridtrail.detect.sequential`), for people and for apps. `file_downloaded` names no
channel, so channels are not counted. Method: SCIENCE B.0 and B.1.
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
from gridtrail.detect.sequential import SCALE

WORDS = {600: "ten minutes", 3600: "an hour", 86_400: "a day"}

_files = day_events.filter(
    (day_events.action == "file_downloaded")
    & day_events.subject.notnull()
    & day_events.entity_id.notnull()
)
COUNTING = Counting(
    metric="excessive_downloads",
    items=_files.select("subject", "subject_type", "actor_id", "at", "event_id", item="entity_id"),
    floors={600: 15, 3600: 30, 86_400: 60},  # SCIENCE B.0
    share=0.06,
    slow_share=0.06,
)


@dataclass(frozen=True)
class ExcessiveDownloads:
    """Too many distinct files in one window, or in a row of days."""

    name: str = "excessive_downloads"
    version: int = 2
    reasons: tuple[str, ...] = ("excessive_downloads",)
    fidelity: str = "audit"
    share: float = COUNTING.share + COUNTING.slow_share
    repeat_seconds: tuple[int, ...] = (3600, 4 * 3600, 86_400)
    needs: tuple[str, ...] = ("file_downloaded",)
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
        """The file that made a window's count, or that of a row of days, reach its threshold."""
        return COUNTING.candidates

    def parameters(self, context: DayContext) -> pa.Table | None:
        """Thresholds of everybody who downloads today."""
        return COUNTING.parameters(context)

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly:
        """The anomaly of the file that reached the threshold."""
        if row["ordinal"] == row["threshold"]:
            return self._in_window(row)
        return self._slow(row, context)

    def _in_window(self, row: Mapping[str, Any]) -> Anomaly:
        window, count = row["window"], row["threshold"]
        return Anomaly(
            reasons=self.reasons,
            p_value=row["p_value"],
            threshold=count,
            observed={"distinct_files": count, "window_seconds": window, "from": row["bucket"]},
            usual=_usual(row),
            words=_words(row),
            query=_query(row, row["bucket"]),
            silent_if=f"fewer than {count} distinct files in {WORDS[window]}",
            repeat_key="downloads",
            deciding_events=(row["event_id"],),
        )

    def _slow(self, row: Mapping[str, Any], context: DayContext) -> Anomaly:
        count, days = row["slow_threshold"], row["slow_days"]
        files = row["slow_items"] + count
        usual = max(round(row["slow_expected"] / SCALE), 1)
        return Anomaly(
            reasons=self.reasons,
            p_value=context.share_per_subject_day(COUNTING.slow_share),
            threshold=count,
            observed={"distinct_files": files, "days": days, "from": row["slow_first_day"]},
            usual={"days": {"files": usual, "days": days}, **_usual(row)},
            words=(
                f"Over the last {days} days {times_words(files, usual)} as usual: {files} files, "
                f"where {usual} were to be expected of this {row['subject_type']} (each counted "
                "once a day)."
            ),
            query=_query(row, row["slow_first_day"]),
            silent_if=f"fewer than {count} distinct files on this day",
            repeat_key="slow downloads",
            deciding_events=(row["event_id"],),
        )


def times_words(count: int, usual: int) -> str:
    """How many times `usual` a count is, in halves below ten: `2.5 times as many`."""
    halves = round(2 * count / usual)
    return f"{halves // 2}{'.5' if halves % 2 and halves < 20 else ''} times as many files"


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


def _words(row: Mapping[str, Any]) -> str:
    span = WORDS[row["window"]]
    own = (
        f"usual for this {row['subject_type']} is {row['typical']}, 99 of 100 times fewer than "
        f"{row['high']}"
        if row["windows_seen"]
        else f"nothing is known of this {row['subject_type']} yet"
    )
    return (
        f"{row['threshold']} distinct files within {span} (p = {p_text(row['p_value'])}): {own}; "
        f"in the organization usual is {row['organization_typical']}, 99 of 100 times at most "
        f"{row['organization_high']}."
    )


def _query(row: Mapping[str, Any], first: int) -> str:
    who = "app_id" if row["subject"] != row["actor_id"] else "app_id IS NULL AND actor_id"
    return (
        "SELECT min(date_create) AS first, date_create // 86400 AS day_number, entity_id, "
        "entity_name, count(*) AS times, "
        "arg_min(id, (date_create, id)) AS id FROM events "
        f"WHERE action = 'file_downloaded' AND {who} = {sql_text(row['subject'])} "
        f"AND date_create BETWEEN {first} AND {row['bucket'] + row['window'] - 1} "
        "GROUP BY day_number, entity_id, entity_name ORDER BY first, id"
    )


DETECTOR = ExcessiveDownloads()
