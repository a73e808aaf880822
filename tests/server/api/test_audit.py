"""The Audit Logs API over HTTP."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

LOGS = "/audit/v1/logs"


def refusal(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert body["ok"] is False
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    return answer.status_code, body["error"]


def test_no_token(acme: Any) -> None:
    """Without a token, or with a malformed header, nothing is given."""
    with acme.server.client() as client:
        for header in (
            None,
            "",
            "Bearer",
            f"Basic {acme.token}",
            acme.token,
            "Bearer é",
        ):
            headers = {} if header is None else {"Authorization": header.encode()}
            answer = client.get(LOGS, headers=headers)
            assert refusal(answer) == (401, "missing_authentication")
            assert answer.headers["www-authenticate"] == "Bearer"
        assert refusal(client.get(LOGS, params={"token": acme.token}))[0] == 401


def test_useless_tokens(tenant: Any) -> None:
    """A wrong, revoked, expired or unprivileged token is refused as invalid."""
    from gridtrail.server.tokens import TokenStore

    revoked, short = tenant.token(), tenant.token(seconds=1)
    with TokenStore(tenant.data.path / "state.db") as store:
        found = store.find(revoked)
        assert found is not None
        with tenant.server.client(revoked) as client:
            assert client.get(LOGS).status_code == 200
        store.revoke(found.id)
    time.sleep(1.1)
    for token in (revoked, short, revoked[:-1], "xoxp-1234", "x" * 5000):
        with tenant.server.client(token) as client:
            assert refusal(client.get(LOGS)) == (401, "invalid_authentication")
    with tenant.server.client(tenant.token("admin")) as client:
        answer = client.get(LOGS)
        assert refusal(answer) == (401, "invalid_authentication")
        assert (answer.json()["needed"], answer.json()["provided"]) == ("auditlogs:read", "admin")
    with tenant.server.client(tenant.token()) as client:
        assert refusal(client.post(LOGS, json={})) == (401, "invalid_authentication")


def test_scheme_in_any_case(acme: Any) -> None:
    """`bearer` is the same scheme as `Bearer`."""
    with acme.server.client() as client:
        answer = client.get(LOGS, headers={"Authorization": f"bearer  {acme.token}"})
        assert answer.status_code == 200


def test_other_organizations(acme: Any, tenant: Any, make_event: Any) -> None:
    """A token shows its own organization's events; a cursor of another's is no key."""
    tenant.fill([make_event("own")])
    with acme.server.client(acme.token) as client:
        cursor = client.get(LOGS, params={"limit": 1}).json()["response_metadata"]["next_cursor"]
    with tenant.server.client(tenant.token()) as client:
        assert [e["id"] for e in client.get(LOGS).json()["entries"]] == ["own"]
        assert refusal(client.get(LOGS, params={"cursor": cursor})) == (400, "invalid_cursor")


def test_default_limit(acme: Any) -> None:
    """A page has 200 events when no limit is given, and no `ok` stands in it."""
    with acme.server.client(acme.token) as client:
        body = client.get(LOGS).json()
    assert list(body) == ["entries", "response_metadata"]
    assert 200 <= len(body["entries"]) <= 202
    assert body["entries"] == acme.events[: len(body["entries"])]


def test_actions_supported(acme: Any, tenant: Any, make_event: Any) -> None:
    """Supported are the catalogue's names and those seen in the organization's own events."""
    with acme.server.client(acme.token) as client:
        for name in ("user_login", "acme_own_action", "legal_hold_policy_created"):
            assert client.get(LOGS, params={"action": name}).status_code == 200
        answer = client.get(LOGS, params={"action": "user_login,user_loginn"})
        assert refusal(answer) == (400, "invalid_action")
        assert "did you mean user_login?" in answer.json()["response_metadata"]["messages"][0]
    with tenant.server.client(tenant.token()) as client:
        given = {"action": "acme_own_action"}
        assert refusal(client.get(LOGS, params=given)) == (400, "invalid_action")
        tenant.fill([make_event("a", action="acme_own_action")])
        assert len(client.get(LOGS, params=given).json()["entries"]) == 1


def test_future(tenant: Any, make_event: Any, noon: int) -> None:
    """A time in the future is refused, unless clocks differ a little or events are there."""
    now = int(time.time())
    with tenant.server.client(tenant.token()) as client:
        for name in ("oldest", "latest"):
            assert client.get(LOGS, params={name: now + 60}).status_code == 200
            answer = client.get(LOGS, params={name: now + 3600})
            assert refusal(answer) == (400, "invalid_range")
        tenant.fill([make_event("a", now + 7200 - noon)])
        answer = client.get(LOGS, params={"oldest": now + 3600, "latest": now + 7200})
        assert [e["id"] for e in answer.json()["entries"]] == ["a"]


@pytest.mark.parametrize("path", ["/audit/v1", "/audit/v1/", "/audit/v1/logs/", "/audit/v2/logs"])
def test_bad_endpoint(acme: Any, path: str) -> None:
    """What is not there is answered with Slack's word for it."""
    with acme.server.client(acme.token) as client:
        assert refusal(client.get(path)) == (404, "bad_endpoint")


