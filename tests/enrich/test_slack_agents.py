"""The grammar of Slack's own user agents."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.enrich.clients import client_of
from gridtrail.enrich.slack_agents import ELECTRON_CHROME, slack_agent

PLATFORMS = {
    "Macintosh; Intel Mac OS X 10_15_7": ("macOS", "10.15.7"),
    "Macintosh; Intel Mac OS X 14_4_1": ("macOS", "14.4.1"),
    "Macintosh; ARM Mac OS X 15_1": ("macOS", "15.1"),
    "Windows NT 10.0; Win64; x64": ("Windows", "10"),
    "Windows NT 6.1; WOW64": ("Windows", "7"),
    "Windows NT 10.0.19045; Win64; x64": ("Windows", "10"),
    "Windows NT 10.0; ARM64": ("Windows", "10"),
    "X11; Linux x86_64": ("Linux", ""),
    "X11; Ubuntu; Linux aarch64": ("Linux", ""),
    "X11; Linux x86_64; Ubuntu 20.04.3 LTS focal; Unity": ("Linux", ""),
    "X11; Linux x86_64; Arch Linux unversioned; GNOME": ("Linux", ""),
}
MARKS = (
    "",
    "MacAppStore/24.1.0 ",
    "WindowsStore/0.10.0 ",
    "Sonic ",
    "MacAppStore/23.5 Sonic ",
    "OS_Product/Workstation Servicing_Channel/SAC DDL Sonic ",
)


def desktop(
    platform: str = "Macintosh; Intel Mac OS X 10_15_7",
    version: str = "4.38.125",
    electron: int = 30,
    mark: str = "Sonic ",
) -> str:
    chrome = ELECTRON_CHROME[electron]
    return (
        f"Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko) Slack/{version} "
        f"Chrome/{chrome}.0.6367.243 Electron/{electron}.1.0 Safari/537.36 {mark}"
        f"Slack_SSB/{version}"
    )


def test_every_desktop_agent_of_the_grammar_is_well_formed() -> None:
    """All platforms, versions, Electron releases and store marks make one client each system."""
    versions = [f"4.{minor}.{patch}" for minor in range(20, 50, 3) for patch in (0, 7, 141)]
    made = 0
    for (platform, system), version, electron, mark in product(
        PLATFORMS.items(), versions, range(15, 42, 4), MARKS
    ):
        client = client_of(desktop(platform, version, electron, mark))
        assert (client.family, client.kind, client.defect) == ("Slack Desktop", "desktop", None)
        assert (client.os, client.os_version) == system
        assert client.version == version
        assert (client.chrome_major, client.electron_major) == (2 * electron + 64, electron)
        assert client.lineage == f"Slack Desktop|{system[0]}|computer"
        made += 1
    assert made > 5_000


RELEASED = (
    ("4.3.2", "78.0.3904.130", "7.1.9"),
    ("4.9.0", "85.0.4183.93", "10.1.1"),
    ("4.19.2", "91.0.4472.164", "13.2.1"),
    ("4.38.125", "124.0.6367.243", "30.1.0"),
    ("4.46.96", "140.0.7339.41", "38.0.0"),
    ("4.46.101", "140.0.7339.80", "38.1.0"),
)
"""Versions of Slack, Chrome and Electron as seen together in the field."""


def test_released_builds_are_well_formed_and_mixed_ones_are_not() -> None:
    """Each build seen in the field is sound on every platform and in every variant; the Chrome of
    one with the Electron of another is not."""
    heads = [
        f"Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko)" for platform in PLATFORMS
    ]
    for head, mark, one, other in product(heads, MARKS, RELEASED, RELEASED):
        text = (
            f"{head} Slack/{one[0]} Chrome/{other[1]} Electron/{one[2]} Safari/537.36 {mark}"
            f"Slack_SSB/{one[0]}"
        )
        fits = one[1].partition(".")[0] == other[1].partition(".")[0]
        assert client_of(text).defect == (None if fits else "chrome_electron_mismatch"), text


@given(st.sampled_from(sorted(PLATFORMS)), st.sampled_from(MARKS), st.data())
def test_one_wrong_character_never_makes_another_sound_client(
    platform: str, mark: str, data: st.DataObject
) -> None:
    """A desktop agent with one character taken out is the same client, or forged, or none of
    Slack's; it is never a sound client of another kind of device, and reading it again is the
    same."""
    text = desktop(platform, mark=mark)
    at = data.draw(st.integers(0, len(text) - 1))
    client = client_of(text[:at] + text[at + 1 :])
    if client.well_formed and client.kind in ("desktop", "mobile"):
        assert (client.family, client.device_class) == ("Slack Desktop", "computer")
    padded = client_of(f"  {text[:at]}{text[at + 1 :]}\n")
    assert (padded.well_formed, padded.defect) == (client.well_formed, client.defect)


def test_desktop_agents_before_version_4_2_said_atomshell() -> None:
    """AtomShell stands where later versions say Slack, without a version of Slack's own."""
    text = desktop(version="4.1.2", electron=15).replace(" Slack/4.1.2", " AtomShell/15.1.0")
    client = client_of(text)
    assert (client.defect, client.version) == (None, "4.1.2")


