"""From verdicts to anomaly events in the lake, in Slack's shape."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from gridtrail.detect import state as st
from gridtrail.detect.contract import DAY_SECONDS, Detector
from gridtrail.detect.emission import Verdict
from gridtrail.detect.evidence import evidence, score_millinats
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS
from gridtrail.slack import anomaly as slack_anomaly
from gridtrail.slack.event import read_event

SESSION_MEMORY_DAYS = 30
"""How far back the previous address and user agent of a session are looked for."""

SOURCE = "gridtrail"


@dataclass(frozen=True, slots=True)
class Emitted:
    """An anomaly event ready for the lake; `at` in seconds, `raw` is its JSON text."""

    id: str
    at: int
    detector: str
    subject: str
    reasons: tuple[str, ...]
    words: str
    raw: bytes


def anomaly_bytes(
    lake: Lake,
    engine: DuckDB,
    org: str,
    verdicts: Sequence[Verdict],
    detectors: Mapping[str, Detector],
) -> Iterator[Emitted]:
    """The anomaly event of each verdict, in order."""
    if not verdicts:
        return
    deciding = _deciding_events(lake, engine, org, verdicts)
    previous = _previous(engine)
    for verdict in verdicts:
        candidate = verdict.candidate
        row = deciding[candidate.event_id, candidate.at]
        ip, ua = previous.get((candidate.event_id, candidate.at), (None, None))
        raw = slack_anomaly.anomaly_event(
            slack_anomaly.Anomaly(
                org=org,
                deciding=row["raw"].encode(),
                reasons=candidate.anomaly.reasons,
                action_timestamp=candidate.at * 1_000_000,
                subject="user" if candidate.subject == row["actor_id"] else "app",
                location=row["country"] or "",
                previous_ip_address=ip,
                previous_ua=ua,
                evidence=evidence(verdict, detectors[candidate.detector]),
                **candidate.anomaly.details,
            )
        )
        fields = read_event(raw)
        yield Emitted(
            fields.id,
            candidate.at,
            candidate.detector,
            candidate.subject,
            fields.reasons or (),
            candidate.anomaly.words,
            raw,
        )


def _deciding_events(
    lake: Lake, engine: DuckDB, org: str, verdicts: Sequence[Verdict]
) -> dict[tuple[str, int], dict[str, Any]]:
    """Columns and raw text of the deciding events; they stay in the engine as `_deciding`."""
    wanted = {(v.candidate.event_id, v.candidate.at) for v in verdicts}
    ids, times = zip(*sorted(wanted), strict=True)
    lake.events_view(
        "_around",
        org=org,
        oldest=min(times) - SESSION_MEMORY_DAYS * DAY_SECONDS,
        latest=max(times),
    )
    engine.register(
        "_wanted", pa.table({"id": pa.array(ids), "date_create": pa.array(times, pa.int64())})
    )
    engine.keep(
        "_deciding",
        "SELECT e.id, e.date_create, e.actor_id, e.session_id, e.ip, e.ua, e.raw, a.country "
        "FROM _around e JOIN _wanted w ON e.id = w.id AND e.date_create = w.date_create "
        "LEFT JOIN addresses a ON a.ip = e.ip",
    )
    rows: list[dict[str, Any]] = engine.rows("SELECT * FROM _deciding").to_pylist()
    return {(row["id"], row["date_create"]): row for row in rows}


def _previous(engine: DuckDB) -> dict[tuple[str, int], tuple[str | None, str | None]]:
    """For each deciding event the last other address and agent of its session, earlier seconds
    only (slack/api.md 3.1)."""
    rows = engine.rows(
        "SELECT d.id, d.date_create, "
        "arg_max(e.ip, (e.date_create, e.id)) FILTER (e.ip <> d.ip) AS ip, "
        "arg_max(e.ua, (e.date_create, e.id)) FILTER (e.ua <> d.ua) AS ua "
        "FROM _deciding d JOIN _around e ON e.session_id = d.session_id "
        "AND e.date_create < d.date_create AND e.date_create >= d.date_create - $1 "
        "WHERE e.action <> 'anomaly' GROUP BY ALL",
        [SESSION_MEMORY_DAYS * DAY_SECONDS],
    )
    return {(r["id"], r["date_create"]): (r["ip"], r["ua"]) for r in rows.to_pylist()}


def store_anomalies(
    lake: Lake, engine: DuckDB, org: str, emitted: Sequence[Emitted]
) -> dict[dt.date, int]:
    """Append the anomaly events to the lake; how many were new on each day.

    Empty when another run stored some of them meanwhile: the days are then looked at again.
    """
    if not emitted:
        return {}
    rows = pa.Table.from_pylist([_row(org, one) for one in emitted], schema=EVENTS)
    engine.register("_anomalies", rows)
    engine.keep("_anomalies_kept", "SELECT * FROM _anomalies")
    engine.unregister("_anomalies")
    times = [one.at for one in emitted]
    lake.events_view("_there", org=org, oldest=min(times), latest=max(times))
    new = engine.rows(
        "SELECT day, count(DISTINCT id) AS new FROM _anomalies_kept "
        "WHERE id NOT IN (SELECT id FROM _there WHERE action = 'anomaly') GROUP BY day"
    ).to_pylist()
    stored = lake.append_events("_anomalies_kept").stored
    engine.drop("_anomalies_kept")
    return {r["day"]: r["new"] for r in new} if stored == sum(r["new"] for r in new) else {}


def _row(org: str, emitted: Emitted) -> dict[str, Any]:
    fields = read_event(emitted.raw)
    return {
        **asdict(fields),
        "reasons": list(fields.reasons or ()),
        "org": org,
        "day": st.day_of(fields.date_create),
        "raw": emitted.raw.decode(),
        "source": SOURCE,
        "ingested_at": dt.datetime.now(dt.UTC),
    }


def write_silenced(
    lake: Lake, engine: DuckDB, org: str, days: Sequence[dt.date], verdicts: Sequence[Verdict]
) -> None:
    """Keep what was not said on these days, and why, in the place of what an earlier run kept."""
    by_day: dict[dt.date, list[dict[str, Any]]] = {}
    for verdict in verdicts:
        if verdict.silenced is not None:
            row = _silenced_row(org, verdict)
            by_day.setdefault(row["day"], []).append(row)
    lake.view(st.SILENCED, "_silenced", org=org)
    known = engine.rows(
        "SELECT DISTINCT day FROM _silenced WHERE day BETWEEN $1 AND $2", [days[0], days[-1]]
    )
    for day in sorted({*by_day, *known["day"].to_pylist()}):
        rows = pa.Table.from_pylist(by_day.get(day, []), schema=st.SILENCED.schema)
        lake.write(st.SILENCED, rows, replace={"org": org, "day": day})


def _silenced_row(org: str, verdict: Verdict) -> dict[str, Any]:
    candidate = verdict.candidate
    return {
        "org": org,
        "day": st.day_of(candidate.at),
        "at": candidate.at,
        "detector": candidate.detector,
        "subject": candidate.subject,
        "event_id": candidate.event_id,
        "why": verdict.silenced,
        "score_millinats": score_millinats(candidate.anomaly.p_value),
        "words": candidate.anomaly.words,
    }
