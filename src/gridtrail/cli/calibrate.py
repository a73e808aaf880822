"""`gridtrail calibrate`: realised over nominal alarm rates on one's own log; no labels needed."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from gridtrail.cli.context import session
from gridtrail.cli.options import FormatOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Column, Row
from gridtrail.cli.talk import next_step, say
from gridtrail.cli.times import parse_day
from gridtrail.errors import WrongUse

_FIELDS = [
    "org", "detector", "stratum", "subject_days", "nominal", "realised", "ratio", "low", "high",
    "note",
]  # fmt: skip
_COLUMNS = ("detector", "stratum", "subject-days", "nominal", "realised", "ratio", "95 %", "")


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("calibrate")(calibrate)


def calibrate(
    context: typer.Context,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="From this UTC day on.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Up to this UTC day, inclusive.")
    ] = None,
    org: Annotated[
        str | None, typer.Option("--org", metavar="NAME", help="Only this organization.")
    ] = None,
    output: FormatOption = Format.table,
) -> None:
    """Compare how often detectors alarm with what they promise.

    For each detector and kind of subject: alarms (silenced ones too) over what its share of the
    budget allows, with a 95 % interval. 1 is as it says. Needs `gridtrail detect` to have run.
    """
    from gridtrail.detectors import all_detectors
    from gridtrail.lab.calibration import LEARNING_DAYS
    from gridtrail.lab.calibration import calibrate as calibrated
    from gridtrail.lab.sections import calibration_lines
    from gridtrail.respond.thresholds import changes

    run = session(context)
    first, last = (None if text is None else parse_day(text) for text in (start, end))
    _check(run.lake.day_counts(org), first, last, run.command("import", "FILE"))
    rows: list[Row] = []
    for name in [org] if org is not None else run.lake.organizations():
        found = calibrated(
            run.lake, run.engine, run.settings, detectors=all_detectors(), org=name, oldest=first,
            latest=last, changes=changes(run.settings.state),
        )  # fmt: skip
        rows += [
            {"org": name, **line.values, "shown": line.shown} for line in calibration_lines(found)
        ]
    columns = [_column(place, title) for place, title in enumerate(_COLUMNS)]
    exact = [{key: row[key] for key in _FIELDS} for row in rows]
    listing(rows if output == Format.table else exact, output, table=columns, fields=_FIELDS)
    if not any(row["subject_days"] for row in rows):
        say(f"Nothing to compare yet: the first {LEARNING_DAYS} days of a log only teach.")
    next_step(run.command("tune", "REASON"), "tries another threshold on the past")


def _check(
    days: dict[dt.date, int], first: dt.date | None, last: dt.date | None, importing: str
) -> None:
    if not days:
        raise WrongUse(f"There are no events yet: {importing} reads some in.")
    if first is not None and last is not None and first > last:
        raise WrongUse("--from is after --to: swap them.")


def _column(place: int, title: str) -> Column:
    return Column(title, lambda row: row["shown"][place], right=2 <= place <= 5, widest=100)
