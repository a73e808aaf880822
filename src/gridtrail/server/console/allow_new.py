"""Adding to the allow list: what the entry would have silenced is shown before it can be added."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starlette.responses import Response

from gridtrail.enrich.dimensions import address_book
from gridtrail.errors import WrongUse
from gridtrail.respond.allow_list import StoredEntry, draft
from gridtrail.respond.allow_trial import Trial, risks, simulate
from gridtrail.respond.trail import ALLOW_ADDED
from gridtrail.server.console.allow import told
from gridtrail.server.console.times import DAY, parsed
from gridtrail.server.console.visit import Visit
from gridtrail.slack.reasons import REASONS

TERMS = ("cidr", "asn", "client", "ua", "user", "app")
"""Fields of the form that say what is allowed."""
_FIELDS = (*TERMS, "for", "scope", "owner", "reason", "name", "expires", "finding", "days")
SCOPES = ("all", "this")
"""Whether an entry is for all organizations here, or for the one that is looked at."""
_LONGEST = 1_000
_DAYS = {"7": 7, "30": 30, "90": 90, "365": 365}
_AHEAD = re.compile(r"([0-9]{1,4})([hdw])", re.ASCII)
_UNITS = {"h": 3_600, "d": DAY, "w": 7 * DAY}
_ASN = re.compile(r"(?:AS)?([0-9]{1,10})", re.ASCII | re.IGNORECASE)
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Network:
    """What is known of the address in the form: another, wider way to name it."""

    asn: int | None
    name: str
    country: str | None


@dataclass(frozen=True, slots=True)
class AllowNewPage:
    """The form as it was sent, and what the entry would have done; `made` is None before that."""

    template: ClassVar[str] = "allow_new.html"

    given: Mapping[str, str]
    made: StoredEntry | None = None
    notices: Sequence[str] = ()
    risks: Sequence[str] = ()
    trial: Trial | None = None
    network: Network | None = None
    problem: str = ""
    sure: bool = False  # it is risky, and this is the second question
    shown: int = _SHOWN
    reasons: Sequence[str] = tuple(REASONS)
    periods: Sequence[str] = tuple(_DAYS)


@dataclass(slots=True)
class _Tried:
    made: StoredEntry
    notices: list[str]
    risks: list[str] = field(default_factory=list)
    trial: Trial | None = None


async def show(visit: Visit) -> Response:
    """The form, with the trial once something is named."""
    given = {name: visit.one(name) or "" for name in _FIELDS} | {
        "for": ",".join(visit.several("for"))
    }
    given["days"] = given["days"] if given["days"] in _DAYS else "90"
    if given["scope"] not in SCOPES:
        given["scope"] = "all" if visit.org == visit.parts.settings.org else "this"
    if not any(given[name] for name in TERMS):
        given |= {"owner": given["owner"] or visit.account.email}
        given |= {"expires": given["expires"] or "90d"}
        return visit.page(AllowNewPage(given))
    if visit.one("tried") is None:  # it was opened by a link: what the form would say
        given |= {"owner": given["owner"] or visit.account.email}
        given |= {"expires": given["expires"] or "90d"}
    network = _network(visit, given["cidr"])
    try:
        tried = await _tried(visit, given)
    except WrongUse as error:
        return visit.page(AllowNewPage(given, network=network, problem=str(error)))
    page = AllowNewPage(given, tried.made, tried.notices, tried.risks, tried.trial, network)
    return visit.page(page)


async def add(visit: Visit) -> Response:
    """Add the entry; a risky one is asked about a second time first."""
    given = {name: visit.form.get(name, "").strip() for name in _FIELDS}
    try:
        made, notices = _drafted(given, visit.org, strict=True)
        found = await visit.lake(
            lambda lake: risks(lake, visit.parts.settings, made.entry, made.created_at)
        )
        if found and visit.form.get("sure") != "yes":
            return visit.page(AllowNewPage(given, made, notices, found, sure=True))
        kept = await visit.state(visit.parts.allow_list.add, made)
    except WrongUse as error:
        return visit.page(AllowNewPage(given, problem=str(error)), 409)
    await told(visit, ALLOW_ADDED, kept, finding=given["finding"], risks=found)
    return visit.go(visit.link(f"/allow/{kept.id}"))


async def _tried(visit: Visit, given: Mapping[str, str]) -> _Tried:
    made, notices = _drafted(given, visit.org)
    settings, now = visit.parts.settings, made.created_at
    oldest = now - _DAYS[given["days"]] * DAY
    tried = _Tried(made, notices)
    tried.trial = await visit.lake(lambda lake: simulate(lake, settings, made.entry, oldest, now))
    tried.risks = await visit.lake(lambda lake: risks(lake, settings, made.entry, now))
    return tried


def _drafted(
    given: Mapping[str, str], org: str, *, strict: bool = False
) -> tuple[StoredEntry, list[str]]:
    """The entry that the form names, of somebody who looks at `org`.

    Raises WrongUse as `draft`; without `strict` owner and reason may still be missing.
    """
    if any(len(value) > _LONGEST for value in given.values()):
        raise WrongUse(f"A field has at most {_LONGEST:,} characters: shorten it.")
    now = int(time.time())
    missing = "" if strict else "-"
    reasons = tuple(one for one in given["for"].split(",") if one)
    terms: dict[str, Any] = {
        name: given[name] or None for name in ("cidr", "client", "user", "app")
    }
    return draft(
        owner=given["owner"] or missing,
        reason=given["reason"] or missing,
        now=now,
        name=given["name"],
        since=now,
        expires_at=_end(given["expires"], now),
        reasons=reasons,
        org=org if given["scope"] == "this" else None,
        asn=_asn(given["asn"]),
        user_agent=given["ua"] or None,
        **terms,
    )


def _asn(text: str) -> int | None:
    if not text:
        return None
    found = _ASN.fullmatch(text)
    if found is None:
        raise WrongUse(f"{text[:40]!r} is no ASN: write it like AS64500.")
    return int(found[1])


def _end(text: str, now: int) -> int | None:
    """When the entry ends: `90d` from now, a date, or never (empty)."""
    if not text:
        return None
    if ahead := _AHEAD.fullmatch(text):
        return now + int(ahead[1]) * _UNITS[ahead[2]]
    return parsed(text, end=True)


def _network(visit: Visit, ip: str) -> Network | None:
    if not ip or "/" in ip:
        return None
    fact = address_book(visit.parts.settings.enrich).facts(ip)
    return Network(fact.asn, fact.asn_name, fact.country) if fact.asn else None
