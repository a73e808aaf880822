"""`gridtrail evaluate`: how good detection is, on simulated organizations whose truth is known."""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridtrail.cli.context import session
from gridtrail.cli.options import FormatOption
from gridtrail.cli.output import Format, listing, print_lines, width
from gridtrail.cli.table import Column, table_lines
from gridtrail.cli.talk import next_step, progress, say
from gridtrail.cli.text import counted
from gridtrail.errors import WrongUse

if TYPE_CHECKING:
    from gridtrail.lab.outcome import Outcome
    from gridtrail.lab.quality import Quality
    from gridtrail.lab.sections import Section
    from gridtrail.sandbox.plan import Plan

_MOST_SEEDS = 1_000_000


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("evaluate")(evaluate)


OrganizationsOption = Annotated[
    int,
    typer.Option("--organizations", "-n", min=1, help="How many organizations to simulate."),
]
SeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed",
        min=0,
        help="Seed of the first, the others follow by one (default: drawn, and printed).",
    ),
]
PeopleOption = Annotated[
    int, typer.Option("--people", min=20, help="People; some have twice or half as many.")
]
DaysOption = Annotated[int, typer.Option("--days", help="Days of log, 40 or more.")]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="DETECTOR",
        help="Only this detector (repeat for more): quicker, when you work on one.",
    ),
]
ProcessesOption = Annotated[
    int, typer.Option("--processes", min=1, help="Organizations at the same time.")
]
KeepOption = Annotated[
    Path | None,
    typer.Option(
        "--keep",
        metavar="DIR",
        help="Leave logs, lakes and outcomes here; what is there already is not done again.",
    ),
]
WriteOption = Annotated[
    Path | None,
    typer.Option("--write", metavar="FILE", help="Write the table as a Markdown page too."),
]


def evaluate(
    context: typer.Context,
    organizations: OrganizationsOption = 6,
    seed: SeedOption = None,
    people: PeopleOption = 300,
    days: DaysOption = 60,
    only: OnlyOption = None,
    processes: ProcessesOption = 2,
    keep: KeepOption = None,
    write: WriteOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Measure detection on simulated organizations.

    Simulates organizations with attacks, traps and plain life, detects with default settings, and
    holds what was found against what was planted. Takes some minutes an organization.
    """
    from gridtrail.lab.organizations import FIRST_SEED
    from gridtrail.lab.organizations import organizations as planned
    from gridtrail.lab.page import page
    from gridtrail.lab.quality import quality
    from gridtrail.lab.sections import sections

    first = FIRST_SEED + secrets.randbelow(_MOST_SEEDS) if seed is None else seed
    if write is not None and not write.parent.is_dir():
        raise WrongUse(f"{write.parent} is no directory: make it, or name another file.")
    plans = planned(range(first, first + organizations), people=people, days=days)
    say(f"{counted(len(plans), 'organization')} from seed {first}.")
    outcomes = _tried(plans, only or [], keep, processes)
    found = quality(outcomes)
    _print(found, sections(found), output)
    if write is not None:
        command = _command(organizations, first, people, days, write, only or [])
        write.write_text(page(found, command), "utf-8")
        say(f"The table is in {write}.")
    if keep is not None:
        next_step(
            session(context).command("--data", str(keep / "NAME" / "data"), "findings"),
            "looks into one of them",
        )


def _command(
    organizations: int, seed: int, people: int, days: int, write: Path, only: list[str]
) -> str:
    chosen = "".join(f" --only {name}" for name in only)
    return (
        f"gridtrail evaluate --organizations {organizations} --seed {seed} --people {people} "
        f"--days {days}{chosen} --write {write}"
    )


def _tried(plans: list[Plan], only: list[str], keep: Path | None, processes: int) -> list[Outcome]:
    from gridtrail.lab.evaluate import evaluate as tried

    place = tempfile.TemporaryDirectory() if keep is None else nullcontext(keep)
    began = time.monotonic()
    with place as folder, progress("Evaluating", "organization") as steps:

        def show(share: float, what: str) -> None:
            left = (time.monotonic() - began) * (1 / share - 1) if share > 0.01 else None
            note = what if left is None else f"{what}; {_minutes(left)} left"
            steps.step(int(share * len(plans)), share, note=note)

        return tried(
            plans,
            Path(folder),
            only=only,
            processes=processes,
            keep=keep is not None,
            on_progress=show,
        )


def _minutes(seconds: float) -> str:
    return counted(round(seconds / 60) or 1, "minute")


def _print(found: Quality, parts: list[Section], output: Format) -> None:
    from gridtrail.lab.sections import exact_rows

    if output != Format.table:
        rows = exact_rows(parts)
        listing(rows, output, table=[], fields=list(rows[0]) if rows else ["section"])
        return
    people = counted(found.people, "person", "people")
    say(f"{people}, {counted(found.events, 'event')}, {counted(found.user_days, 'user-day')}.")
    for part in parts:
        sys.stdout.write(f"\n{part.title}\n")
        sys.stdout.flush()
        print_section(part)


def print_section(part: Section) -> None:
    """A section as a table for people."""
    columns = [
        Column(title, lambda row, place=place: row["shown"][place])  # type: ignore[misc]
        for place, title in enumerate(part.columns)
    ]
    print_lines(table_lines(columns, [{"shown": line.shown} for line in part.lines], width()))
