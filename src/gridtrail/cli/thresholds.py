"""`gridtrail thresholds`: put another threshold of a detector in force, and take it back."""

from __future__ import annotations

import getpass
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridtrail.cli.context import Session, session
from gridtrail.cli.detect import only_one_detects
from gridtrail.cli.options import FormatOption, OrgOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.responses import put_on_trail
from gridtrail.cli.table import Column, Row, column
from gridtrail.cli.talk import say
from gridtrail.cli.times import parse_day
from gridtrail.errors import WrongUse
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridtrail.detect.contract import Detector
    from gridtrail.respond.thresholds import StoredThreshold, ThresholdStore

ORIGIN = "command line"

app = typer.Typer(
    help="Thresholds of detectors: list, set, take back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_FIELDS = [
    "detector", "org", "per_1000_users_day", "set_by", "id", "state", "since", "until", "by",
    "reason", "set_at", "origin", "ended_by", "ended_at",
]  # fmt: skip
_COLUMNS = [
    column("detector"),
    column("org"),
    Column("per 1,000 users and day", lambda row: f"{row['per_1000_users_day']:g}", right=True),
    column("set_by", "set by"),
    column("state"),
    Column("from", lambda row: _day(row["since"])),
    Column("until", lambda row: _day(row["until"])),
    column("by"),
    column("reason", widest=60),
]
_FROM = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="DAY",
        help="From this UTC day on, of which nothing is decided yet (default: tomorrow).",
    ),
]


def register(parent: typer.Typer) -> None:
    """Put the commands on `parent`."""
    parent.add_typer(app, name="thresholds")


@app.command("list")
def list_thresholds(
    context: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="What people set and ended, too.")
    ] = False,
    org: OrgOption = None,
    output: FormatOption = Format.table,
) -> None:
    """List what each detector's thresholds are made for.

    The number is that of anomalies per 1,000 users and day in harmless life. Whoever set it is
    the default (a share of the budget), the settings, or a change that people put in force.
    """
    run = session(context)
    with _store(run) as kept:
        found = [one for one in kept.all() if org is None or one.org in (None, org)]
    now = time.time()
    more = [one for one in found if one.state(now) != "in force"]
    rows = _today(run, found, org)
    rows += [_row(one) for one in more if everything or one.state(now) == "later"]
    listing(rows, output, table=_COLUMNS, fields=_FIELDS)


@app.command("set")
def set_threshold(
    context: typer.Context,
    detector: Annotated[
        str, typer.Argument(metavar="DETECTOR", help="Such as excessive_downloads.")
    ],
    number: Annotated[
        float,
        typer.Argument(metavar="NUMBER", help="Anomalies per 1,000 users and day; less is strict."),
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it is better so.")],
    start: _FROM = None,
    org: OrgOption = None,
) -> None:
    """Put another threshold of a detector in force.

    It counts from the next UTC day on, so that no day is judged by two thresholds. See first, with
    gridtrail tune DETECTOR --number NUMBER, what it would have raised.
    """
    put_in_force(session(context), detector, number, reason, start=start, org=org, origin=ORIGIN)


@app.command("revert")
def revert(
    context: typer.Context,
    detector: Annotated[
        str, typer.Argument(metavar="DETECTOR", help="The detector, or the change's id.")
    ],
    start: _FROM = None,
    org: OrgOption = None,
) -> None:
    """Take a threshold that people set back.

    From the next UTC day on the one of the settings, or the default, holds again.
    """
    take_back(session(context), detector, start=start, org=org)


def put_in_force(
    run: Session,
    detector: str,
    number: float,
    reason: str,
    *,
    start: str | None,
    org: str | None,
    origin: str,
) -> None:
    """Keep a change and say so. Raises WrongUse as `draft` and `ThresholdStore.put` do, and for a
    day of which something is decided."""
    from gridtrail.respond.thresholds import draft
    from gridtrail.respond.trail import THRESHOLD_SET

    with ExitStack() as stack:
        since = _since(run, start, org, stack)
        names = [one.name for one in _detectors(run)]
        made = draft(
            detector, number, names=names, org=org, since=since, by=getpass.getuser(),
            reason=reason, origin=origin, now=int(time.time()),
        )  # fmt: skip
        with _store(run) as kept:
            kept.put(made)
    _record(run, THRESHOLD_SET, made)
    say(f"{made.words}, from {_day(made.since)} on: change {made.id}.")


def take_back(run: Session, detector: str, *, start: str | None, org: str | None) -> None:
    """End a change and say so. Raises WrongUse when there is none, and as `put_in_force`."""
    from gridtrail.respond.trail import THRESHOLD_ENDED

    with ExitStack() as stack:
        at = _since(run, start, org, stack)
        with _store(run) as kept:
            ended = kept.end(detector, org, getpass.getuser(), at)
    _record(run, THRESHOLD_ENDED, ended)
    say(f"{ended.words} does not hold any more, from {_day(ended.until)} on.")


def _since(run: Session, start: str | None, org: str | None, stack: ExitStack) -> int:
    """The day from which on it counts; nobody detects meanwhile, when one is named."""
    from gridtrail.detect.state import midnight
    from gridtrail.respond.thresholds import first_free, tomorrow

    if start is None:
        return tomorrow(time.time())
    stack.enter_context(only_one_detects(run))
    wanted, free = midnight(parse_day(start)), first_free(run.lake, org)
    if wanted < free:
        raise WrongUse(
            f"Events of {start} or later are decided already: choose {_day(free)} or a later day."
        )
    return wanted


def _detectors(run: Session) -> Sequence[Detector]:
    from gridtrail.detect import plugins
    from gridtrail.detectors import all_detectors

    settings = run.settings
    return plugins.load(all_detectors(), settings.detect.plugins, base=settings.data).detectors


def _store(run: Session) -> ThresholdStore:
    from gridtrail.respond.thresholds import ThresholdStore

    return ThresholdStore(run.settings.state)


def _record(run: Session, action: str, one: StoredThreshold) -> None:
    org = one.org or run.settings.org
    put_on_trail(run, org, action, ("threshold", one.id, one.detector), one.trail_details())


def _today(run: Session, found: list[StoredThreshold], org: str | None) -> list[Row]:
    """What holds today, a row a detector; in the organization, by default that of the settings."""
    from gridtrail.detect.nominal import check_budgets, nominals
    from gridtrail.respond.thresholds import today

    settings = run.settings
    changes = [one.change for one in found]
    detectors = _detectors(run)
    check_budgets(settings.detect.budgets, detectors)
    held = nominals(detectors, settings.detect, changes, org or settings.org, today(time.time()))
    kept = {one.id: _row(one) for one in found}
    nobody = {**dict.fromkeys(_FIELDS), "state": "in force"}
    return [
        kept.get(one.set_by)
        or nobody
        | {
            "detector": name,
            "per_1000_users_day": one.per_1000_users_day,
            "set_by": one.set_by,
        }
        for name, one in sorted(held.items())
    ]


def _row(one: StoredThreshold) -> dict[str, Any]:
    return {**one.to_json(time.time()), "by": one.set_by, "set_by": one.id}


def _day(seconds: int | None) -> str:
    return "" if seconds is None else iso_seconds(seconds)[:10]
