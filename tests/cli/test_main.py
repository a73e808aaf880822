"""The command as a whole: help, errors, exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from gridtrail.cli.main import app, main

Run = Callable[..., Any]


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, (*path, name))


COMMANDS = list(walk(get_command(app)))
PROGRAM = [sys.executable, "-c", "from gridtrail.cli.main import run; run()"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(gridtrail: Run, command: Sequence[str]) -> None:
    """--help explains the command."""
    result = gridtrail(*command, "--help")
    assert result.code == 0
    assert f"gridtrail {' '.join(command)}" in result.text


def test_every_option_has_help() -> None:
    """No option and no argument of any command is without an explanation."""
    waiting: list[Any] = [get_command(app)]
    seen = 0
    while waiting:
        command = waiting.pop()
        waiting += getattr(command, "commands", {}).values()
        assert command.help, command.name
        for parameter in command.params:
            seen += 1
            assert len((parameter.help or "").split()) >= 3, (command.name, parameter.name)
    assert seen > 60


def test_commands_are_those_of_the_design() -> None:
    """Every command of this version is there."""
    assert {path[0] for path in COMMANDS if path} >= {
        "demo",
        "import",
        "logs",
        "show",
        "sql",
        "detect",
        "findings",
        "finding",
        "export",
        "verify",
        "compact",
        "sandbox",
    }


def test_first_lines_of_help_are_whole(gridtrail: Run) -> None:
    """No summary in the list of commands is cut off."""
    assert "..." not in gridtrail("--help").text.split("Commands:")[1]


def test_version(gridtrail: Run) -> None:
    """--version prints the package's version."""
    assert gridtrail("--version").text == f"gridtrail {version('gridtrail')}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command"),
        (["show"], "Missing argument 'ID': see gridtrail show --help"),
        (["logs", "--frobnicate"], "No such option: --frobnicate"),
        (["show", "nobody"], "No event has the id"),
        (["finding", "F00"], "No finding has the id"),
    ],
)
def test_wrong_use_is_one_sentence(gridtrail: Run, arguments: list[str], said: str) -> None:
    """Wrong use is said in one line with the next step; the exit code is 2."""
    result = gridtrail(*arguments)
    assert result.code == 2
    assert said in result.err
    assert len(result.err.splitlines()) == 1


def test_bad_settings_name_the_field(gridtrail: Run, data: Path) -> None:
    """A wrong setting stops every command with exit code 2 and its name."""
    data.mkdir()
    (data / "gridtrail.toml").write_text("threads = -1\n")
    result = gridtrail("logs")
    assert result.code == 2
    assert result.err.startswith("gridtrail: The setting threads is wrong")


def test_debug_shows_the_traceback(gridtrail: Run) -> None:
    """With --debug an error keeps its traceback."""
    with pytest.raises(Exception, match="No event has the id"):
        gridtrail("--debug", "show", "nobody")


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
        timeout=240,
    )


def test_program_works_from_the_shell(tmp_path: Path) -> None:
    """The entry point takes GRIDTRAIL_DATA, prints on stdout and gives its exit code."""
    done = start("logs", "--format", "json", GRIDTRAIL_DATA=str(tmp_path / "d"))
    assert (done.returncode, done.stdout) == (0, b"[]\n")
    wrong = start("logs", "--oldest", "soon", GRIDTRAIL_DATA=str(tmp_path / "d"))
    assert (wrong.returncode, wrong.stdout) == (2, b"")


def test_terminal_that_knows_only_ascii(tmp_path: Path) -> None:
    """A stdout of a poor encoding gets escapes, not a traceback."""
    done = start("--data", str(tmp_path / "é"), "show", "é", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert b"\\xe9" in done.stderr


def test_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    """A closed pipe (`| head`) ends the program quietly."""
    sql = "select repeat('x', 1000) as x from range(20000)"
    arguments = [*PROGRAM, "--data", str(tmp_path), "sql", sql, "--format", "csv", "--limit", "0"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(120) == 0


def test_heavy_libraries_load_only_when_needed() -> None:
    """The help needs none of the libraries that take long to load."""
    code = (
        "import sys; from gridtrail.cli.main import main; main(['--help']); "
        "heavy = {'duckdb', 'pyarrow', 'ibis', 'numpy', 'scipy', 'deltalake', 'pydantic', "
        "'sqlalchemy'}; print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr == b"[]\n"


INTERRUPTED = """
import os, signal, sys, threading, time
from gridtrail.cli.main import main

def interrupt():
    while True:
        time.sleep(2)
        os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
query = "select sum(a.range * b.range) from range(100000000) a, range(100000000) b"
code = main(["--data", sys.argv[1], "sql", query])
os._exit(code)
"""


def test_ctrl_c_ends_a_query_quietly(tmp_path: Path) -> None:
    """Ctrl-C is exit code 130 and no traceback, also while the engine works."""
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path)]
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        timeout=240,
        # tests in the background of a shell inherit that it is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("command", [[], ["sandbox"]], ids=str)
def test_alone_is_help(command: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    """Without a command the help is printed."""
    assert main(command) == 0
    alone = capfd.readouterr()
    assert main([*command, "--help"]) == 0
    assert alone == capfd.readouterr()
    assert "Usage: gridtrail" in alone.out
