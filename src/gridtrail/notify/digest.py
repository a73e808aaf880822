"""The account of a day, short."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from gridtrail.collect.slack_api.coverage import collected, coverage
from gridtrail.detect.state import DETECTOR_STATES, SILENCED
from gridtrail.lake.lake import Lake
from gridtrail.notify.store import Outbox, mark, put, set_mark
from gridtrail.notify.text import words
from gridtrail.settings_notify import DigestSettings
from gridtrail.triage.finding import SEVERITIES
from gridtrail.triage.tables import findings
from gridtrail.triage.words import listed, moment, number

_MARK = "digest"
_LONGEST_DAYS = 7
_WORST = 5
_WHYS = 5
_DAY = 86_400


def digest(outbox: Outbox, settings: DigestSettings, lake: Lake | None) -> bool:
    """Put the account since the last one into the outbox when its hour has come; whether it did.

    What the lake knows is left out without a lake. The first is due at the first such hour after
    Gridtrail began; of several that were missed there is one.
    """
    if not settings.channels:
        return False
    latest = last_hour(settings, outbox.now)
    known = outbox.mark(_MARK)
    if known is not None and known >= latest:
        return False
    told = [] if lake is None or known is None else list(_of_lake(lake, known, latest))
    with outbox.writing().begin() as connection:
        before = mark(connection, _MARK)
        if before != known:  # another process was faster
            return False
        set_mark(connection, _MARK, latest)
        if before is None:
            return False
        since = max(before, latest - _LONGEST_DAYS * _DAY)
        lines = [*_of_findings(connection, since, latest), *told]
        body = {"title": f"Gridtrail since {moment(since)}", "lines": lines}
        for name in settings.channels:
            put(connection, name, "digest", body, now=outbox.now)
    return True


def last_hour(settings: DigestSettings, now: int) -> int:
    """The last time up to `now` at which an account is due, in seconds since the epoch."""
    zone = UTC if settings.time_zone == "UTC" else ZoneInfo(settings.time_zone)
    today = datetime.fromtimestamp(now, zone).date()
    hours = [
        int(datetime.combine(today - timedelta(days=ago), time(settings.hour), zone).timestamp())
        for ago in (0, 1)
    ]
    return next((at for at in hours if at <= now), hours[-1])


def _of_findings(connection: sa.Connection, since: int, until: int) -> Iterator[str]:
    names = ("severity", "status", "verdict", "made_at", "decided_at", "score")
    columns = [findings.c[name] for name in names]
    query = sa.select(*columns).where(findings.c.merged_into.is_(None))
    rows = connection.execute(query).all()
    new = [row for row in rows if row.made_at is not None and since < row.made_at <= until]
    yield f"New findings: {_by_severity(row.severity for row in new)}."
    left = [row for row in rows if row.status != "closed"]
    at_work = sum(row.status == "investigating" for row in left)
    yield (
        f"Open: {_by_severity(row.severity for row in left)}"
        + (f"; {at_work} of them are being investigated" if at_work else "")
        + "."
    )
    decided = [
        row for row in rows
        if row.status == "closed" and row.decided_at and since < row.decided_at <= until
    ]  # fmt: skip
    verdicts = Counter(words(row.verdict) if row.verdict else "no verdict" for row in decided)
    said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    yield f"Decided: {said or 'none'}."
    body = findings.c.body["title"].as_string()
    order = (findings.c.severity_rank.desc(), findings.c.score.desc(), findings.c.id)
    waits = (findings.c.status == "open") & findings.c.merged_into.is_(None)
    worst = sa.select(findings.c.severity, body).where(waits).order_by(*order).limit(_WORST)
    for severity, title in connection.execute(worst):
        yield f"Open, {severity}: {title}"


def _of_lake(lake: Lake, since: int, until: int) -> Iterator[str]:
    yield _silenced(lake, since, until)
    lake.view(DETECTOR_STATES, "_notify_detectors")
    query = "SELECT org, detector, why FROM _notify_detectors WHERE state IN ('blind', 'failed')"
    blind = lake.engine.rows(f"{query} ORDER BY ALL").to_pylist()
    for row in blind:
        yield f"Blind: {row['detector']} of {row['org']}, for {row['why']}."
    for stream in collected(lake):
        one = coverage(lake, stream.org, actions=stream.actions)
        complete = "nothing yet" if one.complete_to is None else f"up to {moment(one.complete_to)}"
        gaps = f", {number(len(one.gaps), 'gap')}" if one.gaps else ""
        failing = f", {one.state}" if one.state != "working" else ""
        yield f"Collected of {one.org}: {complete}{gaps}{failing}."


def _silenced(lake: Lake, since: int, until: int) -> str:
    lake.view(SILENCED, "_notify_silenced")
    query = (
        'SELECT why, count(*) AS n FROM _notify_silenced WHERE "at" > ? AND "at" <= ? '
        "GROUP BY why ORDER BY n DESC, why"
    )
    rows = lake.engine.rows(query, [since, until]).to_pylist()
    parts = [f"{row['n']} by {row['why']}" for row in rows[:_WHYS]]
    if rest := sum(row["n"] for row in rows[_WHYS:]):
        parts.append(f"{rest} for other reasons")
    return f"Silenced anomalies: {listed(parts) or 'none'}."


def _by_severity(given: Iterable[str]) -> str:
    counts = Counter(given)
    said = [f"{counts[level]} {level}" for level in reversed(SEVERITIES) if counts[level]]
    return ", ".join(said) or "none"
