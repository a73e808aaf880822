"""What ties anomalies and hits together beside who and where: the app, the malicious file, the act.

A rule's hit on the administration of an app (its scopes grew, somebody approved it) is about that
app too. Malware of several people is one story when it is the same file: by its hash, its id or
its name. An act that a rule hits and a detector says too is one act.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gridtrail.engine.duckdb import DuckDB
from gridtrail.triage.anomaly import DAY_SECONDS, Anomaly, Raised
from gridtrail.triage.rule_hits import rule_of
from gridtrail.triage.surroundings import MALWARE_FOUND, MARKED

_MD5 = re.compile(r'"md5_hash"\s*:\s*"([0-9A-Fa-f]{32})"')


def tied(engine: DuckDB, raised: Iterable[Raised]) -> list[Raised]:
    """`raised` with `about` and `things` filled in; what `mark` keeps must be there."""
    apps, files = _apps(engine), _files(engine)
    return [_tied(one, apps, files) for one in raised]


def _tied(
    one: Raised,
    apps: Mapping[tuple[str, str], str],
    files: Mapping[tuple[str, str], Sequence[tuple[int, frozenset[str]]]],
) -> Raised:
    if one.level:
        app = apps.get((one.org, one.decided_by), "")
        return replace(one, about=app) if app else one
    if "malware" not in one.families or one.actor is None:
        return one
    found = files.get((one.org, one.actor), ())
    near = (things for at, things in found if one.at - DAY_SECONDS <= at <= one.at)
    return replace(one, things=tuple(sorted(frozenset().union(*near))))


def _apps(engine: DuckDB) -> dict[tuple[str, str], str]:
    """Organization and event -> the app that was administered."""
    rows = engine.rows(
        f"SELECT org, id, entity_id FROM {MARKED} "
        "WHERE action != 'anomaly' AND entity_type = 'app' AND entity_id IS NOT NULL"
    )
    return {(row["org"], row["id"]): row["entity_id"] for row in rows.to_pylist()}


def _files(engine: DuckDB) -> dict[tuple[str, str], list[tuple[int, frozenset[str]]]]:
    """Organization and subject -> when malware was found, and what names the file."""
    rows = engine.rows(
        "SELECT org, coalesce(app_id, actor_id) AS subject, date_create AS seconds, entity_id, "
        f"entity_name, details FROM {MARKED} WHERE action = ? "
        "AND coalesce(app_id, actor_id) IS NOT NULL ORDER BY ALL",
        [MALWARE_FOUND],
    )
    found: dict[tuple[str, str], list[tuple[int, frozenset[str]]]] = defaultdict(list)
    for row in rows.to_pylist():
        md5 = _MD5.search(row["details"] or "")
        names = {
            "id": row["entity_id"],
            "name": (row["entity_name"] or "").casefold(),
            "md5": md5.group(1).lower() if md5 else "",
        }
        things = frozenset(f"{kind} {value}" for kind, value in names.items() if value)
        found[(row["org"], row["subject"])].append((row["seconds"], things))
    return found


def once_each(surprises: Mapping[str, float], anomalies: Sequence[Anomaly]) -> dict[str, float]:
    """`surprises` (family -> nats), each act counted once.

    A rule's hit on an act that an anomaly is about makes the anomaly's family as surprising as the
    rule is, if that is more. Other hits count by the stage of an attack that they show, as the most
    surprising of each: a morning of administration hits many rules and is one thing.
    """
    found = {family: nats for family, nats in surprises.items() if rule_of(family) is None}
    acts = _acts(anomalies)
    for one in anomalies:
        raised = one.raised
        if not raised.level:
            continue
        nats = max(surprises[family] for family in raised.families)
        same = acts.get(raised.decided_by) or acts.get(f"{raised.actor} {raised.at}")
        name = "rules: " + min(raised.shows, default="other")
        if same:
            name = max(sorted(same), key=lambda family: surprises[family])
        found[name] = max(found.get(name, 0.0), nats)
    return found


def _acts(anomalies: Sequence[Anomaly]) -> dict[str, frozenset[str]]:
    """What anomalies are about -> their families: events by id, or, where only Slack says when the
    act was, the actor and the second."""
    found: dict[str, frozenset[str]] = {}
    for one in anomalies:
        if one.raised.level:
            continue
        keys: Sequence[str] = one.evidence.deciding_events if one.evidence is not None else ()
        if one.evidence is None and one.happened != one.raised.at:
            keys = [f"{one.raised.actor} {one.happened}"]
        for key in keys:
            found[key] = found.get(key, frozenset()) | one.raised.families
    return found
