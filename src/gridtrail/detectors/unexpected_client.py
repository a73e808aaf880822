"""unexpected_client: a kind of client that this person never used and hardly any colleague does.

Kinds are desktop, web, ios, android, sdk, tool and unknown. A first phone, a second browser or a
new laptop is life: only a kind that fewer than one in fifty of the person's workspace used within
a month is looked at, for people with some tenure, unless three others take it up on the same day
(a roll-out). What `unexpected_user_agent` or `spoofed_user_agent` says of the same event is not
said again. How often such firsts happen here gives the p-value. Method: SCIENCE B.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from gridtrail.detect.client_history import (
    COMMON_PEOPLE,
    HISTORY,
    OWN,
    PROFILES,
    STEPS,
    TENURE_DAYS,
    TENURED,
)
from gridtrail.detect.contract import DAY_SECONDS, Step, today
from gridtrail.detect.novelty import Novelty
from gridtrail.detect.novelty_detector import NoveltyDetector, Told
from gridtrail.detect.profiles import agents, people

RARE = 50  # fewer than one of so many colleagues use it
RECENT_DAYS = 30
ENOUGH_COLLEAGUES = 10
"""In a smaller workspace all that nobody else has is no sign: the organization is looked at."""
REPEAT_SECONDS = 7 * DAY_SECONDS

PRIORS = {
    "desktop": 3e-5,
    "ios": 3e-5,
    "android": 3e-5,
    "web": 3e-5,
    "sdk": 2e-5,
    "tool": 2e-5,
    "unknown": 2e-5,
}
"""Person-days that show a kind new to the person and rare among colleagues, before anything is
learned: 1.5 % of people a month take up a new kind of device, and by definition few of them one
that hardly anybody has."""


def _kind(rows: ir.Table) -> ir.StringValue:
    kind: ir.StringValue = ibis.cases(
        ((rows.client_kind == "mobile") & (rows.os == "iOS"), "ios"),
        (rows.client_kind == "mobile", "android"),
        (rows.client_kind == "bot", "tool"),
        else_=rows.client_kind,
    )
    return kind


def _kinds_before() -> tuple[ir.Table, ir.Table, ir.Table]:
    """The kinds each person ever used, and how many people of each workspace used each kind
    within 30 days, and used anything."""
    rows = agents.table.cross_join(today)
    rows = rows.mutate(kind=_kind(rows))
    own = rows.group_by("subject", "kind").aggregate(kind_since=rows.first_at.min())
    lately = rows.last_at >= rows.day_start - RECENT_DAYS * DAY_SECONDS
    recent = rows.filter(lately & (rows.client_kind != "none"))
    homes = people.table.select("subject", "team")
    recent = recent.join(homes, "subject")
    everywhere = recent.mutate(team=ibis.literal(""))
    placed = recent.union(everywhere.select(*recent.columns))
    placed = placed.filter(placed.team.notnull())
    using = placed.group_by("team", "kind").aggregate(people_kind=placed.subject.nunique())
    all_of = placed.group_by("team").aggregate(people_all=placed.subject.nunique())
    return own, using, all_of


def _new_kinds() -> ir.Table:
    """The first event of each person of a kind of client that is new to the person, with how many
    others took it up in earlier seconds today."""
    own, using, all_of = _kinds_before()
    rows = HISTORY.table.mutate(kind=_kind(HISTORY.table))
    rows = rows.filter(rows.client_kind != "none")
    rows = rows.left_join(own, ["subject", "kind"]).drop("subject_right", "kind_right")
    rows = rows.filter(rows.kind_since.isnull())
    rows = rows.mutate(
        nth=ibis.row_number().over(
            group_by=[rows.subject, rows.kind], order_by=[rows["at"], rows.event_id]
        )
    )
    rows = rows.filter(rows.nth == 0).drop("nth")
    earlier = ibis.range_window(preceding=(None, 1), group_by=rows.kind, order_by=rows["at"])
    rows = rows.mutate(crowd=rows.event_id.count().over(earlier))
    rows = _compared(rows, using, all_of)
    some_days = people.table.select("subject", "active_days")
    rows = rows.join(some_days, "subject")
    rare = rows.people_kind * RARE < rows.people_all
    said_elsewhere = rows.unexpected | ~rows.well_formed
    return rows.filter(
        rare
        & ~said_elsewhere
        & (rows.active_days >= TENURE_DAYS)
        & (rows.crowd < COMMON_PEOPLE)
        & (rows.people_all >= ENOUGH_COLLEAGUES)
    )


def _compared(rows: ir.Table, using: ir.Table, all_of: ir.Table) -> ir.Table:
    """Adds how many colleagues there are and use the kind: of the workspace when it is large
    enough, else of the organization."""
    sizes = all_of.rename(people_team="people_all")
    rows = rows.left_join(sizes, "team").drop("team_right")
    small = rows.people_team.fill_null(0) < ENOUGH_COLLEAGUES
    rows = rows.mutate(compared=ibis.ifelse(small, "", rows.team)).drop("people_team")
    rows = rows.left_join(all_of.rename(compared="team"), "compared").drop("compared_right")
    rows = rows.left_join(using.rename(compared="team"), ["compared", "kind"])
    rows = rows.drop("compared_right", "kind_right")
    return rows.mutate(
        people_kind=rows.people_kind.fill_null(0), people_all=rows.people_all.fill_null(0)
    )


def _categorized() -> ir.Table:
    rows = _new_kinds()
    return rows.mutate(category=rows.kind)


NEW_KINDS = Step("unexpected_kinds", _categorized())
NOVELTY = Novelty(
    "unexpected_client",
    firsts=NEW_KINDS.table.semi_join(TENURED, "subject"),
    exposed=OWN.semi_join(TENURED, "subject"),
    priors=PRIORS,
)

WORDS = {
    "desktop": "Slack's desktop app",
    "ios": "Slack's iPhone app",
    "android": "Slack's Android app",
    "web": "a browser",
    "sdk": "a library for Slack's API",
    "tool": "a tool",
    "unknown": "an unknown client",
}


@dataclass(frozen=True, kw_only=True)
class UnexpectedClient(NoveltyDetector):
    """A kind of client that is new to the person and rare among colleagues."""

    def told(self, row: Mapping[str, Any]) -> Told:
        """The kind, and how many colleagues use it."""
        client = " ".join(part for part in (row["family"], row["client_version"]) if part)
        place = "workspace" if row["compared"] else "organization"
        return Told(
            reasons=("unexpected_client",),
            words=f"First use of {WORDS[row['kind']]} ({client}) after {row['active_days']} active "
            f"days; {row['people_kind']} of {row['people_all']} people of the {place} use that "
            "kind of client",
            observed={
                "client": row["family"] or "",
                "client_kind": row["kind"],
                "version": row["client_version"] or "",
                "system": row["os"] or "",
            },
            usual={
                "people_with_this_kind": row["people_kind"],
                "people": row["people_all"],
            },
            repeat_key=row["kind"],
            silent_if=f"one in {RARE} colleagues with that kind of client, three people who take "
            "it up on one day, or an allow-list entry",
            details={
                "detected_client": (row["family"] or row["kind"])[:80],
                "detected_os": row["os"] or "unknown",
            },
        )


DETECTOR = UnexpectedClient(
    name="unexpected_client",
    version=1,
    reasons=("unexpected_client",),
    share=0.05,
    novelty=NOVELTY,
    firsts=NEW_KINDS.table,
    profiles=(*PROFILES, NOVELTY.profile),
    steps=(*STEPS, NEW_KINDS),
    repeat_seconds=(REPEAT_SECONDS,),
)
