"""unexpected_scraping: somebody's own session is read by a machine.

Four signs are put together, each as −ln of how rare it is among people, and alarm at one in
100,000:

- breadth: different files, canvases, lists and channels within a minute, ten minutes or an hour.
  People stay below about 50 events an hour 999 of 1,000 times (SCIENCE C); a real bulk copy took
  1,168 objects in 27 seconds;
- a client that is a tool, unknown, or not what it says, and new for this person;
- contrast: the session had another client before. Slack's own detector is known to look at this
  ("a Go client in a session born on the desktop", slack/api.md 3.3);
- even gaps: the last twenty gaps between reads differ by less than a machine's jitter.

A person's usual client needs forty different things within a minute; a new tool twenty in ten
minutes or thirty in an hour. A client that is no tool and that one in ten people uses is a usual
one, though we do not know it or it breaks the grammar that we know. One streamed video is one
thing. The audit log names no channel of a file, so that how much of a channel was read is not
seen. Events of apps are not somebody's own session: what apps take is the affair of
`excessive_downloads`. Method: SCIENCE B.1.
"""

from __future__ import annotations

import math
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
from gridtrail.detect.counting import LARGEST_LOG, logs
from gridtrail.detect.evidence import sql_text
from gridtrail.detect.profiles import FORGET_DAYS, agents, broken_agents, known
from gridtrail.detect.thresholds import LOG_SCALE

READS = (
    "canvas_downloaded", "canvas_opened", "file_download_blocked", "file_downloaded",
    "file_downloaded_blocked", "list_downloaded", "list_opened", "message_activity_viewed",
    "public_channel_preview", "user_channel_join",
)  # fmt: skip
"""Actions that show somebody a thing."""

ALARM = 11_513
"""−ln(1e-5) in thousandths (SCIENCE B.1)."""
RARE = 6_908
SLOPE = 3_300
"""Beyond what one in 1,000 spans of people reaches, surprise grows by 3.3 for each factor e: one in
100 sessions has 25 events, one in 1,000 hours has 50 (SCIENCE C)."""
REFERENCE = {60: 12, 600: 25, 3600: 50}
"""Different things within so many seconds that one in 1,000 active spans of people reaches."""
PERSON_FLOORS = {60: 40, 600: 150, 3600: 400}
"""Different things within so many seconds that only a machine reads, whatever its client is."""
TOOL_FLOORS = {600: 20, 3600: 30}
NEW_TOOL, SHARED_TOOL = 8_517, 4_605
"""One in 5,000 person-days shows a new tool (as in the detectors of clients); one in 100 where five
people use it."""
CONTRAST = 2_303
EVEN = 3_000
GAPS = 20
EVEN_SPREAD = 1_229  # standard deviation of ln gap, 0.3 · 4096
SHARED_BY = 5
COMMON = 10  # one of so many people: whoever attacks that many has the organization already
HOT = 5
"""Different things in ten minutes of the clock below which no floor can be reached."""
HABIT_DAYS, HABIT_SECONDS = 3, 7 * DAY_SECONDS
"""What was found on three days over a week is how this person works, or somebody saw to it."""

SPANS = {60: "a minute", 600: "ten minutes", 3600: "an hour"}
LANE = ["subject", "session", "lineage", "well_formed"]
HABITS = {
    "subject": "string",
    "family": "string",
    "first_day": "int64",  # seconds, start of the day
    "last_day": "int64",
    "days": "int64",
}


def _reads() -> ir.Table:
    rows = day_events.filter(
        day_events.own
        & (day_events.subject_type == "user")
        & day_events.action.isin(READS)
        & day_events.entity_id.notnull()
    )
    stranger = ~rows.well_formed | (rows.client_kind == "unknown")
    return rows.select(
        "day_start", "event_id", "at", "subject", "subject_type", "well_formed", "automated",
        item="entity_id", session=rows.session_id.fill_null(""),
        lineage=rows.lineage.fill_null(""), family=rows.family.fill_null(""),
        defect=rows.defect.fill_null(""), stranger=stranger.fill_null(False),
    )  # fmt: skip


READ = Step("scraping_reads", _reads())


