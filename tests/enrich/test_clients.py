"""What a user agent is."""

from __future__ import annotations

from dataclasses import fields
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.enrich.clients import (
    DEVICE_CLASSES,
    KINDS,
    NO_CLIENT,
    Client,
    client_of,
    expected,
)

WINDOWS = "Windows NT 10.0; Win64; x64"
MAC = "Macintosh; Intel Mac OS X 10_15_7"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = "iPhone; CPU iPhone OS 17_4 like Mac OS X"
SLACK = (
    f"Mozilla/5.0 ({MAC}) {WEBKIT} Slack/4.46.101 Chrome/140.0.7339.80 Electron/38.1.0 "
    "Safari/537.36 Sonic Slack_SSB/4.46.101"
)
PIECES = [
    "Mozilla/5.0", "Slack/4.38.125", "Slack_SSB/", "Chrome/124.0", "Electron/30.1.0",
    "Safari/537.36", "com.tinyspeck.chatlyio", "slack/26.09", "(iPhone; iOS 26.6.2", "Android 14",
    "slackclient/3", "ApiApp/", "(" * 300, ")" * 300, "/" * 300, " " * 300, "; " * 200, "a/" * 200,
    "1." * 300, "Windows NT 10.0", "Mac OS X 10_15", "curl/",
    "\x00", "\ud800", "\u202e", "é", "9" * 400,
]  # fmt: skip
hostile = st.one_of(
    st.text(st.characters(codec=None), max_size=1500),
    st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
)


def check(client: Client) -> None:
    """A client's promises to the dimension table and to the screen."""
    assert client.kind in KINDS
    assert client.device_class in DEVICE_CLASSES
    assert 0 <= client.version_key < 1 << 63
    assert client.well_formed == (client.defect is None)
    for field in fields(client):
        value = getattr(client, field.name)
        if isinstance(value, str):
            value.encode("utf-8")
            assert value.isprintable()
            assert len(value) < 200
    hash(client)


@given(hostile)
def test_any_text_is_some_client(text: str) -> None:
    """Whatever a stranger sends, a client with sound fields comes out and nothing is raised."""
    client = client_of(text)
    check(client)
    expected(client, ["x"])
    assert client_of(text) == client


@given(hostile, st.integers(0, 200))
def test_a_slack_agent_with_anything_in_it_is_read(text: str, at: int) -> None:
    """Text put into a real Slack agent never raises, and never makes a tool out of it."""
    check(client_of(SLACK[:at] + text + SLACK[at:]))


def test_length_does_not_matter() -> None:
    """Only the first 1,024 characters are read."""
    assert client_of(SLACK + " " * 100_000 + "curl/8") == client_of(SLACK)
    check(client_of("(" * 1_000_000))


def test_texts_of_a_client_are_short() -> None:
    """A version or name of a thousand characters is cut to eighty."""
    client = client_of("curl/" + "1." * 500 + "1")
    assert (client.family, len(client.version)) == ("curl", 80)
    assert len(client_of("x" * 1000).family) == 80


@pytest.mark.parametrize("ua", [None, "", "   ", "\n\t", "\u200b"])
def test_no_agent_is_no_client(ua: str | None) -> None:
    """An absent or blank agent has kind `none` and is never expected."""
    assert client_of(ua) == NO_CLIENT
    assert NO_CLIENT.kind == "none"
    assert not expected(NO_CLIENT, [""])


BROWSERS = [
    (f"{WEBKIT} Chrome/{{v}}.0.0.0 Safari/537.36", "Chrome", (WINDOWS, MAC, "X11; Linux x86_64")),
    (f"{WEBKIT} Chrome/{{v}}.0.0.0 Safari/537.36 Edg/{{v}}.0.2535.51", "Edge", (WINDOWS, MAC)),
    (f"{WEBKIT} Chrome/99.0.0.0 Safari/537.36 OPR/{{v}}.0.0.0", "Opera", (WINDOWS, MAC)),
    (f"{WEBKIT} Chrome/99.0.0.0 Safari/537.36 Vivaldi/{{v}}.7", "Vivaldi", (WINDOWS, MAC)),
    (f"{WEBKIT} Chrome/{{v}}.0.0.0 Mobile Safari/537.36", "Chrome", ("Linux; Android 10; K",)),
    (f"{WEBKIT} Chrome/{{v}}.0.0.0 Safari/537.36", "Chrome", ("X11; CrOS x86_64 14541.0.0",)),
    (
        f"{WEBKIT} SamsungBrowser/{{v}}.0 Chrome/117.0.0.0 Mobile Safari/537.36",
        "Samsung Internet",
        ("Linux; Android 14; SAMSUNG SM-S918B",),
    ),
    (f"{APPLE} Version/{{v}}.4.1 Safari/605.1.15", "Safari", (MAC,)),
    (f"{APPLE} Version/{{v}}.4 Mobile/15E148 Safari/604.1", "Safari", (IPHONE,)),
    (f"{APPLE} CriOS/{{v}}.0.6312.52 Mobile/15E148 Safari/604.1", "Chrome", (IPHONE,)),
    (f"{APPLE} FxiOS/{{v}}.0 Mobile/15E148 Safari/605.1.15", "Firefox", (IPHONE,)),
    (f"{APPLE} Version/17.0 EdgiOS/{{v}}.0 Mobile/15E148 Safari/605.1.15", "Edge", (IPHONE,)),
]


