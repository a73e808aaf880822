from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from gridtrail.cli.sandbox import parse_story
from gridtrail.errors import WrongUse
from gridtrail.sandbox.plan import Story


def test_stories_are_read_from_words() -> None:
    """Kind, loudness and days; what is left out is loud and as the command wants it."""
    assert parse_story("tor") == Story("tor")
    assert parse_story("tor", 3) == Story("tor", "loud", 3)
    assert parse_story("tor:paced:2", 3) == Story("tor", "paced", 2)
    with pytest.raises(WrongUse, match="no story"):
        parse_story("tor:loud:soon")


def test_serve_says_how_to_collect_from_it(tmp_path: Path) -> None:
    """The command that it prints collects every event, and looks no further back than they go."""
    program = Path(sys.executable).with_name("gridtrail")
    arguments = ["--port", "0", "--people", "20", "--days", "3", "--now", "2d", "--speed", "0"]
    with (
        subprocess.Popen(
            [program, "sandbox", "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
        ExitStack() as end,
    ):
        end.callback(process.kill)  # what fails here must not wait for it for ever
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        told = [process.stderr.readline().decode() for _ in range(6)]
        [line] = [line for line in told if line.startswith("Collect from it: ")]
        token, name, *command = shlex.split(line.removeprefix("Collect from it: "))
        assert name == "gridtrail"
        collected = subprocess.run(
            [program, *command, "--format", "json"],
            env={**dict([token.split("=")]), "GRIDTRAIL_DATA": str(tmp_path)},
            capture_output=True,
            check=True,
        )
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        process.wait(timeout=120)
    [result] = json.loads(collected.stdout)
    assert f"{result['stored']:,} events so far.\n" in told
    assert result["calls"] < 20


def test_serve_answers_until_interrupted(tmp_path: Path) -> None:
    """It says where it is in one line of JSON, answers with the token, and ends with SIGINT."""
    program = str(Path(sys.executable).with_name("gridtrail"))
    arguments = ["--port", "0", "--people", "20", "--days", "3", "--story", "tor", "--speed", "60"]
    with (
        subprocess.Popen(
            [program, "sandbox", "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
        ) as process,
        ExitStack() as end,
    ):
        end.callback(process.kill)
        assert process.stdout is not None
        assert process.stderr is not None
        told = json.loads(process.stdout.readline())
        request = urllib.request.Request(
            f"{told['url']}/audit/v1/logs?limit=5",
            headers={"Authorization": f"Bearer {told['token']}"},
        )
        with urllib.request.urlopen(request) as answer:
            assert len(json.loads(answer.read())["entries"]) >= 5
        process.send_signal(signal.SIGINT)
        talk = process.stderr.read().decode()
        process.wait(timeout=120)
    assert "Traceback" not in talk
    assert f"{told['url']}/sandbox" in talk
    assert list(tmp_path.iterdir()) == []
