"""From the anomalies in the lake to the findings in the store."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings
from gridtrail.triage.advice import advice_of
from gridtrail.triage.anomaly import Anomaly, Raised, read_anomalies, read_raised
from gridtrail.triage.away import away
from gridtrail.triage.context import context_of, people_of
from gridtrail.triage.counts import Counts
from gridtrail.triage.exposure import Exposure
from gridtrail.triage.finding import Finding, derived_id, worst_first
from gridtrail.triage.gathering import TOGETHER_NATS, gathering
from gridtrail.triage.history import history_of
from gridtrail.triage.identity import claims
from gridtrail.triage.impact import impact_of
from gridtrail.triage.inputs import Inputs
from gridtrail.triage.join import join
from gridtrail.triage.judgement import Judgement, judge
from gridtrail.triage.narrative import narrative_of
from gridtrail.triage.patterns import Pattern, actors_of, patterns_of, unprecedented
from gridtrail.triage.policy import (
    Ruling,
    deactivated_after,
    read_deactivated,
    rule_on,
    together,
)
from gridtrail.triage.rates import Rates
from gridtrail.triage.rule_hits import nominal_of, read_hit_details, read_hits
from gridtrail.triage.score import Score, evidence_nats, score
from gridtrail.triage.store import Computed, FindingStore, StoreUpdate
from gridtrail.triage.story import Story, title_of
from gridtrail.triage.surroundings import (
    MARKED,
    Surroundings,
    Window,
    mark,
    read_moments,
    window_of,
)
from gridtrail.triage.ties import once_each, tied
from gridtrail.triage.usual import Usual

_ALL = "triage_all"

Group = tuple[Raised, ...]


def triage(
    lake: Lake,
    engine: DuckDB,
    settings: Settings,
    *,
    org: str | None = None,
    oldest: int | None = None,
    latest: int | None = None,
    every: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[Finding]:
    """Bring up to date and store every finding that has an anomaly between `oldest` and `latest`.

    `oldest`, `latest` are seconds since the epoch, inclusive; None means no bound. A finding is
    always computed whole, its anomalies outside the range included, so that the range never
    changes what it says. Only findings whose `inputs` changed are computed, unless `every`.
    `org` None means every organization. Returns those findings, worst first, with the status and
    verdict that people gave them. They live in the state database of `settings`. `on_progress` is
    told how many of an organization's findings are computed, of how many.
    """
    lake.events_view(_ALL, org=org)
    mark(engine, _ALL)
    by_org: dict[str, list[Raised]] = defaultdict(list)
    hits = read_hits(lake, engine, settings, org=org)
    for one in tied(engine, [*read_raised(engine, MARKED), *hits]):
        by_org[one.org].append(one)
    found: list[Finding] = []
    with FindingStore(settings.state) as store:
        for name, raised in sorted(by_org.items()):
            groups = [group for group in join(raised) if _touches(group, oldest, latest)]
            if groups:
                one_org = _Organization(lake, engine, settings, name, raised)
                found += one_org.up_to_date(store, groups, every=every, told=on_progress)
    return sorted(found, key=worst_first)


def _touches(group: Group, oldest: int | None, latest: int | None) -> bool:
    return any(
        (oldest is None or one.at >= oldest) and (latest is None or one.at <= latest)
        for one in group
    )


def _stored(
    update: StoreUpdate, computed: Sequence[Finding], inputs: Sequence[str]
) -> list[Finding]:
    """The computed findings under the ids that are theirs, as the store now holds them."""
    if not computed:
        return []
    owners = update.owners(computed[0].org, [one for f in computed for one in f.event_ids])
    wanted = [(finding.id, finding.event_ids) for finding in computed]
    found = []
    for claim, finding, digest in zip(claims(wanted, owners), computed, inputs, strict=True):
        found.append(update.save(replace(finding, id=claim.id), digest))
        for absorbed in claim.absorbed:
            update.merge(absorbed, claim.id)
        if claim.split_from is not None:
            update.split(claim.id, claim.split_from, int(time.time()))
            found[-1] = update.read([claim.id])[claim.id]
    return found


def _unchanged(
    update: StoreUpdate, org: str, groups: Sequence[Group], inputs: Sequence[str]
) -> dict[int, str]:
    """Place of each group whose stored finding was computed from the same, and that finding."""
    holders = update.owners(org, [one.id for group in groups for one in group]).holders
    stored = update.computed_from(org)
    found = {}
    for place, (group, digest) in enumerate(zip(groups, inputs, strict=True)):
        (held, *more) = {holders.get(one.id) for one in group}
        one = None if more or held is None else stored.get(held)
        if held is not None and one == Computed(digest, len(group)):
            found[place] = held
    return found


class _Organization:
    """One organization's anomalies, and what its findings share."""

    def __init__(
        self, lake: Lake, engine: DuckDB, settings: Settings, org: str, raised: Sequence[Raised]
    ) -> None:
        self._lake = lake
        self._engine = engine
        self._settings = settings
        self._org = org
        self._raised = raised
        self._rates = Rates(raised, nominal_of(raised))
        self._counts = Counts(raised)
        self._usual = Usual(lake, engine, org)
        self._exposure = Exposure(lake, engine, org, self._usual)
        self._ends = read_deactivated(engine, MARKED, org)

    def up_to_date(
        self,
        store: FindingStore,
        groups: Sequence[Group],
        *,
        every: bool,
        told: Callable[[int, int], None],
    ) -> list[Finding]:
        """The finding of each group, computed where it is not as it would be now, and stored."""
        made_of = Inputs(self._lake, self._engine, self._settings, _ALL, self._raised, self._rates)
        inputs = [made_of.of(group) for group in groups]
        with store.update() as update:
            same = {} if every else _unchanged(update, self._org, groups, inputs)
            found = list(update.read(list(same.values())).values())
        places = [place for place in range(len(groups)) if place not in same]
        computed = self.findings([groups[place] for place in places], told)
        with store.update() as update:
            return found + _stored(update, computed, [inputs[place] for place in places])

    def findings(self, groups: Sequence[Group], told: Callable[[int, int], None]) -> list[Finding]:
        """The finding of each group."""
        wanted = [one for group in groups for one in group]
        self._exposure.learn_people({one.actor for one in wanted if one.actor is not None})
        hits = [one for one in wanted if one.level]
        anomalies = read_anomalies(self._engine, MARKED, [one for one in wanted if not one.level])
        anomalies |= read_hit_details(self._engine, _ALL, hits)
        members = [[anomalies[one.id] for one in group] for group in groups]
        moments = read_moments(self._engine, self._lake, anomalies.values())
        windows = [window_of(mine, actors_of(mine), moments) for mine in members]
        self._usual.learn(day for window in windows for day in window.days)
        found = []
        for mine, window in zip(members, windows, strict=True):
            found.append(self._finding(mine, window))
            told(len(found), len(groups))
        return found

    def _finding(self, anomalies: Sequence[Anomaly], window: Window) -> Finding:
        first, last = anomalies[0].raised, anomalies[-1].raised
        story, parts = self._story(anomalies, window)
        return Finding(
            id=derived_id(first.org, first.actor or "", first.id),
            org=first.org,
            title=title_of(story),
            narrative=narrative_of(story),
            score=parts.value,
            severity=parts.severity,
            actor_ids=window.actors,
            session_ids=tuple(sorted({one.session_id for one in anomalies if one.session_id})),
            ips=tuple(sorted({one.ip for one in anomalies if one.ip})),
            reasons=story.reasons,
            rules=story.rules,
            first_seen=first.at,
            last_seen=last.at,
            event_ids=tuple(one.raised.id for one in anomalies),
            context=story.context,
            history=story.history,
            advice=advice_of(story),
        )

    def _story(self, anomalies: Sequence[Anomaly], window: Window) -> tuple[Story, Score]:
        counts = self._anomaly_counts(window.actor, anomalies[0].raised, anomalies[-1].raised)
        around = Surroundings(self._engine, self._lake, window)
        context = context_of(around, self._settings)
        judged = judge(self._lake, self._settings, anomalies, context)
        ruling = rule_on(self._settings, anomalies, self._deactivated(anomalies))
        impact = impact_of(around, self._settings.policy, anomalies, context)
        gathered = gathering(self._lake, window, anomalies, self._settings)
        elsewhere = away(self._lake, window, ruling.seen, self._settings, _fine(judged, ruling))
        said = {
            "addresses": judged.addresses,
            "clients": judged.clients,
            "policy": ruling.rows,
            "together": gathered,
            "away": elsewhere,
        }
        patterns = patterns_of(
            ruling.seen,
            never_so_many=unprecedented(
                counts["most_in_a_day"], counts["organization_most_in_a_day"], counts["days"]
            ),
            policy=ruling.patterns,
            jewels=impact.jewels,
            together=bool(gathered),
            away=bool(elsewhere),
        )
        rates = self._surprises(anomalies)
        nats = TOGETHER_NATS if gathered else judged.network_nats
        moves = together({"network": nats}, ruling.moves)
        added = {**impact.nats, **ruling.bonuses}
        total = score(rates, evidence_nats(anomalies), patterns, moves, added)
        reasons = {reason for one in anomalies for reason in one.reasons}
        story = Story(
            anomalies=anomalies,
            patterns=patterns,
            context={
                **context,
                "people": people_of(anomalies),
                "judged": said,
                "impact": impact.rows,
            },
            history={
                **history_of(around, reasons, counts),
                "by_reason": self._counts.rows([one.raised for one in anomalies], self._exposure),
                "score": _parts(patterns, total, rates, moves),
            },
            expected_clients=self._settings.enrich.expected_clients,
        )
        return story, total

    def _deactivated(self, anomalies: Sequence[Anomaly]) -> dict[str, int]:
        """Actor -> when they were deactivated, if that was soon after."""
        last = max(one.happened for one in anomalies)
        return deactivated_after(self._ends, {one.raised.actor for one in anomalies}, last)

    def _surprises(self, anomalies: Sequence[Anomaly]) -> dict[str, float]:
        """Family -> nats: a family says as much as it says of the one whom it surprises most."""
        day = anomalies[0].raised.day
        exposed = self._exposure
        found: dict[str, float] = {}
        for actor, family in {(a.raised.actor, f) for a in anomalies for f in a.raised.families}:
            nats = self._rates.surprise(
                family,
                actor,
                day,
                users=exposed.users(day),
                days=exposed.days(day),
                own_days=exposed.own_days(actor, day),
            )
            found[family] = max(found.get(family, 0.0), nats)
        return once_each(found, anomalies)

    def _anomaly_counts(self, actor: str | None, first: Raised, last: Raised) -> dict[str, Any]:
        return {
            "days": self._exposure.days(first.day),
            "most_in_a_day": self._rates.most_in_a_day(actor, first.day, last.day),
            **self._rates.before(actor, first.day),
        }


def _fine(judged: Judgement, ruling: Ruling) -> set[str]:
    """The addresses that are the organization's, its VPN's, or known to be the person's."""
    good = {row["ip"] for row in judged.addresses if row["judgement"] == "good"}
    return good | {row["value"] for row in ruling.rows if row["policy"] == "vpn"}


def _parts(
    patterns: Sequence[Pattern],
    total: Score,
    rates: Mapping[str, float],
    moves: Mapping[str, float],
) -> dict[str, Any]:
    """The parts of a score as JSON."""
    return {
        "pattern": patterns[0].name,
        "nats": total.nats,
        "families": dict(total.families),
        "patterns": dict(total.bonuses),
        "impact": dict(total.impact),
        "rates": {family: round(nats, 3) for family, nats in sorted(rates.items())},
        "moves": dict(moves),
    }
