"""`gridtrail sandbox`: a simulated organization with attacks and traps, as files or live."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import orjson
import typer

from gridtrail.cli.context import session
from gridtrail.cli.options import FormatOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Column, Row, column
from gridtrail.cli.talk import next_step, progress, say
from gridtrail.cli.text import counted
from gridtrail.cli.times import parse_time
from gridtrail.errors import WrongUse
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from gridtrail.sandbox.plan import Archetype, Loudness, Story, StoryKind

app = typer.Typer(
    help="A simulated Slack organization, for trying things out.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def sandbox() -> None:
    """A simulated Slack organization, for trying things out."""


def parse_story(text: str, days_before_end: int = 0) -> Story:
    """`KIND`, `KIND:LOUDNESS` or `KIND:LOUDNESS:DAYS_BEFORE_END` as a story to plant.

    Raises WrongUse when it has more parts or the days are no number; the plan checks the words.
    """
    from gridtrail.sandbox.plan import Story

    kind, *rest = text.split(":")
    if len(rest) > 2 or (len(rest) == 2 and not rest[1].isdecimal()):
        raise WrongUse(f"{text!r} is no story: write for example matt or matt:paced:3.")
    loudness = rest[0] if rest and rest[0] else "loud"
    days = int(rest[1]) if len(rest) == 2 else days_before_end
    return Story(cast("StoryKind", kind), cast("Loudness", loudness), days)


PeopleOption = Annotated[int, typer.Option("--people", help="People in the organization.")]


@app.command("generate")
def generate(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Directory for the files.")
    ],
    people: PeopleOption = 300,
    days: Annotated[int, typer.Option("--days", help="Days of log.")] = 56,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same files.")] = 7,
    story: Annotated[
        list[str] | None,
        typer.Option(
            "--story",
            metavar="KIND[:LOUDNESS[:DAYS]]",
            help="Plant this (repeat for more), such as matt, stolen_session:paced or tor:loud:3; "
            "DAYS are before the end, an unknown KIND lists them all. Without it: matt and "
            "harmless_burst.",
        ),
    ] = None,
    archetype: Annotated[
        str, typer.Option("--archetype", help="Kind of organization: office, remote or global.")
    ] = "office",
    scale: Annotated[
        float, typer.Option("--scale", help="How busy everybody is; 1.0 is ordinary.")
    ] = 1.0,
    output: FormatOption = Format.table,
) -> None:
    """Write a simulated organization's audit log and the truth about it into a directory.

    events.ndjson holds the log in Slack's shape, truth.json what was planted, network/ the
    address facts of the simulated world.
    """
    from gridtrail.sandbox.generate import generate as generated
    from gridtrail.sandbox.plan import Plan

    stories = tuple(parse_story(text) for text in story or ("matt", "harmless_burst"))
    plan = Plan(
        seed=seed,
        people=people,
        days=days,
        stories=stories,
        archetype=cast("Archetype", archetype),
        events_scale=scale,
    )
    if (out / "events.ndjson").exists():
        raise WrongUse(f"{out} holds a simulated organization already: choose another directory.")
    with progress("Simulating", "day") as steps:
        made = generated(plan, out, lambda done, all_: steps.step(done, done / all_))
    say(f"{counted(made.count, 'event')} in {made.events}, the truth in {made.truth}.")
    rows: list[Row] = [planted.truth() for planted in made.stories]
    listing(rows, output, table=_STORY_COLUMNS, fields=list(rows[0]) if rows else ["kind"])
    next_step(session(context).command("import", str(made.events)), "reads it into the lake")


HostOption = Annotated[str, typer.Option("--host", help="Address to listen on.")]
PortOption = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")
]
SpeedOption = Annotated[
    float,
    typer.Option("--speed", help="Simulated seconds a second: 60 is a minute, 0 stands still."),
]
NowOption = Annotated[
    str | None,
    typer.Option("--now", metavar="TIME", help="Where simulated time begins (default: now)."),
]
PastStoryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--story",
        metavar="KIND[:LOUDNESS[:DAYS]]",
        help="Plant this in the past (repeat for more); DAYS are before today, without them it "
        "ends on the last working day.",
    ),
]
CallsOption = Annotated[
    int,
    typer.Option(
        "--calls-per-minute", min=0, help="Limit of the audit API, as Slack's; 0: no limits."
    ),
]
FaultsOption = Annotated[
    bool, typer.Option("--faults", help="Late, repeated and incomplete events, as in life.")
]


@app.command("serve")
def serve(
    host: HostOption = "127.0.0.1",
    port: PortOption = 8686,
    people: PeopleOption = 300,
    days: Annotated[int, typer.Option("--days", help="Days of log before now.")] = 28,
    seed: Annotated[int, typer.Option("--seed", help="The same seed, the same life.")] = 7,
    speed: SpeedOption = 1.0,
    now: NowOption = None,
    story: PastStoryOption = None,
    calls_per_minute: CallsOption = 50,
    faults: FaultsOption = False,
) -> None:
    """Run a simulated Slack: Slack's own API over an organization that lives on.

    The audit log, ending sessions and the allow list answer as Slack does; /sandbox holds the
    clock, stories to plant, and the truth. Everything is gone when it ends.
    """
    from gridtrail.sandbox.serving import Serving, days_since_workday, listen
    from gridtrail.sandbox.serving import serve as run

    present = int(time.time()) if now is None else parse_time(now)
    back = min(days_since_workday(present), days - 1)
    serving = Serving(
        present=present,
        people=people,
        days=days,
        seed=seed,
        speed=speed,
        stories=tuple(parse_story(text, back) for text in story or ()),
        calls_per_minute=calls_per_minute,
        faults=faults,
    )
    serving.plan()  # what cannot be is said before anything is done
    listening = listen(host, port)
    say(f"Drawing {counted(people, 'person', 'people')} for {counted(days, 'day')} ...")
    state = serving.state()
    say(f"{counted(len(state.organization.ledger), 'event')} so far.")
    token = state.named_tokens["owner"].secret
    start = state.organization.world.plan.start
    run(state, listening, lambda url: _tell(url, token, start))


def _tell(url: str, token: str, start: int) -> None:
    """Where the simulated Slack is, and how to point a client at it.

    `start` is the first second of its log: a collector that looks through the years before it comes
    near the limit of calls and takes a minute.
    """
    say(f"The simulated Slack is at {url}, its token is {token}.")
    say(f"Try: curl -H 'Authorization: Bearer {token}' '{url}/audit/v1/logs?limit=2'")
    say(
        f"slack_sdk: AuditLogsClient(token, base_url='{url}/audit/v1/') and "
        f"WebClient(token, base_url='{url}/api/')"
    )
    say(
        f"Collect from it: GRIDTRAIL_COLLECT__TOKEN={token} "
        f"gridtrail collect --once --since {iso_seconds(start)[:10]} --base-url {url}/audit/v1/"
    )
    say(f"Controls: {url}/sandbox")
    if not sys.stdout.isatty():
        print(orjson.dumps({"url": url, "token": token}).decode(), flush=True)  # noqa: T201


_STORY_COLUMNS = [
    column("kind", "planted"),
    column("loudness"),
    Column("harmless", lambda row: "yes" if row["harmless"] else "no"),
    column("actor_ids", "who", widest=40),
    Column("from", lambda row: iso_seconds(row["start"]), whole=True),
    Column("to", lambda row: iso_seconds(row["end"]), whole=True),
    Column("events", lambda row: len(row["event_ids"]), right=True),
    column("expected_reasons", "expected"),
]
