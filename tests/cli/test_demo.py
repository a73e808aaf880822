"""`gridtrail demo` and `gridtrail sandbox`, on a small company."""

from __future__ import annotations

import html
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from gridtrail.cli.sandbox import parse_story
from gridtrail.errors import WrongUse
from gridtrail.sandbox.plan import Story

Run = Callable[..., Any]
SMALL = ("--people", "20", "--days", "4")  # on Mondays the story was three days ago


def test_demo_shows_the_whole_way(gridtrail: Run, tmp_path: Path, data: Path) -> None:
    """The demonstration simulates, collects, detects and explains, and says what to try next."""
    place = tmp_path / "demo"
    result = gridtrail("demo", "--once", "--keep", str(place), *SMALL)
    assert result.code == 0
    steps = [line.split()[0] for line in result.err.splitlines() if line.endswith(" s")]
    assert steps == ["Simulated", "Collected", "Detected", "Explained"]
    assert result.text.startswith("severity  score  title")
    assert f"--data {place} logs --action anomaly" in result.err
    assert "console" not in result.err
    assert not data.exists()


def test_demo_leaves_a_lake_that_can_be_asked(gridtrail: Run, tmp_path: Path) -> None:
    """What the demonstration leaves behind verifies and knows the simulated world's addresses."""
    place = tmp_path / "demo"
    told = gridtrail("demo", "--once", "--keep", str(place), *SMALL)
    stored = gridtrail("--data", str(place), "logs", "-f", "json", "--limit", "1").json[0]
    assert stored["org"] == "E0ACME"
    settings = (place / "gridtrail.toml").read_text()
    assert "network/asn.tsv" in settings
    (drawn,) = re.findall(r"4 days, ([\d,]+) events", told.err)
    exported = gridtrail("--data", str(place), "export", "-o", "-").out.splitlines()
    collected = [json.loads(line) for line in exported]
    assert len({one["id"] for one in collected}) == len(collected) >= int(drawn.replace(",", ""))
    assert gridtrail("--data", str(place), "verify").code == 0


def test_demo_never_touches_a_directory_that_holds_something(
    gridtrail: Run, tmp_path: Path
) -> None:
    """A directory that is not empty is refused."""
    (tmp_path / "mine").write_text("mine")
    result = gridtrail("demo", "--once", "--keep", str(tmp_path))
    assert result.code == 2
    assert "not empty" in result.err


def test_sandbox_generates_what_was_planned(gridtrail: Run, tmp_path: Path) -> None:
    """The files are there, the listing says what was planted, the next step imports it."""
    place = tmp_path / "acme"
    arguments = ["sandbox", "generate", "--out", str(place), "--story", "tor", *SMALL]
    result = gridtrail(*arguments, "-f", "json")
    assert result.code == 0
    assert [story["kind"] for story in result.json] == ["tor"]
    assert result.json == json.loads((place / "truth.json").read_text())["stories"]
    assert f"import {place}/events.ndjson" in result.err
    again = gridtrail(*arguments)
    assert again.code == 2
    assert "already" in again.err


def test_same_seed_same_files(gridtrail: Run, tmp_path: Path) -> None:
    """Two runs with one seed give the same bytes, another seed gives others."""
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        gridtrail("sandbox", "generate", "--out", str(tmp_path / name), "--seed", seed, *SMALL)
    a, b, c = ((tmp_path / name / "events.ndjson").read_bytes() for name in "abc")
    assert a == b
    assert a != c


@pytest.mark.parametrize(
    ("text", "story"),
    [
        ("matt", Story("matt")),
        ("matt:paced", Story("matt", "paced")),
        ("tor:loud:3", Story("tor", "loud", 3)),
    ],
)
def test_stories(text: str, story: Story) -> None:
    """A story is its kind, how loud it is, and how long before the end."""
    assert parse_story(text) == story


@pytest.mark.parametrize("text", ["matt:loud:soon", "matt:loud:1:2"])
def test_no_story(text: str) -> None:
    """What cannot be a story is refused with an example."""
    with pytest.raises(WrongUse, match="matt:paced:3"):
        parse_story(text)


def test_unknown_story_lists_the_known_ones(gridtrail: Run, tmp_path: Path) -> None:
    """An unknown story is answered with those that exist."""
    result = gridtrail("sandbox", "generate", "--out", str(tmp_path / "x"), "--story", "matte")
    assert result.code == 2
    assert "stolen_session" in result.err


class _Visitor:
    """Somebody at the console of a running demonstration."""

    def __init__(self, link: str) -> None:
        base, _, self._welcome = link.partition("/welcome")
        self._client = httpx.Client(base_url=base, timeout=120, follow_redirects=True)

    def __enter__(self) -> _Visitor:
        form = {"name": "Ann", "email": "ann@acme.example"}
        form |= dict.fromkeys(("password", "again"), "correct horse battery")
        key = self._welcome.partition("key=")[2]
        answer = self._client.post("/welcome", data={"key": key, **form})
        assert answer.status_code == 200, answer.text
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    def page(self, address: str, **query: str) -> str:
        """The page as text."""
        answer = self._client.get(address, params=query)
        assert answer.status_code == 200, answer.text
        return html.unescape(answer.text)

    def send(self, address: str, page: str) -> str:
        """Send the page's form that goes there as it stands; the page it leads to."""
        form = page.partition(f'action="{address}"')[2].partition("</form>")[0]
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
        return html.unescape(self._client.post(address, data=fields).text)


def test_demo_lets_people_be_signed_out_of_the_simulated_slack(tmp_path: Path) -> None:
    """The console of the demonstration asks the simulated Slack without a token in any file; its
    sessions end, and its own event comes in and confirms it."""
    command = [sys.executable, "-c", "from gridtrail.cli.main import run; run()", "demo"]
    command += ["--keep", str(tmp_path / "demo"), *SMALL]
    log = tmp_path / "log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as demo,
    ):
        assert demo.stdout is not None
        try:
            lines = (one.decode().strip() for one in demo.stdout)
            link = next(one for one in lines if "/welcome?" in one)
            with _Visitor(link) as visitor:
                _sign_out(visitor)
        finally:
            demo.send_signal(signal.SIGINT)
            try:
                demo.communicate(timeout=120)
            finally:
                demo.kill()
    assert demo.returncode == 0, log.read_text()
    kept = (tmp_path / "demo" / "gridtrail.toml").read_text()
    assert "token" not in kept


def _sign_out(visitor: _Visitor) -> None:
    """Sign Matt out and wait until it is confirmed."""
    seen = visitor.page("/logs", ua="Scrapers Inc", oldest="7d")
    matt = next(iter(re.findall(r'href="/person\?id=(W\w+)"', seen)))
    listed = visitor.page("/slack/signout", user=matt)
    assert 'value="session:' in listed
    shown = visitor.page("/slack/signout/confirm", user=matt, choice="all", reason="scraping")
    page = visitor.send("/slack/signout", shown)
    (response,) = set(re.findall(r'hx-get="(/responses/\w+)/now', page))
    end = time.monotonic() + 120
    while 'class="state-of confirmed"' not in page:
        assert time.monotonic() < end, page
        time.sleep(0.2)
        page = visitor.page(response)
    assert "There is none" in visitor.page("/slack/signout", user=matt)
