"""The distinct files of a finding, those that say most first.

What a file says is measured in nats, by two things that can be counted: how few other people of
the organization touched it (one that only this person touched says most), and how rare the rarest
word of its name is in the names of files that the organization touched on each day before
(`Glengarry-Leads.xlsx` says more than `image.png`). Nothing here knows a word of any company.
"""

from __future__ import annotations

from typing import Any

from gridtrail.enrich.agent_text import cleaned
from gridtrail.triage.surroundings import Surroundings
from gridtrail.triage.usual import (
    FILE,
    FILES,
    IS_FILE,
    NAME_CHARACTERS,
    WORD,
    WORDS,
    hashed,
)

MOST_LISTED = 50

_RANKED = f"""
WITH mine AS (
    SELECT entity AS file, left(max(entity_name), {NAME_CHARACTERS}) AS name, count(*) AS times,
        min(seconds) AS first_seen, max(seconds) AS last_seen,
        count(*) FILTER (action = 'file_downloaded') AS downloads, {hashed("entity")} AS key
    FROM triage_near WHERE {IS_FILE} AND entity IS NOT NULL GROUP BY entity
), touched AS (
    SELECT key, count(DISTINCT who) FILTER (who IS DISTINCT FROM {hashed("$1")}) AS others
    FROM triage_past WHERE kind = {FILE} AND NOT app GROUP BY key
), words AS (
    SELECT file, {hashed("unnest(" + WORDS + ")")} AS word FROM mine
), known AS (
    SELECT key, sum(n) AS files FROM triage_past WHERE kind = {WORD} AND before GROUP BY key
), every AS (
    SELECT coalesce(sum(n), 0) AS files FROM triage_past
    WHERE kind = {FILES} AND before
), rare AS (
    SELECT file, max(ln((every.files + 1) / greatest(coalesce(known.files, 0), 1))) AS nats
    FROM words LEFT JOIN known ON known.key = word CROSS JOIN every GROUP BY file
), told AS (
    SELECT mine.*, coalesce(touched.others, 0) AS others, coalesce(rare.nats, 0) AS nats
    FROM mine LEFT JOIN touched USING (key) LEFT JOIN rare USING (file)
)
SELECT file, name, times, first_seen, last_seen, downloads, others,
    round(1000 * (nats - ln(others + 1)))::BIGINT AS millinats
FROM told ORDER BY millinats DESC, first_seen, file LIMIT {MOST_LISTED}
"""


def files_of(around: Surroundings) -> dict[str, Any]:
    """The files in the window.

    `events` and `distinct` count every file event of the person, `downloads` the same for
    downloads alone. `listed` holds at most MOST_LISTED files, those that say most first: id,
    name, type (the name's extension), times, downloads, first_seen, last_seen, other_people (in
    the past 30 days).
    """
    counts = around.ask(
        "SELECT count(*) AS events, count(DISTINCT entity) AS distinct_files, "
        "count(*) FILTER (action = 'file_downloaded') AS downloads, "
        "count(DISTINCT entity) FILTER (action = 'file_downloaded') AS distinct_downloads "
        f"FROM triage_near WHERE {IS_FILE}"
    )[0]
    rows = around.ask(_RANKED, [around.window.actor]) if counts["distinct_files"] else []
    return {
        "events": counts["events"],
        "distinct": counts["distinct_files"],
        "downloads": {"events": counts["downloads"], "distinct": counts["distinct_downloads"]},
        "listed": [_file(row) for row in rows],
    }


def _file(row: dict[str, Any]) -> dict[str, Any]:
    name = cleaned(row["name"] or "")
    stem, dot, extension = name.rpartition(".")
    return {
        "id": row["file"],
        "name": name,
        "type": extension.lower()[:10] if stem and dot else "",
        "times": row["times"],
        "downloads": row["downloads"],
        "first_seen": row["first_seen"],
        "last_seen": row["last_seen"],
        "other_people": row["others"],
    }
