"""user_agent and unexpected_user_agent: a person's session is used by a client that is odd.

Three things are odd, each with a rate learned per organization (`gridtrail.detect.novelty`):

- a client that people are not expected to use (a tool, a library, an unknown name), new for this
  person: `unexpected_user_agent` with `user_agent`;
- another kind of client or system inside one session, where one session is one device;
- an older version than this person had, older than anything in common use. Versions only go up,
  yet roll-outs are slow and roll-backs happen: what three people used within 45 days is common.

The client grammar is `gridtrail.enrich.clients`. Method: SCIENCE B.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from gridtrail.detect.contract import (
    DAY_SECONDS,
    LEARNING_SECONDS,
    Anomaly,
    DayContext,
    Profile,
    Step,
    day_events,
    today,
)
from gridtrail.detect.evidence import p_text, sql_text
from gridtrail.detect.novelty import PARAMETERS, Novelty
from gridtrail.detect.profiles import agents, known, people, releases

SHARE = 0.15
TENURE_DAYS = 5
COMMON_PEOPLE = 3
COMMON_DAYS = 45
SHARED_BY = 5  # people using a client family, first of them three days ago: a client like others

PRIORS = {
    "unexpected_unknown": 1e-4,
    "unexpected_tool": 2e-4,
    "unexpected_browser": 4e-4,
    "client_changed": 1e-4,
    "version_downgrade": 1e-4,
}
"""Person-days that show each, before anything is learned. Tools in a person's own session are
rare by design of Slack's clients; client changes inside a session should not happen at all
(SCIENCE B.1 gives 1e-5 for them; ten times that allows for faults of our own reading)."""

CHANGE_DETAILS = {"client_changed": "client-changed", "version_downgrade": "version-downgrade"}
"""Values for `user_agent_change_details`; Slack's own are not published (slack/api.md 3.1)."""

_own = day_events.filter(
    day_events.own
    & (day_events.subject_type == "user")
    & day_events.ua.notnull()
    & day_events.lineage.notnull()
).select(
    "day_start", "event_id", "at", "action", "subject", "subject_type", "session_id", "teaches",
    "family", "client_kind", "client_version", "version_key", "lineage", "os", "automated",
    "well_formed", "expected_client",
)  # fmt: skip


def _first_shown() -> ir.Table:
    """The first event today of each client and version in each session of each person, with the
    number of earlier events of the session today and those of the same lineage."""
    session = _own.session_id.fill_null("")
    again = ibis.row_number().over(
        group_by=[_own.subject, session, _own.lineage, _own.version_key],
        order_by=[_own["at"], _own.event_id],
    )
    in_session = ibis.range_window(preceding=(None, 1), group_by=session, order_by=_own["at"])
    in_lineage = ibis.range_window(
        preceding=(None, 1), group_by=[session, _own.lineage], order_by=_own["at"]
    )
    rows = _own.mutate(
        again=again,
        session_before=_own.teaches.sum().over(in_session).fill_null(0),
        lineage_before=_own.teaches.sum().over(in_lineage).fill_null(0),
    )
    return rows.filter(rows.again == 0).drop("again")


def _common_releases() -> ir.Table:
    """Oldest version of each lineage that three people used within 45 days."""
    rows = releases.table.cross_join(today)
    recent = rows.filter(rows.last_at >= rows.day_start - COMMON_DAYS * DAY_SECONDS)
    popular = recent.group_by("lineage", "version_key").aggregate(people=recent.subject.nunique())
    popular = popular.filter(popular.people >= COMMON_PEOPLE)
    return popular.group_by("lineage").aggregate(oldest_common=popular.version_key.min())


def _own_releases() -> ir.Table:
    """Newest version that each person had in each lineage."""
    rows = releases.table
    return rows.group_by("subject", "lineage").aggregate(newest_own=rows.version_key.max())


def _families() -> ir.Table:
    """How many people use each client family within 30 days, and since when."""
    rows = agents.table.cross_join(today)
    recent = rows.filter(rows.last_at >= rows.day_start - 30 * DAY_SECONDS)
    return recent.group_by("family").aggregate(
        people_with_client=recent.subject.nunique(), client_since=recent.first_at.min()
    )


def _sessions() -> tuple[ir.Table, ir.Table]:
    rows = known.table.filter(known.table.dimension == "session_lineage")
    any_client = rows.group_by("entity").aggregate(session_known=rows.events.sum())
    this_client = rows.select("entity", lineage="value", lineage_known="events")
    return any_client, this_client


SHOWN = Step("user_agent_shown", _first_shown())


def _with_history() -> ir.Table:
    first = SHOWN.table
    any_client, this_client = _sessions()
    own_family = agents.table.select(
        "subject", "family", family_since="first_at", family_days="days"
    )
    own_exact = releases.table.select(
        "subject", "lineage", "version_key", exact_last=releases.table.last_at
    )
    rows = first.left_join(any_client, first.session_id == any_client.entity).drop("entity")
    rows = rows.left_join(
        this_client,
        [rows.session_id == this_client.entity, rows.lineage == this_client.lineage],
    ).drop("entity", "lineage_right")
    rows = rows.left_join(own_family, ["subject", "family"]).drop("subject_right", "family_right")
    rows = rows.left_join(own_exact, ["subject", "lineage", "version_key"]).drop(
        "subject_right", "lineage_right", "version_key_right"
    )
    rows = rows.left_join(_own_releases(), ["subject", "lineage"]).drop(
        "subject_right", "lineage_right"
    )
    rows = rows.left_join(_common_releases(), "lineage").drop("lineage_right")
    return rows.left_join(_families(), "family").drop("family_right")


