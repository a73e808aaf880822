"""Signing out through the API, at a simulated Slack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from gridtrail.sandbox.serving import Serving, served_beside
from gridtrail.sandbox.slack_state import SlackState
from gridtrail.settings import Settings
from gridtrail.settings_respond import RespondSettings

PRESENT = 1_763_740_800  # 2025-11-21 16:00:00 UTC, a Friday
Post = Callable[..., httpx.Response]


class Desk:
    """A simulated Slack, the API beside it, and two tokens."""

    def __init__(self, state: SlackState, client: httpx.Client, data: Any) -> None:
        self.state, self.client = state, client
        self.tokens = [data.token("auditlogs:read", "admin") for _ in range(2)]
        self.reads, self.other = data.token("auditlogs:read"), data.token("admin", org="E0OTHER")

    def post(self, path: str, token: str | None = None, **body: Any) -> httpx.Response:
        """The answer to a change."""
        headers = {"authorization": f"Bearer {token or self.tokens[0]}"}
        return self.client.post(f"/api/v1{path}", headers=headers, json=body)

    def somebody(self) -> str:
        """A person with active sessions, another one each time."""
        for person in self._people:
            shown = self.post("/signouts", users=[person], reason="look")
            if shown.status_code == 200 and shown.json()["sessions"]:
                return person
        raise AssertionError("nobody is left")

    def sessions(self, person: str) -> int:
        """How many sessions somebody has."""
        shown = self.post("/signouts", users=[person], reason="look")
        return len(shown.json()["sessions"])

    @property
    def _people(self) -> Iterator[str]:
        return (one.id for one in self.state.organization.world.people)


@pytest.fixture(scope="module", params=[False, True], ids=["one", "four_eyes"])
def desk(
    request: pytest.FixtureRequest, new_data: Any, serving: Callable[[Settings], Any]
) -> Iterator[Desk]:
    """A desk, once with four eyes."""
    plan = Serving(PRESENT, people=20, days=3, seed=4).plan()
    state = SlackState(plan, PRESENT, speed=0, calls_per_minute=0)
    data = new_data()
    secret = SecretStr(state.named_tokens["owner"].secret)
    with served_beside(state) as slack:
        respond = RespondSettings(token=secret, base_url=f"{slack}/api/", four_eyes=request.param)
        settings = Settings(data=data.path, org="E0ACME", respond=respond)
        with serving(settings) as url, httpx.Client(base_url=url, timeout=120) as client:
            yield Desk(state, client, data)
    state.close()


def test_a_dry_run_by_default(desk: Desk) -> None:
    """Without more it is only said what would happen, with the sessions, and nothing ends."""
    person = desk.somebody()
    shown = desk.post("/signouts", users=[person], reason="look").json()
    assert shown["sentence"].startswith("Sign out of Slack on all devices: ")
    assert shown["responses"] == []
    assert {one["user_id"] for one in shown["sessions"]} == {person}
    assert desk.sessions(person) == len(shown["sessions"])


def test_done_once(desk: Desk) -> None:
    """With a key it is done once, whoever sends it again; with four eyes by a second token."""
    person, key = desk.somebody(), "0123456789abcdef" * 2
    wanted: dict[str, Any] = {"users": [person], "reason": "lost", "dry_run": False, "key": key}
    first = desk.post("/signouts", **wanted).json()["responses"]
    again = desk.post("/signouts", **wanted).json()["responses"]
    assert [one["id"] for one in again] == [one["id"] for one in first]
    if first[0]["state"] == "waiting":
        assert desk.sessions(person)
        path = f"/responses/{first[0]['id']}/decision"
        assert desk.post(path, decision="approve").status_code == 409
        done = desk.post(path, desk.tokens[1], decision="approve")
        assert done.status_code == 200, done.text
        first = done.json()["responses"]
        assert desk.post(path, desk.tokens[1], decision="refuse").status_code == 409
    assert [one["state"] for one in first] == ["sent"]
    assert desk.sessions(person) == 0


def test_refused(desk: Desk) -> None:
    """Without a key, with a token that only reads, of another organization, or for nobody."""
    person = desk.somebody()
    wanted: dict[str, Any] = {"users": [person], "reason": "why"}
    assert desk.post("/signouts", **wanted, dry_run=False).status_code == 422
    assert desk.post("/signouts", desk.reads, **wanted).status_code == 403
    assert desk.post("/signouts", desk.other, **wanted).status_code == 400
    assert desk.post("/signouts", users=["nobody@acme.example"], reason="w").status_code == 400
    assert desk.post("/signouts", **wanted, session_id="7").status_code == 400
    assert desk.post("/signouts", **wanted, finding="F00").status_code == 400
    assert desk.post("/responses/R00/decision", decision="approve").status_code == 404
    assert desk.sessions(person)
