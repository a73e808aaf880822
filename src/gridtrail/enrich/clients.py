"""What a user agent is: which client, which version, on what, and whether a person would use it.

`client_of` never fails: whatever a stranger sends becomes a Client. Slack's own clients are read
by their own grammar (`slack_agents`), tools by our list (`tools`), browsers by `ua-parser`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import ua_parser

from gridtrail.enrich.agent_text import (
    LONGEST_NAME,
    cleaned,
    leading,
    major,
    products,
    version_key,
)
from gridtrail.enrich.slack_agents import SlackAgent, slack_agent
from gridtrail.enrich.tools import Tool, tool_in

ALGORITHM = 2
"""Raise when `client_of` says something else than before: dimension rows are then recomputed."""

KINDS = ("desktop", "mobile", "web", "sdk", "tool", "bot", "unknown", "none")
DEVICE_CLASSES = ("computer", "phone", "tablet", "server", "unknown")
AUTOMATED_KINDS = frozenset({"sdk", "tool", "bot"})

BROWSERS = {
    "Chrome": "Chrome",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile WebView": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chromium": "Chromium",
    "Firefox": "Firefox",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Firefox ESR": "Firefox",
    "Safari": "Safari",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari",
    "Edge": "Edge",
    "Edge Mobile": "Edge",
    "Opera": "Opera",
    "Opera Mobile": "Opera",
    "Opera Touch": "Opera",
    "Brave": "Brave",
    "Vivaldi": "Vivaldi",
    "Samsung Internet": "Samsung Internet",
    "DuckDuckGo": "DuckDuckGo",
    "DuckDuckGo Mobile": "DuckDuckGo",
}
"""ua-parser's browser families that people use, and the family they are to us."""

COMMON_BROWSERS = frozenset(BROWSERS.values())

_CHROMIUM = frozenset(
    {"Chrome", "Chromium", "Edge", "Opera", "Brave", "Vivaldi", "Samsung Internet"}
)
_SYSTEMS = {
    "Mac OS X": "macOS",
    "Mac OS": "macOS",
    "Chrome OS": "ChromeOS",
    "Ubuntu": "Linux",
    "Fedora": "Linux",
    "Debian": "Linux",
    "Red Hat": "Linux",
    "CentOS": "Linux",
    "Linux Mint": "Linux",
}
_COMPUTERS = frozenset({"macOS", "Windows", "Linux", "ChromeOS"})


@dataclass(frozen=True, slots=True)
class Client:
    """What a user agent says of its sender; texts are "" and numbers 0 where it says nothing.

    `version_key` sorts as versions do (three numbers of 21 bits; Chromium browsers only by their
    major, because they no longer send more). It is comparable between two clients of the same
    `lineage`, where versions only go up. `well_formed` is False, and `defect` a code, when the
    agent claims to be one of Slack's clients and breaks its grammar.
    """

    family: str
    kind: str
    version: str
    version_key: int
    os: str
    os_version: str
    device_class: str
    chrome_major: int
    electron_major: int
    well_formed: bool
    defect: str | None
    automated: bool
    lineage: str


def _client(
    family: str,
    kind: str,
    version: str = "",
    os: str = "",
    os_version: str = "",
    device_class: str = "unknown",
    *,
    chrome: str = "",
    electron: str = "",
    defect: str | None = None,
) -> Client:
    parts = 1 if family in _CHROMIUM and kind == "web" else 3
    return Client(
        family=family,
        kind=kind,
        version=version[:LONGEST_NAME],
        version_key=version_key(version, parts),
        os=os,
        os_version=os_version[:LONGEST_NAME],
        device_class=device_class,
        chrome_major=major(chrome),
        electron_major=major(electron),
        well_formed=defect is None,
        defect=defect,
        automated=kind in AUTOMATED_KINDS,
        lineage=f"{family}|{os}|{device_class}",
    )


NO_CLIENT = _client("", "none")
"""What an absent or blank user agent is."""


def client_of(ua: str | None) -> Client:
    """The client that a user agent (any text, or None) names; only its first 1,024 characters
    are read. Never raises."""
    return NO_CLIENT if not ua else _read(ua[:1024])


@lru_cache(maxsize=65_536)
def _read(ua: str) -> Client:
    text = cleaned(ua)
    if not text:
        return NO_CLIENT
    own = slack_agent(text)
    if own is not None:
        return _of_slack(own)
    tool = tool_in(text)
    if tool is not None:
        return _of_tool(text, tool)
    return _browser(text) or _stranger(text)


def _of_slack(agent: SlackAgent) -> Client:
    return _client(
        agent.family,
        agent.kind,
        agent.version,
        agent.os,
        agent.os_version,
        agent.device_class,
        chrome=agent.chrome,
        electron=agent.electron,
        defect=agent.defect,
    )


def _of_tool(text: str, tool: Tool) -> Client:
    system, release = _system(text)
    return _client(tool.family, tool.kind, tool.version, system, release)


def _browser(text: str) -> Client | None:
    """The client of an agent with a browser's shape, or None when it lacks that shape."""
    if not text.startswith(("Mozilla/5.0 (", "Opera/")):
        return None
    found = ua_parser.parse_user_agent(text)
    if found is None:
        return None
    family = BROWSERS.get(found.family, found.family)[:LONGEST_NAME]
    if family in COMMON_BROWSERS and not _has_engine(text, family):
        return None
    version = ".".join(part for part in (found.major, found.minor, found.patch) if part)
    system, release = _system(text)
    tokens = {token.name: token.version for token in products(text)}
    kind = "web" if _has_engine(text, family) and found.family != "Electron" else "unknown"
    return _client(
        family,
        kind,
        version,
        system,
        release,
        _device_class(text, system),
        chrome=tokens.get("Chrome", ""),
        electron=tokens.get("Electron", ""),
    )


def _has_engine(text: str, family: str) -> bool:
    """Whether the rendering engine every browser of that kind names is there."""
    if family == "Firefox" and "FxiOS/" not in text:
        return "Gecko/" in text and "rv:" in text
    if family in COMMON_BROWSERS:
        return "AppleWebKit/" in text or "Presto/" in text
    return any(engine in text for engine in ("AppleWebKit/", "Gecko/", "Trident/", "Presto/"))


def _system(text: str) -> tuple[str, str]:
    found = ua_parser.parse_os(text)
    if found is None:
        return "", ""
    release = ".".join(part for part in (found.major, found.minor, found.patch) if part)
    return _SYSTEMS.get(found.family, found.family)[:LONGEST_NAME], release


def _device_class(text: str, system: str) -> str:
    if system in _COMPUTERS:
        return "computer"
    if system == "Android":
        # Android's browsers say Mobile on phones only
        return "phone" if "Mobile" in text else "tablet"
    if system == "iOS":
        return "tablet" if "iPad" in text else "phone"
    return "unknown"


def _stranger(text: str) -> Client:
    called = leading(text)
    system, release = _system(text)
    return _client(called.name, "unknown", called.version, system, release)


def expected(client: Client, families: Collection[str] = ()) -> bool:
    """Whether people of an organization are expected to use this client.

    True for Slack's own well-formed apps, the common browsers, and `families` (the setting
    `enrich.expected_clients`; compared without regard to case). A broken Slack agent is never
    expected, and neither is an absent one.
    """
    if not client.well_formed or client.kind == "none":
        return False
    if client.kind in ("desktop", "mobile"):
        return True
    if client.kind == "web" and client.family in COMMON_BROWSERS:
        return True
    name = client.family.casefold()
    return any(name == family.casefold() for family in families)