def test_other_methods(acme: Any) -> None:
    """Other HTTP methods are not allowed, and the answer says which are."""
    with acme.server.client(acme.token) as client:
        answer = client.delete(LOGS)
        assert refusal(answer) == (405, "method_not_allowed")
        assert set(answer.headers["allow"].split(", ")) == {"GET", "POST"}
        assert refusal(client.post("/audit/v1/actions")) == (405, "method_not_allowed")


def test_posting(tenant: Any, make_event: Any) -> None:
    """What was posted is served at once, and posting again changes nothing."""
    events = [make_event(f"p{n}", n) for n in range(4)]
    bodies = [
        json.dumps(events[0]),
        json.dumps(events[1:2]),
        json.dumps({"entries": events[2:3], "response_metadata": {"next_cursor": ""}}),
        "\n".join(map(json.dumps, events)) + "\nnonsense\n",
    ]
    got = []
    answer: dict[str, Any] = {}
    token = tenant.token("auditlogs:read", "auditlogs:write")
    with tenant.server.client(token) as client:
        for body in bodies * 2:
            answer = client.post(LOGS, content=body).json()
            assert answer["ok"] is True
            got.append((answer["stored"], answer["already_there"], answer["quarantined"]))
        assert got == [(1, 0, 0)] * 3 + [(1, 3, 1)] + [(0, 1, 0)] * 3 + [(0, 4, 1)]
        assert [(r["position"], r["reason"]) for r in answer["rejected"]] == [
            ("line 5", "not_json")
        ]
        assert client.get(LOGS).json()["entries"] == events[::-1]


def test_posting_too_much(tenant: Any, serve: Any, data: Any) -> None:
    """A body beyond the limit is refused with 413, announced or not, and nothing is stored."""
    server = serve(data, max_body_bytes=2000)
    with server.client(data.token("auditlogs:write", "auditlogs:read")) as client:
        big = b'{"id":"a","action":"x","date_create":1700000000,"t":"' + b"x" * 2000 + b'"}'
        assert refusal(client.post(LOGS, content=big)) == (413, "request_too_large")
        assert refusal(client.post(LOGS, content=iter([big]))) == (413, "request_too_large")
        assert client.get(LOGS).json()["entries"] == []
        assert client.post(LOGS, content=big[:60] + b'"}').json()["stored"] == 1


def test_posting_no_events(tenant: Any) -> None:
    """A body that holds no events is refused."""
    with tenant.server.client(tenant.token("auditlogs:write")) as client:
        for body in (b"", b"[]", b"a=b", b"[1,"):
            assert refusal(client.post(LOGS, content=body)) == (400, "invalid_json")
        lines = {"Content-Type": "application/x-ndjson; charset=utf-8"}
        answer = client.post(LOGS, content=b"a=b", headers=lines)
        assert (answer.status_code, answer.json()["quarantined"]) == (200, 1)
