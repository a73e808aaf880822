"""The lake's tables as views for people's SQL, named after the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridtrail.lake.lake import Lake
    from gridtrail.lake.schema import TableShape

_TIME = "make_timestamp(date_create * 1000000) AS time"

_TEXTS = ("detector", "fidelity", "subject", "p_value", "threshold", "words", "silent_if", "query")

_ANOMALIES = f"""
SELECT org, id, date_create, time, day, source, reasons, actor_id, actor_name, actor_email, ip, ua,
  session_id, app_id,
  {", ".join(f"json_extract_string(details, '$.gridtrail.{name}') AS {name}" for name in _TEXTS)},
  TRY_CAST(json_extract_string(details, '$.gridtrail.score_millinats') AS BIGINT) / 1000 AS score,
  json_extract(details, '$.gridtrail.observed')::VARCHAR AS observed,
  json_extract(details, '$.gridtrail.usual')::VARCHAR AS usual,
  json_extract_string(details, '$.gridtrail.deciding_events[*]') AS deciding_events,
  details, raw
FROM events WHERE action = 'anomaly'
"""
"""The evidence may be a stranger's (an imported event can hold anything): no cast may fail."""


_COUNTS = """
SELECT org, day, actor, reason, count(*) AS count FROM (
  SELECT org, day, unnest(reasons) AS reason,
    coalesce(CASE WHEN entity_type = 'app' THEN entity_id END, actor_id,
      CASE WHEN entity_type = 'user' THEN entity_id END) AS actor
  FROM events WHERE action = 'anomaly'
) GROUP BY ALL
"""
"""Anomalies by organization, UTC day, whom they are about, and reason: one of two counts twice."""


def open_views(lake: Lake) -> tuple[list[str], list[str]]:
    """Make the tables readable in the lake's engine; the names of the views and their files.

    `events` (with `time`), `anomalies` (the events with action `anomaly`, evidence unpacked),
    `anomaly_counts`, `rule_hits` (with `time`), `quarantine`, `silenced`, `detector_states`,
    `sightings`, and what is known of `addresses` and `clients`.
    """
    from gridtrail.collect.sightings import SIGHTINGS
    from gridtrail.detect.state import DETECTOR_STATES, SILENCED
    from gridtrail.lake.schema import QUARANTINE_TABLE
    from gridtrail.rules.state import RULE_HITS

    engine = lake.engine
    files = list(lake.events_view("_events").files)
    engine.view("events", f"SELECT *, {_TIME} FROM _events")
    engine.view("anomalies", _ANOMALIES)
    engine.view("anomaly_counts", _COUNTS)
    files += lake.view(RULE_HITS, "_rule_hits").files
    engine.view("rule_hits", 'SELECT *, make_timestamp("at" * 1000000) AS time FROM _rule_hits')
    for shape in (QUARANTINE_TABLE, SILENCED, DETECTOR_STATES, SIGHTINGS):
        files += lake.view(shape, shape.name).files
    files += open_facts(lake)
    names = ["events", "anomalies", "quarantine", "anomaly_counts", "rule_hits", "silenced"]
    return [*names, "detector_states", "sightings", "addresses", "clients"], files


def open_facts(lake: Lake) -> list[str]:
    """Make `addresses` and `clients` readable as they are stored now; the files they read."""
    from gridtrail.enrich.dimensions import ADDRESSES_TABLE, CLIENTS_TABLE

    return [*_facts(lake, ADDRESSES_TABLE, "ip"), *_facts(lake, CLIENTS_TABLE, "ua")]


def _facts(lake: Lake, shape: TableShape, key: str) -> tuple[str, ...]:
    # facts of several versions of the sources may be stored; the version with most rows is shown
    all_rows = f"_{shape.name}_stored"
    snapshot = lake.view(shape, all_rows)
    version = f"SELECT facts_version FROM {all_rows} GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    lake.engine.view(
        shape.name,
        f"SELECT DISTINCT ON ({key}) * EXCLUDE (facts_version) FROM {all_rows} "
        f"ORDER BY {key}, facts_version = ({version}) DESC",
    )
    return snapshot.files
