"""`gridtrail verify`: is the log complete, and are the detectors able to see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from gridtrail.cli.context import session
from gridtrail.cli.options import FormatOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Row, column
from gridtrail.cli.talk import next_step, progress, say
from gridtrail.cli.text import counted
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from gridtrail.lake.lake import Lake
    from gridtrail.lake.verify import OrganizationState, Verification

_STYLES = {"problem": "bold red", "note": "yellow", "ok": "green"}
_COLUMNS = [
    column("state", style=lambda text: _STYLES.get(text, "")),
    column("org"),
    column("check"),
    column("count", right=True),
    column("text", "what was found", widest=160),
]
_FIELDS = ["state", "org", "check", "count", "text"]


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("verify")(verify)


def verify(context: typer.Context, output: FormatOption = Format.table) -> int:
    """Prove that the log is complete.

    Looks at files, bytes, duplicates, gaps, quarantine and detectors. Every byte is read. The exit
    code is 1 when there is a problem.
    """
    from gridtrail.collect.slack_api.storing import COLLECTOR_STATES, LATE_EVENTS
    from gridtrail.detect.state import DETECTOR_STATES, SILENCED
    from gridtrail.enrich.dimensions import ADDRESSES_TABLE, CLIENTS_TABLE

    run = session(context)
    others = (DETECTOR_STATES, SILENCED, ADDRESSES_TABLE, CLIENTS_TABLE)
    with progress("Verifying", "table"):
        found = run.lake.verify(*others, COLLECTOR_STATES, LATE_EVENTS)
    collectors = list(_collectors(run.lake))
    rows = [*_rows(found), *collectors, *_detectors(run.lake)]
    listing(rows, output, table=_COLUMNS, fields=_FIELDS)
    if found.quarantine:
        query = run.command("sql", "select source, position, reason, message from quarantine")
        next_step(query, "lists what could not be stored")
    problems = len(found.problems) + sum(row["state"] == "problem" for row in collectors)
    if problems:
        say(f"{counted(problems, 'problem')} found.", style="red")
        return 1
    say("No problem found.")
    return 0


def _rows(found: Verification) -> Iterator[Row]:
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


def _organization(one: OrganizationState) -> Iterator[Row]:
    if one.first is not None and one.last is not None:
        span = f"{iso_seconds(one.first)} to {iso_seconds(one.last)}"
        days = counted(len(one.days), "day")
        yield _row("ok", one.org, "events", one.events, f"{span}, {days}")
    yield _row(
        _state(one.duplicated), one.org, "duplicates", one.duplicated, ", ".join(one.duplicated_ids)
    )
    yield _row(_state(one.disagreeing), one.org, "columns unlike raw", one.disagreeing, "")
    gaps = ", ".join(f"{iso_seconds(g.first)} to {iso_seconds(g.last)}" for g in one.gaps[:5])
    yield _row(_state(len(one.gaps)), one.org, "gaps", len(one.gaps), gaps)


def _collectors(lake: Lake) -> Iterator[Row]:
    """What each collector has read: how far it is complete, what is missing, what came late."""
    from gridtrail.collect.slack_api.coverage import collected, coverage

    for stream in collected(lake):
        one = coverage(lake, stream.org, actions=stream.actions)
        what = f"collected ({', '.join(one.actions)})" if one.actions else "collected"
        complete = "nothing yet"
        if one.complete_from is not None and one.complete_to is not None:
            complete = (
                f"complete {iso_seconds(one.complete_from)} to {iso_seconds(one.complete_to)}"
            )
        state = "ok" if one.state == "working" else "problem"
        said = ", ".join(text for text in (one.state, one.why, complete) if text)
        yield _row(state, one.org, what, None, said)
        unread = ", ".join(f"{iso_seconds(g.first)} to {iso_seconds(g.last)}" for g in one.gaps)
        yield _row("note" if unread else "ok", one.org, "not collected yet", len(one.gaps), unread)
        late = f"the longest {counted(one.max_lateness, 'second')}" if one.late_events else ""
        yield _row("ok", one.org, "came late", one.late_events, late)
        if one.refused_actions:
            names = ", ".join(one.refused_actions)
            yield _row("note", one.org, "refused actions", len(one.refused_actions), names)


def _detectors(lake: Lake) -> Iterator[Row]:
    from gridtrail.detect.state import DETECTOR_STATES

    lake.view(DETECTOR_STATES, "_detector_states")
    rows = lake.engine.rows(
        "SELECT org, detector, state, why, decided_to FROM _detector_states ORDER BY ALL"
    ).to_pylist()
    for row in rows:
        state = "ok" if row["state"] == "working" else "note"
        said = ", ".join(
            text for text in (row["state"], row["why"], _decided(row["decided_to"])) if text
        )
        yield _row(state, row["org"], f"detector {row['detector']}", None, said)


def _decided(second: int | None) -> str:
    return "" if second is None else f"decided up to {iso_seconds(second)}"


def _state(problems: int) -> str:
    return "problem" if problems else "ok"


def _row(state: str, org: str, check: str, count: int | None, text: str) -> dict[str, Any]:
    return {"state": state, "org": org, "check": check, "count": count, "text": text}
