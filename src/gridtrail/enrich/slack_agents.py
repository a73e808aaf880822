"""How Slack's own clients write their user agent, and what a forged one gets wrong.

Facts: the grammar of the desktop, iOS, Android and SDK agents as seen in production logs:

    Mozilla/5.0 (<platform>) AppleWebKit/537.36 (KHTML, like Gecko) Slack/<v> Chrome/<c>
        Electron/<e> Safari/537.36 [MacAppStore/<os>|WindowsStore/<os>] [Sonic] Slack_SSB/<v>
    com.tinyspeck.chatlyio[.NotificationService]/<v> (iPhone; iOS <os>; Scale/3.00)
    slack/<v> (samsung SM-A235F; Android 14; store com.android.vending)
    [ApiApp/<app id>] Python/<p> slackclient/<v> Linux/<k>

Desktop clients before version 4.2 wrote `AtomShell/` where later ones write `Slack/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gridtrail.enrich.agent_text import Product, is_version, major, products

DESKTOP, IOS, ANDROID = "Slack Desktop", "Slack iOS", "Slack Android"

SDK_TOKENS = {
    "slackclient": "Slack SDK Python",
    "slack_sdk": "Slack SDK Python",
    "python-slackclient": "Slack SDK Python",
    "slack_bolt": "Slack Bolt Python",
    "slack-bolt": "Slack Bolt Python",
    "@slack:bolt": "Slack Bolt Node",
    "@slack:web-api": "Slack SDK Node",
    "@slack:client": "Slack SDK Node",
    "@slack:webhook": "Slack SDK Node",
    "@slack:socket-mode": "Slack SDK Node",
    "@slack:rtm-api": "Slack SDK Node",
    "@slack:oauth": "Slack SDK Node",
    "slack-api-client": "Slack SDK Java",
    "slack-app-backend": "Slack SDK Java",
    "slack-sdk-java": "Slack SDK Java",
    "slack-api-model": "Slack SDK Java",
    "jslack": "Slack SDK Java",
    "slack-ruby-client": "Slack SDK Ruby",
    "slack-ruby-bot": "Slack SDK Ruby",
    "slack-go": "Slack SDK Go",
    "nlopes-slack": "Slack SDK Go",
    "slack-rust": "Slack SDK Rust",
    "slack-morphism": "Slack SDK Rust",
    "deno-slack-api": "Slack SDK Deno",
    "deno-slack-sdk": "Slack SDK Deno",
    "deno-slack-runtime": "Slack SDK Deno",
    "slacknet": "Slack SDK .NET",
    "slackapi": "Slack SDK .NET",
    "apiapp": "Slack API app",
}
"""Product names (lower case) of SDKs that speak to Slack's API, and the family they are."""

ELECTRON_CHROME = (
    {2: 61, 3: 66, 4: 69, 5: 73, 6: 76, 7: 78, 8: 80, 9: 83, 10: 85, 11: 87}
    | {12: 89, 13: 91, 14: 93}
    | {e: 2 * e + 64 for e in range(15, 42)}
)
"""Electron major -> the one Chrome major its stable releases carry (electron.org release list);
before 2 it changed with the minor number."""

_OS_IN_AGENT = re.compile(
    r"Mac OS X ([0-9]+(?:[._][0-9]+){0,3})|Windows NT ([0-9]{1,2}\.[0-9])[0-9.]{0,12}"
)
_IOS_COMMENT = re.compile(
    r"\((iPhone|iPad|iPod(?: touch)?);.{0,80}?\biOS ([0-9]+(?:\.[0-9]+){0,3})"
)
_ANDROID_COMMENT = re.compile(r"\(([^;()]{1,120}); Android ([0-9]+(?:\.[0-9]+){0,3})\b")
_TABLET = re.compile(
    r"\bSM-[TX]\d|\bTab(?:let)?\b|\bPixel (?:C|Tablet)\b|\bLenovo TB|\bMatePad\b|\bKF[A-Z]{3,}"
)
_WINDOWS = {"10.0": "10", "6.3": "8.1", "6.2": "8", "6.1": "7"}


@dataclass(frozen=True, slots=True)
class SlackAgent:
    """What one of Slack's own agents says; `defect` is a code when its grammar is broken."""

    family: str
    kind: str
    version: str
    os: str
    os_version: str
    device_class: str
    chrome: str = ""
    electron: str = ""
    defect: str | None = None


def slack_agent(text: str) -> SlackAgent | None:
    """Read a cleaned user agent as one of Slack's, or None when it does not claim to be one."""
    lowered = text.lower()
    if lowered.startswith("com.tinyspeck.chatlyio"):
        return _android(text) if "android" in lowered else _ios(text)
    if lowered.startswith("slack/") and "(" in lowered:
        return _ios(text) if "; ios " in lowered else _android(text)
    if lowered.startswith("mozilla/") and ("slack/" in lowered or "slack_ssb" in lowered):
        return _web_engine(text)
    if lowered.startswith(("slack/", "slack_ssb")):
        return _bare(text)
    return _sdk(text)


def _web_engine(text: str) -> SlackAgent:
    if "iPhone" in text or "iPad" in text:
        return _mobile_view(text, IOS, "iOS", re.search(r"OS ([0-9]+(?:_[0-9]+){0,2})", text))
    if "Android" in text:
        return _mobile_view(text, ANDROID, "Android", re.search(r"Android ([0-9.]{1,12})", text))
    return _desktop(text)


