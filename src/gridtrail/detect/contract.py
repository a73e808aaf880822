"""What a detector is, and what it says.

A detector is content: it names the profiles it needs, turns frozen profiles into integer
thresholds once a day (`parameters`), picks the events that cross them (`candidates`, one relation
for every engine) and puts each into words (`explain`). It never sees an engine, the lake or the
network. Time, order, learning, repetition and budgets are the machinery's (`run`, `emission`).

Every day of an organization is decided against state that was frozen when the day began, plus
events of strictly earlier seconds of the same day. So one batch, many increments and another
engine find the same anomalies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Protocol

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from gridtrail.settings import DetectSettings

DAY_SECONDS = 86_400
LEARNING_SECONDS = 72 * 3600
"""A value counts as known only when it was first seen this long ago (quarantined learning)."""

DAY_EVENTS: Mapping[str, str] = {
    "day_start": "int64",  # seconds, UTC midnight of the day being decided
    "event_id": "string",
    "at": "int64",  # seconds, date_create
    "action": "string",
    "subject": "string",  # who is judged: the app an event was made through, else the actor
    "subject_type": "string",  # user or app
    "actor_id": "string",
    "team": "string",  # home workspace of the actor, else the workspace of the event
    "entity_type": "string",
    "entity_id": "string",
    "entity_name": "string",
    "ua": "string",
    "ip": "string",
    "session_id": "string",
    "own": "boolean",  # the context is the actor's own client (SCIENCE: attribution)
    "teaches": "boolean",  # own, by a client of people: may enter profiles of what is usual
    "network": "string",
    "address_kind": "string",
    "asn": "int64",
    "asn_name": "string",
    "country": "string",
    "prefix": "string",
    "ioc_list": "string",  # list of malicious addresses that it stood on at that time
    "asn_list": "string",  # list of suspicious ASNs that its ASN stood on at that time
    "family": "string",
    "client_kind": "string",
    "client_version": "string",
    "version_key": "int64",
    "lineage": "string",  # versions are comparable within one lineage
    "os": "string",
    "device_class": "string",
    "chrome_major": "int64",  # 0 where the agent names none
    "electron_major": "int64",
    "automated": "boolean",
    "well_formed": "boolean",
    "defect": "string",  # the rule of Slack's grammar that is broken
    "ja3": "string",  # TLS traits, in the rare event whose details carry them
    "ja4": "string",
    "expected_client": "boolean",
}
"""Columns of `day_events`, the narrow relation of one organization's day that detectors read."""


def table(name: str, schema: Mapping[str, str]) -> ir.Table:
    """An unbound table `name`; the machinery binds it to the day's rows when the query runs.

    The same object for the same arguments, so that an engine compiles what reads it once.
    """
    return _table(name, tuple(schema.items()))


@cache
def _table(name: str, columns: tuple[tuple[str, str], ...]) -> ir.Table:
    unbound: ir.Table = ibis.table(dict(columns), name=name)
    return unbound


