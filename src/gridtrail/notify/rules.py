"""Who hears what: which channels are told of a finding, and from when on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gridtrail.detect.wildcards import fits_any
from gridtrail.settings_notify import NotifySettings, RuleSettings
from gridtrail.triage.finding import Finding, severity_rank

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MIDNIGHT = time(0, 0)
_AHEAD_DAYS = 8
"""Within a week and a day every weekday begins once."""


def hearers(settings: NotifySettings, finding: Finding, now: int) -> Mapping[str, int]:
    """Channel -> when it may be told of `finding` (seconds since the epoch, `now` or later)."""
    rules = settings.rules or [RuleSettings(channels=[one.name for one in settings.channels])]
    found: dict[str, int] = {}
    for rule in rules:
        due = _due(rule, now) if fits(rule, settings.groups, finding) else None
        for name in rule.channels if due is not None else ():
            found[name] = min(due or 0, found.get(name, due or 0))
    return found


def fits(rule: RuleSettings, groups: Mapping[str, list[str]], finding: Finding) -> bool:
    """Whether the rule is about the finding, whatever the hour."""
    people = {*rule.people, *(one for name in rule.groups for one in groups[name])}
    return (
        severity_rank(finding.severity) >= severity_rank(rule.severity)
        and _one_of(rule.orgs, [finding.org])
        and _one_of(rule.reasons, finding.reasons)
        and _one_of(rule.patterns, patterns_of(finding))
        and (not rule.rules or fits_any(finding.rules, rule.rules))
        and (not people or fits_any(_known_as(finding), people))
    )


def _known_as(finding: Finding) -> list[str]:
    """Ids and e-mail addresses of those the finding is about."""
    people = finding.context.get("people") or ()
    return [*finding.actor_ids, *(one["email"] for one in people if one["email"])]


def patterns_of(finding: Finding) -> list[str]:
    """The patterns of a finding, the one that holds its severity first."""
    score = finding.history.get("score") or {}
    return [name for name in (score.get("pattern"), *(score.get("patterns") or ())) if name]


def _one_of(wanted: Iterable[str], given: Iterable[str]) -> bool:
    wanted = set(wanted)
    return not wanted or not wanted.isdisjoint(given)


def _due(rule: RuleSettings, now: int) -> int | None:
    """When the rule speaks: now, at the beginning of its hours, or never."""
    opens = opening(rule, now)
    return opens if opens == now or rule.outside == "later" else None


def opening(rule: RuleSettings, now: int) -> int:
    """The first second from `now` on that is in the days and hours of the rule.

    Hours that end before they begin end on the next day and belong to the day of their beginning.
    """
    zone = UTC if rule.time_zone == "UTC" else ZoneInfo(rule.time_zone)
    begin, end = rule.hours_from or _MIDNIGHT, rule.hours_to or _MIDNIGHT
    today = datetime.fromtimestamp(now, zone).date()
    for ahead in range(-1, _AHEAD_DAYS + 1):
        day = today + timedelta(days=ahead)
        last = day + timedelta(days=1) if end <= begin else day
        closes = datetime.combine(last, end, zone).timestamp()
        if _DAYS[day.weekday()] in rule.days and now < closes:
            return max(now, int(datetime.combine(day, begin, zone).timestamp()))
    return now