@pytest.mark.parametrize(
    ("old", "new", "defect"),
    [
        (
            "Slack/4.38.125 Chrome/124.0.6367.243 Electron/30.1.0 Safari/537.36 Sonic ",
            "",
            "no_slack",
        ),
        ("Chrome/124.0.6367.243 ", "", "no_chrome"),
        ("Electron/30.1.0 ", "", "no_electron"),
        ("Safari/537.36 ", "", "no_safari"),
        (" Slack_SSB/4.38.125", "", "no_slack_ssb"),
        ("AppleWebKit/537.36 ", "", "no_applewebkit"),
        ("Slack_SSB/4.38.125", "Slack_SSB/4.38.126", "version_mismatch"),
        ("Slack_SSB/4.38.125", "Slack_SSB/4.38.125 Slack_SSB/4.38.125", "repeated_slack_ssb"),
        ("Chrome/124.0", "Chrome/126.0", "chrome_electron_mismatch"),
        ("Electron/30.1.0", "Electron/x", "bad_version"),
        ("Macintosh; Intel Mac OS X 10_15_7", "unknown", "no_platform"),
        (
            "Chrome/124.0.6367.243 Electron/30.1.0",
            "Electron/30.1.0 Chrome/124.0.6367.243",
            "wrong_order",
        ),
    ],
)
def test_forged_desktop_agents_break_the_grammar(old: str, new: str, defect: str) -> None:
    """One change to a real desktop agent is named as the rule it breaks."""
    real = desktop()
    assert old in real
    forged = client_of(real.replace(old, new))
    assert forged.defect == defect
    assert not forged.well_formed
    assert forged.family == "Slack Desktop"


def test_the_spoof_seen_in_the_wild_is_malformed() -> None:
    """A browser's head with only Slack_SSB behind it is no Slack client."""
    text = (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Slack_SSB/4.36.140"
    )
    client = client_of(text)
    assert (client.family, client.well_formed, client.version) == (
        "Slack Desktop",
        False,
        "4.36.140",
    )


