"""What detectors of lists have in common: an address that stood on one when it was used.

Membership speaks for itself, whatever was usual: nothing is learned, the p-value is fixed, and it
is said once a day for each subject. Events of people count in their own sessions only, events of
apps always.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from gridtrail.detect.contract import (
    DAY_SECONDS,
    Anomaly,
    DayContext,
    Profile,
    Step,
    day_events,
    table,
)
from gridtrail.detect.evidence import sql_text
from gridtrail.detect.profiles import people, seen_profile
from gridtrail.enrich.address_lists import ALWAYS, FOREVER

LISTS = {
    "ip": "string",
    "listed_name": "string",
    "listed_from": "int64",
    "listed_to": "int64",
    "ioc_from": "int64",
    "ioc_to": "int64",
    "asn_from": "int64",
    "asn_to": "int64",
}
address_lists = table("addresses", LISTS)
"""The times of what is listed, by address as it stands in events."""

HOUR = 3600
SHOWN = (
    "event_id", "at", "action", "subject", "subject_type", "ip", "network", "address_kind", "asn",
    "asn_name", "country", "family", "ioc_list", "asn_list",
)  # fmt: skip

judged = day_events.filter(
    (day_events.own | (day_events.subject_type == "app")) & day_events.ip.notnull()
)
"""Events whose address is that of the subject: people in their own sessions, and apps."""


def hourly(events: ir.Table, *columns: str) -> ir.Table:
    """The first event of each subject in each clock hour, with what evidence shows."""
    nth = ibis.row_number().over(
        group_by=[events.subject, events.subject_type, events["at"] // HOUR],
        order_by=[events["at"], events.event_id],
    )
    first = events.select(*SHOWN, *columns, nth=nth)
    return first.filter(first.nth == 0).drop("nth")


def with_habits(rows: ir.Table, habit: Profile) -> ir.Table:
    """Adds on how many days the subject was active, and did the same, before today."""
    active = people.table.select("subject", "subject_type", "active_days")
    rows = rows.left_join(active, ["subject", "subject_type"])
    rows = rows.drop("subject_right", "subject_type_right")
    before = habit.table.select("subject", days_before="days")
    return rows.left_join(before, "subject").drop("subject_right")


@dataclass(frozen=True, kw_only=True)
class ListedDetector:
    """Base of a detector of one list.

    `listed` are the events of `judged` on the list, `source` names the columns of LISTS with
    their times. `p_value` is fixed. `need` is the setting that must name a list.
    """

    name: str
    version: int
    reasons: tuple[str, ...]
    listed: ir.Table
    source: str
    p_value: float
    share: float
    need: str
    fidelity: str = "audit"
    repeat_seconds: tuple[int, ...] = (DAY_SECONDS,)
    learning_days: int = 0
    steps: tuple[Step, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """Addresses, and the setting that names a list."""
        return ("ip", self.need)

    @cached_property
    def habit(self) -> Profile:
        """On which days each subject used such an address: told, never excused."""
        return seen_profile(f"{self.name}_before", 1, ("subject",), self.listed)

    @cached_property
    def profiles(self) -> tuple[Profile, ...]:
        """Who is there, and who did it before."""
        return (people, self.habit)

    @property
    def parameter_schema(self) -> Mapping[str, str]:
        """None: membership needs no threshold."""
        return {}

    @cached_property
    def candidates(self) -> ir.Table:
        """The first listed event of each subject and hour, with the times of the entry."""
        source = self.source
        times = address_lists.select(
            "ip",
            "listed_name",
            entry_from=address_lists[f"{source}_from"],
            entry_to=address_lists[f"{source}_to"],
        )
        rows = hourly(self.listed).left_join(times, "ip").drop("ip_right")
        return with_habits(rows, self.habit)

    def parameters(self, context: DayContext) -> pa.Table | None:
        """No rows: it speaks from the first day on."""
        return pa.table({})

    def list_name(self, row: Mapping[str, Any]) -> str:
        """The list that the address is on."""
        return str(row[f"{self.source}_list"] or "")

    def sentence(self, row: Mapping[str, Any]) -> str:
        """What happened, without a full stop."""
        raise NotImplementedError

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        """The anomaly: always."""
        source, when = self.list_name(row), span(row["entry_from"], row["entry_to"])
        before = row["days_before"] or 0
        return Anomaly(
            reasons=self.reasons,
            p_value=self.p_value,
            threshold="on the list",
            observed=where(row) | {"list": source, "entry": when},
            usual={"days_active": row["active_days"] or 0, "days_like_this": before},
            words=f"{self.sentence(row)} ({source or 'address file'}, {when}); the same on "
            f"{before} of {row['active_days'] or 0} active days before.",
            query=around(row),
            silent_if=f"an allow-list entry for {clean(row['ip'])} or its network, or its removal "
            f"from {source or 'the address file'}",
            repeat_key="",
            deciding_events=(row["event_id"],),
        )


def clean(text: str | None) -> str:
    """Text of an event for a sentence: printable, and not long."""
    return "".join(c for c in (text or "") if c.isprintable())[:80]


def where(row: Mapping[str, Any]) -> dict[str, Any]:
    """The address and whose it is, for evidence."""
    return {
        "ip": row["ip"],
        "network": row["network"] or "",
        "network_name": row["asn_name"] or "",
        "kind": row["address_kind"] or "",
        "country": row["country"] or "",
        "client": row["family"] or "",
    }


def span(start: int | None, end: int | None) -> str:
    """The days of an entry in words; seconds, null where no list with times says it."""
    first = "" if start in (None, ALWAYS) else f"from {_day(start)} "
    last = "" if end in (None, 0) or end >= FOREVER else f"to {_day(end)}"
    return f"listed {first}{last}".strip() if first or last else "listed without times"


def _day(seconds: int) -> str:
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return str(seconds)


def around(row: Mapping[str, Any]) -> str:
    """SQL that shows what the subject did in the hours around the deciding event."""
    subject = sql_text(row["subject"])
    return (
        "SELECT id, date_create, action, ip, ua, session_id FROM events WHERE (actor_id = "
        f"{subject} OR app_id = {subject}) AND date_create BETWEEN {row['at'] - HOUR} AND "
        f"{row['at'] + HOUR} ORDER BY date_create, id"
    )
