"""What happened around a finding: the surrounding audit events, folded to what a person reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gridtrail.enrich.agent_text import cleaned
from gridtrail.enrich.clients import client_of, expected
from gridtrail.enrich.dimensions import address_book
from gridtrail.settings import Settings
from gridtrail.triage.anomaly import Anomaly
from gridtrail.triage.files import files_of
from gridtrail.triage.patterns import actors_of
from gridtrail.triage.surroundings import LOGINS, Surroundings
from gridtrail.triage.usual import ADDRESS, AGENT, SESSION, hashed

MOST_ROWS = 50
MOST_RUNS = 60
RUN_GAP_SECONDS = 1_800


def context_of(around: Surroundings, settings: Settings) -> dict[str, Any]:
    """The context of a finding as a JSON object; times are seconds, counts are events.

    window {from, to}; counts {action: n}; files (see `files`);
    addresses [{ip, events, first_seen, last_seen, known_since, people, asn, asn_name, country,
    address_kind}];
    clients [{ua, family, kind, version, os, expected, events, first_seen, last_seen, known_since,
    people}];
    sessions [{id, born, born_as, events, logins, addresses, clients, other_actors}];
    channels and workspaces [{id, name, events}];
    timeline (runs of one action [{action, events, from, to}]) with timeline_runs, their number
    before it was cut to MOST_RUNS;
    responses [{id, at, action, actor}] of Slack or an administrator.
    people (see `people_of`) and judged {addresses, clients} (by `judgement`) are added later.
    `known_since` is the person's first use in the 30 days before the window, null when there was
    none; `people` is how many used it from then to the window's end.
    """
    window = around.window
    counts = around.ask(
        "SELECT action, count(*) AS n FROM triage_near GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    runs = _timeline(around)
    return {
        "window": {"from": window.start, "to": window.end},
        "counts": {cleaned(row["action"]): row["n"] for row in counts},
        "files": files_of(around),
        "addresses": _addresses(around, settings),
        "clients": _clients(around, settings),
        "sessions": _sessions(around),
        "channels": _places(around, "entity_type = 'channel'", "entity", "entity_name"),
        "workspaces": _places(around, "true", "location_id", "location_domain"),
        "timeline": runs[:MOST_RUNS],
        "timeline_runs": len(runs),
        "responses": around.ask(
            'SELECT id, seconds AS "at", action, actor_id AS actor FROM triage_after '
            f"ORDER BY seconds, id LIMIT {MOST_ROWS}"
        ),
    }


def people_of(anomalies: Sequence[Anomaly]) -> list[dict[str, str]]:
    """Who it is about [{id, name, email}], the first of them first; what the log does not know is
    empty, and an app has no address."""
    found = []
    for actor in actors_of(anomalies):
        own = [one for one in anomalies if one.raised.actor == actor]
        name = next((one.actor_name for one in own if one.actor_name), "")
        email = next((one.actor_email for one in own if one.actor_email), "")
        found.append({"id": actor, "name": cleaned(name), "email": cleaned(email)})
    return found


def _used(around: Surroundings, column: str, kind: int) -> list[dict[str, Any]]:
    """The values of `column` in the window with their events, and who used them before."""
    window = around.window
    return around.ask(
        f"""WITH near AS (
            SELECT {column} AS value, count(*) AS events, min(seconds) AS first_seen,
                max(seconds) AS last_seen
            FROM triage_near WHERE own AND {column} IS NOT NULL GROUP BY 1
            ORDER BY events DESC, value LIMIT {MOST_ROWS}
        ), past AS (
            SELECT key, count(DISTINCT who) AS people,
                min(first_at) FILTER (who = {hashed("$1")} AND first_at < $2) AS known_since
            FROM triage_past WHERE kind = {kind} AND (NOT app OR who = {hashed("$1")})
            GROUP BY 1
        )
        SELECT near.*, coalesce(past.people, 1) AS people, past.known_since
        FROM near LEFT JOIN past ON past.key = {hashed("near.value")}
        ORDER BY events DESC, value""",
        [window.actor, window.start],
    )


def _addresses(around: Surroundings, settings: Settings) -> list[dict[str, Any]]:
    rows = _used(around, "ip", ADDRESS)
    # at most MOST_ROWS addresses: asking the book is cheaper than the dimension table here
    facts = address_book(settings.enrich).facts_many([row["value"] for row in rows])
    return [
        {
            "ip": row.pop("value"),
            **row,
            "asn": fact.asn,
            "asn_name": fact.asn_name,
            "country": fact.country,
            "address_kind": fact.kind_at(row["last_seen"]),
        }
        for row, fact in zip(rows, facts, strict=True)
    ]


def _clients(around: Surroundings, settings: Settings) -> list[dict[str, Any]]:
    found = []
    for row in _used(around, "ua", AGENT):
        ua = row.pop("value")
        client = client_of(ua)
        found.append(
            {
                "ua": cleaned(ua),
                "family": client.family,
                "kind": client.kind,
                "version": client.version,
                "os": client.os,
                "expected": expected(client, settings.enrich.expected_clients),
                **row,
            }
        )
    return found


def _sessions(around: Surroundings) -> list[dict[str, Any]]:
    window = around.window
    rows = around.ask(
        f"""WITH near AS (
            SELECT session_id AS id, count(*) AS events,
                count(*) FILTER (list_contains(?, action)) AS logins,
                count(DISTINCT actor_id) FILTER (actor_id IS DISTINCT FROM ?) AS other_actors,
                list_sort(list_distinct(list(ip) FILTER (ip IS NOT NULL)))[:10] AS addresses,
                list_sort(list_distinct(list(ua) FILTER (ua IS NOT NULL)))[:10] AS clients
            FROM triage_near WHERE own AND session_id IS NOT NULL GROUP BY 1
            ORDER BY events DESC, id LIMIT {MOST_ROWS}
        ), birth AS (
            SELECT key, min(first_at) AS born, arg_min(word, first_at) AS born_as
            FROM triage_past WHERE kind = {SESSION} GROUP BY 1
        )
        SELECT near.id, born, born_as, events, logins, addresses, clients, other_actors
        FROM near JOIN birth ON birth.key = {hashed("near.id")} ORDER BY events DESC, near.id""",
        [list(LOGINS), window.actor],
    )
    for row in rows:
        row["clients"] = [cleaned(ua) for ua in row["clients"] or ()]
        row["addresses"] = row["addresses"] or []
        row["born_as"] = cleaned(row["born_as"])
    return rows


def _places(around: Surroundings, which: str, key: str, name: str) -> list[dict[str, Any]]:
    rows = around.ask(
        f"SELECT {key} AS id, max({name}) AS name, count(*) AS events FROM triage_near "
        f"WHERE {which} AND {key} IS NOT NULL GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT {MOST_ROWS}"
    )
    for row in rows:
        row["name"] = cleaned(row["name"] or "")
    return rows


def _timeline(around: Surroundings) -> list[dict[str, Any]]:
    """Runs of one action, oldest first; a pause of RUN_GAP_SECONDS ends a run."""
    rows = around.ask(
        """SELECT any_value(action) AS action, count(*) AS events, min(seconds) AS "from",
            max(seconds) AS "to" FROM (
            SELECT seconds, action, sum(starts) OVER (ORDER BY seconds, action, id) AS run FROM (
                SELECT id, seconds, action, CASE WHEN lag(action) OVER w = action
                    AND seconds - lag(seconds) OVER w <= ? THEN 0 ELSE 1 END AS starts
                FROM triage_near WINDOW w AS (ORDER BY seconds, action, id)
            )
        ) GROUP BY run ORDER BY run""",
        [RUN_GAP_SECONDS],
    )
    for row in rows:
        row["action"] = cleaned(row["action"])
    return rows
