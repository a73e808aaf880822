"""The administrative acts of a day, beside what is usual for each administrator.

A day's score of an administrator is the sum, over the distinct actions so far, of weight by
severity times surprise −ln p(action | administrator, shrunk to the organization), times what is
new about the circumstances (network, client, time of day, target), plus a step where one action is
done far more often than ever. All in whole numbers of 1/4096 nat, so that every engine finds the
same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import ibis
import ibis.expr.types as ir

from gridtrail.detect.contract import (
    DAY_SECONDS,
    LEARNING_SECONDS,
    Profile,
    Step,
    day_events,
    today,
)
from gridtrail.detect.counting import logs
from gridtrail.detect.profiles import FORGET_DAYS, agents, known, people, seen_profile

NAT = 4096
CERTAIN = 100_000
"""Probabilities are whole numbers of 1/CERTAIN, at least one."""
SHRINKAGE = 5
"""So many days of an administrator weigh as much as what the organization does."""
ORG_PRIOR_DAYS = 50
MOST_SURPRISE = 7 * NAT
"""One act is never taken for rarer than one in 1,100 days: it takes two, or odd circumstances."""
WEIGHTS = {1: 25, 2: 50, 3: 100, 4: 150, 5: 200}
"""Percent of the surprise that counts, by severity."""
MASS_FACTOR, MASS_LEAST, MASS_VALUE = 4, 2, 3 * NAT
"""One action done four times as often as on any day before (at least eight times) is worth three
nats more."""
NEW_NETWORK, NEW_CLIENT, NEW_HOUR, NEW_TARGET = 60, 40, 20, 20
"""Percent on top for an act from a network or with a client that is new to the person, at an hour
or on a target that is new to the administrator."""
NEW_ADMIN_DAYS = 14
RUNBOOK = 2
"""An act that so many other administrators know is one of a runbook: half the surprise."""
SHARED_BY = 5
HOURS = 4
USED_TO_IT = 20
"""Days of administration before an unusual hour means anything."""

ACTIONS = {
    "subject": "string", "action": "string", "first_at": "int64", "last_at": "int64",
    "days": "int64", "most": "int64",
}  # fmt: skip
TIMES = {"subject": "string", "block": "int64", "last_at": "int64", "days": "int64"}


@dataclass(frozen=True)
class AdminDays:
    """Relations over the acts that `severities` names (action -> 1 to 5)."""

    severities: Mapping[str, int]

    @property
    def acts(self) -> ir.Table:
        """Administrative acts of people in their own sessions."""
        return self.done.table

    @cached_property
    def done(self) -> Step:
        """What `acts` reads, computed once a day."""
        return Step("admin_acts", self._acts())

    def _acts(self) -> ir.Table:
        rows = day_events.filter(
            day_events.own
            & (day_events.subject_type == "user")
            & day_events.action.isin(sorted(self.severities))
        )
        severity = ibis.cases(
            *(
                (rows.action.isin(sorted(a for a, s in self.severities.items() if s == level)), s)
                for level, s in ((level, ibis.literal(level, "int64")) for level in WEIGHTS)
                if level in self.severities.values()
            )
        )
        target = ibis.ifelse(rows.entity_type == "user", rows.entity_id, ibis.null("string"))
        return rows.select(
            "day_start", "event_id", "at", "action", "subject", "subject_type", "network",
            "address_kind", "asn_name", "country", "family", "entity_type", "entity_id",
            severity=severity, target=target,
            block=(rows["at"] - rows.day_start) // (HOURS * 3600),
        )  # fmt: skip

    # profiles -------------------------------------------------------------------------------

    @cached_property
    def actions(self) -> Profile:
        """On how many days each administrator did each action, and how often on one day at
        most."""
        summary = self.acts.group_by("subject", "action").aggregate(
            first_at=self.acts["at"].min(),
            last_at=self.acts["at"].max(),
            days=ibis.literal(1, "int64"),
            most=self.acts.count().cast("int64"),
        )
        return Profile("admin_actions", 1, ACTIONS, summary.select(*ACTIONS), _fold_actions)

    @cached_property
    def days(self) -> Profile:
        """On how many days each administrator did anything."""
        return seen_profile("admin_days", 1, ("subject",), self.acts)

    @cached_property
    def targets(self) -> Profile:
        """Which people each administrator dealt with."""
        acts = self.acts.filter(self.acts.target.notnull())
        return seen_profile("admin_targets", 1, ("subject", "entity_id"), acts)

    @cached_property
    def times(self) -> Profile:
        """In which four hours of the day (UTC) each administrator works."""
        summary = self.acts.group_by("subject", "block").aggregate(
            last_at=self.acts["at"].max(), days=ibis.literal(1, "int64")
        )
        return Profile("admin_times", 1, TIMES, summary.select(*TIMES), _fold_times)

    @cached_property
    def roles(self) -> Profile:
        """When people were given a role."""
        changes = day_events.filter(
            day_events.action.startswith("role_change_to_") & (day_events.entity_type == "user")
        )
        return seen_profile("role_changes", 1, ("entity_id",), changes)

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """All of them, and the shared ones that are read."""
        own = (self.actions, self.days, self.targets, self.times, self.roles)
        return (people, known, agents, *own)

    # the day --------------------------------------------------------------------------------

    @cached_property
    def items(self) -> Step:
        """What counts in the score, one row an event: first acts of an action, and acts en masse.

        Adds `value` and `score`, the administrator's score so far today, and what they are made
        of.
        """
        return Step("admin_items", _scored(self._counted()))

    def _counted(self) -> ir.Table:
        acts = self.acts
        nth = ibis.row_number().over(
            group_by=[acts.subject, acts.action], order_by=[acts["at"], acts.event_id]
        )
        rows = _with_habit(acts.mutate(nth=nth + 1), self.actions.table)
        rows = rows.mutate(mass=ibis.greatest(rows.own_most, rows.others_most, MASS_LEAST))
        rows = rows.mutate(mass=rows.mass * MASS_FACTOR)
        rows = rows.filter((rows.nth == 1) | ((rows.nth == rows.mass) & (rows.severity >= 2)))
        rows = _with_tenure(rows, self.days.table, self.roles.table)
        return self._with_circumstances(rows)

    def _with_circumstances(self, rows: ir.Table) -> ir.Table:
        networks = _old(known.table.filter(known.table.dimension == "network"))
        shared = networks.group_by("value").aggregate(sharing=networks.entity.nunique())
        shared = shared.filter(shared.sharing >= SHARED_BY).select(
            network="value", network_shared=1
        )
        own = networks.select(subject="entity", network="value", network_known=1)
        clients = _old(agents.table).select("subject", "family", client_known=1).distinct()
        hours = self.times.table.select("subject", "block", hour_known=1)
        targets = self.targets.table.select("subject", target="entity_id", target_known=1)
        rows = _left(rows, shared, "network")
        rows = _left(rows, own, "subject", "network")
        rows = _left(rows, clients, "subject", "family")
        rows = _left(rows, hours, "subject", "block")
        rows = _left(rows, targets, "subject", "target")
        return rows.mutate(
            new_network=rows.network.notnull()
            & rows.network_known.isnull()
            & rows.network_shared.isnull(),
            new_client=rows.family.notnull() & rows.client_known.isnull(),
            new_hour=rows.hour_known.isnull() & (rows.admin_days >= USED_TO_IT),
            new_target=rows.target.notnull() & rows.target_known.isnull() & (rows.severity >= 3),
        )


def _scored(rows: ir.Table) -> ir.Table:
    """Adds `p` (1/CERTAIN), `value` and `score` (1/4096 nat)."""
    org = (2 * rows.org_days_of_action + 1) * CERTAIN // (2 * (rows.org_days + ORG_PRIOR_DAYS))
    org = ibis.greatest(org, 1)
    p = (rows.own_days * CERTAIN + SHRINKAGE * org) // (rows.admin_days + SHRINKAGE)
    rows = rows.mutate(p=ibis.least(ibis.greatest(p, 1), CERTAIN))
    rows = rows.join(logs, rows.p == logs.value).drop("value")
    surprise = ibis.least(round(_LN_CERTAIN) - rows.y, MOST_SURPRISE)
    runbook = (rows.own_days == 0) & (rows.other_admins >= RUNBOOK)
    surprise = ibis.ifelse(runbook, surprise // 2, surprise)
    surprise = ibis.ifelse(rows.nth == 1, surprise, MASS_VALUE)
    circumstances = 100 + sum(
        ibis.ifelse(rows[name], percent, 0)
        for name, percent in (
            ("new_network", NEW_NETWORK), ("new_client", NEW_CLIENT), ("new_hour", NEW_HOUR),
            ("new_target", NEW_TARGET),
        )
    )  # fmt: skip
    weight = ibis.cases(*((rows.severity == level, w) for level, w in WEIGHTS.items()))
    value = surprise * weight * circumstances // 10_000
    value = ibis.ifelse(rows.new_admin, value // 2, value)
    rows = rows.mutate(runbook=runbook, value=value.cast("int64"))
    so_far = ibis.window(
        group_by=rows.subject, order_by=[rows["at"], rows.event_id], preceding=None, following=0
    )
    return rows.mutate(score=rows.value.sum().over(so_far).cast("int64")).drop("y")


_LN_CERTAIN = 47157.06  # 4096 · ln 100,000


def _old(rows: ir.Table) -> ir.Table:
    """What was first seen long enough ago to count as known."""
    kept = rows.cross_join(today)
    return kept.filter(kept.first_at <= kept.day_start - LEARNING_SECONDS).drop("day_start")


def _with_habit(rows: ir.Table, actions: ir.Table) -> ir.Table:
    """Adds on how many days the administrator, and all together, did the action before."""
    actions = _old(actions)
    own = actions.select("subject", "action", own_days="days", own_most="most")
    org = actions.group_by("action").aggregate(
        org_days_of_action=actions.days.sum(), admins=actions.count(), org_most=actions.most.max()
    )
    rows = _left(_left(rows, own, "subject", "action"), org, "action")
    others = rows.admins.fill_null(0) - ibis.ifelse(rows.own_days.notnull(), 1, 0)
    return rows.mutate(
        own_days=rows.own_days.fill_null(0),
        own_most=rows.own_most.fill_null(0),
        org_days_of_action=rows.org_days_of_action.fill_null(0),
        other_admins=others,
        others_most=ibis.ifelse(others >= RUNBOOK, rows.org_most, 0),
    ).drop("admins", "org_most")


def _with_tenure(rows: ir.Table, days: ir.Table, roles: ir.Table) -> ir.Table:
    """Adds days of administration of this one and of all, and who is new to it."""
    own = days.select("subject", admin_since="first_at", admin_days="days")
    role = roles.select(subject="entity_id", role_changed="last_at")
    every = days.aggregate(org_days=days.days.sum().fill_null(0), org_admins=days.count())
    rows = _left(_left(rows, own, "subject"), role, "subject").cross_join(every)
    young = rows.day_start - NEW_ADMIN_DAYS * DAY_SECONDS
    new = rows.admin_since.isnull() | (rows.admin_since > young) | (rows.role_changed > young)
    return rows.mutate(new_admin=new.fill_null(False), admin_days=rows.admin_days.fill_null(0))


def _left(rows: ir.Table, other: ir.Table, *keys: str) -> ir.Table:
    joined = rows.left_join(other, list(keys))
    return joined.drop(*[f"{key}_right" for key in keys if f"{key}_right" in joined.columns])


def _fold_actions(before: ir.Table, new: ir.Table) -> ir.Table:
    both = before.union(new)
    merged = both.group_by("subject", "action").aggregate(
        first_at=both.first_at.min(),
        last_at=both.last_at.max(),
        days=both.days.sum().cast("int64"),
        most=both.most.max(),
    )
    return _remembered(merged).select(*ACTIONS)


def _fold_times(before: ir.Table, new: ir.Table) -> ir.Table:
    both = before.union(new)
    merged = both.group_by("subject", "block").aggregate(
        last_at=both.last_at.max(), days=both.days.sum().cast("int64")
    )
    return _remembered(merged).select(*TIMES)


def _remembered(rows: ir.Table) -> ir.Table:
    kept = rows.cross_join(today)
    return kept.filter(kept.last_at >= kept.day_start - FORGET_DAYS * DAY_SECONDS)
