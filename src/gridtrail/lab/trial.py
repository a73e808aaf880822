"""One trial: a simulated organization is imported, detected and triaged, and held against truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from gridtrail.collect.importing import import_files
from gridtrail.detect.anomalies import Emitted
from gridtrail.detect.contract import Detector
from gridtrail.detect.run import detect
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lab.calibration import Alarm, measured
from gridtrail.lab.matching import Stories
from gridtrail.lab.outcome import Found, Outcome, Said, ToldStory
from gridtrail.lake.lake import Lake
from gridtrail.sandbox.generate import Generated, generate
from gridtrail.sandbox.plan import Plan
from gridtrail.settings import EnrichSettings, Settings
from gridtrail.triage.finding import Finding
from gridtrail.triage.run import triage

ORG = "E0LAB"

OnProgress = Callable[[float, str], None]
"""Called with the share that is done (0 to 1) and what is going on."""


def settings_for(made: Generated, data: Path) -> Settings:
    """Default settings; only the simulated world's addresses are made known."""
    network = made.asn.parent
    return Settings(
        data=data,
        org=ORG,
        threads=1,
        enrich=EnrichSettings(
            asn_files=[made.asn],
            packaged_asn=False,
            tor_lists=[network / "tor.txt"],
            vpn_lists=[network / "vpn.txt"],
            relay_lists=[network / "relay.txt"],
            hosting_lists=[network / "hosting.txt"],
        ),
    )


def run_trial(
    plan: Plan,
    folder: Path,
    *,
    detectors: Sequence[Detector],
    on_progress: OnProgress = lambda _share, _what: None,
) -> Outcome:
    """Everything from the plan to the findings, in `folder`, whose files are left there."""
    began = time.monotonic()
    made = generate(
        plan, folder / "sandbox", lambda done, days: on_progress(0.1 * done / days, "simulating")
    )
    settings = settings_for(made, folder / "data")
    engine = DuckDB(threads=1, memory_limit=settings.memory_limit, spill=folder / "spill")
    try:
        lake = Lake(settings.data / "lake", engine)
        import_files([made.events], lake, engine, settings, org=ORG)
        report = detect(
            lake,
            engine,
            settings,
            detectors=detectors,
            now=plan.stop + settings.detect.settle_seconds,
            on_progress=lambda _text, done, days: on_progress(0.1 + 0.85 * done / days, "deciding"),
        )
        on_progress(0.95, "explaining")
        found = triage(lake, engine, settings)
        truth = orjson.loads(made.truth.read_bytes())["stories"]
        stories = Stories(truth)
        said = [_said(one, stories) for one in report.emitted]
        rates = measured(lake, engine, settings, detectors=detectors, org=ORG,
                         counts=lambda alarm: _of_life(alarm, stories))  # fmt: skip
    finally:
        engine.close()
    return Outcome(
        seed=plan.seed,
        archetype=plan.archetype,
        people=plan.people,
        days=plan.days,
        start=plan.start,
        events=made.count,
        seconds=time.monotonic() - began,
        stories=[_told(story) for story in truth],
        anomalies=said,
        findings=_found(found, said),
        rates=rates,
    )


def _of_life(alarm: Alarm, stories: Stories) -> bool:
    return stories.of(alarm.at, (alarm.subject,), alarm.event_ids) is None


def _told(story: Mapping[str, Any]) -> ToldStory:
    return ToldStory(
        kind=story["kind"],
        loudness=story["loudness"],
        harmless=story["harmless"],
        expected_missed=story["expected_missed"],
        expected_reasons=story["expected_reasons"],
        actors=story["actor_ids"],
        start=story["start"],
        end=story["end"],
        events=len(story["event_ids"]),
    )


def _said(one: Emitted, stories: Stories) -> Said:
    event = orjson.loads(one.raw)
    evidence = event["details"]["gridtrail"]
    actor = event["actor"].get("user", {}).get("id")
    subjects = (one.subject,) if actor is None else (one.subject, actor)
    return Said(
        id=one.id,
        at=one.at,
        detector=one.detector,
        subject=one.subject,
        reasons=list(one.reasons),
        words=one.words,
        network_kind=evidence["observed"].get("kind") if one.detector == "ip_address" else None,
        story=stories.of(one.at, subjects, evidence["deciding_events"]),
    )


def _found(findings: Sequence[Finding], said: Sequence[Said]) -> list[Found]:
    story_of = {one.id: one.story for one in said}
    return [
        Found(
            id=one.id,
            severity=one.severity,
            score=one.score,
            title=one.title,
            actors=list(one.actor_ids),
            reasons=list(one.reasons),
            first_seen=one.first_seen,
            last_seen=one.last_seen,
            anomalies=list(one.event_ids),
            stories=sorted({s for e in one.event_ids if (s := story_of.get(e)) is not None}),
        )
        for one in findings
    ]
