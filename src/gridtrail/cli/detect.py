"""`gridtrail detect`: find the anomalies in what is not decided yet, and make findings of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridtrail.cli.context import Session, session
from gridtrail.cli.detect_check import check_file
from gridtrail.cli.options import FormatOption, OrgOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.silenced import list_silenced
from gridtrail.cli.table import Column, Row, column
from gridtrail.cli.talk import next_step, progress, say
from gridtrail.cli.text import counted
from gridtrail.cli.times import parse_day, parse_time
from gridtrail.errors import Stop, WrongUse
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from gridtrail.detect.run import DetectReport, OrganizationReport
    from gridtrail.engine.shape import Engine
    from gridtrail.rules.run import RulesReport
    from gridtrail.triage.finding import Finding

ANOMALY_COLUMNS = [
    Column("time", lambda row: iso_seconds(row["at"]), whole=True),
    column("detector"),
    column("reasons", widest=50),
    column("subject"),
    column("words", widest=120),
]
ANOMALY_FIELDS = ["org", "id", "at", "detector", "subject", "reasons", "words", "raw"]

_STATE_STYLES = {"failed": "red", "blind": "red", "learning": "yellow"}
STATE_COLUMNS = [
    column("org"),
    column("detector"),
    column("state", style=lambda text: _STATE_STYLES.get(text, "")),
    column("anomalies", "new anomalies", right=True),
    column("why", widest=100),
]
STATE_FIELDS = ["org", "detector", "state", "anomalies", "why", "decided_to"]


class EngineName(StrEnum):
    """What can compute."""

    duckdb = "duckdb"
    spark = "spark"


EngineOption = Annotated[
    EngineName | None,
    typer.Option("--engine", help="What computes (default: the setting detect.engine, duckdb)."),
]
MasterOption = Annotated[
    str | None,
    typer.Option(
        "--master",
        metavar="URL",
        help="The Spark cluster, such as spark://HOST:PORT; with it the engine is spark.",
    ),
]
CheckOption = Annotated[
    Path | None,
    typer.Option(
        "--check",
        metavar="FILE",
        help="Only try the detector in this file on its cases and on what every detector must "
        "pass (docs/detectors.md).",
    ),
]
SilencedOption = Annotated[
    bool, typer.Option("--silenced", help="Only list what was found and not said, and why.")
]


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("detect")(detect)


def detect(
    context: typer.Context,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="Decide again from this UTC day on (default: only what is not decided yet).",
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", metavar="TIME", help="Decide nothing later than this."),
    ] = None,
    org: OrgOption = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Write nothing; print the anomalies that would be raised."),
    ] = False,
    engine: EngineOption = None,
    master: MasterOption = None,
    check: CheckOption = None,
    silenced: SilencedOption = False,
    output: FormatOption = Format.table,
) -> None:
    """Find anomalies in new events and make findings.

    Decides what came since the last time. Anomalies become events of the log, with their evidence.
    """
    if check is not None:
        check_file(check, output)
        return
    run = session(context)
    if silenced:
        list_silenced(run, org, output)
        return
    first = None if start is None else parse_day(start)
    last = None if end is None else parse_time(end, end=True)
    with only_one_detects(run), computing(run, engine, master) as computes:
        report = run_detection(run, computes, org=org, start=first, end=last, dry_run=dry_run)
        hits = None if dry_run else decide_rules(run, org=org, start=first, end=last)
    if hits is None:
        rows = [row for one in report.organizations for row in anomaly_rows(one)]
        listing(rows, output, table=ANOMALY_COLUMNS, fields=ANOMALY_FIELDS)
        say("Nothing was written: without --dry-run these become events and findings.")
        return
    _tell(run, report, hits, org, output)


@contextmanager
def only_one_detects(run: Session) -> Iterator[None]:
    """Hold the place of the one who detects. Raises WrongUse when another process has it."""
    from gridtrail.lake.only_one import only_one

    busy = "Another process detects in this directory (`serve` does): wait for it, or stop it."
    with only_one(run.lake.home, "detect", busy):
        yield


def _tell(
    run: Session, report: DetectReport, hits: RulesReport, org: str | None, output: Format
) -> None:
    """Make findings, print how the detectors are. Raises Stop when one of a user failed."""
    found = run_triage(run, org=org)
    rows = [row for one in report.organizations for row in state_rows(one)]
    listing(rows, output, table=STATE_COLUMNS, fields=STATE_FIELDS)
    say(f"{told(report)}, {told_hits(hits)}; {counted(len(found), 'finding')}.")
    for problem in hits.problems:
        say(str(problem), style="yellow")
    next_step(run.command("findings"), "lists the findings, the worst first")
    for why in report.failed.values():
        raise Stop(f"The others ran, but not this one. {why}")


@contextmanager
def computing(
    run: Session, name: EngineName | None = None, master: str | None = None
) -> Iterator[Engine]:
    """The engine that was asked for, else that of the settings.

    Raises WrongUse for a Spark master without Spark, and as `open_spark` does.
    """
    if master is not None and name == EngineName.duckdb:
        raise WrongUse("--master names a Spark cluster: leave it out, or take --engine spark.")
    settings = run.settings.detect
    chosen = name or (EngineName.spark if master is not None else EngineName(settings.engine))
    if chosen == EngineName.duckdb:
        yield run.engine
        return
    from gridtrail.engine.spark_start import SparkOptions, open_spark

    options = SparkOptions(
        master=master or settings.spark_master,
        shuffle_partitions=settings.spark_shuffle_partitions,
        driver_memory=settings.spark_driver_memory,
        executor_memory=settings.spark_executor_memory,
        more=settings.spark_options,
    )
    with open_spark(options) as spark:
        yield spark


def run_detection(
    run: Session,
    engine: Engine | None = None,
    *,
    org: str | None = None,
    start: date | None = None,
    end: int | None = None,
    now: int | None = None,
    dry_run: bool = False,
) -> DetectReport:
    """Run all detectors over the lake, showing how far they are; see `gridtrail.detect.run`."""
    from gridtrail.detect.run import detect as decide
    from gridtrail.detectors import all_detectors
    from gridtrail.respond.allow_list import entries
    from gridtrail.respond.thresholds import changes

    if not run.lake.day_counts(org):
        raise WrongUse(f"There are no events yet: {run.command('import', 'FILE')} reads some in.")
    with progress("Detecting", "day") as steps:
        return decide(
            run.lake,
            engine or run.engine,
            run.settings,
            detectors=all_detectors(),
            org=org,
            start=start,
            end=end,
            now=now,
            dry_run=dry_run,
            allow=entries(run.settings.state),
            changes=changes(run.settings.state),
            on_progress=lambda text, done, days: steps.step(done, done / max(days, 1), note=text),
        )


def decide_rules(
    run: Session,
    *,
    org: str | None = None,
    start: date | None = None,
    end: int | None = None,
    now: int | None = None,
) -> RulesReport:
    """Run the rules in force over what they have not decided yet, showing how far they are."""
    from gridtrail.rules.run import run_rules

    with progress("Running rules", "day") as steps:
        return run_rules(
            run.lake,
            run.engine,
            run.settings,
            org=org,
            start=start,
            end=end,
            now=now,
            on_progress=lambda text, done, days: steps.step(done, done / max(days, 1), note=text),
        )


def run_triage(run: Session, *, org: str | None = None) -> list[Finding]:
    """Make the findings of all anomalies, the worst first."""
    from gridtrail.triage.run import triage

    with progress("Joining anomalies to findings", "finding"):
        return triage(run.lake, run.engine, run.settings, org=org)


def told_hits(report: RulesReport) -> str:
    """How many hits are new, in words."""
    return counted(len(report.new), "new rule hit")


def told(report: DetectReport) -> str:
    """What a run of detection found, in words."""
    silenced = sum(sum(one.silenced.values()) for one in report.organizations)
    kept_quiet = f", {silenced:,} silenced" if silenced else ""
    return f"{counted(report.stored, 'new anomaly', 'new anomalies')}{kept_quiet}"


def anomaly_rows(report: OrganizationReport) -> list[Row]:
    """The anomalies of one organization for a listing."""
    return [
        {
            "org": report.org,
            "id": one.id,
            "at": one.at,
            "detector": one.detector,
            "subject": one.subject,
            "reasons": list(one.reasons),
            "words": one.words,
            "raw": one.raw.decode(),
        }
        for one in report.emitted
    ]


def state_rows(report: OrganizationReport) -> list[Row]:
    """One row a detector: how it is, and how many anomalies it raised."""
    raised = [one.detector for one in report.emitted]
    return [
        {
            "org": report.org,
            "detector": one.detector,
            "state": one.state,
            "anomalies": raised.count(one.detector),
            "why": one.why,
            "decided_to": one.decided_to,
        }
        for one in report.states
    ]