def test_common_browsers_of_all_versions_are_expected() -> None:
    """Over a thousand browser agents: the family, the major version, expected, versions sorted."""
    made = 0
    for tail, family, platforms in BROWSERS:
        for platform in platforms:
            keys = []
            for version in range(12, 150, 2):
                client = client_of(f"Mozilla/5.0 ({platform}) {tail.format(v=version)}")
                assert (client.family, client.kind) == (family, "web"), tail
                assert client.version.startswith(f"{version}.")
                assert expected(client)
                assert not client.automated
                keys.append(client.version_key)
                made += 1
            assert keys == sorted(set(keys))
    assert made > 1_000


def test_firefox_needs_its_engine() -> None:
    """Firefox on every system is Firefox; the name alone is not."""
    systems = (
        "X11; Linux x86_64",
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10.15",
    )
    for system, version in product(systems, range(60, 150, 10)):
        text = f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
        assert expected(client_of(text))
    assert not expected(client_of("Mozilla/5.0 (X11) Firefox/143.0"))


def test_reduced_and_full_chromium_versions_compare_equal() -> None:
    """Chrome's 124.0.0.0 and 124.0.6367.243 are no upgrade and no downgrade of each other."""
    full, reduced = (
        client_of(f"Mozilla/5.0 ({WINDOWS}) {WEBKIT} Chrome/{v} Safari/537.36")
        for v in ("124.0.6367.243", "124.0.0.0")
    )
    assert full.version_key == reduced.version_key
    assert full.lineage == reduced.lineage == "Chrome|Windows|computer"


@pytest.mark.parametrize(
    ("platform", "tail", "device"),
    [
        (IPHONE, f"{APPLE} Version/17.4 Mobile/15E148 Safari/604.1", "phone"),
        ("iPad; CPU OS 17_4 like Mac OS X", f"{APPLE} FxiOS/123.0 Mobile/15E148", "tablet"),
        ("Linux; Android 10; K", f"{WEBKIT} Chrome/124.0.0.0 Mobile Safari/537.36", "phone"),
        ("Linux; Android 10; K", f"{WEBKIT} Chrome/124.0.0.0 Safari/537.36", "tablet"),
        (WINDOWS, f"{WEBKIT} Chrome/124.0.0.0 Safari/537.36", "computer"),
    ],
)
def test_device_classes(platform: str, tail: str, device: str) -> None:
    """A browser's device follows from its system and from the word Mobile."""
    assert client_of(f"Mozilla/5.0 ({platform}) {tail}").device_class == device


@pytest.mark.parametrize(
    ("ua", "family", "kind"),
    [
        ("Scrapers Inc", "Scrapers Inc", "unknown"),
        ("Scrapers Inc/3.0", "Scrapers Inc", "unknown"),
        ("Mozilla/5.0", "Mozilla", "unknown"),
        (f"Mozilla/5.0 ({WINDOWS})", "Mozilla", "unknown"),
        ("Mozilla/5.0 Chrome/120.0", "Mozilla", "unknown"),
        (
            f"Mozilla/5.0 ({MAC}) {WEBKIT} Code/1.88 Chrome/122.0 Electron/29.1.0",
            "Electron",
            "unknown",
        ),
        ("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "IE", "web"),
        ("Go-http-client/2.0", "Go-http-client", "tool"),
        (f"Mozilla/5.0 ({WINDOWS}) {WEBKIT} HeadlessChrome/124.0.0.0", "HeadlessChrome", "tool"),
        ("Mozilla/5.0 (compatible; bingbot/2.0)", "bingbot", "bot"),
        ("slack_bolt/1.18", "Slack Bolt Python", "sdk"),
    ],
)
def test_others_are_not_expected(ua: str, family: str, kind: str) -> None:
    """Strangers, tools, SDKs, bots and rare browsers are expected only when the settings say so."""
    client = client_of(ua)
    assert (client.family, client.kind) == (family, kind)
    assert client.automated == (kind in ("tool", "bot", "sdk"))
    assert not expected(client)
    assert expected(client, ["other", family.upper()])


def test_a_forged_slack_agent_is_never_expected() -> None:
    """Naming the family in the settings does not excuse a broken grammar."""
    assert expected(client_of(SLACK))
    forged = client_of(SLACK.replace("Slack_SSB/4.46.101", "Slack_SSB/4.46.100"))
    assert not expected(forged, ["Slack Desktop"])
