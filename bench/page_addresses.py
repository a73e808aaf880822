"""What `bench.pages` asks of each page: different people, addresses, files, filters and times."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from gridtrail.detectors import all_detectors
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.rules.folder import rule_folders
from gridtrail.server.app import STATE_FILE
from gridtrail.server.console.places import PLACES
from gridtrail.settings import Settings
from gridtrail.slack.reasons import REASONS
from gridtrail.triage.store import FindingFilters, FindingStore

LEFT_OUT = frozenset(
    {"/assets/{name}", "/logs/export", "/signin/openid", "/signin/openid/back", "/welcome"}
)
"""Files of the console, an export, and pages that belong to another way of signing in."""

COUNT = 20
"""Different requests of a place, where there are so many."""

_ACTIONS = (
    "user_login", "file_downloaded", "file_uploaded", "anomaly", "file_shared",
    "public_channel_created", "role_change_to_admin", "app_installed",
)  # fmt: skip
_TEXTS = ("invoice", "Leads", "kestrel", "python-requests", "quarterly", "no such text at all")
_CLIENTS = ("Slack/4", "python", "Mozilla", "okhttp", "no such client")

Addresses = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Known:
    """What is in the log: values of each column, half of them the busiest, half any; days as
    texts; findings, detectors and rules by name."""

    values: Mapping[str, Sequence[str]]
    names: Sequence[str]
    days: Sequence[str]
    findings: Sequence[str]
    detectors: Sequence[str]
    rules: Sequence[str]


_SOME = """
WITH counted AS (
  SELECT {column} AS value, count(*) AS n FROM _all WHERE {column} IS NOT NULL AND {which}
  GROUP BY 1)
(SELECT value FROM counted ORDER BY n DESC, value LIMIT {half})
UNION ALL (SELECT value FROM counted ORDER BY md5(value) LIMIT {half})
"""


def known(home: Path, org: str) -> Known:
    """What the data directory `home` holds."""
    engine = DuckDB(memory_limit="4GiB")
    lake = Lake(home / "lake", engine)
    lake.events_view("_all", org=org)
    columns = {
        "actor_id": "true", "ip": "true", "session_id": "true", "app_id": "true", "id": "true",
        "entity_id": "entity_type IN ('file', 'canvas')",
    }  # fmt: skip
    values = {
        column: _column(engine, _SOME.format(column=column, which=which, half=COUNT // 2))
        for column, which in columns.items()
    }
    apps = "SELECT DISTINCT entity_id FROM _all WHERE entity_type = 'app' ORDER BY md5(entity_id)"
    values["app_id"] = list(dict.fromkeys([*values["app_id"], *_column(engine, apps)]))[:COUNT]
    names = _column(engine, "SELECT DISTINCT actor_name FROM _all ORDER BY 1 LIMIT 20")
    days = [day.isoformat() for day in lake.day_counts(org)]
    engine.close()
    with FindingStore(home / STATE_FILE) as store:
        findings = [one.id for one in store.select(FindingFilters(org=org))]
    rules = rule_folders(Settings(data=home).rules).current().rules
    return Known(
        values,
        names,
        days,
        findings,
        [one.name for one in all_detectors()],
        [one.key for one in rules if one.fires],
    )


def _column(engine: DuckDB, sql: str) -> list[str]:
    rows: list[dict[str, Any]] = engine.rows(sql).to_pylist()
    return [next(iter(row.values())) for row in rows if next(iter(row.values())) is not None]


def addresses(found: Known, org: str) -> Addresses:
    """The addresses to ask of each place, by the place's path."""
    chance = random.Random(7)
    values = found.values
    asked: Addresses = {
        "/findings/{finding_id}": [f"/findings/{one}" for one in _few(chance, found.findings)],
        "/findings/{finding_id}/trail": [
            f"/findings/{one}/trail" for one in _few(chance, found.findings)
        ],
        "/event": _each("/event", "id", values["id"]),
        "/event/around": _each("/event/around", "id", values["id"]),
        "/person": _each("/person", "id", values["actor_id"]),
        "/address": _each("/address", "ip", values["ip"]),
        "/session": _each("/session", "id", values["session_id"]),
        "/file": _each("/file", "id", values["entity_id"]),
        "/app": _each("/app", "id", values["app_id"]),
        "/slack/signout": _each("/slack/signout", "user", values["actor_id"]),
        "/slack/signout/confirm": [
            f"{one}&choice=all" for one in _each("/slack/signout/confirm", "user", found.names)
        ],
        "/detectors/{name}": [f"/detectors/{one}" for one in _few(chance, found.detectors)],
        "/rules/{name}": [f"/rules/{one}" for one in _few(chance, found.rules)],
        "/findings": ["/findings", *(_query("/findings", one) for one in _finding_filters(found))],
        "/logs": ["/logs", *(_query("/logs", one) for one in log_filters(found))],
        "/detections": [
            "/detections", *(_query("/detections", one) for one in _anomaly_filters(found))
        ],
        "/allow/new": _each("/allow/new", "user", values["actor_id"]),
    }  # fmt: skip
    asked["/findings/list"] = [_of("/findings/list", one) for one in asked["/findings"]]
    asked["/logs/histogram"] = [_of("/logs/histogram", one) for one in asked["/logs"]]
    asked["/logs/histogram"] += [
        _with(_of("/logs/histogram", one), {"for": "detections"}) for one in asked["/detections"]
    ]
    for place in PLACES:
        if place.method == "GET" and place.path not in LEFT_OUT and "{" not in place.path:
            asked.setdefault(place.path, [place.path] * 5)
    return {path: [_with(one, {"org": org}) for one in some] for path, some in asked.items()}