def test_ios_agents_are_one_client() -> None:
    """The app, its extensions and pages inside it are versions of one lineage a device class."""
    texts = [
        "com.tinyspeck.chatlyio/26.09.20 (iPhone; iOS 26.6.2; Scale/3.00)",
        "com.tinyspeck.chatlyio.NotificationService/26.09.30 (iPhone; iOS 26.6.2; Scale/3.00)",
        "com.tinyspeck.chatlyio.NotificationService/26.09.30",
        "com.tinyspeck.chatlyio.share/26.09.30 (iPhone; iOS 26.6.2; Scale/3.00)",
        "com.tinyspeck.chatlyio/20.06.10 (iPhone; iOS 13.6; Scale/3.00)",
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Mobile/15E148 Slack/26.09.20"
        ),
        "Slack/317532 CFNetwork/1568.200.51 Darwin/24.1.0",
    ]
    read = [client_of(text) for text in texts]
    assert {client.lineage for client in read} == {"Slack iOS|iOS|phone"}
    assert all(client.well_formed for client in read)
    assert read[0].os_version == "26.6.2"
    assert read[0].version_key > read[4].version_key > 0
    tablet = client_of("com.tinyspeck.chatlyio/26.09.20 (iPad; iOS 26.6.2; Scale/2.00)")
    assert tablet.device_class == "tablet"


def test_android_agents_name_system_and_device() -> None:
    """Maker and model may be anything; the version has as many numbers as it likes."""
    devices = ("samsung SM-A235F", "Google Pixel 9", "OnePlus CPH2581", "HUAWEI ANE-LX1", "x")
    for device, release in product(devices, ("9", "14", "16.1")):
        text = f"slack/26.09.41.0.90016209 ({device}; Android {release}; store com.android.vending)"
        client = client_of(text)
        assert (client.family, client.defect) == ("Slack Android", None)
        assert (client.os, client.os_version, client.device_class) == ("Android", release, "phone")
    older, newer = (client_of(f"slack/{v} (a b; Android 14; c)") for v in ("26.08.99", "26.09.10"))
    assert older.version_key < newer.version_key
    tablet = client_of("slack/26.09.41 (samsung SM-X710; Android 14; store x)")
    assert tablet.device_class == "tablet"


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        ("Slack/4.38.125", "no_applewebkit"),
        ("com.tinyspeck.chatlyio/26.09.20", "no_platform"),
        ("com.tinyspeck.chatlyio/latest (iPhone; iOS 26.6.2; Scale/3.00)", "bad_version"),
        ("slack/26.09.41 (samsung SM-A235F; store x)", "no_platform"),
        ("slack/x (samsung SM-A235F; Android 14; store x)", "bad_version"),
    ],
)
def test_broken_mobile_agents(text: str, defect: str) -> None:
    """An agent that claims a mobile client and lacks its parts is malformed."""
    assert client_of(text).defect == defect


@pytest.mark.parametrize(
    ("text", "family", "version", "system"),
    [
        (
            "Python/3.13.15 slackclient/3.43.0 Linux/4.19.0-gvisor",
            "Slack SDK Python",
            "3.43.0",
            "Linux",
        ),
        ("ApiApp/A0SYNCAPP1 Python/3.12 slackclient/3.35.0", "Slack SDK Python", "3.35.0", ""),
        ("slack_bolt/1.18", "Slack Bolt Python", "1.18", ""),
        ("@slack:web-api/7.3.4 node/20.11.1 darwin/23.5.0", "Slack SDK Node", "7.3.4", "macOS"),
        ("@slack/web-api/7.3.4 node/20.11.1 linux/6.1", "Slack SDK Node", "7.3.4", "Linux"),
        ("Slack Ruby Client/2.1.0", "Slack SDK Ruby", "2.1.0", ""),
        ("ApiApp/1.0", "Slack API app", "1.0", ""),
    ],
)
def test_sdk_agents(text: str, family: str, version: str, system: str) -> None:
    """Slack's SDKs are known by their own product, whatever stands beside it."""
    client = client_of(text)
    assert (client.family, client.kind, client.version) == (family, "sdk", version)
    assert (client.os, client.device_class, client.automated) == (system, "server", True)


def test_others_are_not_slack_agents() -> None:
    """A browser, a tool and Slack's own bots claim no Slack client."""
    for text in ("curl/8.4.0", "Mozilla/5.0 (X11; Linux x86_64)", "Slackbot 1.0", "slacker", ""):
        assert slack_agent(text) is None
