"""Whatever is sent, the server answers in its own words and never fails."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = ("oldest", "latest", "limit", "action", "actor", "entity", "cursor", "pretty")
HOSTILE = st.sampled_from(
    [
        "' OR 1=1 --",
        '"; DROP TABLE events; --',
        "\0",
        "\r\nX: y",
        "${jndi:ldap://x}",
        "../../etc/passwd",
        "%s%n",
        "-1",
        "1e400",
        "9" * 400,
        "٣",
        "NaN",
        ",".join(["user_login"] * 100),
        ",",
        "\ufeff",
        "\u202e",
    ]
)
TEXT = (HOSTILE | st.text(max_size=60)).map(lambda text: quote(text, errors="replace"))
VALUES = TEXT | st.binary(max_size=60).map(quote_from_bytes)
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=5)
# what a client's own library lets through; other bytes are sent further below
_BYTES = st.sampled_from([*range(0x21, 0x7F), *range(0x80, 0x100)])
HEADERS = st.lists(_BYTES, min_size=1, max_size=40).map(bytes)


@pytest.fixture(scope="module")
def client(acme: Any) -> Iterator[httpx.Client]:
    """A client with a token, one connection for all examples."""
    with acme.server.client(acme.token) as made:
        yield made


def check(answer: httpx.Response) -> None:
    """The answer is JSON, and either no error or one that names the caller's mistake.

    Only bytes that are no HTTP are answered by the HTTP parser, in plain text.
    """
    if answer.content == b"Invalid HTTP request received.":
        assert answer.status_code == 400
        return
    body = answer.json()
    if answer.status_code == 200:
        assert "entries" in body or body["ok"] in {True, False}
    else:
        assert 400 <= answer.status_code < 500
        assert body["ok"] is False
        assert body["error"]


@settings(max_examples=200, deadline=None)
@given(pairs=PAIRS)
def test_queries(client: httpx.Client, pairs: list[tuple[str, str]]) -> None:
    """Any query string gives a page or a refusal."""
    query = "&".join(f"{name}={value}" for name, value in pairs)
    check(client.get(f"/audit/v1/logs?{query}"))


@settings(max_examples=60, deadline=None)
@given(query=st.binary(max_size=80).map(lambda raw: quote_from_bytes(raw, safe="&=%;+?")))
def test_whole_queries(client: httpx.Client, query: str) -> None:
    """So does a query string that is no list of parameters."""
    check(client.get(f"/audit/v1/logs?{query}"))


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=200) | HOSTILE.map(lambda text: text.encode()), kind=HEADERS)
def test_bodies(client: httpx.Client, body: bytes, kind: bytes) -> None:
    """Any body to any method of the Web API is answered as it answers."""
    for method in ("api.test", "auth.test", quote(body[:20])):
        path = f"/api/{method or 'x'}"
        for content_type in (kind, b"application/json", b"application/x-www-form-urlencoded"):
            answer = client.post(path, content=body, headers=[(b"Content-Type", content_type)])
            assert answer.status_code in {200, 400, 404}
            check(answer)


@settings(max_examples=80, deadline=None)
@given(header=HEADERS)
def test_tokens(client: httpx.Client, header: bytes) -> None:
    """Any Authorization header but the right one is refused."""
    for value in (header, b"Bearer " + header):
        answer = client.get("/audit/v1/logs", headers=[(b"Authorization", value)])
        assert answer.status_code in {400, 401}


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=200) | st.text().map(lambda text: f'[{{"id":{text!r}}}]'.encode()))
def test_posting(tenant_client: httpx.Client, body: bytes) -> None:
    """Any posted body is taken apart or refused."""
    answer = tenant_client.post("/audit/v1/logs", content=body)
    check(answer)
    assert answer.json().get("stored", 0) == 0


@pytest.fixture(scope="module")
def tenant_client(acme: Any) -> Iterator[httpx.Client]:
    """A client that may write, for an organization of its own."""
    with acme.server.client(acme.data.token("auditlogs:write", org="E0HOSTILE")) as made:
        yield made


@pytest.mark.parametrize(
    "request_text",
    [
        b"GET /audit/v1/logs?\xff\xfe=\x80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /audit/v1/logs?cursor=\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET //audit/v1/logs HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://evil.example/audit/v1/logs HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /audit/v1/logs HTTP/1.1\r\nHost: \xff\r\nAuthorization: Bearer \xff\r\n\r\n",
        b"POST /audit/v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /audit/v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 1e9\r\n\r\n",
        (
            b"POST /api/auth.test HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml;=;charset\r\n"
            b"Content-Length: 1\r\n\r\nx"
        ),
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"GET / HTTP/9.9\r\n\r\n",
        b"NONSENSE\r\n\r\n",
    ],
)
def test_raw_bytes(acme: Any, request_text: bytes) -> None:
    """Bytes that no client would send get a 4xx or 200 answer, and the server goes on."""
    address = urlsplit(acme.server.url)
    with socket.create_connection((address.hostname, address.port), timeout=120) as connection:
        connection.sendall(request_text)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    assert answer == b"" or answer.split(b" ", 2)[1] in {b"200", b"400", b"401", b"404", b"405"}
    with acme.server.client() as client:
        assert client.get("/health").status_code == 200
