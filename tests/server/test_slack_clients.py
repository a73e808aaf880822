"""Slack's own Python clients, unmodified, against the running server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.audit_logs import AuditLogsClient
from slack_sdk.audit_logs.async_client import AsyncAuditLogsClient
from slack_sdk.audit_logs.v1.response import AuditLogsResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.http_retry.handler import RetryHandler

from gridtrail.slack.catalogue import endpoint_groups

Call = Callable[..., AuditLogsResponse]


@pytest.fixture(params=["AuditLogsClient", "AsyncAuditLogsClient"])
def calls(request: pytest.FixtureRequest) -> Callable[..., Call]:
    """Makes a function that calls a method of the client by its name."""

    def client(url: str, token: str, *, patient: bool = False) -> Call:
        if request.param == "AuditLogsClient":
            handlers: list[RetryHandler] = (
                [RateLimitErrorRetryHandler(max_retry_count=2)] if patient else []
            )
            plain = AuditLogsClient(token=token, base_url=url, retry_handlers=handlers)
            return lambda method, **options: getattr(plain, method)(**options)

        async def call(method: str, **options: Any) -> AuditLogsResponse:
            waits: list[AsyncRetryHandler] = (
                [AsyncRateLimitErrorRetryHandler(max_retry_count=2)] if patient else []
            )
            made = AsyncAuditLogsClient(token=token, base_url=url, retry_handlers=waits)
            answer: AuditLogsResponse = await getattr(made, method)(**options)
            return answer

        return lambda method, **options: asyncio.run(call(method, **options))

    return client


@pytest.fixture(scope="module")
def limited(new_data: Any, start: Any) -> tuple[Any, Any]:
    """A server with a limit for each organization, and its data."""
    data = new_data()
    return start(data, rate_limit_per_minute=30), data


def entries(call: Call, **options: Any) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        answer = call("logs", cursor=cursor, **options)
        assert answer.status_code == 200
        body = answer.body or {}
        assert "ok" not in body
        yield from body["entries"]
        cursor = body["response_metadata"]["next_cursor"]
        if not cursor:
            return


def test_everything(calls: Any, acme: Any) -> None:
    """Paging gives every event of the organization once, newest first, as it was stored."""
    call = calls(acme.server.audit, acme.token)
    assert list(entries(call, limit=50)) == acme.events
    assert list(entries(call, limit=9999)) == acme.events


def test_typed(calls: Any, acme: Any) -> None:
    """The client's own classes take the answer, the anomaly's reasons included."""
    call = calls(acme.server.audit, acme.token)
    typed = call("logs", action="anomaly").typed_body
    assert [entry.action for entry in typed.entries] == ["anomaly"]
    assert typed.entries[0].details.reason == ["asn", "ip_address"]
    assert typed.entries[0].context.session_id == 12177102026566
    assert typed.response_metadata.next_cursor == ""


def test_filters(calls: Any, acme: Any, noon: int) -> None:
    """Filters join with AND; both bounds are inclusive; a limit does not divide a second."""
    call = calls(acme.server.audit, acme.token)
    given = {
        "action": "user_login,acme_own_action",
        "actor": "W0PERSON04",
        "oldest": noon + 10,
        "latest": noon + 100,
    }
    expected = [
        e
        for e in acme.events
        if e["action"] in given["action"].split(",")  # type: ignore[attr-defined]
        and e["actor"]["user"]["id"] == "W0PERSON04"
        and noon + 10 <= e["date_create"] <= noon + 100
    ]
    assert len(expected) > 5
    assert list(entries(call, limit=2, **given)) == expected
    second = call("logs", latest=noon + 100, limit=1).body["entries"]
    assert len(second) == 60
    assert {e["date_create"] for e in second} == {noon + 100}
    its = [e for e in acme.events if e["entity"]["file"]["id"] == "F0FILE0003"]
    assert list(entries(call, limit=20, entity="F0FILE0003")) == its


def test_catalogues(calls: Any, acme: Any) -> None:
    """Actions and schemas are given whatever the token."""
    call = calls(acme.server.audit, "wrong")
    actions = call("actions").body["actions"]
    assert {group: tuple(names) for group, names in actions.items()} == endpoint_groups()
    assert sum(map(len, actions.values())) == 770
    schemas = call("schemas").body["schemas"]
    assert {s["type"] for s in schemas} >= {"workspace", "user", "file", "channel", "workflow_v2"}
    assert all(set(s) == {"type", s["type"]} for s in schemas)


def test_errors(calls: Any, acme: Any) -> None:
    """Errors come with Slack's codes in a body that the client reads."""
    call = calls(acme.server.audit, acme.token)
    told = {
        "invalid_action": call("logs", action="user_login,no_such_action"),
        "invalid_cursor": call("logs", cursor="dXNlcjpVMEc5V0ZYTlo="),
        "invalid_range": call("logs", oldest=5),
    }
    for code, answer in told.items():
        assert (answer.status_code, answer.body["error"]) == (400, code)
        assert answer.body["ok"] is False
    refused = calls(acme.server.audit, "xoxp-wrong")("logs")
    assert (refused.status_code, refused.body["error"]) == (401, "invalid_authentication")


def test_rate_limit(calls: Any, limited: Any, request: pytest.FixtureRequest) -> None:
    """Over the limit the client is told to wait, and one that waits gets its answer."""
    server, data = limited
    token = data.token(org=f"E{request.node.callspec.params['calls']}")
    call = calls(server.audit, token)
    answers = [call("logs")]
    while answers[-1].status_code == 200 and len(answers) < 1000:
        answers.append(call("logs"))
    refused = answers[-1]
    assert len(answers) > 30
    assert (refused.status_code, refused.body["error"]) == (429, "rate_limited")
    assert refused.headers["Retry-After"] in {"1", "2"}
    assert call("actions").status_code == 200
    assert calls(server.audit, token, patient=True)("logs").status_code == 200


def test_web_client(acme: Any) -> None:
    """The Web API client tries its token with auth.test."""
    client = WebClient(token=acme.token, base_url=f"{acme.server.url}/api/")
    answer = client.auth_test()
    assert (answer["team_id"], answer["is_enterprise_install"]) == ("E0ACME", True)
    assert client.api_test(foo="bar")["args"] == {"foo": "bar"}
    with pytest.raises(SlackApiError, match="unknown_method"):
        client.chat_postMessage(channel="C0PORTSIDE", text="hello")
    stranger = WebClient(token="xoxp-wrong", base_url=f"{acme.server.url}/api/")
    with pytest.raises(SlackApiError, match="invalid_auth"):
        stranger.auth_test()