def _busy() -> ir.Table:
    """First reads of each thing in lanes (one client in one session) that were ever hot."""
    rows = READ.table
    bucket = rows["at"] - rows["at"] % 600
    spans = rows.mutate(bucket=bucket).group_by(*LANE, "bucket")
    hot = spans.aggregate(things=rows.item.nunique())
    lanes = hot.filter(hot.things >= HOT).select(*LANE).distinct()
    kept = rows.semi_join(lanes, LANE)
    again = ibis.row_number().over(
        group_by=[*(kept[c] for c in LANE), kept.item], order_by=[kept["at"], kept.event_id]
    )
    first = kept.mutate(again=again)
    return first.filter(first.again == 0).drop("again")


BUSY = Step("scraping_busy", _busy())


def _measured() -> ir.Table:
    """Breadth within each span and evenness of the last gaps, at each first read."""
    rows = BUSY.table
    lane = [rows[c] for c in LANE]
    order = [rows["at"], rows.event_id]
    before = rows["at"].lag().over(ibis.window(group_by=lane, order_by=order))
    gap = ibis.least(ibis.greatest(rows["at"] - before.fill_null(rows["at"]), 1), LARGEST_LOG)
    broad = {
        f"in_{span}": rows.count().over(
            ibis.range_window(preceding=span - 1, following=0, group_by=lane, order_by=rows["at"])
        )
        for span in REFERENCE
    }
    rows = rows.mutate(gap=gap.cast("int64"), **broad)
    rows = rows.left_join(logs.rename(gap_log="y"), rows.gap == logs.value).drop("value")
    last = ibis.window(
        group_by=[rows[c] for c in LANE],
        order_by=[rows["at"], rows.event_id],
        preceding=GAPS - 1,
        following=0,
    )
    total, squares = rows.gap_log.sum().over(last), (rows.gap_log * rows.gap_log).sum().over(last)
    even = (rows.count().over(last) == GAPS) & (
        GAPS * squares - total * total < GAPS * GAPS * EVEN_SPREAD * EVEN_SPREAD
    )
    return rows.mutate(even=even)


def _common_strangers() -> ir.Table:
    """Clients that we do not know, or that break the grammar we know, and that are ordinary in
    this organization for days: one in COMMON people uses them (of a known family: of the people
    with that family). Slack changes its agents, and a proxy may shorten them."""
    unknown = agents.table.filter(agents.table.client_kind == "unknown")
    everybody = agents.table.aggregate(of=agents.table.subject.nunique())
    strange = unknown.group_by("family").aggregate(
        users=unknown.subject.nunique(), since=unknown.first_at.min()
    )
    strange = strange.mutate(defect=ibis.literal("")).cross_join(everybody)
    broken = broken_agents.table.group_by("family", "defect").aggregate(
        users=broken_agents.table.subject.nunique(), since=broken_agents.table.first_at.min()
    )
    whole = agents.table.select("family", "subject")
    used = whole.union(broken_agents.table.select("family", "subject"))
    all_with = used.group_by("family").aggregate(of=used.subject.nunique())
    broken = broken.join(all_with, "family")
    columns = ["family", "defect", "users", "since", "of"]
    both = strange.select(*columns).union(broken.select(*columns)).cross_join(today)
    return both.filter(
        (both.users >= SHARED_BY)
        & (both.users * COMMON >= both.of)
        & (both.since <= both.day_start - LEARNING_SECONDS)
    ).select(common_family="family", common_defect="defect")


def _with_history() -> ir.Table:
    rows = _measured()
    common = _common_strangers()
    rows = rows.left_join(
        common, [rows.family == common.common_family, rows.defect == common.common_defect]
    )
    stranger = rows.stranger & rows.common_family.isnull()
    rows = rows.mutate(foreign=rows.automated.fill_null(False) | stranger)
    rows = rows.drop("common_family", "common_defect")
    own = agents.table.group_by("subject", "family").aggregate(
        family_since=agents.table.first_at.min(), family_days=agents.table.days.max()
    )
    families = agents.table.group_by("family").aggregate(
        people_with_client=agents.table.subject.nunique(),
        client_since=agents.table.first_at.min(),
    )
    sessions = known.table.filter(known.table.dimension == "session_lineage")
    any_client = sessions.group_by(session="entity").aggregate(session_known=sessions.count())
    this_client = sessions.select(session="entity", lineage="value", lineage_known="events")
    rows = rows.left_join(own, ["subject", "family"]).drop("subject_right", "family_right")
    rows = rows.left_join(families, "family").drop("family_right")
    rows = rows.left_join(any_client, "session").drop("session_right")
    return rows.left_join(this_client, ["session", "lineage"]).drop(
        "session_right", "lineage_right"
    )


