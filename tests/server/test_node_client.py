"""Slack's own Node client, `@slack/web-api`, against the running server."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gridtrail.sandbox.serving import Serving, served_beside
from gridtrail.sandbox.slack_state import SlackState

HERE = Path(__file__).parent / "node"
BUILD = Path(__file__).parents[2] / "build" / "node-client"


@pytest.fixture(scope="module")
def script() -> Path:
    """The client program in a folder with its packages, installed from the lock when needed."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        pytest.fail(
            f"{' and '.join(missing)} not found: install Node.js 18 or later with npm "
            "(on Debian: apt-get install nodejs npm)."
        )
    BUILD.mkdir(parents=True, exist_ok=True)
    installed = BUILD / "installed.json"
    lock = (HERE / "package-lock.json").read_bytes()
    for name in ("package.json", "package-lock.json", ".npmrc", "client.js", "sessions.js"):
        shutil.copyfile(HERE / name, BUILD / name)
    if not installed.exists() or installed.read_bytes() != lock:
        done = subprocess.run(["npm", "ci"], cwd=BUILD, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        installed.write_bytes(lock)
    return BUILD / "client.js"


@pytest.fixture(scope="module")
def outcomes(script: Path, acme: Any) -> dict[str, Any]:
    """What came of each call of the program."""
    command = ["node", str(script), f"{acme.server.url}/api/", acme.token]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout)
    return results


def test_auth(outcomes: dict[str, Any]) -> None:
    """auth.test says which organization the token is of, and with which scopes."""
    for name in ("auth", "generic"):
        answer = outcomes[name]
        assert (answer["ok"], answer["team_id"], answer["enterprise_id"]) == (
            True,
            "E0ACME",
            "E0ACME",
        )
        assert answer["response_metadata"]["scopes"] == ["auditlogs:read"]


def test_arguments(outcomes: dict[str, Any]) -> None:
    """Arguments arrive as they were sent, lists as JSON text, and the token is not among them."""
    assert outcomes["echo"]["args"] == {"foo": "bär & co", "list": '["a",1]'}


def test_failures(outcomes: dict[str, Any]) -> None:
    """Failures are platform errors with Slack's codes, not HTTP errors."""
    codes = {name: outcomes[name].get("error") for name in outcomes if "thrown" in outcomes[name]}
    assert codes == {
        "failing": "my_error",
        "unknown": "unknown_method",
        "stranger": "invalid_auth",
        "nobody": "not_authed",
    }
    assert {outcomes[name]["thrown"] for name in codes} == {"slack_webapi_platform_error"}


def test_lock_names_no_host() -> None:
    """The lock file says what the packages are and not where they were fetched."""
    lock = json.loads((HERE / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert len(packages) > 10
    assert all("resolved" not in package for package in packages.values())
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())


@pytest.fixture
def simulated() -> Iterator[tuple[str, SlackState]]:
    """The address of a simulated Slack without limits, and its state."""
    state = Serving(1_795_219_200, people=20, days=4, speed=0, calls_per_minute=0).state()
    with served_beside(state) as url:
        yield url, state
    state.close()


def test_it_pages_filters_and_recovers_from_429(
    script: Path, simulated: tuple[str, SlackState]
) -> None:
    """Sessions come in pages, each once; one person's are those of that person; a call that is
    throttled is made again after the time that was named."""
    url, state = simulated
    state.faults.fail, state.faults.status = 2, 429
    token = state.named_tokens["owner"].secret
    command = ["node", str(script.with_name("sessions.js")), f"{url}/api/", token]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["waits"] == [1, 1]
    assert len(found["pages"]) > 2
    assert all(len(page) <= 7 for page in found["pages"])
    sessions = [one for page in found["pages"] for one in page]
    assert len({one["session_id"] for one in sessions}) == len(sessions)
    own = [one for one in sessions if one["user_id"] == found["user_id"]]
    by_id = {one["session_id"]: one for one in own}
    assert {one["session_id"] for one in found["one"]} == set(by_id)
