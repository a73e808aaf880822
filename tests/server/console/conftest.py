"""A console over a small lake, with somebody of each role signed in."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
import orjson
import pytest
import uvicorn
from pydantic import SecretStr

from gridtrail.respond.slack_admin import SlackAdmin
from gridtrail.sandbox.ledger import Search
from gridtrail.sandbox.serving import Serving, served_beside
from gridtrail.sandbox.slack_state import SlackState
from gridtrail.server.accounts import AccountStore
from gridtrail.server.app import create_app
from gridtrail.server.console.guard import COOKIE
from gridtrail.server.passwords import hashed
from gridtrail.server.roles import ROLES
from gridtrail.server.sessions import SessionStore
from gridtrail.settings import Settings
from gridtrail.settings_respond import RespondSettings
from gridtrail.triage.finding import Finding
from gridtrail.triage.store import FindingStore

PASSWORD = "correct horse battery"
ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202egpj.exe\u200b&amp;{{7*7}}"


@dataclass
class Desk:
    """A console, the data behind it and a session for each role."""

    client: httpx.Client
    data: Any
    settings: Settings
    accounts: dict[str, str] = field(default_factory=dict)  # role -> account id
    cookies: dict[str, str] = field(default_factory=dict)  # role -> cookie

    def sign_in(self, role: str) -> str:
        """The cookie of a new session of somebody of this role."""
        with SessionStore(self.settings.state, idle=3600, longest=3600) as sessions:
            return sessions.begin(self.accounts[role])

    def csrf(self, cookie: str) -> str:
        """The token of the session's forms."""
        with SessionStore(self.settings.state, idle=3600, longest=3600) as sessions:
            found = sessions.find(cookie)
            assert found is not None
            return found.csrf

    def get(self, path: str, role: str | None = "owner", **headers: str) -> httpx.Response:
        """The page as somebody of this role (None: nobody) gets it; redirects are not followed."""
        cookie = {} if role is None else {"cookie": f"{COOKIE}={self.cookies[role]}"}
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers={**cookie, **sent}, follow_redirects=False)

    def post(
        self, path: str, form: dict[str, str], *, cookie: str | None = None, **headers: str
    ) -> httpx.Response:
        """Send a form, with the session's token unless the form has one."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if cookie is not None:
            sent["cookie"] = f"{COOKIE}={cookie}"
            form = {"csrf": self.csrf(cookie), **form}
        return self.client.post(path, data=form, headers=sent, follow_redirects=False)


Tags = list[tuple[str, dict[str, str | None]]]


@contextmanager
def _serving(settings: Settings) -> Iterator[httpx.Client]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(settings), log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = listener.getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
        yield client
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="session")
def serving() -> Callable[[Settings], AbstractContextManager[httpx.Client]]:
    """Serves in a thread; gives a client of it."""
    return _serving


@pytest.fixture(scope="session")
def finding() -> Finding:
    """A finding about what `desk` holds, with an attack wherever text may come from a stranger."""
    return Finding(
        id="F0123456789abcdef",
        org="E0ACME",
        title=f"Matt {ATTACK} is being scraped",
        narrative=f"It came with {ATTACK}.",
        score=12.5,
        severity="high",
        actor_ids=("W0MATTHEW1",),
        session_ids=("77",),
        ips=("203.0.113.7",),
        reasons=("excessive_downloads", "user_agent"),
        first_seen=1_700_049_600,
        last_seen=1_700_049_900,
        event_ids=("anomaly-ours", "anomaly-slack"),
        context=_context(),
        history={"days": 30, "counts": {"file_downloaded": _counts()}} | _why(),
        advice=(f"Ask them about {ATTACK}.",),
    )


def _counts() -> dict[str, Any]:
    return {
        "observed": {"events": 9, "distinct": 9, "busiest_day": 9, "busiest_hour": 9},
        "person": {
            "active_days": 0,
            "day_median": None,
            "day_most": None,
            "hour_median": None,
            "hour_most": None,
        },
        "organization": {"person_days": 9, "p50": 2, "p99": 8, "most": 9},
    }


def _why() -> dict[str, Any]:
    row = {"actor": "W0MATTHEW1", "reason": "excessive_downloads", "days": 1, "count": 4}
    row |= {"person_most": 0, "organization_most": 2, "as_many_before": 0, "person_days": 900}
    row |= {"first_ever": True, "probability": 0.000049, "organization_probability": 0.25}
    score = {"pattern": "scraping_tool", "nats": 12.5, "families": {"volume": 7.2}}
    score |= {"patterns": {"scraping_tool": 4.0}, "impact": {"files": 1.3}}
    return {"by_reason": [row], "score": score | {"rates": {"volume": 7.2}, "moves": {}}}


def _context() -> dict[str, Any]:
    at = 1_700_049_600
    used = {"events": 3, "first_seen": at, "last_seen": at, "people": 2, "known_since": None}
    file = {"id": "F0GLENGARRY", "name": ATTACK, "type": "xlsx", "times": 1, "downloads": 1}
    file |= {"first_seen": at, "last_seen": at, "other_people": 0}
    return {
        "window": {"from": at - 3600, "to": at + 3600},
        "counts": {"file_downloaded": 3},
        "files": {"events": 3, "distinct": 1, "listed": [file]},
        "addresses": [
            {"ip": ATTACK, "asn": 1, "asn_name": ATTACK, "country": "US", "address_kind": "vpn"}
            | used
        ],
        "clients": [
            {"ua": ATTACK, "family": ATTACK, "kind": "unknown", "version": "", "os": ""}
            | {"expected": False}
            | used
        ],
        "sessions": [
            {"id": ATTACK, "born": at, "born_as": ATTACK, "events": 3, "logins": 0}
            | {"addresses": [], "clients": [], "other_actors": 1}
        ],
        "channels": [{"id": "C1", "name": ATTACK, "events": 1}],
        "workspaces": [],
        "timeline": [{"action": ATTACK, "events": 2, "from": at, "to": at + 5}],
        "timeline_runs": 1,
        "impact": [{"what": "files", "words": f"it touched {ATTACK}", "nats": 1.3}],
        "judged": {"policy": [{"policy": "leavers", "words": f"{ATTACK} leaves", "nats": 0}]},
        "responses": [{"id": "x", "at": at, "action": ATTACK, "actor": "W1"}],
    }


@pytest.fixture(scope="session")
def hostile_events(make_event: Any) -> list[dict[str, Any]]:
    """Events with an attack in every text, ids and types too, and two anomalies."""
    user = {"id": ATTACK, "name": ATTACK, "email": ATTACK, "team": ATTACK}
    place = {"type": ATTACK, "id": ATTACK, "name": ATTACK, "domain": ATTACK}
    context = {"location": place, "ua": ATTACK, "ip_address": ATTACK, "session_id": ATTACK}
    found = [
        make_event(
            f"{ATTACK}{n}",
            n,
            action=ATTACK,
            actor=ATTACK,
            entity=ATTACK,
        )
        | {"actor": {"type": "user", "user": user}, "context": context}
        | {"entity": {"type": kind, kind: {"id": ATTACK, "name": ATTACK}}}
        | {"details": {ATTACK: ATTACK, "reason": [ATTACK]}}
        for n, kind in enumerate(("file", "user", "channel", "unheard_of"))
    ]
    ours = {
        "detector": ATTACK,
        "words": ATTACK,
        "silent_if": ATTACK,
        "query": ATTACK,
        "deciding_events": [ATTACK],
        "observed": {ATTACK: ATTACK, "from": 1_700_049_600},
        "usual": {"person": {ATTACK: ATTACK}, ATTACK: {"typical": 2}},
    }
    for event_id, details in (
        ("anomaly-ours", {"reason": ["user_agent", ATTACK], "gridtrail": ours}),
        ("anomaly-slack", {"reason": ["excessive_downloads"], "previous_ua": ATTACK}),
    ):
        found.append(make_event(event_id, 200, action="anomaly") | {"details": details})
        found[-1]["context"] |= {"ua": ATTACK}
    return found


@pytest.fixture(scope="session")
def attack() -> str:
    """The text that strangers send."""
    return ATTACK


@pytest.fixture(scope="session")
def password() -> str:
    """Everybody's password."""
    return PASSWORD


