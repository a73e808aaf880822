"""The command `gridtrail`: options before the command, errors, exit codes.

Exit codes: 0 done, 1 found problems, 2 wrong use or bad settings, 3 the far side failed;
130 after Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from gridtrail.cli import (
    allow,
    calibrate,
    collect,
    compact,
    demo,
    detect,
    evaluate,
    export,
    findings,
    forward,
    import_files,
    logs,
    notify,
    responses,
    rules,
    sandbox,
    serve,
    show,
    signout,
    sql,
    thresholds,
    token,
    tune,
    user,
    verify,
)
from gridtrail.cli.context import Session
from gridtrail.cli.talk import complain
from gridtrail.errors import GridtrailError

_INTERRUPTED = 130
_ENGINE_INTERRUPTED = "Query interrupted"  # what DuckDB makes of Ctrl-C

app = typer.Typer(
    name="gridtrail",
    help="Keep a Slack Enterprise organization's audit logs, find the anomalies in them, explain "
    "them. stdout is data, stderr is talk.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"gridtrail {version('gridtrail')}\n")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            envvar="GRIDTRAIL_DATA",
            metavar="DIR",
            help="Directory in which everything lives (default: gridtrail-data here).",
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Options before the command."""
    context.obj = Session(data=data, debug=debug)


for _command in (demo, import_files, logs, show, sql, detect, findings, export, verify, compact):
    _command.register(app)
app.add_typer(sandbox.app, name="sandbox")
serve.register(app)
collect.register(app)
forward.register(app)
token.register(app)
user.register(app)
rules.register(app)
for _command in (allow, signout, responses, notify):
    _command.register(app)
for _command in (calibrate, tune, thresholds, evaluate):
    _command.register(app)


def main(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors are one sentence on stderr."""
    debug = "--debug" in arguments
    try:
        result = app(args=list(arguments), prog_name="gridtrail", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        return _misused(error)
    except typer.Abort:
        return _INTERRUPTED
    except GridtrailError as error:
        if debug:
            raise
        complain(str(error))
        return error.exit_code
    except (BrokenPipeError, SystemExit):
        # the reader has seen enough (`| head`): typer and rich then leave by SystemExit; what is
        # still in the buffer goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except RuntimeError as error:
        if str(error) != _ENGINE_INTERRUPTED:
            raise
        return _INTERRUPTED
    return result if isinstance(result, int) else 0


def _misused(error: typer.TyperException) -> int:
    """Say what was wrong; a group of commands that stands alone prints its help instead."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError" and context is not None:
        typer.echo(context.get_help())
        return 0
    path = context.command_path if context is not None else "gridtrail"
    complain(f"{error.format_message().rstrip('.')}: see {path} --help.")
    return 2


def run() -> None:
    """Entry point of the command line."""
    for stream in (sys.stdout, sys.stderr):
        # a terminal that cannot show a character gets its escape, not a traceback
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(main(sys.argv[1:]))
