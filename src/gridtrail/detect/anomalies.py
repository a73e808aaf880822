"""From verdicts to anomaly events in the lake, in Slack's shape."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from gridtrail.detect import state as st
from gridtrail.detect.contract import DAY_SECONDS, Detector, table
from gridtrail.detect.day import ADDRESSES, view_events
from gridtrail.detect.emission import Verdict
from gridtrail.detect.evidence import evidence, score_millinats
from gridtrail.engine.shape import Engine
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import matching_files
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
    engine: Engine,
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
        before = previous.get((candidate.event_id, candidate.at), {})
        raw = slack_anomaly.anomaly_event(
            slack_anomaly.Anomaly(
                org=org,
                deciding=row["raw"].encode(),
                reasons=candidate.anomaly.reasons,
                action_timestamp=candidate.at * 1_000_000,
                subject="user" if candidate.subject == row["actor_id"] else "app",
                location=row["country"] or "",
                previous_ip_address=before.get("ip"),
                previous_ua=before.get("ua"),
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
    lake: Lake, engine: Engine, org: str, verdicts: Sequence[Verdict]
) -> dict[tuple[str, int], dict[str, Any]]:
    """Columns and raw text of the deciding events; they stay in the engine as `_deciding`."""
    wanted = {(v.candidate.event_id, v.candidate.at) for v in verdicts}
    ids, times = zip(*sorted(wanted), strict=True)
    first, last = min(times), max(times)
    # the raw text, most of an event's bytes, is read of these days alone
    view_events(lake, engine, "_then", THEN, org=org, oldest=first, latest=last)
    before = first - SESSION_MEMORY_DAYS * DAY_SECONDS
    view_events(lake, engine, "_around", AROUND, org=org, oldest=before, latest=last)
    columns = {"id": pa.array(ids), "date_create": pa.array(times, pa.int64())}
    engine.keep("_wanted", pa.table(columns))
    engine.keep("_deciding", _DECIDING)
    rows: list[dict[str, Any]] = engine.rows(_deciding).to_pylist()
    return {(row["id"], row["date_create"]): row for row in rows}


def _deciding_expression() -> ir.Table:
    """The wanted events with the country of their address."""
    countries = table("addresses", ADDRESSES).select(address="ip", country="country")
    found = _then.join(_wanted, ["id", "date_create"])
    placed = found.left_join(countries, found.ip == countries.address)
    return placed.select(*DECIDING)


def _previous_expression() -> ir.Table:
    """Rows (id, date_create, what, value): the last other address and agent of the session, or
    of the app, of each deciding event, earlier seconds only (slack/api.md 3.1)."""
    ours = _deciding.select("id", "date_create", "ip", "ua", token=_token(_deciding))
    ours = ours.rename({f"own_{name}": name for name in ours.columns})
    earlier = _around.filter(_around.action != "anomaly").mutate(token=_token(_around))
    pairs = ours.join(earlier, ours.own_token == earlier.token)
    pairs = pairs.filter(
        (pairs.date_create < pairs.own_date_create)
        & (pairs.date_create >= pairs.own_date_create - SESSION_MEMORY_DAYS * DAY_SECONDS)
    )
    return ibis.union(*(_last_other(pairs, what) for what in ("ip", "ua")))


def _token(events: ir.Table) -> ir.StringValue:
    """What an address or agent belongs to: the session, else the app in a person's name; null
    where an event has neither."""
    app = ibis.literal("app ") + events.app_id + ibis.literal(" ") + events.actor_id
    token: ir.StringValue = ibis.coalesce(events.session_id, app)
    return token


def _last_other(pairs: ir.Table, what: str) -> ir.Table:
    others = pairs.filter(pairs[what] != pairs[f"own_{what}"])
    place = ibis.row_number().over(
        group_by=[others.own_id, others.own_date_create],
        order_by=[others.date_create.desc(), others.id.desc()],
    )
    others = others.mutate(place=place)
    return others.filter(others.place == 0).select(
        id="own_id", date_create="own_date_create", what=ibis.literal(what), value=what
    )


AROUND = {
    "id": "string",
    "date_create": "int64",
    "action": "string",
    "actor_id": "string",
    "session_id": "string",
    "app_id": "string",
    "ip": "string",
    "ua": "string",
}
THEN = AROUND | {"raw": "string"}
DECIDING = {name: kind for name, kind in THEN.items() if name != "action"} | {"country": "string"}
_around = table("_around", AROUND)
_then = table("_then", THEN)
_wanted = table("_wanted", {"id": "string", "date_create": "int64"})
_deciding = table("_deciding", DECIDING)
_DECIDING = _deciding_expression()
_PREVIOUS = _previous_expression()


def _previous(engine: Engine) -> dict[tuple[str, int], dict[str, str]]:
    """By deciding event: `ip` and `ua` that its session had before, where there are others."""
    found: dict[tuple[str, int], dict[str, str]] = {}
    for row in engine.rows(_PREVIOUS).to_pylist():
        found.setdefault((row["id"], row["date_create"]), {})[row["what"]] = row["value"]
    return found


def store_anomalies(lake: Lake, org: str, emitted: Sequence[Emitted]) -> dict[dt.date, int]:
    """Append the anomaly events to the lake; how many were new on each day.

    Empty when another run stored some of them meanwhile: the days are then looked at again.
    """
    if not emitted:
        return {}
    rows = pa.Table.from_pylist([_row(org, one) for one in emitted], schema=EVENTS)
    lake.engine.keep("_anomalies_kept", rows)
    times = [one.at for one in emitted]
    lake.events_view("_there", org=org, oldest=min(times), latest=max(times))
    new = lake.engine.rows(
        "SELECT day, count(DISTINCT id) AS new FROM _anomalies_kept "
        "WHERE id NOT IN (SELECT id FROM _there WHERE action = 'anomaly') GROUP BY day"
    ).to_pylist()
    stored = lake.append_events("_anomalies_kept").stored
    lake.engine.drop("_anomalies_kept")
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
    lake: Lake, org: str, days: Sequence[dt.date], verdicts: Sequence[Verdict]
) -> None:
    """Keep what was not said on these days, and why, in the place of what an earlier run kept."""
    by_day: dict[dt.date, list[dict[str, Any]]] = {}
    for verdict in verdicts:
        if verdict.silenced is not None:
            row = _silenced_row(org, verdict)
            by_day.setdefault(row["day"], []).append(row)
    log = lake.log(st.SILENCED)
    log.refresh()
    files = matching_files(log.files(), {"org": org})
    known = {dt.date.fromisoformat(file.partition["day"]) for file in files}
    for day in sorted({*by_day, *(day for day in known if days[0] <= day <= days[-1])}):
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
