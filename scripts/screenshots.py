"""Takes pictures of the console over the demonstration: those in docs/screenshots, and, into
build/screenshots, every place in light, dark and narrow, to be looked at.

`make screenshots`, or `python scripts/screenshots.py [DIRECTORY OF AN EARLIER DEMONSTRATION]`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, expect, sync_playwright

from gridtrail.server.accounts import AccountStore
from gridtrail.server.console.guard import COOKIE
from gridtrail.server.passwords import hashed
from gridtrail.server.sessions import SessionStore
from gridtrail.triage.store import FindingFilters, FindingStore

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "docs" / "screenshots"
LOOKED_AT = ROOT / "build" / "screenshots"
EMAIL, NAME = "ann@acme.example", "Ann Reyes"
DEMONSTRATION = ("--people", "60", "--days", "18")

PLACES = {
    "findings": "/findings",
    "finding": "/findings/{finding}",
    "detections": "/detections",
    "logs": "/logs?oldest=2026-11-14&latest=2026-11-20",
    "person": "/person?id={person}",
    "address": "/address?ip={address}",
    "session": "/session?id={session}",
    "detectors": "/detectors",
    "detector": "/detectors/excessive_downloads",
    "rules": "/rules",
    "allow": "/allow",
    "allow-new": "/allow/new",
    "responses": "/responses",
    "status": "/status",
    "outgoing": "/outgoing",
    "query": "/query",
    "people": "/people",
    "tokens": "/tokens",
    "settings": "/settings",
}
IN_DOCS = {
    "findings": "light",
    "finding": "light",
    "logs": "light",
    "detectors": "light",
    "detections": "dark",
    "finding-narrow": "narrow",
}
LOOKS = {  # width, height, color scheme
    "light": (1280, 860, "light"),
    "dark": (1280, 860, "dark"),
    "narrow": (390, 780, "light"),
}


def main() -> None:
    """Make or take a demonstration, serve it, and take the pictures."""
    with tempfile.TemporaryDirectory() as fresh:
        data = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(fresh) / "demo"
        if not data.exists():
            _gridtrail(data, "demo", "--once", *DEMONSTRATION, "--keep", str(data))
        cookie = _owner(data)
        with _served(data) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            for look in LOOKS:
                _take(browser, url, cookie, look, _addresses(data))
            browser.close()
    for name, look in IN_DOCS.items():
        place = name.removesuffix("-narrow")
        KEPT.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(LOOKED_AT / f"{place}-{look}.png", KEPT / f"{name}.png")


def _gridtrail(data: Path, *arguments: str) -> None:
    command = [*_command(data), *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own


def _command(data: Path) -> list[str]:
    run = "from gridtrail.cli.main import run; run()"
    return [sys.executable, "-c", run, "--data", str(data)]


def _owner(data: Path) -> str:
    """The cookie of an owner's session."""
    state = data / "state.db"
    with (
        AccountStore(state) as accounts,
        SessionStore(state, idle=3600, longest=3600) as sessions,
    ):
        account, _ = accounts.find(EMAIL)
        if account is None:
            _, secret = accounts.add(EMAIL, NAME, "owner")
            account = accounts.use_link(secret, hashed(os.urandom(16).hex()))
        return sessions.begin(account.id)


@contextmanager
def _served(data: Path) -> Iterator[str]:
    """The address of `gridtrail serve`, which detects nothing new."""
    command = [*_command(data), "serve", "--port", "0", "--no-detect"]
    said = data / "serve.log"
    with said.open("w") as log:
        process = subprocess.Popen(command, stderr=log)  # noqa: S603 - our own
    while "\n" not in (lines := said.read_text()):
        time.sleep(0.1)
    yield str(json.loads(lines.partition("\n")[0])["url"])
    process.terminate()
    process.wait()


def _addresses(data: Path) -> dict[str, str]:
    """The address of each place, about the worst finding."""
    with FindingStore(data / "state.db") as findings:
        worst = findings.select(FindingFilters())[0]
    named = {
        "finding": worst.id,
        "person": worst.actor_ids[0],
        "address": worst.ips[0],
        "session": worst.session_ids[0],
    }
    quoted = {name: quote(value) for name, value in named.items()}
    return {name: path.format(**quoted) for name, path in PLACES.items()}


def _take(browser: Browser, url: str, cookie: str, look: str, addresses: dict[str, str]) -> None:
    width, height, scheme = LOOKS[look]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.add_cookies([{"name": COOKIE, "value": cookie, "url": url}])
    page = context.new_page()
    for name, address in addresses.items():
        page.goto(url + address)
        expect(page.locator("[hx-trigger=load], .htmx-request")).to_have_count(0, timeout=60_000)
        page.screenshot(path=LOOKED_AT / f"{name}-{look}.png", animations="disabled")
    context.close()


if __name__ == "__main__":
    main()
