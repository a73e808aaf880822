"""`gridtrail findings`: the ranked list. `gridtrail finding ID`: one whole story."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gridtrail.cli.context import Session, session
from gridtrail.cli.options import (
    FormatOption,
    LatestOption,
    OldestOption,
    OrgOption,
    time_range,
)
from gridtrail.cli.output import Format, listing, print_json
from gridtrail.cli.story import SEVERITY_STYLES, print_story
from gridtrail.cli.table import Column, Row, column
from gridtrail.cli.talk import next_step, progress, say
from gridtrail.errors import WrongUse
from gridtrail.export.values import iso_seconds
from gridtrail.triage.evidence import evidence_of

if TYPE_CHECKING:
    from gridtrail.triage.finding import Finding
    from gridtrail.triage.store import FindingStore

FINDING_COLUMNS = [
    column("severity", style=lambda text: SEVERITY_STYLES.get(text, "")),
    Column("score", lambda row: f"{row['score']:.1f}", right=True),
    column("title", whole=True, widest=80, style="bold"),
    column("reasons", spare=3, widest=70),
    Column("last seen", lambda row: _minute(row["last_seen"]), whole=True, spare=1),
    column("status", whole=True, spare=2),
    column("id", whole=True),
]

FINDING_FIELDS = [
    "id",
    "org",
    "title",
    "narrative",
    "score",
    "severity",
    "status",
    "verdict",
    "actor_ids",
    "session_ids",
    "ips",
    "reasons",
    "rules",
    "first_seen",
    "last_seen",
    "event_ids",
    "context",
    "history",
    "advice",
    "assignee",
    "verdict_reason",
]
"""Columns of the CSV: the contract's fields in its order."""


def register(app: typer.Typer) -> None:
    """Put the commands on `app`."""
    app.command("findings")(findings)
    app.command("finding")(finding)


_Severity = Annotated[
    str | None,
    typer.Option("--severity", help="At least this: low, medium, high or critical."),
]
_Status = Annotated[
    str | None, typer.Option("--status", help="Only open, investigating or closed.")
]
_Verdict = Annotated[
    str | None,
    typer.Option("--verdict", help="Only true_positive, expected or false_positive."),
]
_Actor = Annotated[
    str | None, typer.Option("--actor", metavar="ID", help="Only about this user or app.")
]
_Reason = Annotated[
    str | None, typer.Option("--reason", metavar="CODE", help="Only with this reason.")
]
_Assignee = Annotated[
    str | None, typer.Option("--assignee", metavar="PERSON", help="Only looked after by them.")
]
_Again = Annotated[bool, typer.Option("--all", help="Compute every finding again first.")]
_Why = Annotated[
    str | None,
    typer.Option("--why", metavar="ID", help="Say what made the score of this one."),
]
_Window = Annotated[
    int | None,
    typer.Option("--window", metavar="DAYS", help="With --why: count in so many days."),
]
_Limit = Annotated[
    int, typer.Option("--limit", min=0, help="Print at most this many; 0 means all.")
]


def findings(
    context: typer.Context,
    severity: _Severity = None,
    status: _Status = None,
    verdict: _Verdict = None,
    actor: _Actor = None,
    reason: _Reason = None,
    assignee: _Assignee = None,
    oldest: OldestOption = None,
    latest: LatestOption = None,
    org: OrgOption = None,
    again: _Again = False,
    why: _Why = None,
    window: _Window = None,
    limit: _Limit = 50,
    output: FormatOption = Format.table,
) -> None:
    """List the findings, the worst first."""
    from gridtrail.triage.store import FindingFilters

    if why is not None or window is not None:
        _say_why(session(context), why, window, output)
        return
    bounds = time_range(oldest, latest)
    filters = FindingFilters(
        org=org,
        status=status,
        verdict=verdict,
        severity=severity,
        actor=actor,
        reason=reason,
        assignee=assignee,
        oldest=bounds[0],
        latest=bounds[1],
        limit=limit or None,
    )
    run = session(context)
    if again:
        _compute_again(run, org)
    with open_store(run) as store:
        found = store.select(filters)
    print_findings(found, output)
    if found:
        next_step(run.command("finding", found[0].id), "tells the whole story")
    else:
        say("No finding matches. gridtrail detect looks for anomalies in what was imported.")


def _compute_again(run: Session, org: str | None) -> None:
    from gridtrail.triage.run import triage

    with progress("Computing every finding again", "finding"):
        triage(run.lake, run.engine, run.settings, org=org, every=True)


def _say_why(run: Session, finding_id: str | None, window: int | None, output: Format) -> None:
    from gridtrail.cli.why import print_why
    from gridtrail.triage.why import why

    if finding_id is None:
        raise WrongUse("--window is for one finding: name it with --why ID.")
    with open_store(run) as store:
        found = store.get(finding_id)
    told = why(run.lake, run.engine, run.settings, found, window)
    if output is Format.table:
        print_why(told)
        next_step(run.command("finding", found.id), "tells the whole story")
    else:
        print_json(told)


def _minute(seconds: int) -> str:
    return iso_seconds(seconds)[:16].replace("T", " ")


def open_store(run: Session) -> FindingStore:
    """The findings of the data directory."""
    from gridtrail.triage.store import FindingStore

    return FindingStore(run.settings.state)


def print_findings(found: list[Finding], output: Format) -> None:
    """Print findings as a listing."""
    rows: list[Row] = [one.to_json() for one in found]
    listing(rows, output, table=FINDING_COLUMNS, fields=FINDING_FIELDS)


def finding(
    context: typer.Context,
    finding_id: Annotated[
        str, typer.Argument(metavar="ID", help="The finding's id, or enough of its beginning.")
    ],
    status: Annotated[
        str | None,
        typer.Option("--status", help="Set it to open, investigating or closed."),
    ] = None,
    assign: Annotated[
        str | None,
        typer.Option(
            "--assign", metavar="PERSON", help="Who looks after it; an empty text takes it away."
        ),
    ] = None,
    verdict: Annotated[
        str | None,
        typer.Option("--verdict", help="Close it as true_positive, expected or false_positive."),
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why it got its verdict.")
    ] = None,
    note: Annotated[
        str | None, typer.Option("--note", metavar="TEXT", help="Keep a note with it.")
    ] = None,
    output: FormatOption = Format.table,
) -> None:
    """Tell a finding's whole story, or decide about it."""
    run = session(context)
    with open_store(run) as store:
        if status is not None or verdict is not None or reason is not None:
            store.decide(finding_id, status=status, verdict=verdict, reason=reason)
        if assign is not None:
            store.assign(finding_id, assign.strip() or None)
        if note is not None:
            store.add_note(finding_id, _author(), note)
        found = store.get(finding_id)
        notes = store.notes(finding_id)
    if output is Format.json:
        print_json(found.to_json())
    elif output is Format.table:
        print_story(found, evidence_of(run.lake, found), notes)
        first = run.command("show", found.event_ids[0], "--context", "30m")
        next_step(first, "shows what was around it")
    else:
        print_findings([found], output)


def _author() -> str:
    import getpass

    return getpass.getuser()
