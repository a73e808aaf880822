"""Signed webhooks, over real connections."""

from __future__ import annotations

import base64
import re
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from gridtrail.errors import BadSettings
from gridtrail.notify.message import Message
from gridtrail.notify.outcomes import Again, Delivered, Refused
from gridtrail.notify.webhook import WebhookWay, key_of, outcome_of, signed
from gridtrail.settings_notify import ChannelSettings

Make = Callable[..., Any]
AT = 1_795_132_800
MESSAGE = Message(
    "m1", 1, "siem", "test", "waiting", None, None, (), 0, {"title": "t", "lines": ["a"]}, AT, AT,
    1, None, "", None,
)  # fmt: skip
DOCS = Path(__file__).parent.parent.parent / "docs" / "notifications.md"


@pytest.fixture
def way(tmp_path: Path, hook: Make) -> Make:
    """Makes a way to an address; `more` are settings."""

    def make(url: str, **more: Any) -> WebhookWay:
        channel = ChannelSettings(**{**hook(""), "url": url, **more})
        return WebhookWay(channel, tmp_path, clock=lambda: AT)

    return make


def documented() -> Callable[..., dict[str, Any]]:
    """The receiver's function of docs/notifications.md."""
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    found: dict[str, Any] = {}
    exec(next(text for text in blocks if "def verified" in text), found)
    verified: Callable[..., dict[str, Any]] = found["verified"]
    return verified


def test_the_documented_receiver_takes_what_is_genuine_and_once(way: Make, far: Any) -> None:
    """What the page tells receivers to run takes our message, and refuses a changed body, id or
    time, another secret, an old one, and the same again; during a change of secrets both fit."""
    verified = documented()
    sender = way(f"{far.url}/x", secret="whsec_bmV3IG9uZQ==", previous_secret="old one")
    assert sender.send(MESSAGE) == Delivered()
    (got,) = far.got
    for secret in (b"new one", b"old one"):
        seen: set[str] = set()
        assert verified(got.headers, got.body, secret, now=AT + 60, seen=seen) == got.json
        with pytest.raises(ValueError, match="already"):
            verified(got.headers, got.body, secret, now=AT + 60, seen=seen)
    assert (got.json["id"], got.json["type"], got.json["lines"]) == ("m1", "test", ["a"])
    wrong: list[tuple[dict[str, str], bytes, bytes, int]] = [
        (got.headers, got.body + b" ", b"new one", AT),
        (got.headers | {"webhook-id": "m2"}, got.body, b"new one", AT),
        (got.headers | {"webhook-timestamp": str(AT + 1)}, got.body, b"new one", AT),
        (got.headers, got.body, b"another", AT),
        (got.headers, got.body, b"new one", AT + 301),
        (got.headers, got.body, b"new one", AT - 301),
    ]
    for headers, body, secret, now in wrong:
        with pytest.raises(ValueError, match=r"signature|old"):
            verified(headers, body, secret, now=now, seen=set())


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """As OpenSSL made it: printf 'm1.1.{}' | openssl dgst -sha256 -hmac k -binary | base64"""
    headers = signed("m1", 1, b"{}", ["k"])
    assert headers["webhook-signature"] == "v1,eeQ65MUEdIjOfAbC2fqnQZJTiBEdrINQ88uXcprtgC0="


@pytest.mark.parametrize(
    ("mood", "outcome"),
    [
        ("204", Delivered()),
        ("big", Delivered()),
        ("422", Refused("It does not take the message (HTTP 422).")),
        ("410", Refused("It does not take the message (HTTP 410).")),
        ("404", Again("It answered with HTTP 404.")),
        ("500", Again("It answered with HTTP 500.")),
        ("429 17", Again("It answered with HTTP 429.", 17)),
        ("503 17", Again("It answered with HTTP 503.", 17)),
        ("429", Again("It answered with HTTP 429.")),
    ],
)
def test_what_an_answer_means(mood: str, outcome: object, way: Make, far: Any) -> None:
    """Only what the message itself is to blame for is given up; a wait that is named is kept."""
    far.moods = [mood]
    assert way(f"{far.url}/x").send(MESSAGE) == outcome


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("Fri, 20 Nov 2026 00:01:00 GMT", 60),
        ("Thu, 19 Nov 2026 00:01:00 GMT", 0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("²", None),
    ],
)
def test_a_wait_may_be_a_date(text: str, wait: int | None) -> None:
    """Retry-After is seconds or a date; what is neither says nothing."""
    assert outcome_of(503, {"retry-after": text}, AT) == Again("It answered with HTTP 503.", wait)


