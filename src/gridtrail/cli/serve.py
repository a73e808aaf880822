"""`gridtrail serve`: the HTTP server."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gridtrail.cli.context import Session, session
from gridtrail.cli.talk import next_step, say

if TYPE_CHECKING:
    from gridtrail.settings import Settings


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("serve")(serve)


def serve(
    context: typer.Context,
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="ADDRESS", help="Address to listen on."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one."),
    ] = None,
    collect: Annotated[
        bool | None,
        typer.Option("--collect/--no-collect", help="Also collect from what the settings name."),
    ] = None,
    detect: Annotated[
        bool, typer.Option("--detect/--no-detect", help="Also detect in what is new.")
    ] = True,
) -> None:
    """Serve, collect and detect, in one process.

    Slack's audit clients can read the lake through Slack's Audit Logs API. New events are collected
    from what the settings name, and looked at as they come. Ends with SIGTERM or Ctrl-C, after the
    requests that were begun. The log is JSON on stderr.
    """
    ours = session(context)
    settings = ours.settings
    given: dict[str, object] = {"host": host, "port": port, "collect": collect}
    given |= {} if detect else {"detect_seconds": 0}
    changed = {name: value for name, value in given.items() if value is not None}
    server = settings.server.model_copy(update=changed)
    serve_settings(ours, settings.model_copy(update={"server": server}))


def serve_settings(ours: Session, settings: Settings, *, port: int | None = None) -> None:
    """Serve until told to stop, and tell people where; `port` changes that of the settings."""
    from gridtrail.server.log_lines import set_up
    from gridtrail.server.run import serve as run

    server = settings.server
    if port is not None:
        server = server.model_copy(update={"port": port})

    def started(url: str) -> None:
        _print_first_link(settings, server.public_url or url)
        if sys.stderr.isatty():
            next_step(
                ours.command("token", "add", "NAME"), f"makes a token for {url}/audit/v1/logs"
            )

    set_up()
    run(settings.model_copy(update={"server": server}), started=started)


def _print_first_link(settings: Settings, base: str) -> None:
    """While there is no owner: where the first one sets a password. It goes to stdout alone, since
    a secret must not be in the log."""
    from gridtrail.server.accounts import AccountStore
    from gridtrail.server.console.links import link

    with AccountStore(settings.state) as accounts:
        secret = accounts.first_link()
    if secret is not None:
        typer.echo(base.rstrip("/") + link("/welcome", key=secret))
        sys.stdout.flush()
        if sys.stderr.isatty():
            say("Open the link to become the owner of the console: it works once.")
