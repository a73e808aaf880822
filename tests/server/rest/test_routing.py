"""What stands before every route of the API."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import quote, quote_from_bytes

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from gridtrail.server.rest.document import document
from gridtrail.server.tokens import TokenStore
from gridtrail.settings import ServerSettings, Settings

Serving = Callable[[Settings], AbstractContextManager[str]]

PATHS = sorted(path.removeprefix("/api/v1") for path in document()["paths"])
READABLE = sorted(p.removeprefix("/api/v1") for p, i in document()["paths"].items() if "get" in i)
HOSTILE = st.sampled_from(
    [
        "' OR 1=1 --", "\0", "\r\nX: y", "../../etc/passwd", "%s%n", "-1", "1e400", "9" * 400,
        "٣", "NaN", "null", "[]", ",", "\ufeff", "\u202e", "*", "%", "_", "2023-13-45", "9999999w",
    ]
)  # fmt: skip
_OF_EVENTS = "action actor entity ip session ua reason text id workspace by oldest latest limit"
_OTHERS = "cursor status severity context window entry cidr asn client user app reasons state all"
NAMES = st.sampled_from(f"{_OF_EVENTS} {_OTHERS}".split())
VALUES = (HOSTILE | st.text(max_size=40)).map(lambda text: quote(text, errors="replace"))
VALUES |= st.binary(max_size=40).map(quote_from_bytes)
KEYS = VALUES.map(lambda text: text.replace("/", "%2F"))  # a client would walk along `..`


def check(answer: httpx.Response) -> None:
    """A good answer, or a refusal in the one shape; never a failure of the server's."""
    assert answer.status_code < 500, answer.text
    body = answer.json()
    if answer.status_code >= 400:
        assert set(body) <= {"error", "message", "parameter", "reasons"}
        assert body["message"].endswith(".")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-store"


@settings(max_examples=150)
@given(path=st.sampled_from(READABLE), key=KEYS, pairs=st.lists(st.tuples(NAMES, VALUES)))
def test_whatever_is_asked_is_answered_in_one_shape(
    api: Any, path: str, key: str, pairs: list[tuple[str, str]]
) -> None:
    """Any place of a thing, and any parameters."""
    token = api.changes if path == "/verification" else api.reads
    filled = "/".join(key if part.startswith("{") else part for part in path.split("/"))
    query = "&".join(f"{name}={value}" for name, value in pairs)
    check(api.call("GET", f"{filled}?{query}", token=token))


@settings(max_examples=60)
@given(body=st.binary(max_size=60) | HOSTILE.map(str.encode), path=st.sampled_from(PATHS))
def test_whatever_is_sent_is_answered_in_one_shape(api: Any, body: bytes, path: str) -> None:
    """Any bytes as a body, to any address by any method."""
    for method in ("POST", "PATCH", "DELETE", "PUT"):
        sent = {"content-type": "application/json"}
        headers = {"authorization": f"Bearer {api.changes}", **sent}
        address = "/api/v1" + path.replace("{", "").replace("}", "")
        check(api.client.request(method, address, content=body, headers=headers))


def test_a_query_is_refused_where_none_is_taken(api: Any) -> None:
    """A parameter that does nothing would be taken for one that does."""
    for path in ("/rules", "/health", "/findings/F0123456789abcdef"):
        refused = api.call("GET", path, params={"limit": "1"})
        assert (refused.status_code, refused.json()["error"]) == (422, "unknown_parameter")
        assert refused.json()["parameter"] == "limit"


def test_a_parameter_is_given_once_unless_it_is_a_list(api: Any) -> None:
    """Two actions are two alternatives, two actors a mistake."""
    both = [("action", "anomaly"), ("action", "file_downloaded")]
    assert api.call("GET", "/events", params=both).status_code == 200
    refused = api.call("GET", "/events", params=[("actor", "a"), ("actor", "b")])
    assert (refused.status_code, refused.json()["parameter"]) == (422, "actor")


def test_too_many_requests_are_told_to_wait(serving: Serving, new_data: Any) -> None:
    """The limit is the organization's, shared with the audit API."""
    data = new_data()
    settings = Settings(data=data.path, server=ServerSettings(rate_limit_per_minute=2))
    headers = {"authorization": f"Bearer {data.token('auditlogs:read')}"}
    with (
        serving(settings) as url,
        httpx.Client(base_url=url, headers=headers, timeout=120) as client,
    ):
        assert client.get("/audit/v1/logs").status_code == 200
        assert client.get("/api/v1/findings").status_code == 200
        refused = client.get("/api/v1/findings")
    assert (refused.status_code, refused.json()["error"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 60


def test_a_damaged_lake_and_a_lost_database_are_said_in_the_same_shape(
    serving: Serving, new_data: Any, make_event: Any
) -> None:
    """503 with what to do, not a failure."""
    data = new_data()
    data.fill([make_event("one")])
    headers = {"authorization": f"Bearer {data.token('auditlogs:read')}"}
    with serving(Settings(data=data.path)) as url:
        (data.path / "lake/events/_delta_log" / f"{1:020}.json").write_text("no JSON")
        with create_engine(f"sqlite:///{data.path}/state.db").begin() as connection:
            connection.execute(text("DROP TABLE findings"))
        for path, what in (("/events", "lake"), ("/findings", "state database")):
            refused = httpx.get(f"{url}/api/v1{path}", headers=headers, timeout=120)
            assert (refused.status_code, refused.json()["error"]) == (503, "unavailable")
            assert what in refused.json()["message"]


@pytest.mark.parametrize("name", ["auditlogs:write", "admin"])
def test_no_scope_includes_another(api: Any, name: str) -> None:
    """Whoever may write or change may not read for that."""
    refused = api.call("GET", "/findings", token=api.data.token(name))
    assert (refused.status_code, refused.json()["error"]) == (403, "missing_scope")


def test_an_expired_and_a_revoked_token_are_refused(api: Any) -> None:
    """At once, and the answer says which it is."""
    with TokenStore(api.settings.state, clock=lambda: 1_000) as past:
        _, expired = past.create("of long ago", org="E0ACME", seconds=5)
    with TokenStore(api.settings.state) as tokens:
        made, revoked = tokens.create("to be revoked", org="E0ACME")
        tokens.revoke(made.id)
    for token, state in ((expired, "expired"), (revoked, "revoked")):
        refused = api.call("GET", "/findings", token=token)
        assert refused.status_code == 401
        assert state in refused.json()["message"]