def _categorized() -> ir.Table:
    rows = _with_history()
    shared = (
        (rows.people_with_client.fill_null(0) >= SHARED_BY)
        & (rows.client_since <= rows.day_start - 3 * DAY_SECONDS)
        & ~rows.automated
    ).fill_null(False)
    own_known = (
        (rows.family_since <= rows["at"] - LEARNING_SECONDS) & (rows.family_days >= 2)
    ).fill_null(False)
    unexpected = ~rows.expected_client & ~shared & ~own_known & rows.well_formed
    changed = (
        rows.session_id.notnull()
        & ((rows.session_known.fill_null(0) > 0) | (rows.session_before > 0))
        & (rows.lineage_known.fill_null(0) == 0)
        & (rows.lineage_before == 0)
        & (rows.action != "user_login")
    )
    downgrade = (
        (rows.version_key < rows.newest_own)
        & (rows.version_key < rows.oldest_common)
        & (rows.version_key > 0)
        & (rows.exact_last.isnull() | (rows.exact_last < rows.day_start - 45 * DAY_SECONDS))
    ).fill_null(False)
    category = ibis.cases(
        (unexpected & rows.automated, "unexpected_tool"),
        (unexpected & (rows.client_kind == "web"), "unexpected_browser"),
        (unexpected, "unexpected_unknown"),
        (changed, "client_changed"),
        (downgrade, "version_downgrade"),
    )
    marked = rows.mutate(
        category=category,
        client_changed=changed,
        people_with_client=rows.people_with_client.fill_null(0),
    )
    return marked.filter(marked.category.notnull())


ODD_CLIENTS = Step("user_agent_firsts", _categorized())
# in somebody's first days every client is a first: that says nothing of how rare firsts are
_tenured = people.table.filter(people.table.active_days >= TENURE_DAYS)
NOVELTY = Novelty(
    "user_agent",
    firsts=ODD_CLIENTS.table.semi_join(_tenured, "subject"),
    exposed=_own.semi_join(_tenured, "subject"),
    priors=PRIORS,
)


@dataclass(frozen=True)
class UserAgent:
    """A client that is odd for this person's session."""

    name: str = "user_agent"
    version: int = 1
    reasons: tuple[str, ...] = ("user_agent", "unexpected_user_agent")
    fidelity: str = "audit"
    share: float = SHARE
    repeat_seconds: tuple[int, ...] = (DAY_SECONDS,)
    needs: tuple[str, ...] = ("ua",)
    learning_days: int = 14
    profiles: tuple[Profile, ...] = (people, known, releases, agents, NOVELTY.profile)
    steps: tuple[Step, ...] = (SHOWN, ODD_CLIENTS)

    @property
    def parameter_schema(self) -> Mapping[str, str]:
        """P-values of the categories."""
        return PARAMETERS

    @cached_property
    def candidates(self) -> ir.Table:
        """First events of odd clients."""
        return ODD_CLIENTS.table.join(NOVELTY.parameters_table, "category")

    def parameters(self, context: DayContext) -> pa.Table | None:
        """P-values of all categories, once the organization has history enough."""
        return NOVELTY.parameters(context)

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        """The anomaly, when this first is rare enough for the detector's share of the budget."""
        level = context.share_per_subject_day(self.share)
        if row["p_value"] > level:
            return None
        unexpected = row["category"].startswith("unexpected")
        changes = [CHANGE_DETAILS[row["category"]]] if not unexpected else []
        if unexpected and row["client_changed"]:
            changes = ["client-changed"]
        return Anomaly(
            reasons=("unexpected_user_agent", "user_agent") if unexpected else ("user_agent",),
            p_value=row["p_value"],
            threshold=p_text(level),
            observed={
                "client": row["family"] or "",
                "client_kind": row["client_kind"] or "",
                "version": row["client_version"] or "",
                "system": row["os"] or "",
                "category": row["category"],
            },
            usual={
                "organization": {
                    "people_with_this_client": row["people_with_client"],
                    "person_days_like_this": row["seen"],
                    "person_days": row["of"],
                }
            },
            words=_words(row),
            query=(
                "SELECT id, date_create, action, ip, ua, session_id FROM events WHERE actor_id = "
                f"{sql_text(row['subject'])} AND date_create BETWEEN {row['at'] - DAY_SECONDS} "
                f"AND {row['at'] + 3600} ORDER BY date_create, id"
            ),
            silent_if="this client on the list of expected clients, or an allow-list entry",
            repeat_key=f"{row['category']} {row['family']}",
            deciding_events=(row["event_id"],),
            details={"user_agent_change_details": changes},
        )


def _words(row: Mapping[str, Any]) -> str:
    client = " ".join(part for part in (row["family"], row["client_version"]) if part)
    told = {
        "unexpected_tool": f"{client} is a tool, not a client that people use",
        "unexpected_browser": f"{client} is not among the browsers that are expected here",
        "unexpected_unknown": f"{client} is no known client",
        "client_changed": f"the session went over to another client, {client} on {row['os']}",
        "version_downgrade": f"{client} is older than what this person had and than anything in "
        "common use",
    }[row["category"]]
    return (
        f"In the person's own session: {told}; {row['people_with_client']} people of the "
        f"organization used it in 30 days, and firsts like this were seen on {row['seen']} of "
        f"{row['of']} person-days (p = {p_text(row['p_value'])})."
    )


DETECTOR = UserAgent()