@pytest.mark.parametrize("mood", ["hang", "drip"])
def test_an_answer_that_does_not_end_is_cut_off(mood: str, way: Make, far: Any) -> None:
    """The patience is for all of a call, also where a byte comes now and then."""
    far.moods = [mood]
    again = way(f"{far.url}/x", timeout_seconds=0.5).send(MESSAGE)
    assert again == Again("It did not answer within 0.5 s.")


def test_a_cut_or_no_connection_is_tried_again(way: Make, far: Any) -> None:
    """An answer that is not whole is none, and an address without anybody is no error of ours."""
    far.moods = ["cut"]
    for url in (f"{far.url}/x", "http://127.0.0.1:9/x"):
        outcome = way(url).send(MESSAGE)
        assert isinstance(outcome, Again)
        assert outcome.why.startswith("It was not reached")


def test_a_message_is_not_sent_on_to_another_host(way: Make, far: Any, receivers: Make) -> None:
    """A redirect on the same host is followed, one to another host or in a circle is not."""
    other = receivers()
    far.moods = ["307 /y", "200"]
    assert way(f"{far.url}/x").send(MESSAGE) == Delivered()
    assert [got.path for got in far.got] == ["/x", "/y"]
    far.moods = [f"307 {other.url}/x", "308 /x", "308 /x", "308 /x", "302 /y"]
    for why in ("another host", "in a circle", "HTTP 302"):
        outcome = way(f"{far.url}/x").send(MESSAGE)
        assert isinstance(outcome, Again)
        assert why in outcome.why
    assert other.got == []


def test_certificates_are_checked(way: Make, tmp_path: Path) -> None:
    """A certificate of an authority that is not trusted is refused; with ca_file it is trusted."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"https://localhost:{server.server_address[1]}/"
    try:
        refused = way(url).send(MESSAGE)
        assert isinstance(refused, Again)
        assert "CERTIFICATE_VERIFY_FAILED" in refused.why
        assert way(url, ca_file="ca.pem").send(MESSAGE) == Delivered()
        missing = way(url, ca_file="none.pem").send(MESSAGE)
        assert isinstance(missing, Again)
        assert "ca_file" in missing.why
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert len(bodies) == 1


def test_secrets_are_read_anew_and_addresses_are_checked(
    way: Make, far: Any, tmp_path: Path
) -> None:
    """A file may change while Gridtrail runs; without it, and with an address that others can read
    along on, nothing leaves, and the reason is said."""
    sender = way(None, url_file="url", secret=None, secret_file="key")
    missing = sender.send(MESSAGE)
    assert isinstance(missing, Again)
    assert "url_file of the channel siem cannot be read" in missing.why
    (tmp_path / "url").write_text(f"{far.url}/x\n")
    (tmp_path / "key").write_text("one\n")
    assert sender.send(MESSAGE) == Delivered()
    (tmp_path / "key").write_text("two\n")
    assert sender.send(MESSAGE) == Delivered()
    signatures = [got.headers["webhook-signature"] for got in far.got]
    for secret, signature in zip(("one", "two"), signatures, strict=True):
        body = far.got[0].body
        assert signed("m1", AT, body, [secret])["webhook-signature"] == signature
    plain = way("http://siem.acme.example/x").send(MESSAGE)
    assert isinstance(plain, Again)
    assert "unencrypted" in plain.why


def test_a_secret_is_bytes() -> None:
    """After whsec_ stands base64; anything else is the secret itself."""
    assert key_of("whsec_" + base64.b64encode(b"\0\1").decode()) == b"\0\1"
    assert key_of("ä") == "ä".encode()
    with pytest.raises(BadSettings, match="no base64"):
        key_of("whsec_!!!")
