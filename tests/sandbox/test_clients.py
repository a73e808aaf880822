from __future__ import annotations

import numpy as np

from gridtrail.enrich.slack_agents import slack_agent
from gridtrail.sandbox.chance import dice
from gridtrail.sandbox.clients import (
    adoption,
    android_agent,
    browser_agent,
    desktop_agent,
    ios_agent,
    notification_agent,
    releases,
)
from gridtrail.sandbox.clock import DAY

START, STOP = 1_790_380_800, 1_795_219_200


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def test_releases_come_at_their_pace_and_go_up() -> None:
    """Desktop every 16 days, phones every 10, Chrome every 4 weeks; versions only rise."""
    made = releases(1, START, STOP)
    for key, days in (("desktop", 16), ("ios", 10), ("android", 10), ("chrome", 28)):
        line = made[key]
        gaps = np.diff([release.at for release in line]) / DAY
        assert abs(gaps.mean() - days) < days / 5, key
        versions = [version(release.version) for release in line]
        assert versions == sorted(set(versions)), key
    engines = [version(release.engine) for release in made["desktop"]]
    assert engines == sorted(engines)


def test_half_of_the_devices_follow_within_three_days() -> None:
    """Adoption is an S-curve in time with a half-life of 3 days and laggards."""
    line = releases(1, START, STOP)["desktop"]
    last = len(line) - 2
    times = []
    for number in range(800):
        device = adoption(line, dice(number), START)
        took = [at for at, which in zip(device.moments, device.which, strict=True) if which >= last]
        times.append((min(took) - line[last].at) / DAY if took else 99)
        assert device.which == sorted(device.which)
        assert device.moments == sorted(device.moments)
    assert 2.5 < float(np.median(times)) < 3.6
    assert 0.01 < float(np.mean(np.array(times) > 25)) < 0.08


def test_slacks_own_clients_have_valid_agents() -> None:
    """The grammar of `enrich` accepts every agent of Slack's own clients, and knows it as one."""
    made = releases(2, START, STOP)
    system = made["iphone_os"][0]
    texts = [
        desktop_agent(platform, release)
        for platform in ("macos", "macos_store", "windows", "windows_store", "linux")
        for release in made["desktop"]
    ]
    texts += [ios_agent(release, system, "large") for release in made["ios"]]
    texts += [notification_agent(release, system) for release in made["ios"]]
    texts += [android_agent(release, "SM-A536B") for release in made["android"]]
    for text in texts:
        agent = slack_agent(text)
        assert agent is not None, text
        assert agent.defect is None, (text, agent.defect)


def test_browsers_show_only_what_real_ones_show() -> None:
    """Chrome names its major version alone, Firefox its major twice, Safari no Chrome."""
    release = releases(2, START, STOP)["chrome"][0]
    assert f"Chrome/{release.version}.0.0.0 Safari" in browser_agent("chrome_windows", release)
    assert browser_agent("edge_windows", release).endswith(f"Edg/{release.version}.0.0.0")
    assert browser_agent("firefox_linux", release).endswith(f"Firefox/{release.version}.0")
    assert "Chrome" not in browser_agent("safari_macos", release)
