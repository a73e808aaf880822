"""Why a finding has its score: its parts, counts in a window of any length, what would lower it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings
from gridtrail.triage.anomaly import read_raised
from gridtrail.triage.counts import Counts
from gridtrail.triage.exposure import Exposure
from gridtrail.triage.finding import SEVERITIES, Finding
from gridtrail.triage.rule_hits import read_hits
from gridtrail.triage.score import BANDS
from gridtrail.triage.usual import Usual

LONGEST_WINDOW = 366


def why(
    lake: Lake, engine: DuckDB, settings: Settings, finding: Finding, days: int | None = None
) -> dict[str, Any]:
    """The reasons for the score of `finding` as JSON: `parts` [{part, name, nats, words}], `bands`,
    `counts` as in `counts` (with windows of `days` when given), `lower` [sentence].

    Raises WrongUse for a window that is shorter than a day or longer than LONGEST_WINDOW.
    """
    if days is not None and not 1 <= days <= LONGEST_WINDOW:
        raise WrongUse(f"A window has 1 to {LONGEST_WINDOW} days: give another --window.")
    parts = finding.history.get("score", {})
    counts = finding.history.get("by_reason", [])
    return {
        "id": finding.id,
        "title": finding.title,
        "severity": finding.severity,
        "score": finding.score,
        "nats": parts.get("nats"),
        "pattern": parts.get("pattern"),
        "bands": dict(BANDS),
        "parts": list(_parts(finding, parts)),
        "counts": counts if days is None else _counted(lake, engine, settings, finding, days),
        "lower": list(_lower(finding, parts)),
    }


def _parts(finding: Finding, parts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    rates, moves = parts.get("rates", {}), parts.get("moves", {})
    who = "app" if finding.actor_ids[:1] and finding.actor_ids[0].startswith("A") else "person"
    for name, nats in parts.get("families", {}).items():
        said = []
        if name in rates:
            said.append(f"by the rate of this {who} and organization {rates[name]:.1f}")
        if name in moves:
            said.append(f"moved by {moves[name]:+.1f}")
        yield {"part": "family", "name": name, "nats": nats, "words": ", ".join(said)}
    for name, nats in parts.get("patterns", {}).items():
        yield {"part": "pattern", "name": name, "nats": nats, "words": "together they mean more"}
    words = {one["what"]: one["words"] for one in finding.context.get("impact", ())}
    words |= {
        one["policy"]: one["words"] for one in finding.context.get("judged", {}).get("policy", ())
    }
    for name, nats in parts.get("impact", {}).items():
        yield {"part": "impact", "name": name, "nats": nats, "words": words.get(name, "")}


def _lower(finding: Finding, parts: Mapping[str, Any]) -> Iterator[str]:
    """What would have made the score lower, one sentence each."""
    total, families = parts.get("nats") or 0.0, parts.get("families", {})
    for name, nats in sorted(families.items(), key=lambda item: (-item[1], item[0])):
        if nats:
            yield (
                f"without what is unusual of {name}: {total - nats:.1f} nats, the band of "
                f"{_band(total - nats)}, if the pattern does not hold it"
            )
    judged = finding.context.get("judged", {})
    if "network" in families and not any(
        one["judgement"] == "good" for one in judged.get("addresses", ())
    ):
        yield (
            "an address that is in policy.vpn_networks or enrich.internal_networks, or a sighting "
            "of the person there by another system"
        )
    if "client" in families and not any(
        one["policy"] == "sanctioned_clients" for one in judged.get("policy", ())
    ):
        yield "a client that is in policy.sanctioned_clients"
    pattern = parts.get("pattern")
    if finding.score > total:
        yield f"another pattern: {pattern} holds it at {finding.severity}, however small the sum"


def _band(nats: float) -> str:
    return next(name for name in reversed(SEVERITIES) if nats >= BANDS[name] or name == "low")


def _counted(
    lake: Lake, engine: DuckDB, settings: Settings, finding: Finding, days: int
) -> list[dict[str, Any]]:
    lake.events_view("triage_why", org=finding.org)
    raised = [
        *read_raised(engine, "triage_why"),
        *read_hits(lake, engine, settings, org=finding.org),
    ]
    wanted = set(finding.event_ids)
    group = sorted((one for one in raised if one.id in wanted), key=lambda one: (one.at, one.id))
    if not group:
        return []
    looked = Exposure(lake, engine, finding.org, Usual(lake, engine, finding.org))
    looked.learn_people({one.actor for one in group if one.actor is not None})
    return Counts(raised).rows(group, looked, (days,))