def log_filters(found: Known) -> list[dict[str, Any]]:
    """Filters of the audit logs: each kind alone, and some together."""
    values, days = found.values, found.days
    middle, newest = days[len(days) // 2], days[-1]
    filters: list[dict[str, Any]] = [{"action": one} for one in _ACTIONS]
    filters += [{"actor": one} for one in (*values["actor_id"][:3], *values["actor_id"][-3:])]
    filters += [{"actor": one} for one in found.names[:2]]
    filters += [{"ip": one} for one in (*values["ip"][:2], *values["ip"][-2:])]
    filters += [{"session": one} for one in (*values["session_id"][:2], *values["session_id"][-2:])]
    filters += [{"entity": one} for one in values["entity_id"][-3:]]
    filters += [{"app": one} for one in values["app_id"][:2]]
    filters += [{"text": one} for one in _TEXTS]
    filters += [{"ua": one} for one in _CLIENTS]
    filters += [{"oldest": middle, "latest": middle}, {"oldest": days[0], "latest": middle}]
    filters += [{"action": ["user_login", "user_logout"], "oldest": middle, "latest": newest}]
    filters += [{"actor": values["actor_id"][0], "action": "file_downloaded", "latest": middle}]
    filters += [{"text": "invoice", "oldest": newest}, {"by": "slack"}, {"source": "gridtrail"}]
    return filters


def _anomaly_filters(found: Known) -> list[dict[str, Any]]:
    days = found.days
    filters: list[dict[str, Any]] = [{"reason": one} for one in list(REASONS)[:8]]
    filters += [{"actor": one} for one in found.values["actor_id"][:4]]
    filters += [{"by": "gridtrail"}, {"by": "slack"}, {"ip": found.values["ip"][-1]}]
    filters += [{"oldest": days[len(days) // 2], "latest": days[-1]}, {"latest": days[3]}]
    return filters


def _finding_filters(found: Known) -> list[dict[str, Any]]:
    filters: list[dict[str, Any]] = [{"severity": one} for one in ("low", "high", "critical")]
    filters += [{"status": "open"}, {"status": "closed"}, {"reason": "excessive_downloads"}]
    filters += [{"actor": one} for one in found.values["actor_id"][:4]]
    filters += [{"oldest": found.days[-3]}, {"latest": found.days[-3]}, {"verdict": "expected"}]
    return filters


def _few(chance: random.Random, values: Sequence[str]) -> list[str]:
    return chance.sample(list(values), min(COUNT, len(values)))


def _each(path: str, name: str, values: Sequence[str]) -> list[str]:
    return [_query(path, {name: one}) for one in values]


def _query(path: str, parameters: Mapping[str, Any]) -> str:
    return f"{path}?{urlencode(parameters, doseq=True)}"


def _of(path: str, address: str) -> str:
    """The same parameters at another path."""
    mark, query = address.partition("?")[1:]
    return path + mark + query


def _with(address: str, parameters: Mapping[str, Any]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(parameters)}"
