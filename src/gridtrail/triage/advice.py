"""What to do next about a finding: concrete steps, the most urgent first."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gridtrail.triage.story import Story
from gridtrail.triage.words import number, quoted

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""Only an id of this shape is put into a call that a person may copy."""


def advice_of(story: Story) -> tuple[str, ...]:
    """The steps, one sentence or two each."""
    if story.actors[0] is None and story.tried:
        return tuple(_tried(story))  # nobody is there to be asked or signed out
    return tuple(step for part in _PARTS[story.pattern] for step in part(story))


def _sign_out(story: Story) -> Iterator[str]:
    if story.context["responses"]:
        yield "Check that the sessions ended: the log shows a response to it already."
    actor = story.actors[0] or ""
    command = f"gridtrail signout {actor}, " if _ID.fullmatch(actor) else ""
    yield (
        f"Sign {story.name} out of Slack on all devices (the button in the console, {command}or "
        "Slack's dashboard: Security Detections, the entry's menu, Sign out of Slack)."
    )


def _ask_elsewhere(story: Story) -> Iterator[str]:
    where = sorted({one.ip for one in story.anomalies if one.ip})[:3]
    used = f" from {', '.join(quoted(ip) for ip in where)}" if where else ""
    yield (
        f"Ask {story.name} by telephone or in person, not in Slack, whether they used it{used} "
        "then."
    )


def _device(_story: Story) -> Iterator[str]:
    yield (
        "Have the person's computers checked for what takes cookies, and the password changed: "
        "signing out alone does not remove it."
    )


def _manager(story: Story) -> Iterator[str]:
    tool = f" that {quoted(story.client)} is used" if story.client else " of this"
    yield (
        f"Ask {story.name} and their manager whether it is agreed{tool}, and whether the person "
        "is about to leave."
    )


def _files(story: Story) -> Iterator[str]:
    distinct = story.context["files"]["distinct"]
    if distinct:
        yield (
            f"Go through the {number(distinct, 'distinct file')}, the listed ones first, and "
            "decide who has to be told."
        )


def _allow_client(story: Story) -> Iterator[str]:
    if story.client:
        yield (
            f"If {quoted(story.client)} is sanctioned, add it to the setting "
            "policy.sanctioned_clients and close this as expected."
        )


def _allow_address(story: Story) -> Iterator[str]:
    if "network" in story.families:
        yield (
            "If the address is the organization's own or its VPN's, add its range to the setting "
            "enrich.internal_networks and close this as expected."
        )


def _tried(story: Story) -> Iterator[str]:
    yield (
        f"Find out whose address {quoted(story.tried)} is: if it is no office of yours, block it "
        "at your identity provider, and look there for log-ins from it that succeeded."
    )


def _passwords(story: Story) -> Iterator[str]:
    yield (
        f"Have the passwords of all accounts that were tried from {quoted(story.tried)} changed, "
        "those that opened first, and require a second factor."
    )


def _restore(_story: Story) -> Iterator[str]:
    yield "Undo what was turned off, and read what happened while it was off."


def _place(_story: Story) -> Iterator[str]:
    yield (
        "Find out whose address range it is: a new office, a VPN or an event explains several "
        "people at once, a stranger's does not."
    )


def _leaver(story: Story) -> Iterator[str]:
    yield (
        f"Tell whoever handles the departure of {story.name} before asking anything, and keep the "
        "log of it."
    )


def _forbidden(story: Story) -> Iterator[str]:
    yield (
        f"Have {quoted(story.forbidden)} stopped; if it is allowed for {story.name} after all, "
        "take it from the setting policy.forbidden_clients."
    )


def _app(story: Story) -> Iterator[str]:
    yield (
        f"Ask who installed {story.name} what changed, and restrict the app in Slack's admin "
        "pages until it is clear."
    )


def _harmless(story: Story) -> Iterator[str]:
    yield (
        f"Most likely harmless: look whether the files fit {story.name}'s work, and close it as "
        "expected if they do."
    )


def _look(story: Story) -> Iterator[str]:
    yield f"Look at the surrounding events and ask {story.name} what they were doing."


_PARTS = {
    "stolen_session": (_sign_out, _ask_elsewhere, _device, _files, _allow_address),
    "admin_takeover": (_sign_out, _ask_elsewhere, _device, _allow_address),
    "credential_spray": (_sign_out, _tried, _passwords, _ask_elsewhere),
    "scraping_tool": (_sign_out, _manager, _files, _allow_client),
    "blinded": (_restore, _sign_out, _ask_elsewhere),
    "leaving_insider": (_leaver, _files, _sign_out),
    "forbidden_client": (_forbidden, _sign_out, _files),
    "rule": (_look, _sign_out),
    "malware_spread": (_look, _files, _device),
    "shared_place": (_place, _sign_out, _allow_address),
    "gathering": (_place, _allow_address),
    "rogue_app": (_app, _files),
    "odd_access_taking": (_ask_elsewhere, _sign_out, _files, _allow_address),
    "tor": (_ask_elsewhere, _sign_out),
    "hosted_abroad": (_ask_elsewhere, _sign_out, _allow_address),
    "bulk_download": (_harmless,),
    "bulk_download_away": (_ask_elsewhere, _harmless, _sign_out),
    "grave": (_look, _sign_out, _files),
    "plain": (_look, _files, _allow_address),
}
"""Main pattern -> the steps in their order."""
