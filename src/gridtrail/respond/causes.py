"""Which rule wants what for whom: from findings to the people in them and their newest deeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gridtrail.errors import BadSettings
from gridtrail.lake.lake import Lake
from gridtrail.respond.people import Person
from gridtrail.settings import Settings
from gridtrail.settings_respond import AutomaticRule
from gridtrail.triage.anomaly import Anomaly, read_anomalies, read_raised
from gridtrail.triage.finding import Finding, severity_rank
from gridtrail.triage.patterns import PATTERN_NAMES
from gridtrail.triage.rule_hits import PREFIX, read_hit_details, read_hits

_VIEW = "respond_all"


@dataclass(frozen=True, slots=True)
class Cause:
    """A rule fits a finding for what `person` did; `newest` is the latest of it, `sessions` are
    those it was done in. `why` says what fits, in words."""

    rule: AutomaticRule
    finding: Finding
    person: Person
    newest: Anomaly
    sessions: tuple[str, ...]
    why: str


def check_patterns(rules: Iterable[AutomaticRule]) -> None:
    """Raises BadSettings for a pattern that there is not: such a rule would never fit."""
    for rule in rules:
        unknown = sorted(set(rule.patterns) - set(PATTERN_NAMES))
        if unknown:
            raise BadSettings(
                f"The rule {rule.name!r} of respond.automatic names the pattern {unknown[0]!r}: "
                f"use one of {', '.join(PATTERN_NAMES)}."
            )


def may_fit(rule: AutomaticRule, finding: Finding) -> bool:
    """Whether the rule fits the finding as a whole; its people are looked at in `causes_of`."""
    least = rule.severity
    return (
        (least is None or severity_rank(finding.severity) >= severity_rank(least))
        and (not rule.patterns or bool(_patterns(finding) & set(rule.patterns)))
        and (not rule.reasons or bool(set(finding.reasons) & set(rule.reasons)))
        and (not rule.rules or bool(set(finding.rules) & set(rule.rules)))
    )


def causes_of(
    finding: Finding, rules: Sequence[AutomaticRule], made_of: Sequence[Anomaly]
) -> list[Cause]:
    """For each person of the finding the first rule that fits; `made_of` are its anomalies and
    hits. Where a rule names reasons or Sigma rules, only those anomalies and hits count for it."""
    fitting = [rule for rule in rules if may_fit(rule, finding)]
    found = []
    for actor in finding.actor_ids:
        mine = [one for one in made_of if one.raised.actor == actor]
        for rule in fitting:
            counting = [one for one in mine if _counts(rule, one)]
            if counting:
                found.append(_cause(rule, finding, actor, mine, counting))
                break
    return found


def _cause(
    rule: AutomaticRule,
    finding: Finding,
    actor: str,
    mine: Sequence[Anomaly],
    counting: Sequence[Anomaly],
) -> Cause:
    name = next((one.actor_name for one in reversed(mine) if one.actor_name), "")
    email = next((one.actor_email for one in reversed(mine) if one.actor_email), "")
    newest = max(counting, key=lambda one: (one.happened, one.raised.id))
    sessions = tuple(sorted({one.session_id for one in counting if one.session_id}))
    said = sorted({kind for one in counting for kind in one.raised.kinds})
    why = f"{finding.severity}, {_main_pattern(finding)}: {', '.join(said)}."
    return Cause(rule, finding, Person(actor, name, email), newest, sessions, why)


def _counts(rule: AutomaticRule, one: Anomaly) -> bool:
    if not rule.reasons and not rule.rules:
        return True
    hits = {kind.removeprefix(PREFIX) for kind in one.raised.kinds if kind.startswith(PREFIX)}
    return bool(set(one.reasons) & set(rule.reasons)) or bool(hits & set(rule.rules))


def _score(finding: Finding) -> Mapping[str, object]:
    found = finding.history.get("score")
    return found if isinstance(found, dict) else {}


def _main_pattern(finding: Finding) -> str:
    return str(_score(finding).get("pattern", ""))


def _patterns(finding: Finding) -> set[str]:
    beside = _score(finding).get("patterns")
    return {_main_pattern(finding), *(beside if isinstance(beside, dict) else ())}


class Deeds:
    """The anomalies and rule hits of one organization since a second, read at once."""

    def __init__(self, lake: Lake, settings: Settings, org: str, oldest: int) -> None:
        self._engine = lake.engine
        lake.events_view(_VIEW, org=org, oldest=oldest)
        raised = read_raised(self._engine, _VIEW)
        hits = read_hits(lake, self._engine, settings, org=org)
        self._raised = {one.id: one for one in (*raised, *hits)}

    def of(self, finding: Finding) -> list[Anomaly]:
        """What the finding is made of, the oldest first; without what is older than the second."""
        wanted = [self._raised[one] for one in finding.event_ids if one in self._raised]
        hits = [one for one in wanted if one.level]
        plain = [one for one in wanted if not one.level]
        found = read_anomalies(self._engine, _VIEW, plain)
        found |= read_hit_details(self._engine, _VIEW, hits)
        return [found[one.id] for one in wanted if one.id in found]
