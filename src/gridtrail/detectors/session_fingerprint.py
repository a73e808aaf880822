"""session_fingerprint: what cannot be when one session is one device with one client.

Signs, each with a rate learned per organization (`gridtrail.detect.novelty`) from a prior that
says how rare it is by nature:

- another client or system than the session began with; a version below the session's newest one;
- use elsewhere after the session was ended by signing out, by a reset, or with the account (where
  its owner always is it was not ended, whatever the log says: no alarm);
- coming back to a network within half an hour with another one in between, where legitimate
  roaming is a handover (A, A, B, B): one of the two must be strange, to the person and to the
  organization, and none a VPN or relay. Phones change between Wi-Fi and their carrier all the
  time, so there the countries must differ, or one network belong to a hosting company;
- a hosting network or Tor in the middle of a session; two countries within half an hour.

Somebody whose networks always alternate (a split tunnel) is known by that after some days: the
p-value grows with the person's own rate, a Beta posterior in fixed point. Slack sees the cookie's
time stamp and traits of the client that no audit log shows. Method: SCIENCE B.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from gridtrail.detect import sessions as ss
from gridtrail.detect.contract import (
    DAY_SECONDS,
    LEARNING_SECONDS,
    Anomaly,
    DayContext,
    Profile,
    Step,
    table,
    today,
)
from gridtrail.detect.evidence import p_text, sql_text
from gridtrail.detect.novelty import PARAMETERS, Novelty
from gridtrail.detect.profiles import agents, broken_agents, known, people, releases
from gridtrail.detect.session_signs import ODD, SIGNS

SHARE = 0.05
HABIT_DAYS, HABIT_SECONDS = 3, 3 * DAY_SECONDS
"""Alternating counts as a person's habit from the third day on which it was shown, three days
after the first one at the earliest, so that one raid makes no habit."""
RARE_HABIT_DAYS, RARE_HABIT_SECONDS = 7, 14 * DAY_SECONDS
"""The same for all other signs: they are no way to work."""
HABITS = {
    "subject": "string",
    "category": "string",
    "first_day": "int64",  # seconds, start of the day
    "last_day": "int64",
    "days": "int64",
}
COMPUTERS = ("interleaved", "interleaved|country", "interleaved|hosted", "familiar")
PHONES = ("interleaved|mobile|country", "roaming", "flap")
"""Signs of alternating between networks, which are one habit."""

PRIORS = {
    "tor": 1e-6,
    "client_changed": 5e-6,
    "used_after_end": 5e-6,
    "interleaved|hosted": 8e-6,
    "interleaved|country": 8e-6,
    "interleaved|mobile|country": 1e-5,
    "version_decreased": 1e-5,
    "two_countries": 2e-5,
    "interleaved": 3e-5,
    "hosted": 4e-5,
    "without_session": 5e-5,
    # what honest people show; learned, but not said at an ordinary budget
    "common_version": 1e-3,
    "roaming": 1e-3,
    "newcomer": 1e-2,
    "familiar": 1e-2,
    "still_used": 1e-2,
    "flap": 3e-2,
}
"""Person-days that show each sign for the first time, before anything is learned. SCIENCE B.1
gives 1e-5 for a change of family, which is the p-value of `client_changed` here: its own rate and
those of all rarer signs. All that is said sums up to less than the nominal rate of 2.5e-4."""
PRIOR_DAYS = 20_000.0
"""So much that in a small organization a sign is said of four people or so before it is held for
ordinary: here what is rare is impossible rather than seldom."""
ABSOLUTE = ("tor", "client_changed", "interleaved|hosted", "interleaved|country")
ORDINARY = 2e-3
"""These are said whatever the budget, until more than so many person-days show them: then they are
ordinary in this organization."""
SPANNING_PEOPLE, SPANNING_SHARE = 5, 5
SPANNING_AT_ONCE = 2
SPANNING_P_VALUE = 1e-2
"""Two clients in one session are no sign where five people, and one in five of those with several
clients, showed that before; on the first days of a log, where two others did it earlier that
day."""
FROM_THE_START = ("tor", "client_changed")
"""Said before the organization has history enough for a network to be strange."""

_habits = table("session_habits", HABITS)


def _habit_fold(before: ir.Table, new: ir.Table) -> ir.Table:
    both = before.union(new)
    merged = both.group_by("subject", "category").aggregate(
        first_day=both.first_day.min(),
        last_day=both.last_day.max(),
        days=both.days.sum().cast("int64"),
    )
    kept = merged.cross_join(today)
    kept = kept.filter(kept.last_day >= kept.day_start - ss.SESSION_DAYS * DAY_SECONDS)
    return kept.select(*HABITS)


def _habit_summary() -> ir.Table:
    rows = SIGNS.table
    shown = rows.group_by("subject", "category").aggregate(
        first_day=rows.day_start.min(), last_day=rows.day_start.max()
    )
    return shown.mutate(days=ibis.literal(1, "int64")).select(*HABITS)


session_habits = Profile("session_habits", 1, HABITS, _habit_summary(), _habit_fold)
"""On how many days each person showed each sign."""
NOVELTY = Novelty(
    "session_fingerprint",
    # what goes on for days is one: a thief at work for a week must not make theft ordinary
    firsts=SIGNS.table.anti_join(_habits, ["subject", "category"]),
    exposed=ss.EVENTS.table.semi_join(people.table, "subject"),
    priors=PRIORS,
    prior_days=PRIOR_DAYS,
)


def _grouped(rows: ir.Table) -> ir.Table:
    """Adds `habit`: signs of one kind, of which a person may make a habit."""
    return rows.mutate(
        habit=ibis.cases(
            (rows.category.isin(COMPUTERS), "alternates"),
            (rows.category.isin(PHONES), "flaps"),
            else_=rows.category,
        )
    )


def _candidates() -> ir.Table:
    habits = _grouped(_habits)
    own = habits.group_by("subject", "habit").aggregate(
        habit_days=habits.days.sum().cast("int64"), habit_since=habits.first_day.min()
    )
    everybody = habits.group_by("habit").aggregate(all_habit_days=habits.days.sum().cast("int64"))
    active = people.table.filter(people.table.subject_type == "user").aggregate(
        all_days=people.table.active_days.sum().cast("int64").fill_null(0)
    )
    rows = _grouped(SIGNS.table).join(NOVELTY.parameters_table, "category")
    rows = rows.left_join(own, ["subject", "habit"]).drop("subject_right", "habit_right")
    rows = rows.left_join(everybody, "habit").drop("habit_right").cross_join(active)
    rows = rows.cross_join(_spanning_sessions())
    changed = ibis.ifelse(rows.category == "client_changed", rows.subject, None)
    nth = ibis.row_number().over(group_by=changed, order_by=[rows["at"], rows.event_id])
    rows = rows.mutate(fresh=(changed.notnull() & (nth == 0)).cast("int64"))
    earlier = ibis.range_window(preceding=(None, 1), order_by=rows["at"])
    return rows.mutate(
        habit_days=rows.habit_days.fill_null(0),
        all_habit_days=rows.all_habit_days.fill_null(0),
        crowd=rows.fresh.sum().over(earlier).fill_null(0).cast("int64"),
    ).drop("fresh")


def _spanning_sessions() -> ir.Table:
    """One row: how many people used several clients, and how many of all showed two in a session
    before."""
    used = agents.table.select("subject", "family")
    used = used.union(broken_agents.table.select("subject", "family"))
    many = used.group_by("subject").aggregate(families=used.family.nunique())
    many = many.filter(many.families >= 2).aggregate(people_many=ibis._.count())
    changed = _habits.filter(_habits.category == "client_changed")
    return many.cross_join(changed.aggregate(people_changed=changed.subject.nunique()))


@dataclass(frozen=True)
class SessionFingerprint:
    """A session that is used by more than one device, or after its end."""

    name: str = "session_fingerprint"
    version: int = 2
    reasons: tuple[str, ...] = ("session_fingerprint",)
    fidelity: str = "audit-proxy"
    share: float = SHARE
    repeat_seconds: tuple[int, ...] = (3600, DAY_SECONDS)
    needs: tuple[str, ...] = ("session_id",)
    learning_days: int = 14
    profiles: tuple[Profile, ...] = (
        people,
        known,
        agents,
        broken_agents,
        releases,
        ss.sessions,
        ss.session_networks,
        ss.session_resets,
        session_habits,
        NOVELTY.profile,
    )
    steps: tuple[Step, ...] = (*ss.STEPS, ODD, SIGNS)

    @property
    def parameter_schema(self) -> Mapping[str, str]:
        """P-values of the signs."""
        return PARAMETERS

    @cached_property
    def candidates(self) -> ir.Table:
        """First events of signs in each hour of a session, with the habits of their people."""
        return _candidates()

    def parameters(self, context: DayContext) -> pa.Table | None:
        """P-values of all signs; those of the priors while the organization is new."""
        return NOVELTY.rates(context)

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        """The anomaly, when the sign is rare enough for the detector's share of the budget."""
        p_value = min(row["p_value"] * habit_factor(row, context.day_start), 1.0)
        if spans_devices(row, context):
            p_value = max(p_value, SPANNING_P_VALUE)
        level = context.share_per_subject_day(self.share)
        if row["category"] in ABSOLUTE:
            level = max(level, ORDINARY)
        young = context.history_days < context.settings.warmup_days
        if p_value > level or (young and row["category"] not in FROM_THE_START):
            return None
        return Anomaly(
            reasons=self.reasons,
            p_value=p_value,
            threshold=p_text(level),
            observed=_observed(row),
            usual=_usual(row),
            words=f"{_words(row)} (p = {p_text(p_value)}).",
            query=_query(row),
            silent_if=(
                "the same sign on three days or more of this person's, more people of the "
                "organization who show it, or an allow-list entry"
            ),
            repeat_key=f"{row['session']} {row['category']}",
            deciding_events=(row["event_id"],),
        )


