"""`gridtrail token`: API tokens."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Annotated

import typer

from gridtrail.cli.context import session
from gridtrail.cli.options import FormatOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Column, Row, column
from gridtrail.cli.talk import say
from gridtrail.errors import WrongUse
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from gridtrail.server.tokens import Token, TokenStore

app = typer.Typer(
    help="API tokens: made once, listed, revoked.", no_args_is_help=True, rich_markup_mode=None
)

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_FIELDS = [
    "id",
    "name",
    "org",
    "scopes",
    "state",
    "created_at",
    "expires_at",
    "last_used_at",
    "revoked_at",
]


def register(parent: typer.Typer) -> None:
    """Put the commands on `parent`."""
    parent.add_typer(app, name="token")


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the token is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="auditlogs:read (the default), auditlogs:write or admin; repeat for several.",
        ),
    ] = None,
    org: Annotated[
        str | None,
        typer.Option("--org", metavar="NAME", help="Organization (default: the settings' `org`)."),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires", metavar="TIME", help="Lifetime such as 12h, 90d (default: none)."
        ),
    ] = None,
    prefix: Annotated[
        str,
        typer.Option(help="How it begins: gtp-, or xoxp- for clients that insist on Slack's."),
    ] = "gtp-",
    output: FormatOption = Format.table,
) -> None:
    """Make a token. It is shown now and never again: only its hash is kept.

    As a table, the token alone goes to stdout, ready for a variable.
    """
    settings = session(context).settings
    with _store(context) as store:
        token, secret = store.create(
            name,
            org=org or settings.org,
            scopes=scope or ("auditlogs:read",),
            seconds=None if expires is None else _lifetime(expires),
            prefix=prefix,
        )
    row = {**_row(token), "token": secret}
    columns = [Column("token", lambda row: row["token"], whole=True)]
    if output is Format.table:
        typer.echo(secret)
    else:
        listing([row], output, table=columns, fields=[*_FIELDS, "token"])
    say(f"Token {token.id} for {token.org}: keep it now, it cannot be shown again.")


@app.command("list")
def list_tokens(context: typer.Context, output: FormatOption = Format.table) -> None:
    """List all tokens, without their secrets."""
    with _store(context) as store:
        rows = [_row(token) for token in store.list()]
    listing(rows, output, table=_COLUMNS, fields=_FIELDS)


@app.command("revoke")
def revoke(
    context: typer.Context,
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id or its name.")],
) -> None:
    """Make a token useless, at once and for ever."""
    with _store(context) as store:
        revoked = store.revoke(token)
    say(f"Token {revoked.id} ({revoked.name}) is revoked.")


def _store(context: typer.Context) -> TokenStore:
    from gridtrail.server.tokens import TokenStore

    return TokenStore(session(context).settings.state)


def _lifetime(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,6})([mhdw])", text)
    if match is None:
        raise WrongUse(f"--expires {text[:40]!r} is no lifetime: use one such as 12h, 90d or 4w.")
    return int(match[1]) * _UNITS[match[2]]


def _row(token: Token) -> Row:
    return {
        "id": token.id,
        "name": token.name,
        "org": token.org,
        "scopes": list(token.scopes),
        "state": token.state(time.time()),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoked_at": token.revoked_at,
    }


def _time(name: str) -> Column:
    heading = name.removesuffix("_at").replace("_", " ")
    return Column(heading, lambda row: "" if row[name] is None else iso_seconds(row[name]))


_COLUMNS = [
    column("id"),
    column("name"),
    column("org"),
    Column("scopes", lambda row: " ".join(row["scopes"])),
    column("state"),
    _time("created_at"),
    _time("last_used_at"),
    _time("expires_at"),
]
