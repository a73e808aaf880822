"""A small company with Matt's story, the real server over it, and Chromium in front of it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from itertools import count, cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from starlette.routing import compile_path

from gridtrail.cli.context import Session
from gridtrail.cli.demo import _collect, _find, _present, _simulate
from gridtrail.respond.allow_list import AllowList, draft
from gridtrail.respond.responses import Asked, ResponseStore
from gridtrail.sandbox.plan import Story
from gridtrail.sandbox.serving import Serving, days_since_workday, served_beside
from gridtrail.sandbox.slack_state import SlackState
from gridtrail.server.accounts import AccountStore
from gridtrail.server.api.posting import store
from gridtrail.server.api.records import Posted
from gridtrail.server.console.guard import COOKIE
from gridtrail.server.console.links import link
from gridtrail.server.console.places import PLACES
from gridtrail.server.passwords import hashed
from gridtrail.server.sessions import SessionStore
from gridtrail.server.tokens import TokenStore
from gridtrail.triage.store import FindingFilters, FindingStore

PATIENCE = 60_000  # milliseconds; the machine may be busy
PEOPLE, DAYS, SEED = 20, 3, 7
HOSTILE = "E0HOSTILE"
EMAIL, PASSWORD = "ann@acme.example", "correct horse battery"
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)

expect.set_options(timeout=PATIENCE)

_RUNS = "window.__ran=1"
ATTACKS = (
    f"<script>{_RUNS}</script>",
    f"\"'><img src=x onerror={_RUNS}>",
    f"</textarea></title></style><svg onload={_RUNS}>",
    f"javascript:{_RUNS}//",
    f"' autofocus onfocus={_RUNS} x='",
    "{{7*191}}${7*191}<%= 7*191 %>{% raw %}",
    "invoice\u202egpj.exe\u2066 \u200b\u200c\u200d\ufeff\u00ad\u2060end",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a",
    "W" * 1_500,
    "one\ntwo\r\nthree\ttab\x00nul\x1b[31mred\x07",
    "../../../etc/passwd?a=1&b=2#c%00%0a,;|`",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u05e9\u05dc\u05d5\u05dd \ue000\ufffd",
    f"<a href=javascript:{_RUNS}>x</a><form action=//evil.example><style>*{{display:none}}</style>",
)


def hostile_events() -> list[bytes]:
    """Events in Slack's shape with an attack in every text; two of them are Slack's anomalies."""
    attacks = cycle(ATTACKS)

    def texts(*names: str) -> dict[str, str]:
        return {name: next(attacks) for name in names}

    def event(number: int, action: str, **more: Any) -> bytes:
        person = ATTACKS[number % 3] + "person"
        user = {**texts("name", "email", "team"), "id": person}
        kind = ("file", "user", "channel", "app", "workspace", next(attacks))[number % 6]
        things = texts("id", "name", "filetype", "title", "email", "domain", "privacy")
        place = texts("type", "id", "name", "domain")
        where = {**texts("ua", "ip_address", "session_id"), "location": place}
        if number % 5 == 0:
            where["ip_address"] = "203.0.113.7"
        return json.dumps(
            {
                "id": f"{number}{next(attacks)}",
                "date_create": _present() - 9 * 3600 + 20 * number,
                "action": action,
                "actor": {"type": "user", "user": user},
                "entity": {"type": kind, kind: things},
                "context": where,
                "details": {next(attacks): texts(next(attacks)), "list": [next(attacks)]},
                **more,
            }
        ).encode()

    actions = ("file_downloaded", "user_login", "file_shared", "app_installed", "private_channel")
    made = [event(n, actions[n % 5]) for n in range(60)]
    made += [event(n, attack) for n, attack in enumerate(ATTACKS, start=60)]
    reasons = (["excessive_downloads"], ["unexpected_scraping", "user_agent"], [ATTACKS[0], "asn"])
    for n, reason in enumerate(reasons, start=90):
        told = texts("previous_ua", "ua", "previous_ip", "location", *ATTACKS[:2])
        made.append(event(n, "anomaly", details={"reason": reason, **told}))
    return made


def _make_company(place: Path) -> None:
    """Acme simulated, collected over HTTP, detected and explained, and strangers' text beside it;
    the warm-up is short, as the log is."""
    place.mkdir()
    run = Session(data=place)
    state = _simulate(run, seed=SEED, people=PEOPLE, days=DAYS)
    with (place / "gridtrail.toml").open("a") as settings:
        settings.write("\n[detect]\nwarmup_days = 1\n")
    _collect(run, state)
    store(run.lake, HOSTILE, [Posted(f"[{n}]", one) for n, one in enumerate(hostile_events())])
    _find(run, state)
    state.close()
    run.engine.close()
    _furnish(place / "state.db")


def _furnish(state: Path) -> None:
    """What people had done before: accounts, tokens, notes, responses, an allow list."""
    stored = hashed(PASSWORD)
    evil = ATTACKS[1]
    with AccountStore(state) as accounts:
        _, secret = accounts.add(EMAIL, "Ann", "owner")
        accounts.use_link(secret, stored)
        accounts.add("eve@acme.example", evil, "viewer")
    with TokenStore(state) as tokens:
        tokens.create(evil, org=HOSTILE, scopes=("auditlogs:read",))
    with FindingStore(state) as findings:
        for one in findings.select(FindingFilters(org=HOSTILE)):
            findings.add_note(one.id, EMAIL, "".join(ATTACKS))
        worst = findings.select(FindingFilters(org="E0ACME"))[0]
    method = "admin.users.session.reset"
    with ResponseStore(state) as responses:
        for org, who in (("E0ACME", ("W0SOMEBODY", "Eve Moss")), (HOSTILE, (evil, evil))):
            asked = Asked(org, method, (who,), "all", None, EMAIL, ATTACKS[0], None)
            responses.answered(responses.ask(asked, approval=True)[0].batch, "failed", ATTACKS[8])
        asked = Asked("E0ACME", method, (("W0OTHER", "Ada"),), "all", None, EMAIL, "why", worst.id)
        responses.ask(asked, approval=True)
    now = int(time.time())
    entry, _ = draft(owner=evil, reason=evil, now=now, name=evil, user_agent=evil + "*")
    with AllowList(state) as allow:
        allow.add(entry)


@pytest.fixture(scope="session")
def made_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Callable[[Path], None]], Path]:
    """Makes a directory once for all workers of a run, and gives a copy of it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def make(name: str, work: Callable[[Path], None]) -> Path:
        kept = shared / f"{name}-{os.environ.get('PYTEST_XDIST_TESTRUNUID', 'alone')}"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (done := kept.with_suffix(".done")).exists():
                work(kept)
                done.touch()
        return shutil.copytree(kept, tmp_path_factory.mktemp(name) / "data")

    return make


