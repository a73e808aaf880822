"""Slack's clients in the simulated world: releases, how they spread, and what they call themselves.

Desktop about every 16 days, phones about every 10, Chrome every 4 weeks; a release reaches half of
the devices in 3 days, one device in twenty is a laggard. The grammar of the user agents is that of
real ones; the version numbers after 2026 are invented.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from gridtrail.sandbox.chance import dice
from gridtrail.sandbox.clock import DAY
from gridtrail.sandbox.words import PHONES

HALF_LIFE_DAYS = 3.0
LAGGARDS = 0.05


@dataclass(frozen=True, slots=True)
class Release:
    """One version of one client; `at` in seconds since the epoch. `engine` is Chrome's version and
    `shell` Electron's for the desktop, the build number for Android, else empty."""

    version: str
    at: int
    engine: str = ""
    shell: str = ""


def _every(first: int, last: int, days: float, roll: random.Random) -> list[int]:
    """Release moments between two seconds: about every `days`, on working hours."""
    moments, at = [], first + roll.uniform(0, days) * DAY
    while at < last:
        moments.append(int(at // DAY * DAY + 17 * 3600 + roll.randrange(7200)))
        at += roll.gauss(days, days / 8) * DAY
    return moments


def releases(seed: int, start: int, stop: int) -> dict[str, list[Release]]:
    """Releases of `desktop`, `ios`, `android`, `chrome`, `firefox`, `iphone_os`, oldest first,
    from four months before `start` to `stop` (seconds since the epoch)."""
    first = start - 120 * DAY
    roll = dice(seed, "releases")
    desktop = []
    for number, at in enumerate(_every(first, stop, 16, roll)):
        shell = 38 + number // 3
        desktop.append(
            Release(
                f"4.{46 + number // 2}.{roll.randrange(60, 160) if number % 2 else 58}",
                at,
                f"{2 * shell + 64}.0.{7339 + 61 * (number // 3)}.{80 + number * 13}",
                f"{shell}.{1 + number % 3}.{roll.randrange(4)}",
            )
        )
    result = {"desktop": desktop}
    for key in ("ios", "android"):
        line = []
        for number, at in enumerate(_every(first, stop, 10, roll)):
            month, step = 8 + number // 3, number % 3 + 1
            version = f"26.{month:02d}.{step}0"
            if key == "android":
                line.append(Release(version + ".0", at, shell=str(90_016_209 + 731 * number)))
            else:
                line.append(Release(version, at))
        result[key] = line
    result["chrome"] = [
        Release(str(148 + number), at) for number, at in enumerate(_every(first, stop, 28, roll))
    ]
    result["firefox"] = [
        Release(str(150 + number), at) for number, at in enumerate(_every(first, stop, 28, roll))
    ]
    result["iphone_os"] = [
        Release(f"26.{6 + number // 2}.{number % 2}", at)
        for number, at in enumerate(_every(first, stop, 33, roll))
    ]
    return result


@dataclass(slots=True)
class Line:
    """Which release a device runs when: `moments[i]` (seconds) is when it took `which[i]`."""

    moments: list[int]
    which: list[int]


def adoption(line: list[Release], roll: random.Random, start: int) -> Line:
    """How one device follows the releases: exponential delay, laggards weeks behind."""
    laggard = roll.random() < LAGGARDS
    steps: list[tuple[int, int]] = []
    for number, release in enumerate(line):
        if laggard and number % 3:
            continue  # skips most releases altogether
        delay = roll.expovariate(0.693 / HALF_LIFE_DAYS) + (30 + 10 * roll.random()) * laggard
        steps.append((int(release.at + delay * DAY), number))
    moments, which = [start - 400 * DAY], [0]
    for at, number in sorted(steps):
        if number > which[-1]:
            moments.append(at)
            which.append(number)
    return Line(moments, which)


def desktop_agent(platform: str, release: Release) -> str:
    """The desktop app's user agent; `platform` is macos, windows or linux (as `MacAppStore` etc.
    the words `_store` and `_sonic` may follow)."""
    system = {
        "macos": "Macintosh; Intel Mac OS X 10_15_7",
        "windows": "Windows NT 10.0; Win64; x64",
        "linux": "X11; Linux x86_64",
    }[platform.split("_")[0]]
    extra = ""
    if platform.endswith("_store"):
        store = "MacAppStore/24.6.0" if platform.startswith("macos") else "WindowsStore/10.0.26100"
        extra = f" {store}"
    return (
        f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Slack/{release.version} "
        f"Chrome/{release.engine} Electron/{release.shell} Safari/537.36{extra} Sonic "
        f"Slack_SSB/{release.version}"
    )


def ios_agent(release: Release, system: Release, model: str) -> str:
    """The iPhone app's user agent."""
    scale = "2.00" if model == "small" else "3.00"
    return f"com.tinyspeck.chatlyio/{release.version} (iPhone; iOS {system.version}; Scale/{scale})"


def notification_agent(release: Release, system: Release) -> str:
    """What the iPhone app's notification helper calls itself."""
    return (
        f"com.tinyspeck.chatlyio.NotificationService/{release.version} "
        f"(iPhone; iOS {system.version}; Scale/3.00)"
    )


def android_agent(release: Release, model: str) -> str:
    """The Android app's user agent."""
    maker = "samsung " if model.startswith("SM") else "Google " if model.startswith("Pi") else ""
    system = 13 + PHONES.index(model) % 4
    return (
        f"slack/{release.version}.{release.shell} ({maker}{model}; Android {system}; "
        "store com.android.vending)"
    )


def browser_agent(platform: str, release: Release) -> str:
    """The browser's user agent; `platform` like `chrome_windows`, `edge_windows`, `firefox_linux`
    or `safari_macos`. Chrome names only its major version."""
    family, _, system = platform.partition("_")
    words = {
        "macos": "Macintosh; Intel Mac OS X 10_15_7",
        "windows": "Windows NT 10.0; Win64; x64",
        "linux": "X11; Linux x86_64",
    }[system]
    if family == "firefox":
        words = words.replace("10_15_7", "10.15")
        return (
            f"Mozilla/5.0 ({words}; rv:{release.version}.0) Gecko/20100101 "
            f"Firefox/{release.version}.0"
        )
    if family == "safari":
        return (
            f"Mozilla/5.0 ({words}) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            f"Version/26.{int(release.version) % 5} Safari/605.1.15"
        )
    tail = f" Edg/{release.version}.0.0.0" if family == "edge" else ""
    return (
        f"Mozilla/5.0 ({words}) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{release.version}.0.0.0 Safari/537.36{tail}"
    )
