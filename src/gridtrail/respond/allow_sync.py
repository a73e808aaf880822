"""The allow list here and Slack's own, made alike without taking away what others wrote.

Slack keeps IPv4 ranges and ASNs, and overwrites both lists at each writing (facts reference 5). So
each side is compared with what both were known to hold (`StoredEntry.at_slack`): what appeared or
went on one side is brought to the other, whatever else stands there stays. Slack's list is read
again right before writing and read back after it.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from gridtrail.errors import RetryLater, Stop, WrongUse
from gridtrail.respond.allow_list import AllowList, StoredEntry, draft, normalised
from gridtrail.respond.slack_admin import SlackAdmin, SlackAllowed
from gridtrail.respond.slack_errors import NotReached, Refused, RefusedSettings, Unclear

Key = tuple[Literal["cidr", "asn"], str]
"""What both sides know an entry by: a range without host bits, or an ASN."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs. `to_slack` and `off_slack` are what `push` adds and takes away there, `to_here`
    and `off_here` what `pull` adds and ends here; `only_here` cannot be said in Slack's list.

    `slack` is Slack's list as it was read.
    """

    slack: SlackAllowed
    to_slack: tuple[StoredEntry, ...]
    off_slack: tuple[StoredEntry, ...]
    to_here: tuple[Key, ...]
    off_here: tuple[StoredEntry, ...]
    only_here: tuple[StoredEntry, ...]
    alike: tuple[StoredEntry, ...]
    org: str | None = None


def difference(
    slack: SlackAllowed, kept: Sequence[StoredEntry], now: float, org: str | None = None
) -> Difference:
    """Compare Slack's list with the entries kept here (all of them, those that ended too).

    `org` is the organization of Slack's list: entries for others have no place in it, and what is
    pulled from it is for that one alone.
    """
    there = keys(slack)
    kept = [one for one in kept if org is None or one.org in (None, org)]
    active = [one for one in kept if one.state(now) == "active"]
    sayable = {key: one for one in active if (key := key_of(one)) is not None}
    ended = {
        key: one
        for one in kept
        if one.at_slack and one.state(now) in ("removed", "expired")
        if (key := key_of(one)) is not None and key not in sayable
    }
    mine = sayable.items()
    return Difference(
        slack,
        tuple(one for key, one in mine if key not in there and not one.at_slack),
        tuple(one for key, one in ended.items() if key in there),
        tuple(key for key in there if key not in sayable and key not in ended),
        tuple(one for key, one in mine if key not in there and one.at_slack),
        tuple(one for one in active if key_of(one) is None),
        tuple(one for key, one in mine if key in there),
        org,
    )


def key_of(one: StoredEntry) -> Key | None:
    """What Slack's list can say of an entry: an IPv4 range or an ASN alone, for all reasons."""
    others = (one.client, one.user_agent, one.user, one.app)
    if any(value is not None for value in others) or one.reasons:
        return None
    if one.asn is not None:
        return ("asn", str(one.asn)) if one.cidr is None else None
    network = ipaddress.ip_network(one.cidr or "::/0")
    return ("cidr", str(network)) if network.version == 4 else None


def keys(slack: SlackAllowed) -> tuple[Key, ...]:
    """Slack's entries by their keys, once each, in order; a text that is no range is left out."""
    found: list[Key] = []
    for text in slack.cidrs:
        try:
            found.append(("cidr", normalised(text)[0]))
        except WrongUse:
            continue
    found += [("asn", str(number)) for number in slack.asns]
    return tuple(dict.fromkeys(found))


def pull(
    slack: SlackAdmin,
    allow_list: AllowList,
    shown: Difference,
    *,
    by: str,
    now: float | None = None,
) -> list[StoredEntry]:
    """Bring here what appeared in Slack's list, and end here what went there; what was added.

    Raises WrongUse when Slack's list is no longer what `shown` says.
    """
    moment = time.time() if now is None else now
    fresh = _again(slack, allow_list, shown, moment)
    added = []
    for kind, value in fresh.to_here:
        term = {"cidr": value} if kind == "cidr" else {"asn": int(value)}
        why = "Found in Slack's own allow list."
        made, _ = draft(
            owner=by,
            reason=why,
            now=int(moment),
            since=int(moment),
            origin="slack",
            org=shown.org,
            **term,
        )
        added.append(allow_list.add(made))
    allow_list.end((one.id for one in fresh.off_here), f"{by}: gone from Slack's list")
    known = [*added, *fresh.alike]
    allow_list.at_slack((one.id for one in known), (one.id for one in fresh.off_here))
    return added


