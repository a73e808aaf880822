"""unexpected_admin_action: an administrator does what this administrator does not do.

What is judged is an administrator's day: the sum of the surprise of its distinct actions, weighted
by severity and circumstances (`gridtrail.detect.admin_days`). The threshold comes from the
organization's own administrator-days, frozen when the day begins; those who are new to
administration are compared with others who were new. Acts that break the glass (the short list of
severity 5 in `unexpected_admin_action.actions.toml`) are said whenever somebody does one for the
first time. Method: SCIENCE B.1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from gridtrail.detect.admin_days import CERTAIN, NAT, AdminDays
from gridtrail.detect.administration import BREAK_GLASS, load_severities
from gridtrail.detect.contract import (
    Anomaly,
    DayContext,
    Profile,
    Step,
    arrow_schema,
    table,
)
from gridtrail.detect.evidence import p_text, sql_text
from gridtrail.detect.profiles import people
from gridtrail.detect.thresholds import DECAY_NUMERATOR, DECAY_SHIFT, UNIT

SEVERITIES = load_severities(Path(__file__).with_name("unexpected_admin_action.actions.toml"))
DAYS = AdminDays(SEVERITIES)
SHARE = 0.1
BIN = NAT // 4
FLOOR, WITHOUT_HISTORY = 14 * NAT, 24 * NAT
"""No day below the first is said; the second is the threshold where nothing is known yet."""
ENOUGH_DAYS = 40
LARGEST_LEVEL = 0.02
TAIL = 0.1
PRIOR_SPREAD, PRIOR_TAIL_DAYS = 2.0 * NAT, 5.0
BREAK_GLASS_P = 1e-5

STRATA = ("admin", "new")
SCORES = {"stratum": "string", "bin": "int64", "days": "int64"}
PARAMETERS = {
    "stratum": "string",
    "threshold": "int64",  # 1/4096 nat
    "edge": "int64",  # 1/4096 nat: scores above are the tail
    "tail": "float64",  # share of days above the edge
    "spread": "float64",  # 1/4096 nat
    "days": "int64",  # administrator-days behind these, decayed
}


def _day_scores() -> ir.Table:
    """The final score of each administrator's day; what was said counts as the threshold, so that
    an intruder's day does not raise it."""
    items = DAYS.items.table
    total = items.group_by("subject", "new_admin").aggregate(score=items.score.max())
    total = total.mutate(stratum=ibis.ifelse(total.new_admin, "new", "admin"))
    limits = table("unexpected_admin_action_parameters", PARAMETERS)
    joined = total.left_join(limits.select("stratum", "threshold"), "stratum")
    score = ibis.least(joined.score, joined.threshold.fill_null(WITHOUT_HISTORY))
    rows = joined.mutate(bin=score // BIN)
    return rows.group_by("stratum", "bin").aggregate(days=(rows.count() * UNIT).cast("int64"))


def _fold_scores(before: ir.Table, new: ir.Table) -> ir.Table:
    old = before.mutate(days=(before.days * DECAY_NUMERATOR) >> DECAY_SHIFT)
    both = old.filter(old.days > 0).union(new)
    folded = both.group_by("stratum", "bin").aggregate(days=both.days.sum().cast("int64"))
    return folded.select(*SCORES)


SCORE_DAYS = Profile("admin_scores", 1, SCORES, _day_scores().select(*SCORES), _fold_scores)


def _candidates() -> ir.Table:
    """Acts at which the score crosses the threshold, and first acts that break the glass, with
    the acts that led there."""
    limits = table("unexpected_admin_action_parameters", PARAMETERS)
    items = DAYS.items.table
    rows = items.mutate(stratum=ibis.ifelse(items.new_admin, "new", "admin"))
    rows = rows.join(limits, "stratum")
    crosses = (rows.score >= rows.threshold) & (rows.score - rows.value < rows.threshold)
    breaks = (rows.severity == BREAK_GLASS) & (rows.own_days == 0) & (rows.nth == 1)
    rows = rows.mutate(crosses=crosses, breaks=breaks)
    rows = rows.filter(rows.crosses | rows.breaks)
    led = items.select(
        led_subject="subject", led_at="at", led_score="score",
        told=items["at"].cast("string") + "|" + items.action + "|" + items.p.cast("string")
        + "|" + items.nth.cast("string") + "|" + items.own_days.cast("string"),
    )  # fmt: skip
    joined = rows.join(led, rows.subject == led.led_subject)
    joined = joined.filter((joined.led_at <= joined["at"]) & (joined.led_score <= joined.score))
    acts = joined.group_by("event_id", "at").aggregate(acts=joined.told.group_concat("\n"))
    chosen = rows.join(acts, ["event_id", "at"])
    active = people.table.filter(people.table.subject_type == "user")
    chosen = chosen.left_join(active.select("subject", "active_days"), "subject")
    return chosen.select(
        "event_id", "at", "subject", "subject_type", "action", "severity", "day_start", "network",
        "asn_name", "country", "family", "entity_type", "entity_id", "score", "crosses", "breaks",
        "new_admin", "admin_since", "role_changed", "admin_days", "active_days", "org_days",
        "org_admins", "new_network", "new_client", "new_hour", "new_target", "acts", "stratum",
        "threshold", "edge", "tail", "spread", "days",
    )  # fmt: skip


@dataclass(frozen=True)
class UnexpectedAdminAction:
    """An administrator's day that is odd for this administrator."""

    name: str = "unexpected_admin_action"
    version: int = 1
    reasons: tuple[str, ...] = ("unexpected_admin_action",)
    fidelity: str = "audit"
    share: float = SHARE
    repeat_seconds: tuple[int, ...] = (6 * 3600,)
    needs: tuple[str, ...] = ()
    learning_days: int = 14
    profiles: tuple[Profile, ...] = (*DAYS.profiles, SCORE_DAYS)
    steps: tuple[Step, ...] = (DAYS.done, DAYS.items)

    @property
    def parameter_schema(self) -> Mapping[str, str]:
        """The threshold of each stratum and the tail behind it."""
        return PARAMETERS

    @cached_property
    def candidates(self) -> ir.Table:
        """See `_candidates`."""
        return _candidates()

    def parameters(self, context: DayContext) -> pa.Table | None:
        """A threshold for each stratum, from administrator-days before this day."""
        if context.history_days < context.settings.warmup_days:
            return None
        scores = context.read(SCORE_DAYS.table).to_pylist()
        level = _level(context)
        pooled = _sorted(scores, STRATA)
        rows = []
        for stratum in STRATA:
            own = _sorted(scores, (stratum,))
            enough = sum(days for _, days in own) >= ENOUGH_DAYS * UNIT
            rows.append({"stratum": stratum, **limit(own if enough else pooled, level)})
        return pa.Table.from_pylist(rows, schema=arrow_schema(PARAMETERS))

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        """The anomaly: always, the threshold was crossed or the glass was broken."""
        p_value = min(
            _p_value(row) if row["crosses"] else 1.0, BREAK_GLASS_P if row["breaks"] else 1.0
        )
        acts = _acts(row["acts"])
        return Anomaly(
            reasons=self.reasons,
            p_value=p_value,
            threshold=row["threshold"] * 1000 // NAT,
            observed={
                "score_millinats": row["score"] * 1000 // NAT,
                "actions": [f"{name} (p = {p})" for name, p in acts],
                "deciding_action": row["action"],
                "target": f"{row['entity_type'] or ''} {row['entity_id'] or ''}".strip(),
                "circumstances": _circumstances(row),
                "network": row["network"] or "",
                "client": row["family"] or "",
            },
            usual=_usual(row),
            words=_words(row, acts, p_value),
            query=(
                "SELECT id, date_create, action, entity_type, entity_id, ip, ua FROM events WHERE "
                f"actor_id = {sql_text(row['subject'])} AND date_create BETWEEN {row['day_start']} "
                f"AND {row['at'] + 3600} ORDER BY date_create, id"
            ),
            silent_if=(
                f"{row['action']} done by this administrator on an earlier day"
                if row["breaks"]
                else "two other administrators who do the same, or days like this as a habit"
            ),
            repeat_key=f"broke the glass: {row['action']}" if row["breaks"] else "day",
            deciding_events=(row["event_id"],),
        )


def _sorted(scores: list[dict[str, Any]], strata: tuple[str, ...]) -> list[tuple[int, int]]:
    """Lower ends of bins (1/4096 nat) and days (UNITs), ascending."""
    sums: dict[int, int] = {}
    for row in scores:
        if row["stratum"] in strata:
            sums[row["bin"]] = sums.get(row["bin"], 0) + row["days"]
    return [(place * BIN, sums[place]) for place in sorted(sums)]


def limit(scores: list[tuple[int, int]], level: float) -> dict[str, Any]:
    """The score that a share of `level` of days reaches: the upper tenth of `scores` (score in
    1/4096 nat, days in UNITs, ascending) is taken to fall off exponentially."""
    total = sum(days for _, days in scores) / UNIT
    edge, above = 0, total
    for score, days in scores:
        if above - days / UNIT < TAIL * total:
            break
        above -= days / UNIT
        edge = score + BIN
    excess = sum((score + BIN - edge) * days / UNIT for score, days in scores if score >= edge)
    spread = (excess + PRIOR_SPREAD * PRIOR_TAIL_DAYS) / (above + PRIOR_TAIL_DAYS)
    tail = (above + 1) / (total + 1)
    reached = edge + spread * math.log(max(tail / level, 1.0))
    least = FLOOR if total >= ENOUGH_DAYS else WITHOUT_HISTORY
    return {
        "threshold": max(round(reached), least),
        "edge": edge,
        "tail": tail,
        "spread": spread,
        "days": round(total),
    }


def _level(context: DayContext) -> float:
    """Alarms for each administrator-day: the budget of all people is spent on the few who
    administer."""
    active = context.read(people.table.aggregate(days=people.table.active_days.sum()))
    admin = context.read(DAYS.days.table.aggregate(days=DAYS.days.table.days.sum()))
    days = [table["days"].to_pylist()[0] or 0 for table in (active, admin)]
    ratio = max(days[0] / days[1], 1.0) if days[1] else 1.0
    return min(context.share_per_subject_day(SHARE) * ratio, LARGEST_LEVEL)


def _p_value(row: Mapping[str, Any]) -> float:
    beyond = max(row["score"] - row["edge"], 0) / row["spread"]
    return float(min(row["tail"] * math.exp(-beyond), 1.0))


def _acts(packed: str) -> list[tuple[str, str]]:
    """Actions and their p, in order of time, of text made by `_candidates`."""
    acts = []
    for line in sorted(packed.split("\n")):
        _, action, p, nth, _ = line.split("|")
        name = action if nth == "1" else f"{action} {nth} times"
        acts.append((name, p_text(int(p) / CERTAIN)))
    return acts


def _circumstances(row: Mapping[str, Any]) -> list[str]:
    words = {
        "new_network": "network new to this person",
        "new_client": "client new to this person",
        "new_hour": "hour at which this administrator never works",
        "new_target": "target never administered before",
        "new_admin": "new to administration",
    }
    return [text for name, text in words.items() if row[name]]


def _usual(row: Mapping[str, Any]) -> dict[str, Any]:
    since = row["admin_since"]
    role = row["role_changed"]
    return {
        "administrator": {
            "days_of_administration": row["admin_days"],
            "first_seen_days_ago": None if since is None else (row["at"] - since) // 86_400,
            "role_changed_days_ago": None if role is None else (row["at"] - role) // 86_400,
            "active_days": row["active_days"] or 0,
        },
        "organization": {
            "administrators": row["org_admins"],
            "days_of_administration": row["org_days"],
            "days_compared": row["days"],
        },
    }


def _words(row: Mapping[str, Any], acts: list[tuple[str, str]], p_value: float) -> str:
    named = ", ".join(f"{name} (p = {p})" for name, p in acts[-6:])
    more = f" and {len(acts) - 6} more" if len(acts) > 6 else ""
    how = "; ".join(_circumstances(row)) or "usual circumstances"
    first = (
        f"{row['action']} for the first time, an act that breaks the glass"
        if row["breaks"]
        else f"A day of administration like one in {max(round(1 / max(p_value, 1e-9)), 1)}"
    )
    return (
        f"{first}: {named}{more}; {how}; {row['admin_days']} days of administration before "
        f"(score {row['score'] / NAT:.1f} nats, threshold {row['threshold'] / NAT:.1f})."
    )


DETECTOR = UnexpectedAdminAction()
