"""`gridtrail serve`: the HTTP server."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gridtrail.cli.context import session
from gridtrail.cli.talk import next_step


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
) -> None:
    """Serve Slack's Audit Logs API from the lake.

    Slack's audit clients can read it. Ends with SIGTERM or Ctrl-C, after the requests that were
    begun. The log is JSON on stderr.
    """
    from gridtrail.server.log_lines import set_up
    from gridtrail.server.run import serve as run

    ours = session(context)
    settings = ours.settings
    given = {"host": host, "port": port}
    changed = {name: value for name, value in given.items() if value is not None}
    server = settings.server.model_copy(update=changed)

    def started(url: str) -> None:
        if sys.stderr.isatty():
            next_step(
                ours.command("token", "add", "NAME"), f"makes a token for {url}/audit/v1/logs"
            )

    set_up()
    run(settings.model_copy(update={"server": server}), started=started)
