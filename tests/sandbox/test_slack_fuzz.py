from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridtrail.sandbox.admin_methods import METHODS
from gridtrail.sandbox.slack_server import simulated_slack
from gridtrail.sandbox.slack_state import SlackState

FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

NAMES = st.sampled_from(
    ["oldest", "latest", "limit", "action", "actor", "entity", "cursor", "pretty", ""]
)
VALUES = st.one_of(
    st.text(max_size=40),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(["", "user_login", "1e9", "NaN", "-0", "0x10", "٣", "bmV4dA==", "user_login,"]),
)
ARGUMENTS = st.sampled_from(
    ["user_id", "user_ids", "team_id", "session_id", "limit", "cursor", "mobile_only", "web_only",
     "duration", "desktop_app_browser_quit", "trusted_cidr", "trusted_asns", "token", "error"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@dataclass
class Client:
    """Calls the app of a state; an exception within it fails the test."""

    state: SlackState

    def get(self, path: str, **more: Any) -> httpx.Response:
        """One GET."""
        return asyncio.run(self._call("GET", path, **more))

    def post(self, path: str, **more: Any) -> httpx.Response:
        """One POST."""
        return asyncio.run(self._call("POST", path, **more))

    async def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        token = self.state.named_tokens["owner"].secret
        transport = httpx.ASGITransport(simulated_slack(self.state), raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://slack") as client:
            headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
            return await client.request(method, path, headers=headers, **more)


@pytest.fixture
def client(past: SlackState) -> Client:
    """Calls a state that is only read."""
    return Client(past)


@pytest.fixture
def own_client(simulate: Any) -> Client:
    """Calls a state of this test's own."""
    return Client(simulate())


@FEW
@given(parameters=st.lists(st.tuples(NAMES, VALUES), max_size=6))
def test_no_query_breaks_the_log(client: Client, parameters: list[tuple[str, str]]) -> None:
    """Any parameters are answered with 200 or a documented 400."""
    answer = client.get("/audit/v1/logs", params=parameters)
    assert answer.status_code in (200, 400)
    body = answer.json()
    if answer.status_code == 200:
        assert set(body) == {"entries", "response_metadata"}
    else:
        assert body["error"] in {"invalid_action", "invalid_cursor", "invalid_range"}


@FEW
@given(
    method=st.sampled_from([*METHODS, "api.test", "auth.test", "no.such", ""]),
    arguments=st.dictionaries(ARGUMENTS, JSON, max_size=5),
    form=st.booleans(),
)
def test_no_argument_breaks_a_method(
    own_client: Client, method: str, arguments: dict[str, Any], form: bool
) -> None:
    """Any arguments in any form are answered with HTTP 200 and a word on whether it worked."""
    if form:
        text = {name: value if isinstance(value, str) else json.dumps(value)
                for name, value in arguments.items()}  # fmt: skip
        answer = own_client.post(f"/api/{method}", data=text)
    else:
        answer = own_client.post(
            f"/api/{method}",
            content=json.dumps(arguments),
            headers={"Content-Type": "application/json; charset=utf-8"},
        )
    assert answer.status_code == 200
    body = answer.json()
    assert isinstance(body["ok"], bool)
    assert body["ok"] or body["error"]


@FEW
@given(
    body=st.binary(max_size=60),
    kind=st.sampled_from(
        ["", "application/json", "application/x-www-form-urlencoded", "text/plain",
         "application/json; charset=klingon", "multipart/form-data", ";;;"]
    ),
)  # fmt: skip
def test_no_body_breaks_a_method(client: Client, body: bytes, kind: str) -> None:
    """Bytes that are no arguments are an error code, never a crash."""
    headers = {"Content-Type": kind} if kind else {}
    answer = client.post("/api/admin.users.session.list", content=body, headers=headers)
    assert answer.status_code == 200
    assert "ok" in answer.json()


@FEW
@given(
    place=st.sampled_from(["clock", "faults", "anomaly-response", "stories", "truth", "nowhere"]),
    body=st.one_of(
        JSON,
        st.dictionaries(
            st.sampled_from(["advance", "speed", "fail", "status", "enabled", "reasons", "kind"]),
            JSON,
            max_size=3,
        ),
    ),
)
def test_no_wish_breaks_the_controls(own_client: Client, place: str, body: Any) -> None:
    """Controls refuse what they cannot do with one sentence."""
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if not _far(name, value)}
    answer = own_client.post(f"/sandbox/{place}", content=json.dumps(body))
    assert answer.status_code in (200, 400, 404, 405)
    assert answer.status_code == 200 or answer.json()["error"]


def _far(name: str, value: Any) -> bool:
    """Whether it would put the clock forward by long, which is only slow."""
    return name == "advance" and isinstance(value, (int, float)) and value > 1_000


def test_deep_json_is_refused(client: Client) -> None:
    """Ten thousand brackets are no argument list and no crash."""
    for text in ("[" * 10_000, '{"a":' * 10_000, '{"user_ids":"' + "[" * 9_000 + '"}'):
        answer = client.post(
            "/api/admin.users.session.getSettings",
            content=text,
            headers={"Content-Type": "application/json"},
        )
        assert answer.json()["ok"] is False