def arrow_schema(schema: Mapping[str, str]) -> pa.Schema:
    """The Arrow schema of Ibis column types (text, integers, floats and truth values)."""
    kinds = {
        "string": pa.string(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "boolean": pa.bool_(),
    }
    return pa.schema([(name, kinds[kind]) for name, kind in schema.items()])


day_events = table("day_events", DAY_EVENTS)
today = table("today", {"day_start": "int64"})
"""One row: the start of the day being decided (seconds, UTC)."""


@dataclass(frozen=True)
class Step:
    """An intermediate relation that is computed once a day and read under `name` afterwards."""

    name: str
    relation: ir.Table

    @cached_property
    def table(self) -> ir.Table:
        """The unbound table that later relations read."""
        return table(self.name, {name: str(kind) for name, kind in self.relation.schema().items()})


@dataclass(frozen=True)
class Profile:
    """What is usual, kept from day to day: a table `name` as of the start of each day.

    `summary` makes the rows that one closed day teaches (over `day_events`, profiles and
    parameters, all as of that day's start); `fold` merges the tables `name` and `name`_today into
    the state of the next day. Both are relations over unbound tables; sums are integers, so the
    order of rows never matters. `version` changes when the meaning does: older state is rebuilt.
    """

    name: str
    version: int
    schema: Mapping[str, str]
    summary: ir.Table
    fold: Callable[[ir.Table, ir.Table], ir.Table]

    @cached_property
    def table(self) -> ir.Table:
        """The unbound table of this profile as of the day's start."""
        return table(self.name, self.schema)

    @cached_property
    def folded(self) -> ir.Table:
        """The state of the next day; one object, so that an engine compiles it once."""
        return self.fold(self.table, table(f"{self.name}_today", self.schema))


@dataclass(frozen=True, slots=True)
class DayContext:
    """What `parameters` may read: frozen profiles and settings, nothing of the day's own events
    but the names of those who are in them."""

    day_start: int  # seconds, UTC
    history_days: int  # days of this organization's log with events before this day
    settings: DetectSettings
    read: Callable[[ir.Table], pa.Table]
    people_per_active: float = 1.0  # people of the organization for each one active on a day
    times: float = 1.0  # what the detector may raise, over its share (see `nominal`)

    def share_per_subject_day(self, share: float) -> float:
        """Nominal alarms per active subject and day for a detector with this share of the budget.

        The budget is for people, active or not; only who is active can raise an alarm.
        """
        a_day = self.settings.budget_per_1000_users_day / 1000 * share * self.people_per_active
        return a_day * self.times


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One detector's word on one event; the machinery makes an anomaly event of it.

    `score_millinats` is −ln p × 1000 (natural units of surprise). `observed` and `usual` hold text
    and integers only. `repeat_key` tells what counts as the same anomaly again. `silenced` says
    why it must not be emitted (it is then counted and listable all the same).
    """

    reasons: tuple[str, ...]
    p_value: float
    threshold: int | str
    observed: Mapping[str, Any]
    usual: Mapping[str, Any]
    words: str
    query: str
    silent_if: str
    repeat_key: str
    deciding_events: tuple[str, ...]
    details: Mapping[str, Any] = field(default_factory=dict)  # Slack's own keys beside the reasons
    silenced: str | None = None


def late_steps(detector: Detector) -> tuple[Step, ...]:
    """The steps that are computed when the parameters are there, and that candidates read instead
    of these: where they have no rows, on most days, candidates are not looked for."""
    found: tuple[Step, ...] = getattr(detector, "late_steps", ())
    return found


class Detector(Protocol):
    """One file in `detectors/` holds one of these, named `DETECTOR`."""

    @property
    def name(self) -> str:
        """The file's name; also the main reason."""

    @property
    def version(self) -> int:
        """Raised when decisions change."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """All reasons this detector can give."""

    @property
    def fidelity(self) -> str:
        """`audit`, or `audit-proxy` where audit logs cannot show what Slack sees."""

    @property
    def share(self) -> float:
        """Share of the alarm budget, 0 to 1."""

    @property
    def repeat_seconds(self) -> tuple[int, ...]:
        """Waiting times before the same thing is said again: first, second, all later ones."""

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """Profiles that must be in place, shared ones and its own."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Inputs without which it is blind: `session_id`, `ip`, `ua`, or names of actions; `a|b`
        where either will do."""

    @property
    def learning_days(self) -> int:
        """Days of log that an organization needs before this detector speaks."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """Relations computed in this order before `parameters`, `candidates` and summaries."""

    @property
    def parameter_schema(self) -> Mapping[str, str]:
        """Columns of the table `<name>_parameters`; empty when it needs none."""

    # a detector may also have `late_steps` (tuple[Step, ...]): see `late_steps`

    @property
    def candidates(self) -> ir.Table:
        """Relation with at least subject, subject_type, event_id, at and what `explain` reads;
        the same object at each call (`cached_property`), so that an engine compiles it once."""

    def parameters(self, context: DayContext) -> pa.Table | None:
        """Rows of `<name>_parameters`, frozen for the day; None means: says nothing today."""

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        """The anomaly of one candidate row, or None when it is none after all."""
