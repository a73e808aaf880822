"""What proves that the log is complete, as rows: `state`, `org`, `check`, `count` and `text`.

`gridtrail verify` prints them and the API gives them. A state is `problem`, `note` or `ok`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gridtrail.collect.slack_api.coverage import Coverage, collected, coverage
from gridtrail.collect.slack_api.storing import COLLECTOR_STATES, LATE_EVENTS
from gridtrail.detect.state import DETECTOR_STATES, SILENCED
from gridtrail.enrich.dimensions import ADDRESSES_TABLE, CLIENTS_TABLE
from gridtrail.export.values import iso_seconds
from gridtrail.forward.run import statuses
from gridtrail.lake.lake import Lake
from gridtrail.lake.verify import OrganizationState, Verification
from gridtrail.settings import Settings

Row = dict[str, Any]


def verified(lake: Lake) -> Verification:
    """Check every table in full; every byte is read."""
    others = (DETECTOR_STATES, SILENCED, ADDRESSES_TABLE, CLIENTS_TABLE)
    return lake.verify(*others, COLLECTOR_STATES, LATE_EVENTS)


def rows_of(found: Verification) -> Iterator[Row]:
    """What `verified` found."""
    for organization in found.organizations:
        yield from _organization(organization)
    files = (
        ("files missing", found.missing_files),
        ("files of a wrong size", found.wrong_size_files),
        ("files unreadable", found.unreadable_files),
    )
    for check, paths in files:
        yield _row("problem" if paths else "ok", "", check, len(paths), ", ".join(paths[:5]))
    orphans = found.orphan_files
    yield _row("note" if orphans else "ok", "", "files unknown to the log", len(orphans), "")
    reasons = ", ".join(f"{reason}: {count:,}" for reason, count in found.quarantine.items())
    quarantined = sum(found.quarantine.values())
    yield _row("note" if reasons else "ok", "", "quarantine", quarantined, reasons)
    for problem in found.problems:
        yield _row("problem", "", "problem", None, problem)


def collector_rows(lake: Lake) -> Iterator[Row]:
    """What each collector has read: how far it is complete, what is missing, what came late."""
    for stream in collected(lake):
        yield from _collector(coverage(lake, stream.org, actions=stream.actions))


def detector_rows(lake: Lake) -> Iterator[Row]:
    """How each detector is: working, learning or blind, why, and how far it has decided."""
    lake.view(DETECTOR_STATES, "_detector_states")
    found = lake.engine.rows(
        "SELECT org, detector, state, why, decided_to FROM _detector_states ORDER BY ALL"
    ).to_pylist()
    for one in found:
        state = "ok" if one["state"] == "working" else "note"
        said = ", ".join(
            text for text in (one["state"], one["why"], _decided(one["decided_to"])) if text
        )
        yield _row(state, one["org"], f"detector {one['detector']}", None, said)


def target_rows(lake: Lake, settings: Settings, org: str | None = None) -> Iterator[Row]:
    """How far each target of `[[forward]]` is (that gets records of `org`), and why one fails."""
    chosen = [one for one in settings.forward if org is None or not one.orgs or org in one.orgs]
    for one in statuses(lake, settings, chosen) if chosen else ():
        check, kept = f"target {one.target.name}", one.kept
        if kept is None:
            yield _row("note", "", check, None, "not begun")
            continue
        behind = f"{one.lag.rows:,} records behind, for {one.lag.seconds:,.0f} s"
        left_out = f"{kept.refused:,} left out: gridtrail forward --refused"
        said = [
            f"failing since {iso_seconds(kept.failing_since)}" if kept.failing_since else "",
            kept.why,
            behind if one.lag.rows else "has everything",
            left_out if kept.refused else "",
        ]
        state = "problem" if kept.failing_since else "note" if kept.refused else "ok"
        yield _row(state, "", check, one.lag.rows, ", ".join(text for text in said if text))


def _organization(one: OrganizationState) -> Iterator[Row]:
    if one.first is not None and one.last is not None:
        span = f"{iso_seconds(one.first)} to {iso_seconds(one.last)}"
        days = f"{len(one.days):,} {'day' if len(one.days) == 1 else 'days'}"
        yield _row("ok", one.org, "events", one.events, f"{span}, {days}")
    yield _row(
        _state(one.duplicated), one.org, "duplicates", one.duplicated, ", ".join(one.duplicated_ids)
    )
    yield _row(_state(one.disagreeing), one.org, "columns unlike raw", one.disagreeing, "")
    gaps = ", ".join(f"{iso_seconds(g.first)} to {iso_seconds(g.last)}" for g in one.gaps[:5])
    yield _row(_state(len(one.gaps)), one.org, "gaps", len(one.gaps), gaps)


def _collector(one: Coverage) -> Iterator[Row]:
    what = f"collected ({', '.join(one.actions)})" if one.actions else "collected"
    complete = "nothing yet"
    if one.complete_from is not None and one.complete_to is not None:
        complete = f"complete {iso_seconds(one.complete_from)} to {iso_seconds(one.complete_to)}"
    state = "ok" if one.state == "working" else "problem"
    said = ", ".join(text for text in (one.state, one.why, complete) if text)
    yield _row(state, one.org, what, None, said)
    unread = ", ".join(f"{iso_seconds(g.first)} to {iso_seconds(g.last)}" for g in one.gaps)
    yield _row("note" if unread else "ok", one.org, "not collected yet", len(one.gaps), unread)
    seconds = f"{one.max_lateness:,} {'second' if one.max_lateness == 1 else 'seconds'}"
    late = f"the longest {seconds}" if one.late_events else ""
    yield _row("ok", one.org, "came late", one.late_events, late)
    if one.refused_actions:
        names = ", ".join(one.refused_actions)
        yield _row("note", one.org, "refused actions", len(one.refused_actions), names)


def _decided(second: int | None) -> str:
    return "" if second is None else f"decided up to {iso_seconds(second)}"


def _state(problems: int) -> str:
    return "problem" if problems else "ok"


def _row(state: str, org: str, check: str, count: int | None, text: str) -> Row:
    return {"state": state, "org": org, "check": check, "count": count, "text": text}
