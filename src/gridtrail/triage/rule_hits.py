"""Rule hits as triage reads them: beside the anomalies, each with what its rule stands for.

Hits of level medium and above take part; milder ones stay in the table `rule_hits` for whoever
asks. A rule's ATT&CK tags say which stage of an attack it shows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.rules.folder import RuleFolders, rule_folders
from gridtrail.rules.rule import Rule, RuleSet
from gridtrail.rules.state import RULE_HITS
from gridtrail.settings import RulesSettings, Settings
from gridtrail.triage.anomaly import DAY_SECONDS, Anomaly, Raised

PREFIX = "rule:"
"""How the reason family of a rule begins; its name follows."""

NOMINAL_PER_USER_DAY: Mapping[str, float] = MappingProxyType(
    {"medium": 1e-3, "high": 2e-5, "critical": 1e-6}
)
"""Level -> hits a user-day that such a rule is taken to make before anything is known: a medium
rule about once a day in an organization of 1,000, a high one twice in a hundred days, a critical
one every three years."""

STAGES: Mapping[str, str] = MappingProxyType(
    {
        "initial-access": "session",
        "credential-access": "session",
        "lateral-movement": "session",
        "persistence": "admin",
        "privilege-escalation": "admin",
        "collection": "volume",
        "exfiltration": "volume",
        "impair-defenses": "blinding",
        "defense-impairment": "blinding",
        "t1562": "blinding",
        "t1685": "blinding",
        "t1686": "blinding",
    }
)
"""ATT&CK tactic or technique -> the reason family that shows the same stage; `blinding` is that
somebody turned off what would have seen it."""

TRIES = frozenset({"t1110.003", "t1110.004"})
"""ATT&CK techniques of trying out credentials of many: spraying passwords, stuffing leaked ones."""

_PEOPLE = frozenset({"actor.user.id", "actor.user.email", "subject"})
"""Fields that tell one person from another."""


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a rule's document says of its hits: which stages they show, whether credentials of many
    were tried, and whether many people are counted, so that a hit is about none of them."""

    stages: frozenset[str] = frozenset()
    tries: bool = False
    counts_people: bool = False


def read_hits(
    lake: Lake, engine: DuckDB, settings: Settings, *, org: str | None = None
) -> list[Raised]:
    """Every hit that takes part, oldest first (same second: by id)."""
    where = {} if org is None else {"org": org}
    lake.view(RULE_HITS, "triage_hits", **where)
    rows = engine.rows(
        'SELECT org, id, "at" AS seconds, coalesce(subject, actor_id) AS actor, session_id, ip, '
        "rule, level, event_id FROM triage_hits WHERE list_contains(?, level) "
        "ORDER BY org, seconds, id",
        [list(NOMINAL_PER_USER_DAY)],
    )
    known = _meanings(_rules(settings.rules.model_dump_json()).current()) if rows.num_rows else {}
    return [_raised(row, known.get(row["rule"], _Meaning())) for row in rows.to_pylist()]


def _raised(row: Mapping[str, Any], meaning: _Meaning) -> Raised:
    # the person of the deciding event is the last of many to be tried, and has done nothing
    actor = None if meaning.counts_people else row["actor"]
    return Raised(
        org=row["org"],
        id=row["id"],
        at=row["seconds"],
        actor=actor,
        families=frozenset({PREFIX + row["rule"]}),
        session_id="" if meaning.counts_people else row["session_id"] or "",
        ip=row["ip"] or "",
        is_app=(actor or "").startswith("A"),
        level=row["level"],
        kinds=(PREFIX + row["rule"],),
        shows=meaning.stages,
        decided_by=row["event_id"] or "",
        tries=meaning.tries,
    )


@lru_cache(maxsize=4)
def _rules(settings: str) -> RuleFolders:
    # it reads again what changed, and only that
    return rule_folders(RulesSettings.model_validate_json(settings))


def _meanings(rules: RuleSet) -> dict[str, _Meaning]:
    """Rule -> what it says of its hits."""
    found = {}
    for rule in rules.rules:
        tags = [str(tag).lower().removeprefix("attack.") for tag in rule.content.get("tags") or ()]
        shown = {STAGES[name] for tag in tags for name in (tag, tag[:5]) if name in STAGES}
        found[rule.key] = _Meaning(
            frozenset(shown), not TRIES.isdisjoint(tags), _counts_people(rule)
        )
    return found


def _counts_people(rule: Rule) -> bool:
    """Whether it counts different people that have something else in common than who they are."""
    how = rule.content.get("correlation")
    if not isinstance(how, Mapping) or how.get("type") != "value_count":
        return False
    condition, groups = how.get("condition"), how.get("group-by") or ()
    counted = condition.get("field") if isinstance(condition, Mapping) else None
    listed = (groups,) if isinstance(groups, str) else groups
    return counted in _PEOPLE and _PEOPLE.isdisjoint(listed)


def read_hit_details(engine: DuckDB, view: str, wanted: Iterable[Raised]) -> dict[str, Anomaly]:
    """The hits `wanted` (of one organization) by id, with what their deciding events in the events
    view `view` say; `read_hits` must have been called before."""
    by_id = {one.id: one for one in wanted}
    if not by_id:
        return {}
    times = [one.at for one in by_id.values()]
    engine.register("triage_wanted", pa.table({"id": pa.array(sorted(by_id), pa.string())}))
    try:
        rows = engine.rows(
            "SELECT hit.id, title, e.actor_name, e.actor_email, e.ua, e.entity_type, e.entity_name "
            f"FROM triage_hits hit SEMI JOIN triage_wanted USING (id) LEFT JOIN {view} e "
            "ON e.id = hit.event_id AND e.org = hit.org AND e.date_create BETWEEN ? AND ?",
            [min(times) - DAY_SECONDS, max(times)],
        )
    finally:
        engine.unregister("triage_wanted")
    return {row["id"]: _hit(by_id[row["id"]], row) for row in rows.to_pylist()}


def _hit(raised: Raised, row: Mapping[str, Any]) -> Anomaly:
    app, named = raised.is_app and row["entity_type"] == "app", raised.actor is not None
    return Anomaly(
        raised=raised,
        happened=raised.at,
        actor_name=(row["entity_name"] if app else row["actor_name"] if named else "") or "",
        actor_email=row["actor_email"] or "" if named and not raised.is_app else "",
        reasons=(),
        session_id=raised.session_id,
        ip=raised.ip,
        ua=row["ua"] or "",
        source="gridtrail",
        title=row["title"],
    )


def rule_of(family: str) -> str | None:
    """The name of the rule whose family this is; None for the family of a reason."""
    return family.removeprefix(PREFIX) if family.startswith(PREFIX) else None


def nominal_of(raised: Collection[Raised]) -> dict[str, float]:
    """Family of each rule that made a hit -> its nominal rate a user-day."""
    return {
        family: NOMINAL_PER_USER_DAY[one.level]
        for one in raised
        if one.level
        for family in one.families
    }
