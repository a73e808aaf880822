"""Calling over real sockets that misbehave, and addresses that must not be called."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable

import httpx
import pytest
from pydantic import SecretStr

from gridtrail.collect.slack_api.answers import Answer, NoAnswer
from gridtrail.collect.slack_api.calling import Caller, check_base_url
from gridtrail.collect.slack_api.reading import Call, Window
from gridtrail.errors import BadSettings

CALL = Call(Window(1, 2), 10, ("a", "b"), "cur/sor=")
SECRET = SecretStr("xoxp-secret")


def answer_of(said: bytes, *, reset: bool = False) -> tuple[Answer | NoAnswer, bytes]:
    """What Caller makes of a server that says `said` and hangs up, and the request it saw."""
    seen = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(said)
        await writer.drain()
        if reset:
            writer.transport.abort()
        writer.close()

    async def run() -> Answer | NoAnswer:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, Caller(f"http://127.0.0.1:{port}/audit/v1/", SECRET) as caller:
            return await caller.call(CALL)

    return asyncio.run(run()), seen[0]


def test_the_request_has_all_its_parameters_and_the_token() -> None:
    """Slack's cursor comes through with its `=` and `/` escaped, the token in its header."""
    answer, request = answer_of(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Y: z\r\n\r\n{}")
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.header("x-y")) == (200, b"{}", "z")
    line = request.split(b"\r\n")[0]
    query = b"limit=10&oldest=1&latest=2&action=a%2Cb&cursor=cur%2Fsor%3D"
    assert line == b"GET /audit/v1/logs?" + query + b" HTTP/1.1"
    assert b"Authorization: Bearer xoxp-secret" in request


@pytest.mark.parametrize(
    "said",
    [
        b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"entries":[',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"ent\r\n',
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
        b"this is no HTTP\r\n\r\n",
        b"",
    ],
)
def test_an_answer_that_is_not_whole_is_none(said: bytes) -> None:
    """Truncated, badly compressed and nonsense answers are no answers, and no exceptions."""
    for reset in (False, True):
        answer, _ = answer_of(said, reset=reset)
        assert isinstance(answer, NoAnswer), answer


def test_compressed_answers_are_unpacked() -> None:
    """Gzip on the way leaves the bytes as they were."""
    body = gzip.compress(b'{"entries":[]}')
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    answer, _ = answer_of(head + body)
    assert isinstance(answer, Answer)
    assert answer.body == b'{"entries":[]}'


def test_a_redirect_does_not_get_the_token() -> None:
    """Redirects are answers, and nobody follows them."""
    answer, _ = answer_of(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")
    assert isinstance(answer, Answer)
    assert answer.status == 302


@pytest.mark.parametrize(
    "raised",
    [httpx.ConnectError, httpx.ReadTimeout, httpx.PoolTimeout, httpx.WriteError, httpx.ProxyError],
)
def test_nobody_there_is_no_answer(raised: Callable[[str], Exception]) -> None:
    """Failures of the connection are values that say what happened."""

    def fail(_request: httpx.Request) -> httpx.Response:
        raise raised("xoxp-secret is not to be told")

    async def run() -> Answer | NoAnswer:
        transport = httpx.MockTransport(fail)
        async with Caller("https://slack.example/", SECRET, transport=transport) as caller:
            return await caller.call(CALL)

    answer = asyncio.run(run())
    assert isinstance(answer, NoAnswer)
    assert "secret" not in answer.why


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[::1]/x", "http://localhost/",
                                 "https://a.example/"])  # fmt: skip
def test_addresses_that_may_be_called(url: str) -> None:
    """Encrypted ones, and this machine's own."""
    check_base_url(url, allow_http=False)


@pytest.mark.parametrize("url", ["http://a.example/", "http://127.0.0.1.a.example/", "a.example",
                                 "https:///x", "https://a.example/?x=1", "file:///etc/passwd",
                                 "http://10.0.0.1/"])  # fmt: skip
def test_addresses_that_may_not(url: str) -> None:
    """Unencrypted ones elsewhere, and what is no address."""
    with pytest.raises(BadSettings):
        check_base_url(url, allow_http=False)
    if url.startswith("http://a"):
        check_base_url(url, allow_http=True)


@pytest.mark.parametrize("token", ["xoxp-a b", "xoxp-\r\nX: y", "xoxp-ü"])
def test_a_token_that_would_break_the_header(token: str) -> None:
    """A token with characters that no token has is refused without being told."""
    with pytest.raises(BadSettings) as caught:
        Caller("https://slack.example/", SecretStr(token))
    assert "xoxp" not in str(caught.value)
