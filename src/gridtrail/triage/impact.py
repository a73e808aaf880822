"""How much harm a finding can mean: who it is, what was touched, whether it went outside.

The expected loss is the probability of harm times its size, so impact is added in nats: two nats
make something seven times as bad.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gridtrail.detect.wildcards import fits_any
from gridtrail.settings_policy import PolicySettings
from gridtrail.triage.anomaly import Anomaly
from gridtrail.triage.surroundings import Surroundings
from gridtrail.triage.words import listed, number, quoted

PRIVILEGE_NATS = 2.0
"""One of the people did administration of severity PRIVILEGED or more in the past 30 days."""

OUTSIDE_NATS = 2.0
"""Something was opened to the outside in the window."""

MANY_FILES, MOST_FILE_NATS = 10, 2.0
"""Distinct files beyond MANY_FILES taken: the decimal logarithm of how many times as many, at
most MOST_FILE_NATS (reached at 1,000)."""

OUTSIDE = (
    "external_shared_channel_access_upgraded",
    "external_shared_channel_connected",
    "external_shared_channel_invite_accepted",
    "external_shared_channel_invite_created",
    "external_shared_channel_invite_sent",
    "file_public_link_created",
    "guest_created",
    "guest_joined_workspace",
    "private_channel_converted_to_public",
)
"""Actions that let people of other organizations in, or data out (slack/api.md, catalogue)."""

_TAKING = frozenset({"volume", "scraping"})
_MOST_THINGS = 20_000
_TOLD = 5


@dataclass(frozen=True, slots=True)
class Impact:
    """`rows` as JSON {what, words, nats}; `nats` by what; `jewels`: a crown jewel was touched."""

    rows: Sequence[Mapping[str, Any]] = ()
    nats: Mapping[str, float] = field(default_factory=dict)
    jewels: bool = False


def impact_of(
    around: Surroundings,
    policy: PolicySettings,
    anomalies: Sequence[Anomaly],
    context: Mapping[str, Any],
) -> Impact:
    """The impact of the finding with these surroundings and this context."""
    jewels = list(_jewels(around, policy))
    parts = [*_privileges(around), *_outside(context), *_files(anomalies, context)]
    rows = [{"what": what, "words": words, "nats": nats} for what, words, nats in parts]
    if jewels:
        more = [number(len(jewels) - _TOLD, "other")] if len(jewels) > _TOLD else []
        names = listed([*(quoted(one) for one in jewels[:_TOLD]), *more])
        rows.append({"what": "crown_jewels", "words": f"it touched {names}", "nats": 0.0})
    return Impact(rows, {what: nats for what, _, nats in parts}, bool(jewels))


def _privileges(around: Surroundings) -> Iterator[tuple[str, str, float]]:
    people = [actor for actor in around.window.actors if actor[:1] in "UW"]
    if people and around.administered(people):
        words = "administration is done with it: what it can reach is more than a member's"
        yield "privileges", words, PRIVILEGE_NATS


def _outside(context: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    counts: Mapping[str, int] = context["counts"]
    done = [f"{counts[action]} × {action}" for action in OUTSIDE if action in counts]
    if done:
        yield "outside", f"something was opened to the outside: {listed(done)}", OUTSIDE_NATS


def _files(
    anomalies: Sequence[Anomaly], context: Mapping[str, Any]
) -> Iterator[tuple[str, str, float]]:
    distinct = context["files"]["distinct"]
    if distinct > MANY_FILES and any(one.raised.stages & _TAKING for one in anomalies):
        nats = round(min(MOST_FILE_NATS, math.log10(distinct / MANY_FILES)), 3)
        yield "files", f"it is about {number(distinct, 'distinct file')}", nats


def _jewels(around: Surroundings, policy: PolicySettings) -> Iterator[str]:
    """Names of the crown jewels in the window."""
    files, channels = policy.crown_jewel_files, policy.crown_jewel_channels
    if not files and not channels:
        return
    rows = around.ask(
        "SELECT DISTINCT entity_type AS kind, entity AS id, entity_name AS name FROM triage_near "
        "WHERE entity_type IN ('file', 'canvas', 'list', 'channel') AND action != 'anomaly' "
        f"ORDER BY ALL LIMIT {_MOST_THINGS}"
    )
    told: set[str] = set()
    for row in rows:
        name, key = row["name"] or row["id"] or "", row["id"] or row["name"] or ""
        patterns = channels if row["kind"] == "channel" else files
        if key not in told and fits_any({key, name}, patterns):
            told.add(key)
            yield name
