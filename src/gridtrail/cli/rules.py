"""`gridtrail rules`: what is in force, its mistakes, its cases, its hits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridtrail.cli.context import Session, session
from gridtrail.cli.options import FormatOption, OrgOption
from gridtrail.cli.output import Format, listing, write_text
from gridtrail.cli.table import Column, Row, column
from gridtrail.cli.talk import next_step, progress, say
from gridtrail.cli.text import counted
from gridtrail.cli.times import parse_day, parse_time
from gridtrail.errors import WrongUse
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridtrail.rules.rule import Problem, RuleSet
    from gridtrail.rules.state import Hit

app = typer.Typer(
    help="Sigma rules: list, lint, test, run, backtest, convert.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FoldersArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[FOLDER…]",
        help="Folders or files of rules (default: the pack and the folders of the settings).",
        exists=True,
    ),
]

_LEVELS = {"critical": "bold red", "high": "red", "medium": "yellow"}
_LEVEL = column("level", style=lambda text: _LEVELS.get(text, ""))
RULE_COLUMNS = [
    column("rule", whole=True, style="bold"),
    _LEVEL,
    column("kind"),
    column("title", widest=70),
    column("tags", spare=1, widest=40),
    column("version", spare=2),
    column("file", spare=3),
]
RULE_FIELDS = ["rule", "id", "level", "kind", "title", "tags", "version", "file"]
PROBLEM_COLUMNS = [
    column("severity", style=lambda text: "red" if text == "error" else "yellow"),
    column("place", whole=True),
    column("rule"),
    column("message", widest=160),
]
PROBLEM_FIELDS = ["severity", "place", "rule", "check", "message"]
HIT_COLUMNS = [
    Column("time", lambda row: iso_seconds(row["at"]), whole=True),
    _LEVEL,
    column("rule", whole=True),
    column("subject"),
    column("grouped", spare=1),
    Column("events", lambda row: len(row["event_ids"]), right=True, spare=2),
    column("event_id", spare=3),
]
HIT_FIELDS = [
    "org", "id", "at", "rule", "rule_id", "rule_version", "title", "level", "subject", "actor_id",
    "session_id", "ip", "grouped", "event_id", "event_ids",
]  # fmt: skip
DAY_FIELDS = ["org", "day", "subject", "hits", "in_force", "added", "gone"]
DAY_COLUMNS = [
    column("day", whole=True),
    column("org", spare=1),
    column("subject"),
    *(column(name, right=True) for name in DAY_FIELDS[3:]),
]


def register(parent: typer.Typer) -> None:
    """Put the commands on `parent`."""
    parent.add_typer(app, name="rules")


@app.command("list")
def list_rules(context: typer.Context, output: FormatOption = Format.table) -> None:
    """List the rules in force, and tell which are broken."""
    from gridtrail.rules.listing import rule_row

    rules = _in_force(session(context))
    rows = [rule_row(rule) for rule in rules.firing]
    listing(rows, output, table=RULE_COLUMNS, fields=RULE_FIELDS)
    say(f"{counted(len(rows), 'rule')} in force.")
    _tell(_broken(rules))


@app.command("lint")
def lint_rules(
    context: typer.Context, folders: FoldersArgument = None, output: FormatOption = Format.table
) -> int:
    """Look for mistakes: names, fields, patterns, thresholds, duplicates, known-bad logic.

    Ends with 1 when there is an error (warnings alone are 0).
    """
    from gridtrail.rules.lint import lint

    problems = lint(_chosen(context, folders))
    listing(_rows(problems), output, table=PROBLEM_COLUMNS, fields=PROBLEM_FIELDS)
    errors = sum(problem.severity == "error" for problem in problems)
    told = f"{counted(errors, 'error')}, {counted(len(problems) - errors, 'warning')}."
    say(told)
    return 1 if errors else 0


@app.command("test")
def run_cases(
    context: typer.Context, folders: FoldersArgument = None, output: FormatOption = Format.table
) -> int:
    """Run the cases beside the rules. Ends with 1 when one is otherwise than it says."""
    import tempfile

    from gridtrail.rules.cases import CaseRunner, cases_of
    from gridtrail.rules.compile import plan
    from gridtrail.rules.python_rules import brought_tests
    from gridtrail.rules.python_run import run_tests

    rules = _chosen(context, folders)
    planned = plan(rules)
    problems: list[Problem] = [*rules.problems, *planned.problems]
    cases = []
    for path in sorted({rule.path for rule in rules.rules}):
        found, wrong = cases_of(path)
        cases += found
        problems += wrong
    with tempfile.TemporaryDirectory(prefix="gridtrail-cases-") as folder:
        runner = CaseRunner(Path(folder), session(context).engine)
        problems += runner.problems(planned, cases)
    brought = brought_tests(rules.rules)
    problems += run_tests(brought)
    listing(_rows(problems), output, table=PROBLEM_COLUMNS, fields=PROBLEM_FIELDS)
    say(f"{counted(len(cases) + len(brought), 'case')}, {counted(len(problems), 'problem')}.")
    return 1 if problems else 0


@app.command("run")
def run(
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
        bool, typer.Option("--dry-run", help="Write nothing; print the hits that would be new.")
    ] = False,
    output: FormatOption = Format.table,
) -> None:
    """Run the rules over what they have not decided yet; print the new hits."""
    from gridtrail.rules.run import run_rules

    here = session(context)
    if not here.lake.day_counts(org):
        raise WrongUse(f"There are no events yet: {here.command('import', 'FILE')} reads some in.")
    with progress("Running rules", "day") as steps:
        report = run_rules(
            here.lake,
            here.engine,
            here.settings,
            rules=_in_force(here),
            org=org,
            start=None if start is None else parse_day(start),
            end=None if end is None else parse_time(end, end=True),
            dry_run=dry_run,
            on_progress=lambda text, done, days: steps.step(done, done / max(days, 1), note=text),
        )
    listing(_hit_rows(report.new), output, table=HIT_COLUMNS, fields=HIT_FIELDS)
    events = sum(one.events for one in report.organizations)
    say(f"{counted(len(report.new), 'new hit')} in {events:,} events, {report.seconds:.1f} s.")
    _tell(report.problems)
    if dry_run:
        say("Nothing was written: without --dry-run these are kept.")


@app.command("backtest")
def backtest_rule(
    context: typer.Context,
    rule: Annotated[
        str, typer.Argument(metavar="RULE", help="Name or id of a rule, or a file with another.")
    ],
    start: Annotated[
        str, typer.Option("--from", metavar="TIME", help="From this time on; 90d is that long ago.")
    ] = "90d",
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Up to this time (default: now).")
    ] = None,
    org: OrgOption = None,
    hits: Annotated[
        bool, typer.Option("--hits", help="Print the hits instead of a row a day and person.")
    ] = False,
    output: FormatOption = Format.table,
) -> None:
    """Try a rule on history: what it would have fired, and what is other than now.

    With a file, the difference is to the rule in force that has its id or name.
    """
    import time

    from gridtrail.rules.backtest import backtest

    here = session(context)
    with progress("Trying the rule", "day") as steps:
        found = backtest(
            here.lake,
            here.engine,
            here.settings,
            rule,
            _in_force(here),
            first=parse_time(start),
            last=int(time.time()) if end is None else parse_time(end, end=True),
            org=org,
            on_progress=lambda text, done, days: steps.step(done, done / max(days, 1), note=text),
        )
    if hits:
        listing(_hit_rows(found.hits), output, table=HIT_COLUMNS, fields=HIT_FIELDS)
    else:
        listing(found.rows(), output, table=DAY_COLUMNS, fields=DAY_FIELDS)
    say(f"{found.rule.key} {found.rule.version}: {counted(len(found.hits), 'hit')}.")
    if found.in_force is None:
        say("No version of it is in force.")
    else:
        say(
            f"In force is {found.in_force.version}: {counted(len(found.before), 'hit')}; "
            f"{len(found.added)} added, {len(found.gone)} gone."
        )


@app.command("convert")
def convert_rule(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Name or id of a rule in force.")],
    to: Annotated[
        str, typer.Option("--to", metavar="SYSTEM", help="A pySigma backend that is installed.")
    ],
    output: Annotated[
        str | None, typer.Option("--output", metavar="NAME", help="An output of that backend.")
    ] = None,
) -> None:
    """Print a rule in the words of another system."""
    from gridtrail.rules.convert import convert

    rules = _in_force(session(context))
    found = rules.find(rule)
    if found is None:
        raise WrongUse(f"There is no rule {rule}: gridtrail rules list shows all of them.")
    write_text("\n".join(convert(rules, found, to, output=output)) + "\n")


def _in_force(here: Session) -> RuleSet:
    from gridtrail.rules.folder import rule_folders

    return rule_folders(here.settings.rules).current()


def _chosen(context: typer.Context, folders: list[Path] | None) -> RuleSet:
    from gridtrail.rules.folder import RuleFolders

    return RuleFolders(folders).current() if folders else _in_force(session(context))


def _broken(rules: RuleSet) -> Sequence[Problem]:
    from gridtrail.rules.compile import plan

    return (*rules.problems, *plan(rules).problems)


def _tell(problems: Sequence[Problem]) -> None:
    for problem in problems:
        say(str(problem), style="red")
    if problems:
        next_step("gridtrail rules lint", "shows everything that is wrong")


def _rows(problems: Sequence[Problem]) -> list[Row]:
    from gridtrail.rules.listing import problem_row

    return [problem_row(one) for one in problems]


def _hit_rows(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    return [{name: getattr(hit, name) for name in HIT_FIELDS} for hit in hits]
