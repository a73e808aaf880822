"""`gridtrail forward` as people call it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridtrail.forward.position import Position
from gridtrail.forward.record import Refusal
from gridtrail.forward.store import ForwardStore

Run = Callable[..., Any]
Make = Callable[..., dict[str, Any]]
Store = Callable[..., None]

FILES = '[[forward]]\nname = "files"\nto = "files"\ndirectory = "out"\nsince = "everything"\n'


@pytest.fixture
def write(data: Path) -> Callable[[str], None]:
    """Write the settings."""

    def settings(text: str) -> None:
        data.mkdir(exist_ok=True)
        (data / "gridtrail.toml").write_text(text)

    return settings


def sent(data: Path) -> list[str]:
    """The ids in the files, in order."""
    files = sorted((data / "out").glob("*.ndjson"))
    return [json.loads(line)["id"] for one in files for line in one.read_text().splitlines()]


def test_once(gridtrail: Run, data: Path, event: Make, store: Store, write: Any) -> None:
    """A single run sends what is there, the next one what is new; the status says how far it is."""
    write(FILES)
    store([event(number) for number in range(3)])
    assert gridtrail("forward", "--status", "-f", "ndjson").rows[0]["state"] == "not begun"
    rows = gridtrail("forward", "--once", "-f", "ndjson").rows
    assert rows == [{"name": "files", "sent": 3, "refused": 0, "error": ""}]
    store([event(7)])
    before = gridtrail("forward", "--status", "-f", "ndjson").rows[0]
    assert (before["behind_records"], before["sent"], before["state"]) == (1, 3, "working")
    assert gridtrail("forward", "files", "--once").code == 0
    assert len(sent(data)) == 4
    after = gridtrail("forward", "--status", "-f", "ndjson").rows[0]
    assert (after["behind_records"], after["behind_seconds"], after["sent"]) == (0, 0, 4)


def test_a_failing_target(
    gridtrail: Run, data: Path, event: Make, store: Store, write: Any
) -> None:
    """A target that is gone gives exit code 3 and its reason; the others get everything."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/secret"
    gone = f'[[forward]]\nname = "gone"\nto = "webhook"\nurl = "{url}"\nsince = "everything"\n'
    write(gone + "longest_pause_seconds = 0.01\n" + FILES)
    store([event(1)])
    result = gridtrail("forward", "--once", "-f", "ndjson")
    assert result.code == 3
    assert [row["sent"] for row in result.rows] == [0, 1]
    assert "does not answer" in result.rows[0]["error"]
    assert "secret" not in result.text + result.err
    status = gridtrail("forward", "gone", "--status", "-f", "ndjson").rows[0]
    assert (status["state"], status["behind_records"]) == ("failing", 1)
    verified = gridtrail("verify", "-f", "json")
    found = {row["check"]: row for row in verified.json}
    assert (verified.code, found["target gone"]["state"], found["target gone"]["count"]) == (
        1, "problem", 1
    )  # fmt: skip
    assert "does not answer" in found["target gone"]["text"]
    assert (found["target files"]["state"], found["target files"]["count"]) == ("ok", 0)


def test_what_was_left_out(
    gridtrail: Run, data: Path, event: Make, store: Store, write: Any
) -> None:
    """Records that a target did not get are listed with their reason, and sent once more."""
    write(FILES)
    store([event(1, id="e1")])
    with ForwardStore(data / "state.db") as positions:
        positions.begin("files", Position(-1))
        positions.advance("files", Position(0), refusals=[Refusal("E0KESTREL", "e1", "Too large.")])
    rows = gridtrail("forward", "--refused", "-f", "ndjson").rows
    assert [(row["id"], row["why"]) for row in rows] == [("e1", "Too large.")]
    listed = gridtrail("forward", "--refused")
    assert "e1" in listed.text
    assert "forward --again" in listed.err
    assert gridtrail("forward", "--status", "-f", "ndjson").rows[0]["refused"] == 1
    again = gridtrail("forward", "--again", "-f", "ndjson")
    assert (again.code, again.rows[0]["sent"], sent(data)) == (0, 1, ["e1"])
    assert gridtrail("forward", "--refused", "-f", "ndjson").rows == []


@pytest.mark.parametrize(
    ("settings", "words", "said"),
    [
        ("", ["--once"], "[[forward]]"),
        (FILES, ["nobody"], "nobody"),
        (FILES, ["--once", "--status"], "one of"),
        (FILES + "host = 3\n", ["--once"], "forward"),
    ],
)
def test_wrong_use(settings: str, words: list[str], said: str, gridtrail: Run, write: Any) -> None:
    """What cannot be is refused with the next step."""
    write(settings)
    result = gridtrail("forward", *words)
    assert (result.code, said in result.err) == (2, True)


TOLD = """
import signal, sys, threading
from gridtrail.cli.main import run

def tell():
    sys.stdin.readline()
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

threading.Thread(target=tell, daemon=True).start()
run()
"""


def test_until_told_to_end(data: Path, event: Make, store: Store, write: Any) -> None:
    """Without --once it goes on until SIGTERM and ends in order, whichever thread gets the signal:
    one in another thread does not wake the one that waits."""
    write(FILES + "wait_seconds = 0\n")
    store([event(1)])
    process = subprocess.Popen(
        [sys.executable, "-c", TOLD, "--data", str(data), "forward"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert "Sending to files" in process.stderr.readline()
        _, err = process.communicate("end\n", timeout=120)
    finally:
        process.kill()
    assert "Stopped" in err
    assert process.returncode == 0
