"""The distinct files of a finding, those that say most first.

What a file says is measured in nats, by two things that can be counted: how few other people of
the organization touched it (one that only this person touched says most), and how rare the rarest
word of its name is among the organization's file names (`Glengarry-Leads.xlsx` says more than
`image.png`). Nothing here knows a word of any company.
"""

from __future__ import annotations

from typing import Any

from gridtrail.enrich.agent_text import cleaned
from gridtrail.triage.surroundings import Surroundings

MOST_LISTED = 50

_FILE = "entity_type IN ('file', 'canvas', 'list')"
_NAME_CHARACTERS = 200

# A word has a letter beyond f, so that pieces of hexadecimal names are none.
_WORDS = (
    "SELECT file, unnest(list_distinct(list_filter(regexp_extract_all(lower(regexp_replace("
    "name, '\\.[^.]{1,10}$', '')), '\\p{L}{3,}'), lambda w: regexp_matches(w, '[^a-f]')))) AS word"
)

_LEARN = f"""
CREATE OR REPLACE TEMP TABLE triage_words AS
WITH every AS (
    SELECT coalesce(entity_id, entity_name) AS file,
        left(max(entity_name), {_NAME_CHARACTERS}) AS name
    FROM triage_days
    WHERE {_FILE} AND date_create >= ? AND date_create < ?
        AND coalesce(entity_id, entity_name) IS NOT NULL
    GROUP BY 1
), words AS ({_WORDS} FROM every)
SELECT word, count(*) AS files FROM words GROUP BY 1
UNION ALL SELECT NULL, count(*) FROM every
"""

_RANKED = f"""
WITH mine AS (
    SELECT entity AS file, count(*) AS times, min(seconds) AS first_seen, max(seconds) AS last_seen,
        count(*) FILTER (action = 'file_downloaded') AS downloads
    FROM triage_near WHERE {_FILE} AND entity IS NOT NULL GROUP BY entity
), every AS (
    SELECT coalesce(entity_id, entity_name) AS file, left(max(entity_name), {_NAME_CHARACTERS})
        AS name, count(DISTINCT actor_id) FILTER (actor_id IS DISTINCT FROM ?) AS others
    FROM triage_days WHERE {_FILE} AND date_create BETWEEN ? AND ?
        AND coalesce(entity_id, entity_name) IN (SELECT file FROM mine)
    GROUP BY 1
), words AS (
    {_WORDS} FROM every
), rare AS (
    SELECT file, max(ln(((SELECT files FROM triage_words WHERE word IS NULL) + 1)
        / greatest(coalesce(known.files, 0), 1))) AS nats
    FROM words LEFT JOIN triage_words known USING (word) GROUP BY file
)
SELECT mine.*, every.name, every.others,
    round(1000 * (coalesce(rare.nats, 0) - ln(every.others + 1)))::BIGINT AS millinats
FROM mine JOIN every USING (file) LEFT JOIN rare USING (file)
ORDER BY millinats DESC, first_seen, file LIMIT {MOST_LISTED}
"""


def learn_words(around: Surroundings) -> None:
    """Count the words of the organization's file names in the days before the finding's first day:
    the same for all findings that begin on one day, and the dearest part of them."""
    window = around.window
    around.engine.command(_LEARN, [window.past, window.first_midnight])


def files_of(around: Surroundings) -> dict[str, Any]:
    """The files in the window.

    `events` and `distinct` count every file event of the person, `downloads` the same for
    downloads alone; `only_this_person` is how many of the distinct ones nobody else touched in
    the past 30 days. `listed` holds at most MOST_LISTED files, those that say most first: id,
    name, type (the name's extension), times, downloads, first_seen, last_seen, other_people.
    """
    window = around.window
    counts = around.ask(
        "SELECT count(*) AS events, count(DISTINCT entity) AS distinct_files, "
        "count(*) FILTER (action = 'file_downloaded') AS downloads, "
        "count(DISTINCT entity) FILTER (action = 'file_downloaded') AS distinct_downloads "
        f"FROM triage_near WHERE {_FILE}"
    )[0]
    rows = (
        around.ask(_RANKED, [window.actor, window.past, window.end])
        if counts["distinct_files"]
        else []
    )
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