def _desktop(text: str) -> SlackAgent:
    tokens = products(text)
    first: dict[str, str] = {}
    for token in tokens:
        first.setdefault(token.name, token.version)
    system, release = _desktop_os(text)
    return SlackAgent(
        family=DESKTOP,
        kind="desktop",
        version=first.get("Slack") or first.get("Slack_SSB") or "",
        os=system,
        os_version=release,
        device_class="computer",
        chrome=first.get("Chrome", ""),
        electron=first.get("Electron", ""),
        defect=_desktop_defect(text, tokens, first, system),
    )


def _desktop_os(text: str) -> tuple[str, str]:
    found = _OS_IN_AGENT.search(text)
    if found and found.group(1):
        return "macOS", found.group(1).replace("_", ".")
    if found:
        return "Windows", _WINDOWS.get(found.group(2), found.group(2))
    return ("Linux", "") if "Linux" in text or "X11" in text else ("", "")


_DESKTOP_ORDER = ("AppleWebKit", "Slack", "Chrome", "Electron", "Safari", "Slack_SSB")


def _desktop_defect(
    text: str, tokens: list[Product], first: dict[str, str], system: str
) -> str | None:
    """The first rule of the desktop grammar that `text` breaks, as a stable code."""
    names = [token.name for token in tokens]
    if "AtomShell" in first and "Slack" not in first:
        names = ["Slack" if name == "AtomShell" else name for name in names]
    for name in _DESKTOP_ORDER:
        if name not in names:
            return "no_" + name.lower()
        if names.count(name) > 1:
            return "repeated_" + name.lower()
    if [name for name in names if name in _DESKTOP_ORDER] != list(_DESKTOP_ORDER):
        return "wrong_order"
    if not system or not text.startswith("Mozilla/5.0 ("):
        return "no_platform"
    return _desktop_version_defect(first)


def _desktop_version_defect(first: dict[str, str]) -> str | None:
    for name in ("Slack", "Slack_SSB", "Chrome", "Electron"):
        if name in first and not is_version(first[name]):
            return "bad_version"
    if "Slack" in first and first["Slack"] != first["Slack_SSB"]:
        return "version_mismatch"
    carried = ELECTRON_CHROME.get(major(first["Electron"]))
    if carried is not None and carried != major(first["Chrome"]):
        return "chrome_electron_mismatch"
    return None


def _mobile_view(text: str, family: str, system: str, os: re.Match[str] | None) -> SlackAgent:
    """A page inside Slack's mobile app: a browser engine's agent with a Slack token."""
    said = [token.version for token in products(text) if token.name in ("Slack", "Slack_SSB")]
    version = said[0] if said else ""
    tablet = "iPad" in text or _TABLET.search(text) is not None
    return SlackAgent(
        family=family,
        kind="mobile",
        version=version,
        os=system,
        os_version=os.group(1).replace("_", ".") if os else "",
        device_class="tablet" if tablet else "phone",
        defect=None if is_version(version) else "bad_version",
    )


def _ios(text: str) -> SlackAgent:
    version = text.partition("/")[2].partition(" ")[0]
    comment = _IOS_COMMENT.search(text)
    defect = None if is_version(version) else "bad_version"
    return SlackAgent(
        family=IOS,
        kind="mobile",
        version=version if defect is None else "",
        os="iOS",
        os_version=comment.group(2) if comment else "",
        device_class="tablet" if comment and comment.group(1) == "iPad" else "phone",
        # an extension such as NotificationService may leave the comment out, the app does not
        defect=defect or (None if comment or "chatlyio." in text else "no_platform"),
    )


def _android(text: str) -> SlackAgent:
    version = text.partition("/")[2].partition(" ")[0]
    comment = _ANDROID_COMMENT.search(text)
    defect = None if is_version(version) else "bad_version"
    tablet = comment is not None and _TABLET.search(comment.group(1)) is not None
    return SlackAgent(
        family=ANDROID,
        kind="mobile",
        version=version if defect is None else "",
        os="Android",
        os_version=comment.group(2) if comment else "",
        device_class="tablet" if tablet else "phone",
        defect=defect or (None if comment else "no_platform"),
    )


def _bare(text: str) -> SlackAgent:
    """`Slack/4.38.125` alone: no client of Slack's writes that.

    With Apple's network library beside it, it is a part of the iOS app that kept the system's
    default agent; its number is then a build, not a version.
    """
    if "CFNetwork/" in text and "Darwin/" in text:
        return SlackAgent(IOS, "mobile", "", "iOS", "", "phone")
    said = products(text)
    version = said[0].version if said and is_version(said[0].version) else ""
    return SlackAgent(DESKTOP, "desktop", version, "", "", "computer", defect="no_applewebkit")


_SDK_SYSTEMS = {"linux": "Linux", "darwin": "macOS", "windows": "Windows", "mac_os_x": "macOS"}


def _sdk(text: str) -> SlackAgent | None:
    # npm names hold a slash, which the SDK itself writes as a colon
    tokens = products(text.replace("@slack/", "@slack:"))
    if text.lower().startswith("slack ruby client"):
        return SlackAgent(
            "Slack SDK Ruby", "sdk", tokens[0].version if tokens else "", "", "", "server"
        )
    known = [token for token in tokens if token.name.lower() in SDK_TOKENS]
    if not known or text.startswith("Mozilla/"):
        return None
    # `ApiApp/<id>` only says for which app; a library beside it says more
    chosen = next((t for t in known if t.name.lower() != "apiapp"), known[0])
    system = next((t for t in tokens if t.name.lower() in _SDK_SYSTEMS), Product("", ""))
    return SlackAgent(
        family=SDK_TOKENS[chosen.name.lower()],
        kind="sdk",
        version=chosen.version if is_version(chosen.version) else "",
        os=_SDK_SYSTEMS.get(system.name.lower(), ""),
        os_version=system.version.partition("-")[0],
        device_class="server",
    )