@pytest.fixture(scope="session")
def slack() -> Iterator[tuple[SlackState, str]]:
    """The simulated Slack of the company, whose time stands still, and its address."""
    present = _present()
    back = days_since_workday(present)
    stories = (Story("matt", days_before_end=back), Story("harmless_burst", days_before_end=back))
    serving = Serving(present, people=PEOPLE, days=DAYS, seed=SEED, speed=0, stories=stories)
    state = serving.state()
    with served_beside(state) as url:
        yield state, url
    state.close()


_invited = count()


@dataclass
class Company:
    """The served company."""

    path: Path
    url: str = ""

    def cookie(self) -> str:
        """The cookie of a new session of the owner."""
        with (
            AccountStore(self.path / "state.db") as accounts,
            SessionStore(self.path / "state.db", idle=3600, longest=3600) as sessions,
        ):
            account, _ = accounts.find(EMAIL)
            assert account is not None
            return sessions.begin(account.id)

    def client(self) -> httpx.Client:
        """The owner's; each request has a connection of its own, which no pause can end."""
        limits = httpx.Limits(max_keepalive_connections=0)
        cookies = {COOKIE: self.cookie()}
        return httpx.Client(
            base_url=self.url, cookies=cookies, limits=limits, timeout=PATIENCE / 1000
        )

    def invitation(self) -> str:
        """The address under which somebody new chooses a password."""
        with AccountStore(self.path / "state.db") as accounts:
            _, secret = accounts.add(f"new{next(_invited)}@acme.example", "New", "viewer")
        return f"/welcome?key={secret}"


def _connect(place: Path, state: SlackState, url: str) -> None:
    """The settings with which `place` acts in the simulated Slack."""
    token = state.named_tokens["owner"].secret
    lines = ["", "[respond]", f'token = "{token}"', f'base_url = "{url}/api/"', ""]
    with (place / "gridtrail.toml").open("a") as settings:
        settings.write("\n".join(lines))


@pytest.fixture(scope="module")
def company(made_once: Any, slack: tuple[SlackState, str], start: Any) -> Company:
    """The company, with `gridtrail serve` over it."""
    made = Company(made_once("company", _make_company))
    _connect(made.path, *slack)
    made.url = start(made).url
    return made


@pytest.fixture(scope="module")
def browser(company: Company) -> Iterator[Browser]:
    """Debian's Chromium; it can reach no other machine. It starts after the company is made, which
    needs an event loop of its own."""
    program = shutil.which("chromium")
    assert program is not None, "Chromium is not here: install the package chromium."
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=[*CHROMIUM_FLAGS])
        yield launched
        launched.close()


# what a page cannot hide: it runs before any script of the page
_LISTEN = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""