def spans_devices(row: Mapping[str, Any], context: DayContext) -> bool:
    """Whether sessions of this organization are not those of one device: its log names one session
    for all clients of a person. A tool, and a strange place once places are known, stay odd."""
    device = bool(row["os"]) and not row["automated"]
    if row["category"] != "client_changed" or not device:
        return False
    if context.history_days * DAY_SECONDS < LEARNING_SECONDS and row["crowd"] >= SPANNING_AT_ONCE:
        return True
    custom = row["people_changed"] >= SPANNING_PEOPLE and (
        row["people_changed"] * SPANNING_SHARE >= row["people_many"]
    )
    young = context.history_days < context.settings.warmup_days
    return custom and (young or not row["strange"])


def habit_factor(row: Mapping[str, Any], day_start: int) -> int:
    """How much more often than others this person shows such signs, as a whole number from 1.

    Beta posteriors in millionths: days with the sign over active days, the organization's with a
    prior of one in 500 days, the person's with the organization's, worth 20 days. 1 while it is no
    habit (see HABIT_DAYS).
    """
    seldom = row["habit"] not in ("alternates", "flaps")
    days, span = (RARE_HABIT_DAYS, RARE_HABIT_SECONDS) if seldom else (HABIT_DAYS, HABIT_SECONDS)
    since = row["habit_since"]
    if row["habit_days"] < days or since is None or since > day_start - span:
        return 1
    usual = (row["all_habit_days"] + 1) * 1_000_000 // (row["all_days"] + 500)
    own = (row["habit_days"] * 1_000_000 + 20 * usual) // (row["active_days"] + 20)
    return int(max(own // max(usual, 1), 1))


def _observed(row: Mapping[str, Any]) -> dict[str, Any]:
    """What was seen: both clients, both networks, when it went from one to the other, and the
    session's birth."""
    mark = row["place_before"]
    before = mark[ss.MARK :].split("|", 3) if mark else []
    networks: list[dict[str, Any]] = []
    if before:
        networks.append(
            {"at": row["other_at"], "network": before[0], "kind": before[1], "country": before[2],
             "name": before[3]}
        )  # fmt: skip
    here = {
        "at": row["at"], "network": row["network"] or "", "kind": row["kind"],
        "country": row["country"] or "", "name": row["asn_name"] or "",
    }  # fmt: skip
    if row["here_before"] is not None:
        networks.append({**here, "at": row["here_before"]})
    networks.sort(key=lambda seen: (seen["at"], seen["network"]))
    birth_place = row["birth_place"]
    return {
        "category": row["category"],
        "client": {"lineage": row["client"] or "", "version": row["client_version"] or ""},
        "networks": [*networks, here],
        "session": {
            "id": row["session"] if row["keyed"] else "",
            "first_at": row["first_at"],
            "first_client": row["birth_client"] or "",
            "first_network": birth_place[ss.MARK :] if birth_place else "",
            "ended_at": row["out_at"],
            "alternations_before_today": row["alternations"],
        },
    }


def _usual(row: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    return {
        "person": {"active_days": row["active_days"], "days_like_this": row["habit_days"]},
        "organization": {
            "days_like_this": row["all_habit_days"],
            "active_days": row["all_days"],
            "new_people_with_this_sign": row["seen"],
            "person_days": row["of"],
        },
    }


def _words(row: Mapping[str, Any]) -> str:
    mark = row["place_before"]
    parts = mark[ss.MARK :].split("|", 3) if mark else ["", "", "", ""]
    there = _place(parts[0], parts[3], parts[1], parts[2])
    here = _place(row["network"], row["asn_name"], row["kind"], row["country"])
    category = row["category"]
    back = (
        f"the session came back to {here} within half an hour of it, in between it was on {there}"
    )
    told = {
        "client_changed": f"a session of {_client(row['birth_client'])} is used by "
        f"{_client(row['client'])} from {here}",
        "used_after_end": f"the session was ended {(row['at'] - row['out_at']) // 60} minutes "
        f"before, and is used from {here}",
        "version_decreased": f"{_client(row['client'])} {row['client_version']} is older than what "
        "this session had, where versions only go up",
        "tor": f"the session is used through Tor, {here}; before it was on {there}",
        "hosted": f"in its middle the session appears on {here}, new to this person and to the "
        "organization",
        "two_countries": f"the session is on {here} "
        f"{(row['at'] - (row['other_at'] or row['at'])) // 60} minutes after {there}",
        "without_session": f"this person's client came back to {here} within half an hour, in "
        f"between it was on {there} (the events name no session)",
    }.get(category, back)
    return f"One session is one device, but {told}"


def _client(lineage: str | None) -> str:
    family, system, _ = (lineage or "an unknown client||").rsplit("|", 2)
    return f"{family} on {system}" if system else family


def _place(network: str | None, name: str | None, kind: str, country: str | None) -> str:
    label = f"{name or network or 'an unknown network'}"
    more = ", ".join(part for part in (kind if kind != "unknown" else "", country) if part)
    return f"{label} ({more})" if more else label


def _query(row: Mapping[str, Any]) -> str:
    session = f" AND session_id = {sql_text(row['session'])}" if row["keyed"] else ""
    return (
        "SELECT id, date_create, action, ip, ua, session_id FROM events WHERE actor_id = "
        f"{sql_text(row['subject'])}{session} AND date_create BETWEEN {row['at'] - DAY_SECONDS} "
        f"AND {row['at'] + 3600} ORDER BY date_create, id"
    )


DETECTOR = SessionFingerprint()
