"""`gridtrail collect`: from Slack, or anything that speaks its Audit Logs API, into the lake."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridtrail.cli.context import Session, session
from gridtrail.cli.options import ActionOption, FormatOption, split_actions, warn_of_unknown
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Row, column
from gridtrail.cli.talk import next_step, progress, say
from gridtrail.cli.text import counted
from gridtrail.cli.times import parse_time
from gridtrail.errors import WrongUse
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from gridtrail.collect.slack_api.lanes import BackfillProgress, Result, Source, Told

_COLUMNS = [
    column("org"),
    column("calls", right=True),
    column("read", right=True),
    column("stored", right=True),
    column("already_there", "already there", right=True),
    column("quarantined", right=True),
    column("late", right=True),
    column("complete_from", "complete from"),
    column("complete_to", "complete to"),
    column("state", style=lambda text: "" if text == "working" else "red"),
]
_FIELDS = [
    *("org", "calls", "read", "stored", "already_there", "quarantined", "late"),
    *("complete_from", "complete_to", "settled_to", "gaps", "state", "why"),
]
_STYLES = {"failing": "red", "refused": "red", "working": "green", "note": "yellow"}
_MINUTE = 60


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("collect")(collect)


def collect(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="Catch up with all there is now, and end.")
    ] = False,
    org: Annotated[
        str | None,
        typer.Option("--org", metavar="NAME", help="Only this organization of the settings."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="How far back; default March 2018, the beginning."
        ),
    ] = None,
    action: ActionOption = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            "--base-url", metavar="URL", help="Address of the API (default: the setting)."
        ),
    ] = None,
    output: FormatOption = Format.table,
) -> int:
    """Collect audit events from Slack's Audit Logs API.

    The newest come first, then the history, then what is new from now on. The token comes from
    GRIDTRAIL_COLLECT__TOKEN or the settings. Ends with Ctrl-C or SIGTERM; the next time it goes on
    from there, nothing is lost and nothing comes twice.
    """
    run = session(context)
    sources = _sources(run, org=org, since=since, action=action, base_url=base_url)
    results = run_collection(run, sources, once=once)
    if results is None:
        say("Stopped; the next time it goes on from here.")
        return 0
    listing([_row(run, result) for result in results], output, table=_COLUMNS, fields=_FIELDS)
    errors = [result.error for result in results if result.error is not None]
    if errors:  # they were told when they came
        return max(error.exit_code for error in errors)
    next_step(run.command("detect"), "finds the anomalies in them")
    return 0


def _sources(
    run: Session,
    *,
    org: str | None,
    since: str | None,
    action: Sequence[str] | None,
    base_url: str | None,
) -> list[Source]:
    """The sources of the settings, changed by the options."""
    from gridtrail.collect.slack_api.sources import sources

    found = sources(run.settings)
    if org is not None and run.settings.collect.sources:
        found = [source for source in found if source.org == org]
        if not found:
            known = ", ".join(one.org for one in run.settings.collect.sources)
            raise WrongUse(f"The settings have no organization {org!r}: choose among {known}.")
    elif org is not None:
        found = [replace(source, org=org) for source in found]
    if since is not None:
        found = [replace(source, since=parse_time(since)) for source in found]
    if action:
        names = split_actions(action)
        warn_of_unknown(names)
        found = [replace(source, actions=names) for source in found]
    if base_url is not None:
        found = [replace(source, base_url=base_url) for source in found]
    return found


def run_collection(run: Session, sources: list[Source], *, once: bool) -> list[Result] | None:
    """Collect from `sources` with progress shown; None when it was stopped by SIGTERM."""
    from gridtrail.collect.slack_api import running

    with progress("Collecting", "record") as steps:
        latest: dict[str, BackfillProgress] = {}

        def on_progress(one: BackfillProgress) -> None:
            latest[one.org] = one
            seen = latest.values()
            share = sum(o.done for o in seen) / max(1, sum(o.all for o in seen))
            steps.step(sum(o.records for o in seen), share, note=_left(list(seen)))

        around = running.Surroundings(
            tell=_teller(once=once),
            on_progress=on_progress,
            max_record_bytes=run.settings.imports.max_record_bytes,
        )
        work = running.collect(
            sources,
            run.lake,
            run.engine,
            once=once,
            patient=len(sources) > 1,
            surroundings=around,
        )
        return asyncio.run(_until_told(work))


async def _until_told(work: Coroutine[Any, Any, list[Result]]) -> list[Result] | None:
    """The results of `work`; None when SIGTERM ended it, after the commit that was begun."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        if task.cancelled():
            return None
        raise
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def _teller(*, once: bool) -> Callable[[Told], None]:
    """Sentences for people; for a service, whose stderr is kept, one JSON object a line."""
    if once or sys.stderr.isatty():
        return lambda told: say(told.message, style=_STYLES[told.health])
    import structlog

    from gridtrail.server.log_lines import set_up

    set_up()
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would write a line for each call
    log = structlog.get_logger("gridtrail.collect")
    levels = {"failing": log.error, "refused": log.error, "working": log.info, "note": log.warning}
    return lambda told: levels[told.health](told.message, org=told.org, health=told.health)


def _left(seen: Sequence[BackfillProgress]) -> str:
    """How long the slowest organization still needs."""
    times = [one.seconds_left for one in seen if one.seconds_left is not None]
    minutes = round(max(times, default=0.0) / _MINUTE)
    if not minutes:
        return ""
    return f"{counted(minutes, 'minute')} left" if minutes < 120 else f"{minutes // 60} hours left"


def _row(run: Session, result: Result) -> Row:
    from gridtrail.collect.slack_api.coverage import coverage

    counts, source = result.counts, result.source
    found = coverage(run.lake, source.org, actions=source.actions)
    return {
        "org": source.org,
        "calls": result.calls,
        "read": counts.read,
        "stored": counts.stored,
        "already_there": counts.already_there,
        "quarantined": counts.quarantined,
        "late": counts.late,
        "complete_from": _time(found.complete_from),
        "complete_to": _time(found.complete_to),
        "settled_to": _time(found.settled_to),
        "gaps": [f"{iso_seconds(gap.first)} to {iso_seconds(gap.last)}" for gap in found.gaps],
        "state": found.state,
        "why": found.why,
    }


def _time(second: int | None) -> str | None:
    return None if second is None else iso_seconds(second)
