"""Options that several commands share, each with its help, and what their texts mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from gridtrail.cli.output import Format
from gridtrail.cli.talk import say
from gridtrail.cli.times import parse_time
from gridtrail.errors import WrongUse

if TYPE_CHECKING:
    from gridtrail.lake.query import EventFilter

_TIME_HELP = (
    "seconds since the epoch, 2026-10-01, 2026-10-01T08:15:00Z, or 2h, 3d for that long ago"
)

FormatOption = Annotated[
    Format,
    typer.Option("--format", "-f", help="Table for people; json, ndjson or csv for programs."),
]
OrgOption = Annotated[
    str | None,
    typer.Option("--org", metavar="NAME", help="Only this organization (default: all)."),
]
ActionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--action",
        metavar="A,B",
        help="Only these actions; separate several with commas or repeat the option.",
    ),
]
ActorOption = Annotated[
    str | None,
    typer.Option("--actor", metavar="WHO", help="Only what this person did: id, e-mail or name."),
]
EntityOption = Annotated[
    str | None,
    typer.Option("--entity", metavar="WHAT", help="Only what was done to this: id or name."),
]
IpOption = Annotated[
    str | None,
    typer.Option("--ip", metavar="ADDRESS", help="Only from this address."),
]
SessionOption = Annotated[
    str | None, typer.Option("--session", metavar="ID", help="Only in this session.")
]
UaOption = Annotated[
    str | None,
    typer.Option("--ua", metavar="TEXT", help="Only with this in the user agent."),
]
AppOption = Annotated[
    str | None, typer.Option("--app", metavar="ID", help="Only through this app.")
]
ReasonOption = Annotated[
    str | None,
    typer.Option("--reason", metavar="CODE", help="Only anomalies with this reason."),
]
TextOption = Annotated[
    str | None,
    typer.Option("--text", metavar="TEXT", help="Only events whose raw JSON has this text."),
]
OldestOption = Annotated[
    str | None,
    typer.Option("--oldest", metavar="TIME", help=f"Not before: {_TIME_HELP}."),
]
LatestOption = Annotated[
    str | None,
    typer.Option("--latest", metavar="TIME", help="Not after; a date alone means its end."),
]


def time_range(oldest: str | None, latest: str | None) -> tuple[int | None, int | None]:
    """Both ends in seconds since the epoch, inclusive; None is open.

    Raises WrongUse on a text that is no time, or a range that ends before it begins.
    """
    first = None if oldest is None else parse_time(oldest)
    last = None if latest is None else parse_time(latest, end=True)
    if first is not None and last is not None and first > last:
        raise WrongUse(f"--oldest {oldest} is after --latest {latest}: swap them.")
    return first, last


def event_filter(
    *,
    action: Sequence[str] | None,
    oldest: str | None,
    latest: str | None,
    **exact: str | None,
) -> EventFilter:
    """The filter that the options of `logs` and `export` make; warns of unknown actions.

    Raises WrongUse on a time that is none.
    """
    from gridtrail.lake.query import EventFilter

    actions = split_actions(action)
    warn_of_unknown(actions)
    first, last = time_range(oldest, latest)
    return EventFilter(actions=actions, oldest=first, latest=last, **exact)


def split_actions(given: Sequence[str] | None) -> tuple[str, ...]:
    """The names in `a,b` and repeated options, in order and once."""
    names = [name.strip() for text in given or () for name in text.split(",")]
    return tuple(dict.fromkeys(name for name in names if name))


_OURS = "gridtrail_"
"""How the actions of Gridtrail's own trail begin, where Slack has none."""


def warn_of_unknown(actions: Sequence[str]) -> None:
    """Say which of `actions` the catalogue does not know; Slack adds names, so it is no error."""
    if not actions:
        return
    from gridtrail.slack.catalogue import is_known, suggest

    for name in actions:
        if not is_known(name) and not name.startswith(_OURS):
            close = " or ".join(suggest(name))
            hint = f": did you mean {close}?" if close else "; it may be a new one."
            say(f"The catalogue has no action {name}{hint}", style="yellow")