@dataclass
class Desk:
    """A browser window at the console. Whatever goes wrong in it is kept in `wrongs`."""

    context: BrowserContext
    page: Page
    url: str
    wrongs: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Keep errors of the console and of scripts, dialogs, and requests of other hosts."""
        page, wrongs = self.page, self.wrongs

        def said(message: Any) -> None:
            if message.type == "error":
                wrongs.append(f"{page.url}: {message.text}")

        def asked(request: Any) -> None:
            where = urlsplit(request.url)
            if where.scheme not in ("data", "blob") and where.netloc != urlsplit(self.url).netloc:
                wrongs.append(f"{page.url}: asked for {request.url}")

        def dialog(opened: Any) -> None:
            wrongs.append(f"{page.url}: dialog {opened.message}")
            opened.dismiss()

        page.on("console", said)
        page.on("pageerror", lambda error: wrongs.append(f"{page.url}: {error}"))
        page.on("dialog", dialog)
        self.context.on("request", asked)

    def open(self, address: str) -> Page:
        """The page at this address of the console, when nothing is loading any more."""
        self.page.goto(self.url + address)
        self.settled()
        return self.page

    def overflow(self) -> list[str]:
        """What stands out of the window to the right, when the page can be scrolled there."""
        told: list[str] = self.page.evaluate(
            """() => {
              const width = document.documentElement.clientWidth;
              if (document.scrollingElement.scrollWidth <= width) return [];
              return [...document.querySelectorAll("body *")]
                .filter((one) => one.getBoundingClientRect().right > width + 1)
                .map((one) => `${one.tagName}.${one.getAttribute("class")}`).slice(0, 12);
            }"""
        )
        return told

    def settled(self) -> None:
        """Wait until the pieces that the page fetches have come."""
        self.page.wait_for_load_state("load")
        expect(self.page.locator(".htmx-request, [hx-trigger=load]")).to_have_count(0)


@pytest.fixture
def nobody(browser: Browser, company: Company) -> Iterator[Desk]:
    """A window in which nobody is signed in; at the end nothing may have gone wrong in it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(PATIENCE)
    context.add_init_script(_LISTEN)
    desk = Desk(context, context.new_page(), company.url)
    desk.watch()
    yield desk
    context.close()
    assert desk.wrongs == []


@pytest.fixture
def desk(nobody: Desk, company: Company) -> Desk:
    """A window in which the owner is signed in."""
    nobody.context.add_cookies([{"name": COOKIE, "value": company.cookie(), "url": company.url}])
    return nobody


@pytest.fixture(scope="session")
def hostile() -> str:
    """The organization whose events are attacks."""
    return HOSTILE


@pytest.fixture(scope="session")
def password() -> str:
    """The owner's."""
    return PASSWORD


@pytest.fixture(scope="session")
def email() -> str:
    """The owner's."""
    return EMAIL


@dataclass(frozen=True)
class Answer:
    """What is at an address; `whole` is a page that a browser shows."""

    path: str
    status: int
    whole: bool
    text: str


Crawl = Callable[..., dict[str, list[Answer]]]


@pytest.fixture(scope="module")
def crawl(company: Company) -> Crawl:
    """Follows the links of the console from an address; some addresses of each place."""

    def follow(start: str, most: int = 1) -> dict[str, list[Answer]]:
        patterns = [(one.path, compile_path(one.path)[0]) for one in PLACES if one.method == "GET"]
        found: dict[str, list[Answer]] = {path: [] for path, _ in patterns}
        seen: set[str] = set()
        ways = deque([start, "/signin", company.invitation()])
        with company.client() as client:
            while ways:
                address = ways.popleft()
                place = next((name for name, p in patterns if p.match(urlsplit(address).path)), "")
                if address in seen or not place or len(found[place]) >= most:
                    continue
                seen.add(address)
                answer = _answer(client, address)
                found[place].append(answer)
                ways += _links(answer.text)
        return found

    return follow


def _answer(client: httpx.Client, address: str) -> Answer:
    got = client.get(address, headers={"accept": "text/html"})
    if got.status_code == 303:
        return Answer(address, 303, False, f'<a href="{escape(got.headers["location"])}">')
    is_page = got.headers.get("content-type", "").startswith("text/html")
    return Answer(address, got.status_code, "<html" in got.text, got.text if is_page else "")


def _links(page: str) -> list[str]:
    """Every address of ours in the attributes of a page."""
    parser = _Links()
    parser.feed(page)
    return parser.found


class _Links(HTMLParser):
    """Collects addresses; a form that gets something is sent as it stands, by its first button."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._form = ""
        self._fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            is_get = values.get("method", "get") == "get"
            self._form, self._fields = values.get("action", "") if is_get else "", {}
            return
        name, value = values.get("name", ""), values.get("value", "")
        chosen = values.get("type") not in ("checkbox", "radio") or "checked" in values
        if tag in ("input", "button") and name and value and chosen:
            self._fields.setdefault(name, value)
        self.found += [one for one in values.values() if one.startswith("/")]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._form:
            self.found.append(link(self._form, self._fields))
            self._form = ""
