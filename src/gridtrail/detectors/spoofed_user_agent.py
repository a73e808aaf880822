"""spoofed_user_agent: what calls itself a client of people is not that client.

1. The agent claims to be one of Slack's clients and breaks its grammar
   (`gridtrail.enrich.slack_agents`). That alone is enough, from the first day on.

Else two of three must come together:

2. mispaired: three people use this Slack version, three this Chrome with this Electron, but never
   three both together: Slack builds each version on one pair;
3. frozen: a client that updates itself, yet what was superseded in the organization more than 45
   days ago. Who is behind like others (three people with this very version, or one in twenty as
   far behind: pinned pools, laggards) is not frozen;
4. machine: the client's events come like a clock's, or in 20 different hours of the day.

Audit logs hold no TLS traits, by which Slack itself sees this, so it is a proxy; where an event's
details carry them they are shown. Always with `unexpected_client`. Method: SCIENCE B.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from gridtrail.detect.client_history import (
    COMMON_PEOPLE,
    NONE,
    ONE,
    OWN,
    PROFILES,
    SHARED_BY,
    SHOWN,
    TENURED,
)
from gridtrail.detect.contract import DAY_SECONDS, LEARNING_SECONDS, Step, today
from gridtrail.detect.novelty import Novelty
from gridtrail.detect.novelty_detector import NoveltyDetector, Told
from gridtrail.detect.profiles import agents, broken_agents, people, releases

FROZEN_DAYS = 45
RECENT_DAYS = 30
BEHIND_LIKE_OTHERS = 20  # of so many people on a system one may be as far behind
UPDATES_ITSELF = (
    "Slack Desktop", "Slack iOS", "Slack Android", "Chrome", "Edge", "Firefox",
)  # fmt: skip

CLOCK_GAPS = 20
CLOCK_SPAN = 1800  # seconds; a batch that the app itself fetches is over sooner
CLOCK_MEAN = 10  # seconds between events at least, for the same reason
DUTY_HOURS = 20

PRIORS = {
    "invalid": 1e-5,
    "invalid_shared": 1e-2,
    "mispaired, frozen": 2e-5,
    "mispaired, machine": 2e-5,
    "frozen, machine": 5e-5,
}
"""Person-days that show each, before anything is learned: no honest client breaks its own grammar;
two independent marks of one in a hundred each make one in ten thousand (SCIENCE B.1: a likelihood
ratio of 1e4). When three people show the same break on one day or five within a month, Slack has
changed its grammar; in the first days of a log the second is enough, while nobody shows the family
whole."""

BUILD = ("subject", "lineage", "version_key", "chrome_major", "electron_major")


def _builds() -> tuple[ir.Table, ir.Table, ir.Table]:
    """How many people used each version, each pair of Chrome and Electron, and both together."""
    rows = releases.table.filter(releases.table.electron_major > 0)
    version = rows.group_by("version_key").aggregate(people_version=rows.subject.nunique())
    pair = rows.group_by("chrome_major", "electron_major").aggregate(
        people_pair=rows.subject.nunique()
    )
    both = rows.group_by("version_key", "chrome_major", "electron_major").aggregate(
        people_build=rows.subject.nunique()
    )
    return version, pair, both


def _superseded() -> tuple[ir.Table, ir.Table]:
    """Since when three people have each version of each lineage, and who uses it lately."""
    rows = releases.table.cross_join(today)
    versions = rows.group_by("lineage", "version_key").aggregate(
        common_since=rows.first_at.min(), people=rows.subject.nunique()
    )
    common = versions.filter(versions.people >= COMMON_PEOPLE)
    recent = rows.filter(rows.last_at >= rows.day_start - RECENT_DAYS * DAY_SECONDS)
    newest = recent.group_by("subject", "lineage").aggregate(newest=recent.version_key.max())
    return common, newest


def _with_builds() -> ir.Table:
    rows = SHOWN.table
    version, pair, both = _builds()
    rows = rows.left_join(version, "version_key").drop("version_key_right")
    rows = rows.left_join(pair, ["chrome_major", "electron_major"])
    rows = rows.drop("chrome_major_right", "electron_major_right")
    keys = ["version_key", "chrome_major", "electron_major"]
    rows = rows.left_join(both, keys).drop(*[f"{key}_right" for key in keys])
    few = rows.people_build.fill_null(0) < COMMON_PEOPLE
    mispaired = (
        (rows.electron_major > 0)
        & (rows.people_version >= COMMON_PEOPLE)
        & (rows.people_pair >= COMMON_PEOPLE)
        & few
    )
    return rows.mutate(mispaired=mispaired.fill_null(False))


def _frozen() -> ir.Table:
    """Lineage and version shown today that were superseded long ago, and how many people lately
    have just that one, or one as old, or any of the lineage."""
    common, newest = _superseded()
    rows = SHOWN.table
    rows = rows.filter(rows.family.isin(UPDATES_ITSELF) & (rows.version_key > 0))
    shown = rows.select("day_start", "lineage", "version_key").distinct()
    newer = common.select("lineage", newer="version_key", superseded="common_since")
    newer = shown.join(newer, "lineage")
    newer = newer.filter(newer.newer > newer.version_key)
    old = newer.group_by("day_start", "lineage", "version_key").aggregate(
        superseded=newer.superseded.min()
    )
    old = old.filter(old.superseded < old.day_start - FROZEN_DAYS * DAY_SECONDS)
    people = old.join(newest, "lineage")
    return people.group_by("lineage", "version_key", "superseded").aggregate(
        same=(people.newest == people.version_key).sum().cast("int64"),
        behind=(people.newest <= people.version_key).sum().cast("int64"),
        of=people.subject.nunique(),
    )


def _marked() -> ir.Table:
    """Agents shown today that break the grammar, are mispaired or frozen."""
    rows = _with_builds()
    frozen = _frozen().rename(people_same="same", people_behind="behind", people_of="of")
    rows = rows.left_join(frozen, ["lineage", "version_key"])
    rows = rows.drop("lineage_right", "version_key_right")
    alone = (rows.people_same < COMMON_PEOPLE) & (
        (rows.people_behind - 1) * BEHIND_LIKE_OTHERS <= rows.people_of
    )
    rows = rows.mutate(frozen=alone.fill_null(False))
    return rows.filter(~rows.well_formed | rows.mispaired | rows.frozen)


MARKED = Step("spoofed_marked", _marked())


def _machines() -> ir.Table:
    """Builds with one mark whose events today, up to some second, look like a machine's: that
    second for each person and build, with what was counted up to then."""
    one_mark = MARKED.table.filter(MARKED.table.mispaired != MARKED.table.frozen)
    rows = OWN.semi_join(one_mark, list(BUILD))
    seconds = rows.group_by("day_start", *BUILD, "at").aggregate(event_id=rows.event_id.min())
    hour = (seconds["at"] - seconds.day_start) // 3600
    seconds = seconds.mutate(hour=hour.cast("int64"))
    build = [seconds[key] for key in BUILD]
    in_hour = ibis.window(group_by=[*build, seconds.hour], order_by=seconds["at"])
    in_day = ibis.window(group_by=build, order_by=seconds["at"])
    seconds = seconds.mutate(
        gap=seconds["at"] - seconds["at"].lag().over(in_day),
        new_hour=ibis.ifelse(ibis.row_number().over(in_hour) == 0, ONE, NONE),
    )
    so_far = ibis.range_window(
        preceding=(None, 0), group_by=[seconds[key] for key in BUILD], order_by=seconds["at"]
    )
    seconds = seconds.mutate(
        gaps=seconds.gap.count().over(so_far),
        span=seconds.gap.sum().over(so_far).cast("int64"),
        squares=(seconds.gap * seconds.gap).sum().over(so_far).cast("int64"),
        hours=seconds.new_hour.sum().over(so_far).cast("int64"),
    )
    return _first_odd(seconds)


def _first_odd(seconds: ir.Table) -> ir.Table:
    clock = (
        (seconds.gaps >= CLOCK_GAPS)
        & (seconds.span >= CLOCK_SPAN)
        & (seconds.span >= CLOCK_MEAN * seconds.gaps)
        # the gaps vary by less than 0.3 of their mean: n * squares / span^2 < 1.09
        & (100 * seconds.gaps * seconds.squares < 109 * seconds.span * seconds.span)
    )
    odd = seconds.filter(clock.fill_null(False) | (seconds.hours >= DUTY_HOURS))
    nth = ibis.row_number().over(group_by=[odd[key] for key in BUILD], order_by=odd["at"])
    odd = odd.mutate(nth=nth)
    return odd.filter(odd.nth == 0).select(*BUILD, "at", "event_id", "gaps", "span", "hours")


MACHINES = Step("spoofed_machines", _machines())


def _shared_breaks() -> ir.Table:
    """How many people broke each rule within 30 days."""
    rows = broken_agents.table.cross_join(today)
    recent = rows.filter(rows.last_at >= rows.day_start - RECENT_DAYS * DAY_SECONDS)
    return recent.group_by("family", "defect").aggregate(people_broken=recent.subject.nunique())


def _whole() -> ir.Table:
    """Since when somebody shows each family as its grammar wants it."""
    rows = SHOWN.table.filter(SHOWN.table.well_formed)
    now = rows.group_by("family").aggregate(whole_at=rows["at"].min())
    before = agents.table.group_by("family").aggregate(whole_at=agents.table.first_at.min())
    both = before.union(now.select(*before.columns))
    return both.group_by(whole_family="family").aggregate(whole_at=both.whole_at.min())


def _beginning() -> ir.Table:
    """One row: when the log of the organization begins, null on its first day."""
    return people.table.aggregate(begun_at=people.table.first_at.min())


def _at_once() -> ir.Table:
    """Agents that are marked enough when they first appear."""
    rows = MARKED.table
    people = [rows.family, rows.defect, rows.subject]
    nth = ibis.row_number().over(group_by=people, order_by=[rows["at"], rows.event_id])
    rows = rows.mutate(fresh=ibis.ifelse(nth == 0, ONE, NONE))
    earlier = ibis.range_window(
        preceding=(None, 1), group_by=[rows.family, rows.defect], order_by=rows["at"]
    )
    rows = rows.mutate(crowd=rows.fresh.sum().over(earlier).fill_null(0))
    rows = rows.left_join(_shared_breaks(), ["family", "defect"])
    whole = _whole()
    rows = rows.left_join(whole, rows.family == whole.whole_family).cross_join(_beginning())
    unproven = (rows.whole_at.isnull() | (rows.whole_at >= rows["at"])) & (
        rows.begun_at.isnull() | (rows.begun_at >= rows.day_start - LEARNING_SECONDS)
    )
    crowd = ibis.ifelse(unproven, 1, COMMON_PEOPLE)
    shared = (rows.crowd >= crowd) | (rows.people_broken >= SHARED_BY).fill_null(False)
    category = ibis.cases(
        (~rows.well_formed & shared, "invalid_shared"),
        (~rows.well_formed, "invalid"),
        (rows.mispaired & rows.frozen, "mispaired, frozen"),
    )
    rows = rows.mutate(category=category, gaps=NONE, span=NONE, hours=NONE)
    return rows.filter(rows.category.notnull())


def _categorized() -> ir.Table:
    rows = MARKED.table
    one_mark = rows.filter(rows.mispaired != rows.frozen)
    build = [one_mark[key] for key in BUILD]
    nth = ibis.row_number().over(group_by=build, order_by=[one_mark["at"], one_mark.event_id])
    one_mark = one_mark.mutate(nth=nth)
    one_mark = one_mark.filter(one_mark.nth == 0).drop("at", "event_id")
    machine = one_mark.join(MACHINES.table, list(BUILD))
    machine = machine.mutate(
        category=ibis.ifelse(machine.mispaired, "mispaired, machine", "frozen, machine")
    )
    columns = [
        "day_start", "subject", "subject_type", "event_id", "at", "category", "family",
        "client_version", "os", "chrome_major", "electron_major", "defect", "ja3", "ja4",
        "people_version", "people_build", "people_behind", "people_of", "superseded", "gaps",
        "span", "hours",
    ]  # fmt: skip
    return _at_once().select(*columns).union(machine.select(*columns))


SPOOFED = Step("spoofed_clients", _categorized())
NOVELTY = Novelty(
    "spoofed_user_agent",
    firsts=SPOOFED.table.semi_join(TENURED, "subject"),
    exposed=OWN.semi_join(TENURED, "subject"),
    priors=PRIORS,
)


@dataclass(frozen=True, kw_only=True)
class SpoofedUserAgent(NoveltyDetector):
    """A client that is not what its user agent says."""

    def told(self, row: Mapping[str, Any]) -> Told:
        """Which marks, and what stands against them."""
        client = " ".join(part for part in (row["family"], row["client_version"]) if part)
        rule = row["defect"] or row["category"]
        tls = {f"client_{name}_fingerprint": row[name] for name in ("ja3", "ja4") if row[name]}
        return Told(
            reasons=("spoofed_user_agent", "unexpected_client"),
            words=f"What calls itself {client} is not that client: {_marks(row)}",
            observed={
                "client": row["family"] or "",
                "version": row["client_version"] or "",
                "system": row["os"] or "",
                "chrome": row["chrome_major"],
                "electron": row["electron_major"],
                "broken_rule": rule,
                "days_superseded": _days_superseded(row),
                "gaps": row["gaps"],
                "seconds_of_gaps": row["span"],
                "hours_with_events": row["hours"],
                **tls,
            },
            usual={
                "people_with_this_version": row["people_version"] or 0,
                "people_with_this_build": row["people_build"] or 0,
                "people_as_far_behind": row["people_behind"] or 0,
                "people_on_this_system": row["people_of"] or 0,
            },
            repeat_key=f"{row['family']} {row['os']}",
            silent_if="five people with the same broken agent, three with the same version or "
            "build, or an allow-list entry",
            details={"detected_client": "unknown", "detected_os": row["os"] or "unknown", **tls},
        )


def _days_superseded(row: Mapping[str, Any]) -> int:
    if row["superseded"] is None:
        return 0
    return int((row["day_start"] - row["superseded"]) // DAY_SECONDS)


def _marks(row: Mapping[str, Any]) -> str:
    if row["defect"]:
        return f"it breaks the grammar of Slack's own agents ({row['defect']})"
    build = f"Chrome {row['chrome_major']} and Electron {row['electron_major']}"
    told = {
        "mispaired": f"{row['people_version'] or 0} people use this version, "
        f"{row['people_build'] or 0} of them with {build}",
        "frozen": f"it was superseded {_days_superseded(row)} days ago, and "
        f"{row['people_behind'] or 0} of {row['people_of'] or 0} people are as far behind",
        "machine": f"its events came in {row['hours']} hours of the day, after "
        f"{row['gaps']} gaps of {row['span'] // max(row['gaps'], 1)} seconds on average",
    }
    return "; ".join(told[mark] for mark in row["category"].split(", "))


DETECTOR = SpoofedUserAgent(
    name="spoofed_user_agent",
    version=2,
    reasons=("spoofed_user_agent", "unexpected_client"),
    share=0.05,
    fidelity="audit-proxy",
    novelty=NOVELTY,
    firsts=SPOOFED.table,
    profiles=(*PROFILES, broken_agents, NOVELTY.profile),
    steps=(SHOWN, MARKED, MACHINES, SPOOFED),
    absolute=frozenset({"invalid"}),
    from_the_start=frozenset({"invalid"}),
    learning_days=0,
)
