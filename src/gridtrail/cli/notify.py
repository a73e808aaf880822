"""`gridtrail notify`: what is told to whom, and what is still to be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from gridtrail.cli.context import Session, session
from gridtrail.cli.options import FormatOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Column, Row, column
from gridtrail.cli.talk import next_step, say
from gridtrail.cli.text import counted
from gridtrail.errors import BadSettings, RetryLater, WrongUse
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from gridtrail.notify.message import Message
    from gridtrail.notify.running import Notifier
    from gridtrail.notify.store import ChannelFacts

app = typer.Typer(
    help="What is told to whom, and what is still to be told.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FIELDS = [
    "id", "channel", "kind", "state", "finding_ids", "created_at", "due_at", "attempts", "done_at",
    "said",
]  # fmt: skip
_STYLES = {"dead": "red", "sent": "green"}
COLUMNS = [
    Column("id", lambda row: str(row["id"])[:12], whole=True),
    Column("made", lambda row: iso_seconds(row["created_at"]), whole=True),
    column("channel"),
    column("kind"),
    column("state", style=lambda text: _STYLES.get(text, ""), whole=True),
    column("attempts", right=True),
    column("finding_ids", "findings", widest=40),
    column("said", widest=100),
]
_ROUNDS = 1_000


def register(parent: typer.Typer) -> None:
    """Put the commands on `parent`."""
    parent.add_typer(app, name="notify")


@app.command("list")
def list_(
    context: typer.Context,
    every: Annotated[
        bool, typer.Option("--all", help="Also what was sent or joined to another message.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", help="At most so many, the newest.")] = 100,
    output: FormatOption = Format.table,
) -> None:
    """List what waits, and how each channel fares."""
    with _notifier(session(context)) as notifier:
        state = None if every else "waiting"
        found = notifier.outbox.select(state=state, limit=limit)
        facts = notifier.facts()
    listing([row_of(one) for one in found], output, table=COLUMNS, fields=FIELDS)
    for one in facts:
        say(_fares(one), style="yellow" if one.failures or one.dead else "")
    if not facts:
        say("There is no channel: name one in notify.channels (docs/notifications.md).")


@app.command("dead")
def dead(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", help="At most so many, the newest.")] = 100,
    output: FormatOption = Format.table,
) -> None:
    """List what was given up, and why."""
    run = session(context)
    with _notifier(run) as notifier:
        found = notifier.outbox.select(state="dead", limit=limit)
    listing([row_of(one) for one in found], output, table=COLUMNS, fields=FIELDS)
    say(f"{counted(len(found), 'dead letter')}.")
    if found:
        next_step(run.command("notify", "resend", "--all"), "sends them again")


@app.command("resend")
def resend(
    context: typer.Context,
    messages: Annotated[
        list[str] | None, typer.Argument(metavar="ID…", help="Dead letters to send again.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
) -> int:
    """Send dead letters again.

    They keep their ids, for they may have arrived. The exit code is 3 when one still does not get
    through.
    """
    if bool(messages) == every:
        raise WrongUse("Say which: give ids, or --all.")
    with _notifier(session(context)) as notifier:
        chosen = notifier.outbox.resend(None if every else messages)
        return _deliver(notifier, [one.id for one in chosen])


@app.command("send")
def send(context: typer.Context) -> int:
    """Tell what is new, once; `gridtrail serve` does so by itself.

    What a channel is to hear together waits for its `group_seconds`: run it again after that. The
    exit code is 3 when a channel does not take what is due.
    """
    run = session(context)
    with _notifier(run, needed=True) as notifier:
        done = notifier.round(run.lake)
        for _ in range(_ROUNDS):
            more = notifier.round(run.lake)
            if not more:
                break
            done += more
        facts = notifier.facts()
    say(f"{counted(done, 'message')} sent.")
    for one in facts:
        if one.waiting or one.dead:
            say(_fares(one), style="yellow" if one.failures or one.dead else "")
    failing = [one for one in facts if one.failures]
    if failing:
        raise RetryLater(
            f"The channel {failing[0].channel} does not take messages "
            f"({failing[0].said.rstrip('.')}): put it right, what waits is sent again."
        )
    return 0


@app.command("test")
def try_out(
    context: typer.Context,
    channel: Annotated[
        str | None, typer.Argument(metavar="CHANNEL", help="Only this channel.")
    ] = None,
) -> int:
    """Send a test message to the channels.

    It is said whether it got through.

    The exit code is 3 when it did not.
    """
    with _notifier(session(context), needed=True) as notifier:
        return _deliver(notifier, notifier.test(channel))


@contextmanager
def _notifier(run: Session, *, needed: bool = False) -> Iterator[Notifier]:
    from gridtrail.notify.running import Notifier

    if needed and not run.settings.notify.channels:
        raise BadSettings(
            "There is no channel to tell anybody: name one in notify.channels "
            "(docs/notifications.md)."
        )
    with Notifier(run.settings) as notifier:
        yield notifier


def _deliver(notifier: Notifier, ids: Sequence[str]) -> int:
    """Try these messages now, and say how each fared."""
    failed = 0
    for message in notifier.deliver(ids):
        there = message.state == "sent"
        failed += not there
        how = "sent" if there else f"not sent: {message.said or 'its channel has to rest'}"
        say(f"{message.channel}: {how}", style="" if there else "red")
    if not ids:
        say("There is no dead letter.")
    return 3 if failed else 0


def _fares(one: ChannelFacts) -> str:
    waits = counted(one.waiting, "message waits", "messages wait")
    since = f" since {iso_seconds(one.oldest)}" if one.oldest is not None else ""
    given_up = f", {counted(one.dead, 'dead letter')}" if one.dead else ""
    failing = ""
    if one.failing_since is not None:
        why = one.said.rstrip(".")
        failing = f"; failing since {iso_seconds(one.failing_since)} ({why})"
    return f"{one.channel}: {waits}{since}{given_up}{failing}."


def row_of(message: Message) -> Row:
    """A message for a listing."""
    row = {name: getattr(message, name) for name in FIELDS}
    return {**row, "finding_ids": list(message.finding_ids)}
