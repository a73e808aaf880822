"""`gridtrail user`: the people who may sign in to the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gridtrail.cli.context import session
from gridtrail.cli.options import FormatOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Column, Row, column
from gridtrail.cli.talk import say
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from gridtrail.server.accounts import Account, AccountStore

app = typer.Typer(
    help="People who may sign in: invited, given roles, listed, revoked.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_FIELDS = ["id", "email", "name", "role", "state", "created_at", "signed_in_at", "revoked_at"]


def register(parent: typer.Typer) -> None:
    """Put the commands on `parent`."""
    parent.add_typer(app, name="user")


@app.command("add")
def add(
    context: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Their e-mail address.")],
    role: Annotated[
        str, typer.Option("--role", help="owner, admin, audit_logs_admin or viewer.")
    ] = "viewer",
    name: Annotated[
        str | None, typer.Option("--name", help="Their name (default: from the address).")
    ] = None,
) -> None:
    """Invite somebody. Prints a one-time link under which they choose a password.

    Only its hash is kept. The link works for three days.
    """
    from gridtrail.respond.trail import ACCOUNT_ADDED

    with _store(context) as store:
        account, secret = store.add(email, name or email.partition("@")[0], role)
    _keep(context, ACCOUNT_ADDED, account)
    typer.echo(_address(context, secret))
    say(f"{account.email} is invited as {account.role}: send them the link, it works once.")


@app.command("link")
def link(
    context: typer.Context,
    who: Annotated[str, typer.Argument(metavar="WHO", help="Their e-mail address or id.")],
) -> None:
    """Print a new one-time link for somebody who lost their password. Older links are void."""
    from gridtrail.respond.trail import LINK_MADE

    with _store(context) as store:
        account, secret = store.link(who)
    _keep(context, LINK_MADE, account)
    typer.echo(_address(context, secret))
    say(f"{account.email} chooses a new password under the link: send it to them.")


@app.command("role")
def change_role(
    context: typer.Context,
    who: Annotated[str, typer.Argument(metavar="WHO", help="Their e-mail address or id.")],
    role: Annotated[
        str, typer.Argument(metavar="ROLE", help="owner, admin, audit_logs_admin or viewer.")
    ],
) -> None:
    """Give somebody another role. It holds from their next click on; the last owner stays one."""
    from gridtrail.respond.trail import ROLE_CHANGED

    with _store(context) as store:
        before, after = store.set_role(who, role)
    if before.role == after.role:
        say(f"{after.email} is {after.role} already.")
        return
    _keep(context, ROLE_CHANGED, after, previous_role=before.role)
    say(f"{after.email} is {after.role} now, and was {before.role}.")


@app.command("list")
def list_users(context: typer.Context, output: FormatOption = Format.table) -> None:
    """List everybody, those who were revoked too."""
    with _store(context) as store:
        rows = [_row(account) for account in store.list()]
    listing(rows, output, table=_COLUMNS, fields=_FIELDS)


@app.command("revoke")
def revoke(
    context: typer.Context,
    who: Annotated[str, typer.Argument(metavar="WHO", help="Their e-mail address or id.")],
) -> None:
    """Take somebody's access away, at once: their sessions end."""
    from gridtrail.respond.trail import ACCOUNT_REVOKED

    with _store(context) as store:
        account = store.revoke(who)
    _keep(context, ACCOUNT_REVOKED, account)
    say(f"{account.email} cannot sign in any more.")


def _store(context: typer.Context) -> AccountStore:
    from gridtrail.server.accounts import AccountStore

    return AccountStore(session(context).settings.state)


def _keep(context: typer.Context, action: str, account: Account, **more: str) -> None:
    """Write it to the audit trail; whoever serves moves it to the lake."""
    from gridtrail.respond.trail import Doer, Trail

    settings = session(context).settings
    entity = ("user", account.id, account.name)
    with Trail(settings.state) as trail:
        details = {"role": account.role, "by": "command line", **more}
        trail.put(settings.org, action, Doer.here(), entity, details)


def _address(context: typer.Context, secret: str) -> str:
    from gridtrail.server.console.links import link as address

    server = session(context).settings.server
    base = server.public_url or f"http://{server.host}:{server.port}"
    return base.rstrip("/") + address("/welcome", key=secret)


def _row(account: Account) -> Row:
    return {
        "id": account.id,
        "email": account.email,
        "name": account.name,
        "role": account.role,
        "state": account.state,
        "created_at": account.created_at,
        "signed_in_at": account.signed_in_at,
        "revoked_at": account.revoked_at,
    }


def _time(name: str, title: str) -> Column:
    return Column(title, lambda row: "" if row[name] is None else iso_seconds(row[name]))


_COLUMNS = [
    column("id"),
    column("email"),
    column("name"),
    column("role"),
    column("state"),
    _time("created_at", "created"),
    _time("signed_in_at", "last sign-in"),
]