@pytest.fixture(scope="session")
def desk(
    new_data: Any, make_event: Any, hostile_events: list[dict[str, Any]], finding: Finding
) -> Iterator[Desk]:
    """A console over 30 plain and some hostile events and one finding."""
    data = new_data()
    data.fill([make_event(f"plain-{n:03}", n // 3) for n in range(30)])
    data.fill(hostile_events)
    settings = Settings(data=data.path, org="E0ACME")
    with FindingStore(settings.state) as findings, findings.update() as update:
        update.save(finding)
    with _serving(settings) as client:
        yield _staffed(Desk(client, data, settings))


def _staffed(desk: Desk) -> Desk:
    """The desk with somebody of each role signed in."""
    stored = hashed(PASSWORD)
    with AccountStore(desk.settings.state) as accounts:
        for role in ROLES:
            name = f"A {role}"
            account, link = accounts.add(f"{role}@acme.example", name, role)
            accounts.use_link(link, stored)
            desk.accounts[role] = account.id
            desk.cookies[role] = desk.sign_in(role)
    return desk


PRESENT = 2_079_442_800
"""A Friday afternoon in 2035: whatever is signed out in it comes after it was asked for."""


@dataclass
class Slack:
    """A simulated Slack and a desk whose lake and token are of it."""

    state: SlackState
    url: str
    desk: Desk

    def people(self) -> list[Any]:
        """Its people; the primary owner is the second."""
        return list(self.state.organization.world.people)

    def session_ids(self, user_id: str) -> list[str]:
        """The active sessions that it lists for this person."""
        found = SlackAdmin(self.desk.settings.respond).sessions(user_id)
        return [one.session_id for one in found]

    def events(self, oldest: int, **search: Any) -> list[dict[str, Any]]:
        """What it logged since that second, newest first."""
        with self.state.lock:
            self.state.catch_up()
            page = self.state.organization.ledger.page(Search(oldest=oldest, **search), 100_000)
        return [orjson.loads(one) for one in page.events]

    def collect(self, oldest: int) -> None:
        """Take what it logged since that second into the lake."""
        self.desk.data.fill(list(reversed(self.events(oldest))))


@pytest.fixture(scope="module")
def slack(new_data: Any) -> Iterator[Slack]:
    """A simulated Slack whose people of the day the lake of a desk knows; its time stands still.

    The desk may act in it with the token of an owner.
    """
    plan = Serving(PRESENT, people=25, days=3, seed=3).plan()
    state = SlackState(plan, PRESENT, speed=0, calls_per_minute=0)
    data = new_data()
    secret = SecretStr(state.named_tokens["owner"].secret)
    with served_beside(state) as url:
        respond = RespondSettings(token=secret, base_url=f"{url}/api/")
        settings = Settings(data=data.path, org="E0ACME", respond=respond)
        with _serving(settings) as client:
            made = Slack(state, url, _staffed(Desk(client, data, settings)))
            made.collect(PRESENT - 8 * 3600)
            yield made
    state.close()


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def _tags(page: str) -> Tags:
    parser = _Tags()
    parser.feed(page)
    return parser.found


@pytest.fixture(scope="session")
def tags_of() -> Callable[[str], Tags]:
    """The elements of a page with their attributes, as a browser reads them."""
    return _tags
