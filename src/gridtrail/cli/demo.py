"""`gridtrail demo`: the whole system on a simulated organization, in a minute.

A simulated Slack is started on the loopback address, its audit log is collected over HTTP as from
Slack itself, anomalies are detected and findings told.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from gridtrail.cli.collect import run_collection
from gridtrail.cli.context import Session
from gridtrail.cli.detect import decide_rules, run_detection, run_triage, told, told_hits
from gridtrail.cli.findings import print_findings
from gridtrail.cli.output import Format, print_lines
from gridtrail.cli.serve import serve_settings
from gridtrail.cli.story import print_short_story
from gridtrail.cli.talk import say
from gridtrail.cli.text import counted
from gridtrail.errors import WrongUse
from gridtrail.triage.evidence import evidence_of

if TYPE_CHECKING:
    from gridtrail.sandbox.slack_state import SlackState
    from gridtrail.triage.finding import Finding

_SHOWN = 10
_DAY = 86_400
_PRESENT = 1_795_219_200  # 2026-11-21 00:00 UTC; Matt's day was the Friday before
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
    days: Annotated[int, typer.Option("--days", help="Days of log.")] = 28,
) -> None:
    """See it work on a simulated company.

    Simulates a company, collects its audit log as from Slack and finds out what happened there:
    On the last day of four weeks one of 300 people at Acme Corp does something that deserves a
    look. Without --once that was yesterday, the company goes on living, and the web console shows
    it until Ctrl-C: sign somebody out, and see the simulated Slack do it. Nothing is sent anywhere,
    and your own data is not touched.
    """
    run = Session(data=_place(keep))
    present = None if once else int(time.time())
    state = _simulate(run, seed=seed, people=people, days=days, present=present)
    try:
        _collect(run, state)
        found = _find(run, state)
        print_findings(found[:_SHOWN], Format.table)
        _tell(run, state, found)
        if not once:
            _live(run, state)
    finally:
        state.close()


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


def _present() -> int:
    """The simulated present, seconds: fixed, so that everybody sees the same; never in the future
    of this machine's clock, for a collector does not ask for what has not happened."""
    return min(_PRESENT, int(time.time()) // _DAY * _DAY)


def _simulate(
    run: Session, *, seed: int, people: int, days: int, present: int | None = None
) -> SlackState:
    from gridtrail.sandbox.describe import write_networks
    from gridtrail.sandbox.plan import Story
    from gridtrail.sandbox.serving import Serving, days_since_workday

    assert run.data is not None  # noqa: S101 - the demonstration always names its directory
    # at the fixed present time stands still, in that of the clock it goes on
    speed = 0 if present is None else 1
    present = _present() if present is None else present
    back = days_since_workday(present)
    stories = (Story("matt", days_before_end=back), Story("harmless_burst", days_before_end=back))
    with _step("Simulated") as step:
        say(f"Drawing {days} days of a company of {counted(people, 'person', 'people')} ...")
        serving = Serving(
            present, people=people, days=days, seed=seed, speed=speed, stories=stories
        )
        state = serving.state()
        network = write_networks(state.organization.world, run.data / "simulated" / "network")
        _write_settings(run.data, network.resolve().parent)
        events = counted(len(state.organization.ledger), "event")
        step.result = f"{state.plan.name}: {people} people, {days} days, {events}"
    return state


def _write_settings(data: Path, network: Path) -> None:
    """The address facts of the simulated world, so that later commands know them too."""
    from gridtrail.export.values import json_text
    from gridtrail.settings import SETTINGS_FILE

    lists = {
        "asn_files": "asn.tsv",
        "tor_lists": "tor.txt",
        "vpn_lists": "vpn.txt",
        "relay_lists": "relay.txt",
        "hosting_lists": "hosting.txt",
    }
    # a JSON string of a path is a TOML string too
    lines = [f"{name} = [{json_text(str(network / file))}]" for name, file in lists.items()]
    text = "\n".join([f'org = "{_ORGANIZATION}"', "", "[enrich]", *lines, ""])
    (data / SETTINGS_FILE).write_text(text, "utf-8")


def _collect(run: Session, state: SlackState) -> None:
    from pydantic import SecretStr

    from gridtrail.collect.slack_api.sources import sources
    from gridtrail.sandbox.serving import served_beside

    first = state.plan.start - 2 * _DAY  # west of Greenwich the first day begins earlier
    with _step("Collected") as step, served_beside(state) as url:
        (source,) = sources(run.settings)
        source = replace(
            source,
            base_url=f"{url}/audit/v1/",
            token=SecretStr(state.named_tokens["owner"].secret),
            since=first,
        )
        results = run_collection(run, [source], once=True) or []
        for result in results:
            if result.error is not None:
                raise result.error
            step.result = (
                f"{counted(result.counts.stored, 'event')} over HTTP in "
                f"{counted(result.calls, 'call')} of Slack's Audit Logs API"
            )


def _live(run: Session, state: SlackState) -> None:
    """The console over the simulated Slack, which is followed, and in which people are signed out;
    its tokens are in force here alone."""
    from pydantic import SecretStr

    from gridtrail.sandbox.serving import served_beside

    secret = SecretStr(state.named_tokens["owner"].secret)
    settings = run.settings
    with served_beside(state) as url:
        collect = {"base_url": f"{url}/audit/v1/", "token": secret, "settle_seconds": 2}
        first = datetime.fromtimestamp(state.plan.start, UTC).date() - timedelta(days=2)
        collect |= {"poll_seconds": 3, "since": first}
        respond = {"base_url": f"{url}/api/", "token": secret}
        live = settings.model_copy(
            update={
                "collect": settings.collect.model_copy(update=collect),
                "respond": settings.respond.model_copy(update=respond),
            }
        )
        say("")
        say("The simulated Slack goes on: sign Matt out in the console, and see his sessions end.")
        serve_settings(run, live, port=0)


def _find(run: Session, state: SlackState) -> list[Finding]:
    with _step("Detected") as step:
        # where the simulated company's time stands still, everything in it is over
        over = 0 if state.clock.speed else run.settings.detect.settle_seconds
        now = state.clock.now() + over
        report = run_detection(run, now=now)
        step.result = f"{told(report)}, {told_hits(decide_rules(run, now=now))}"
    with _step("Explained") as step:
        found = run_triage(run)
        step.result = counted(len(found), "finding")
    say("")
    return found


def _tell(run: Session, state: SlackState, found: list[Finding]) -> None:
    """The finding about the planted story in short, and what to try next."""
    planted = {
        actor
        for story in state.organization.planted
        if not story.harmless
        for actor in story.actors
    }
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
        tries.insert(1, (("serve",), "look at it in the browser"))
    say("")
    say(f"Everything is in {run.data}; delete it when you are done. Try:")
    for command, why in tries:
        say(f"  {run.command(*command)}   # {why}")
