"""`gridtrail tune`: what another threshold would have raised over a past period."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from gridtrail.cli.context import Session, session
from gridtrail.cli.options import FormatOption, OrgOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Column, Row, column
from gridtrail.cli.talk import progress, say
from gridtrail.cli.text import counted
from gridtrail.cli.times import parse_day
from gridtrail.errors import WrongUse
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from gridtrail.lab.tuning import Tuning


class By(StrEnum):
    """What one row of the comparison is."""

    day = "day"
    person = "person"
    anomaly = "anomaly"


_COUNTS = [
    column("in_force", "in force", right=True),
    column("tried", right=True),
    column("difference", right=True),
]
_COLUMNS = {
    By.day: [column("day", whole=True), *_COUNTS, column("people", right=True)],
    By.person: [column("org"), column("subject"), *_COUNTS, column("days", right=True)],
    By.anomaly: [
        Column("time", lambda row: iso_seconds(row["at"]), whole=True),
        column("raised_by", "raised by"),
        column("subject"),
        column("words", widest=120),
    ],
}
_FIELDS = {
    By.day: ["day", "in_force", "tried", "difference", "people"],
    By.person: ["org", "subject", "in_force", "tried", "difference", "days"],
    By.anomaly: ["org", "id", "at", "subject", "raised_by", "words"],
}


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("tune")(tune)


ReasonArgument = Annotated[
    str | None,
    typer.Argument(metavar="[REASON]", help="The detector, such as excessive_downloads."),
]
VerdictsOption = Annotated[
    bool,
    typer.Option("--from-verdicts", help="List what the verdicts so far propose, instead."),
]
ApplyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--apply",
        metavar="ID",
        help="Put this proposal in force (with --from-verdicts; repeat for several; all).",
    ),
]
RevertOption = Annotated[
    list[str] | None,
    typer.Option(
        "--revert", metavar="ID", help="Take this proposal back (with --from-verdicts; or all)."
    ),
]
NumberOption = Annotated[
    float | None,
    typer.Option(
        "--number", help="Try this number of its own: its anomalies per 1,000 users and day."
    ),
]
ShareOption = Annotated[
    float | None,
    typer.Option("--share", help="Try this share of the alarm budget for it, 0 to 1."),
]
BudgetOption = Annotated[
    float | None,
    typer.Option(
        "--budget", help="Try this budget: anomalies per 1,000 users and day, all reasons."
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="TIME",
        help="From this UTC day on (default: the first; for what is put in force, tomorrow).",
    ),
]
ToOption = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="Up to this UTC day (default: the last)."),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
ByOption = Annotated[By, typer.Option("--by", help="What a row is.")]


def tune(
    context: typer.Context,
    reason: ReasonArgument = None,
    number: NumberOption = None,
    share: ShareOption = None,
    budget: BudgetOption = None,
    start: FromOption = None,
    end: ToOption = None,
    by: ByOption = By.day,
    from_verdicts: VerdictsOption = False,
    apply: ApplyOption = None,
    revert: RevertOption = None,
    yes: YesOption = False,
    org: OrgOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Try another threshold on the past.

    Detects twice without writing anything, with what is in force and with what is to try, and
    shows what each would have raised, and of whom. Or lists, with --from-verdicts, what people's
    verdicts propose for the allow list and for thresholds, each tried on what was decided.
    """
    run = session(context)
    if from_verdicts:
        _from_verdicts(run, org, output, apply or (), revert or (), start, yes=yes)
    elif reason is None or apply or revert:
        raise WrongUse("Name a reason such as excessive_downloads, or --from-verdicts.")
    else:
        asked = (number, share, budget)
        _another_threshold(run, reason, asked, start, end, by, org, output)


def _from_verdicts(
    run: Session,
    org: str | None,
    output: Format,
    applied: Sequence[str],
    reverted: Sequence[str],
    start: str | None,
    *,
    yes: bool,
) -> None:
    from gridtrail.cli import tune_verdicts

    if applied and reverted:
        raise WrongUse("Give --apply or --revert, not both.")
    if reverted:
        tune_verdicts.revert(run, reverted, start)
    elif applied:
        tune_verdicts.apply(run, org, applied, start, yes=yes)
    else:
        tune_verdicts.propose(run, org, output)


def _another_threshold(
    run: Session,
    reason: str,
    asked: tuple[float | None, float | None, float | None],
    start: str | None,
    end: str | None,
    by: By,
    org: str | None,
    output: Format,
) -> None:
    from gridtrail.detectors import all_detectors
    from gridtrail.lab.tuning import tune as tuned
    from gridtrail.respond.thresholds import changes

    number, share, budget = asked
    if not run.lake.day_counts(org):
        raise WrongUse(f"There are no events yet: {run.command('import', 'FILE')} reads some in.")
    with progress("Trying", "day") as steps:
        found = tuned(
            run.lake,
            run.engine,
            run.settings,
            reason,
            detectors=all_detectors(),
            nominal=number,
            share=share,
            budget=budget,
            changes=changes(run.settings.state),
            org=org,
            first=None if start is None else parse_day(start),
            last=None if end is None else parse_day(end),
            on_progress=lambda text, done, days: steps.step(done, done / max(days, 1), note=text),
        )
    listing(_rows(found, by), output, table=_COLUMNS[by], fields=_FIELDS[by])
    _tell(found, changed=any(one is not None for one in asked))


def _rows(found: Tuning, by: By) -> list[Row]:
    match by:
        case By.day:
            return list(found.by_day())
        case By.person:
            return list(found.by_person())
        case By.anomaly:
            return [
                {
                    "org": one.org,
                    "id": one.emitted.id,
                    "at": one.emitted.at,
                    "subject": one.emitted.subject,
                    "raised_by": one.raised_by,
                    "words": one.emitted.words,
                }
                for one in found.anomalies
            ]


def _tell(found: Tuning, *, changed: bool) -> None:
    days = (found.last - found.first).days + 1
    say(
        f"In force ({found.budget_in_force:g} a day per 1,000 users): "
        f"{counted(found.in_force, 'anomaly', 'anomalies')} in {counted(days, 'day')}."
    )
    if not changed:
        say("Name --number, --share or --budget to try another threshold.")
        return
    say(
        f"Tried ({found.budget_tried:g}): {counted(found.tried, 'anomaly', 'anomalies')}, "
        f"{found.tried - found.in_force:+d}."
    )
    say(
        f"gridtrail thresholds set {found.reason} {found.budget_tried:g} --reason TEXT puts it in "
        "force."
    )
