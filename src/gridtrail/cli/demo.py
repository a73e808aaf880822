"""`gridtrail demo`: the whole system on a simulated organization, in a minute."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from gridtrail.cli.context import Session
from gridtrail.cli.detect import run_detection, run_triage, told
from gridtrail.cli.evidence import evidence_of
from gridtrail.cli.findings import print_findings
from gridtrail.cli.import_files import run_import
from gridtrail.cli.output import Format, print_lines
from gridtrail.cli.story import print_short_story
from gridtrail.cli.talk import say
from gridtrail.cli.text import counted
from gridtrail.errors import WrongUse

if TYPE_CHECKING:
    from gridtrail.sandbox.generate import Generated
    from gridtrail.sandbox.plan import Plan
    from gridtrail.triage.finding import Finding

_SHOWN = 10
_ORGANIZATION = "E0ACME"


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("demo")(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Print the findings and end.")] = False,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep", metavar="DIR", help="Put the demonstration here (default: a new directory)."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", help="Another seed gives another organization.")
    ] = 7,
    people: Annotated[int, typer.Option("--people", help="People in the company.")] = 300,
    days: Annotated[int, typer.Option("--days", help="Days of log.")] = 56,
) -> None:
    """See it work on a simulated company.

    Simulates a company, imports its audit log and finds out what happened there:
    On the last day of eight weeks one of 300 people at Acme Corp does
    something that deserves a look. Nothing is sent anywhere, and your own data is not touched.
    """
    from gridtrail.sandbox.plan import acme_plan

    plan = replace(acme_plan(seed), people=people, days=days)
    run = Session(data=_place(keep))
    made = _simulate(run, plan)
    _import(run, made)
    found = _find(run, plan)
    print_findings(found[:_SHOWN], Format.table)
    _tell(run, made, found)
    if not once:
        say("The web console is not part of this version; the commands above show everything.")


def _place(keep: Path | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="gridtrail-demo-"))
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise WrongUse(f"{keep} is not empty: name a directory that is new.")
    keep.mkdir(parents=True, exist_ok=True)
    return keep


class _Step:
    """What a step of the demonstration has to say when it is done."""

    result = ""


@contextmanager
def _step(what: str) -> Iterator[_Step]:
    began = time.monotonic()
    step = _Step()
    yield step
    say(f"{what:<12} {step.result:<64} {time.monotonic() - began:5.1f} s")


def _simulate(run: Session, plan: Plan) -> Generated:
    from gridtrail.cli.talk import progress
    from gridtrail.sandbox.generate import generate

    assert run.data is not None  # noqa: S101 - the demonstration always names its directory
    with _step("Simulated") as step, progress(f"Simulating {plan.name}", "day") as steps:
        target = run.data / "simulated"
        made = generate(plan, target, lambda done, days: steps.step(done, done / days))
        step.result = (
            f"{plan.name}: {plan.people} people, {plan.days} days, {counted(made.count, 'event')}"
        )
    _write_settings(run.data, made)
    return made


def _write_settings(data: Path, made: Generated) -> None:
    """The address facts of the simulated world, so that later commands know them too."""
    from gridtrail.export.values import json_text
    from gridtrail.settings import SETTINGS_FILE

    network = made.asn.resolve().parent
    lists = {
        "asn_files": made.asn.resolve(),
        "tor_lists": network / "tor.txt",
        "vpn_lists": network / "vpn.txt",
        "hosting_lists": network / "hosting.txt",
    }
    # a JSON string of a path is a TOML string too
    lines = [f"{name} = [{json_text(str(path))}]" for name, path in lists.items()]
    text = "\n".join([f'org = "{_ORGANIZATION}"', "", "[enrich]", *lines, ""])
    (data / SETTINGS_FILE).write_text(text, "utf-8")


def _import(run: Session, made: Generated) -> None:
    with _step("Imported") as step:
        report = run_import(run, [str(made.events)])
        rate = report.total.stored / max(report.seconds, 1e-6)
        step.result = f"{counted(report.total.stored, 'event')}, {rate:,.0f} a second"


def _find(run: Session, plan: Plan) -> list[Finding]:
    with _step("Detected") as step:
        # the simulated company lives in its own time: everything in it is over
        now = plan.stop + run.settings.detect.settle_seconds
        step.result = told(run_detection(run, now=now))
    with _step("Explained") as step:
        found = run_triage(run)
        step.result = counted(len(found), "finding")
    say("")
    return found


def _tell(run: Session, made: Generated, found: list[Finding]) -> None:
    """The finding about the planted story in short, and what to try next."""
    planted = {actor for story in made.stories if not story.harmless for actor in story.actors}
    about = [one for one in found if planted & set(one.actor_ids)] or found
    if about:
        print_lines([Text()])
        print_short_story(about[0], evidence_of(run.lake, about[0]))
    tries = [
        (("logs", "--action", "anomaly"), "the anomalies, the newest first"),
        (("sql", "select action, count(*) from events group by 1 order by 2"), "ask anything"),
    ]
    if about:
        tries.insert(0, (("finding", about[0].id), "the whole story"))
    say("")
    say(f"Everything is in {run.data}; delete it when you are done. Try:")
    for command, why in tries:
        say(f"  {run.command(*command)}   # {why}")