def push(
    slack: SlackAdmin, allow_list: AllowList, shown: Difference, *, now: float | None = None
) -> SlackAllowed:
    """Bring to Slack what appeared here, take away there what ended here; Slack's list after it.

    What others wrote there stays, byte for byte. Raises WrongUse when Slack's list is no longer
    what `shown` says, RetryLater when the writing failed and Slack's list is what it was, and Stop
    when it could not be put back.
    """
    fresh = _again(slack, allow_list, shown, time.time() if now is None else now)
    wanted = _wanted(fresh)
    if wanted != fresh.slack:
        _write(slack, fresh.slack, wanted)
    known = [*fresh.to_slack, *fresh.alike]
    allow_list.at_slack((one.id for one in known), (one.id for one in fresh.off_slack))
    return wanted


def _again(slack: SlackAdmin, allow_list: AllowList, shown: Difference, now: float) -> Difference:
    fresh = difference(slack.allowed(), allow_list.all(), now, shown.org)
    if fresh.slack != shown.slack:
        raise WrongUse("Slack's list was changed meanwhile: look at the difference again.")
    if fresh != shown:
        raise WrongUse("The list here was changed meanwhile: look at the difference again.")
    return fresh


def _wanted(found: Difference) -> SlackAllowed:
    gone = {key_of(one) for one in found.off_slack}

    def stays(kind: Literal["cidr", "asn"], text: str) -> bool:
        try:
            return (kind, normalised(text)[0] if kind == "cidr" else text) not in gone
        except WrongUse:  # what we cannot read is somebody's
            return True

    new = [key for one in found.to_slack if (key := key_of(one)) is not None]
    cidrs = [one for one in found.slack.cidrs if stays("cidr", one)]
    asns = [one for one in found.slack.asns if stays("asn", str(one))]
    return SlackAllowed(
        (*cidrs, *(value for kind, value in new if kind == "cidr")),
        (*asns, *(int(value) for kind, value in new if kind == "asn")),
    )


def _write(slack: SlackAdmin, before: SlackAllowed, wanted: SlackAllowed) -> None:
    """Write and read back, with the other spelling of the keys where the first had no effect."""
    error: Exception | None = None
    found = before
    for spelling in ("first", "other"):
        try:
            slack.allow(wanted, spelling=spelling)
        except (Refused, RefusedSettings, NotReached):
            raise  # nothing was written
        except Unclear as unclear:
            error = unclear
        found = slack.allowed()
        if _same(found, wanted):
            return
        if error is not None:
            break
    if _same(found, before):
        raise error or RetryLater("Slack took the list and did not keep it: try again later.")
    foreign = _foreign(found, (before, wanted))
    if foreign:
        raise Stop(
            f"Somebody else wrote Slack's list at the same moment ({', '.join(foreign)[:200]}): it "
            "was left as it is; look at the difference again."
        )
    _restore(slack, before)
    raise RetryLater(
        "Slack kept only a part of the list, so it was put back as it was: try again later."
    ) from error


def _restore(slack: SlackAdmin, before: SlackAllowed) -> None:
    for spelling in ("first", "other"):
        try:
            slack.allow(before, spelling=spelling)
            if _same(slack.allowed(), before):
                return
        except (Refused, RefusedSettings, NotReached, Unclear):
            continue
    raise Stop(
        "Slack's allow list could not be put back: write it by hand, with the ranges "
        f"{', '.join(before.cidrs) or 'none'} and the ASNs "
        f"{', '.join(map(str, before.asns)) or 'none'}."
    )


def _same(one: SlackAllowed, other: SlackAllowed) -> bool:
    return set(keys(one)) == set(keys(other))


def _foreign(found: SlackAllowed, ours: Iterable[SlackAllowed]) -> list[str]:
    known = {key for one in ours for key in keys(one)}
    return [value for kind, value in keys(found) if (kind, value) not in known]