def _surprise() -> ir.Table:
    """The rows that alarm: `surprise` in thousandths of a natural unit, and what it is made of."""
    rows = _with_history()
    settled = rows.family_since <= rows.day_start - LEARNING_SECONDS
    usual = (settled & (rows.family_days >= 2)).fill_null(False)
    shared = (
        (rows.people_with_client >= SHARED_BY)
        & (rows.client_since <= rows.day_start - LEARNING_SECONDS)
    ).fill_null(False)
    tool = rows.foreign & ~usual
    contrast = (rows.session_known.fill_null(0) > 0) & rows.lineage_known.isnull()
    for span in REFERENCE:
        table = logs.rename({f"log_{span}": "y"})
        count = ibis.least(rows[f"in_{span}"], LARGEST_LOG)
        rows = rows.left_join(table, count == table.value).drop("value")
    breadth = ibis.greatest(
        *(
            RARE + SLOPE * (rows[f"log_{span}"] - round(math.log(many) * LOG_SCALE)) // LOG_SCALE
            for span, many in REFERENCE.items()
        ),
        0,
    )
    zero = ibis.literal(0, "int64")
    client = ibis.cases((tool & shared, SHARED_TOOL), (tool, NEW_TOOL), else_=0)
    surprise = breadth + client + ibis.ifelse(tool & contrast, CONTRAST, zero)
    scored = rows.mutate(
        tool=tool,
        contrast=contrast & tool,
        surprise=(surprise + ibis.ifelse(rows.even, EVEN, zero)).cast("int64"),
        people_with_client=rows.people_with_client.fill_null(0),
    )
    person, tools = (
        ibis.or_(*(scored[f"in_{span}"] >= floor for span, floor in floors.items()))
        for floors in (PERSON_FLOORS, TOOL_FLOORS)
    )
    enough = person | (scored.tool & tools)
    found = scored.filter((scored.surprise >= ALARM) & enough)
    # one an hour and client is enough to be told: what goes on is held back anyway
    first = ibis.row_number().over(
        group_by=[*(found[c] for c in LANE), found["at"] // 3600],
        order_by=[found["at"], found.event_id],
    )
    told = found.mutate(first=first)
    return told.filter(told.first == 0).select(
        "day_start", "event_id", "at", "subject", "subject_type", "session", "lineage", "family",
        "well_formed", "surprise", "tool", "contrast", "even", "people_with_client",
        *(f"in_{span}" for span in REFERENCE),
    )  # fmt: skip


FOUND = Step("scraping_found", _surprise())


def _habits() -> Profile:
    rows = FOUND.table
    summary = rows.group_by("subject", "family").aggregate(
        first_day=rows.day_start.min(),
        last_day=rows.day_start.max(),
        days=ibis.literal(1, "int64"),
    )

    def fold(before: ir.Table, new: ir.Table) -> ir.Table:
        both = before.union(new)
        merged = both.group_by("subject", "family").aggregate(
            first_day=both.first_day.min(),
            last_day=both.last_day.max(),
            days=both.days.sum().cast("int64"),
        )
        kept = merged.cross_join(today)
        kept = kept.filter(kept.last_day >= kept.day_start - FORGET_DAYS * DAY_SECONDS)
        return kept.select(*HABITS)

    return Profile("scraping_habits", 1, HABITS, summary.select(*HABITS), fold)


HABIT = _habits()


def _candidates() -> ir.Table:
    rows = FOUND.table
    habits = HABIT.table.rename(habit_days="days")
    joined = rows.left_join(habits, ["subject", "family"])
    return joined.drop("subject_right", "family_right")


@dataclass(frozen=True)
class UnexpectedScraping:
    """A person's own session that reads as no person does."""

    name: str = "unexpected_scraping"
    version: int = 2
    reasons: tuple[str, ...] = ("unexpected_scraping",)
    fidelity: str = "audit"
    share: float = 0.03
    repeat_seconds: tuple[int, ...] = (3600, 4 * 3600, DAY_SECONDS)
    needs: tuple[str, ...] = ("file_downloaded", "ua")
    learning_days: int = 3
    profiles: tuple[Profile, ...] = (agents, broken_agents, known, HABIT)
    steps: tuple[Step, ...] = (READ, BUSY, FOUND)

    @property
    def parameter_schema(self) -> Mapping[str, str]:
        """None are needed: what people can do does not differ by organization."""
        return {}

    @cached_property
    def candidates(self) -> ir.Table:
        """The read at which it could no longer be a person, once an hour."""
        return _candidates()

    def parameters(self, context: DayContext) -> pa.Table | None:
        """Nothing but whether it is known yet which tools are in use."""
        return pa.table({}) if context.history_days >= self.learning_days else None

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly:
        """The anomaly of the read that decided."""
        span, count = _telling(row)
        habit = (row["habit_days"] or 0) >= HABIT_DAYS
        long_ago = habit and row["last_day"] - row["first_day"] >= HABIT_SECONDS
        return Anomaly(
            reasons=self.reasons,
            p_value=math.exp(-row["surprise"] / 1000),
            threshold=f"surprise of {ALARM} thousandths (p = 1e-05)",
            observed={
                "distinct_things": count,
                "within_seconds": span,
                "client": row["family"],
                "client_is_new_tool": int(row["tool"]),
                "session_had_another_client": int(row["contrast"]),
                "even_gaps": int(row["even"]),
            },
            usual={
                "people": {"999_of_1000_below": REFERENCE[span]},
                "organization": {"people_with_this_client": row["people_with_client"]},
            },
            words=_words(row, span, count),
            query=(
                "SELECT id, date_create, action, entity_id, entity_name, ua, ip FROM events WHERE "
                f"app_id IS NULL AND actor_id = {sql_text(row['subject'])} AND date_create BETWEEN "
                f"{row['at'] - span + 1} AND {row['at']} ORDER BY date_create, id"
            ),
            silent_if=_silent_if(row),
            repeat_key=f"scraping {row['family']}",
            deciding_events=(row["event_id"],),
            details={"scraping_tool": _tool(row)} if row["tool"] else {},
            silenced="usual for this person and client" if long_ago else None,
        )


def _telling(row: Mapping[str, Any]) -> tuple[int, int]:
    """The span (seconds) whose breadth surprises most, and how many things it had."""
    span = max(REFERENCE, key=lambda s: (row[f"in_{s}"] / REFERENCE[s], -s))
    return span, row[f"in_{span}"]


LANGUAGES = {"Go-http-client": "Go", "python-requests": "Python", "Python-urllib": "Python"}


def scraping_tool(family: str) -> str:
    """The words for `scraping_tool`: `Go-based tool` as Slack writes it, else the client's name."""
    language = LANGUAGES.get(family)
    return f"{language}-based tool" if language else family or "unknown tool"


def _tool(row: Mapping[str, Any]) -> str:
    said = scraping_tool(row["family"])
    return said if row["well_formed"] else f"tool posing as {said}"


def _words(row: Mapping[str, Any], span: int, count: int) -> str:
    signs = [f"{count} different things within {SPANS[span]}"]
    if row["tool"]:
        signs.append(f"{_tool(row)} is new to this person")
    if row["contrast"]:
        signs.append("the session had another client before")
    if row["even"]:
        signs.append(f"the last {GAPS} gaps are even like a machine's")
    return (
        f"Read by a machine in the person's own session: {'; '.join(signs)}. In 999 of 1,000 cases "
        f"people stay below {REFERENCE[span]}."
    )


def _silent_if(row: Mapping[str, Any]) -> str:
    if not row["tool"]:
        return (
            f"fewer than {PERSON_FLOORS[60]} different things within a minute, "
            f"{PERSON_FLOORS[600]} in ten minutes and {PERSON_FLOORS[3600]} in an hour"
        )
    return (
        f"fewer than {TOOL_FLOORS[600]} different things in ten minutes and {TOOL_FLOORS[3600]} in "
        "an hour, or a client that the person has used for three days"
    )


DETECTOR = UnexpectedScraping()
