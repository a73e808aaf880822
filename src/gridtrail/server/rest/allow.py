"""The allow list: its entries, what one would silence, adding and ending them.

A token sees the entries of its organization and those for all. What it adds is for its organization
alone; one that is for all is ended by a token of the installation's own organization.
"""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

import fastapi
from pydantic import Field
from starlette.responses import Response

from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.respond.allow_list import StoredEntry, draft, trail_details
from gridtrail.respond.allow_trial import Trial, risks, simulate
from gridtrail.respond.trail import ALLOW_ADDED, ALLOW_REMOVED
from gridtrail.server.console.times import parsed
from gridtrail.server.rest.call import Call, Called, answer
from gridtrail.server.rest.models import TIME, WHOLE, Body, Query, Seconds, Shape, Text, Time
from gridtrail.server.rest.refusing import Refused, not_found
from gridtrail.server.rest.routing import Resource
from gridtrail.state.database import storable

_TERMS = ("cidr", "asn", "client", "user_agent", "user", "app")
_LATEST = 253_402_300_799  # the last second that a calendar has
Asn = Annotated[int, Field(ge=1, le=4_294_967_295), WHOLE]
Second = Annotated[int, Field(ge=0, le=_LATEST), WHOLE]

router = Resource("allow list")


class AllowQuery(Query):
    """Which entries."""

    all: bool = Field(default=False, description="Those that have ended, too.")


class Entry(Shape):
    """An entry. All that it names must fit for an anomaly to be silenced."""

    id: str = Field(description="Its id.")
    state: Literal["active", "later", "expired", "removed"] = Field(description="How it is now.")
    words: str = Field(description="What it names, in one line.")
    name: str = Field(description="Shown on what it silences.")
    owner: str = Field(description="Who answers for it.")
    reason: str = Field(description="Why it is good.")
    created_at: Seconds
    cidr: str | None = Field(description="A range of addresses.")
    asn: int | None = Field(description="An autonomous system.")
    client: str | None = Field(description="A client family.")
    user_agent: str | None = Field(description="A user agent; `*` is any text.")
    user: str | None = Field(description="A user's id.")
    app: str | None = Field(description="An app's id.")
    reasons: list[str] = Field(description="Only for these anomaly reasons; empty: for all.")
    since: int | None = Field(description="It holds from then on, seconds since the epoch.")
    expires_at: int | None = Field(description="When it ends by itself.")
    removed_at: int | None = Field(description="When somebody ended it.")
    removed_by: str | None = Field(description="Who did.")
    until: int | None = Field(description="The earlier of the two.")
    origin: Literal["gridtrail", "slack"] = Field(description="Where it was made.")
    at_slack: bool = Field(description="Whether Slack's own list is known to hold it.")
    org: str | None = Field(description="Only for this organization; null: for all here.")
    expiry_told_at: int | None = Field(description="When its end was said in the trail.")


class Entries(Shape):
    """The allow list, the oldest first."""

    entries: list[Entry]


class NewEntry(Body):
    """What to allow: at least one of cidr, asn, client, user_agent, user and app."""

    reason: Text = Field(description="Why it is good.")
    cidr: Text | None = Field(default=None, description="A range of addresses, IPv4 or IPv6.")
    asn: Asn | None = Field(default=None, description="An autonomous system.")
    client: Text | None = Field(default=None, description="A client family: `Slack Desktop`.")
    user_agent: Text | None = Field(default=None, description="A user agent; `*` is any text.")
    user: Text | None = Field(default=None, description="A Slack user's id.")
    app: Text | None = Field(default=None, description="A Slack app's id.")
    reasons: list[Text] = Field(
        default=[], max_length=50, description="Only for these anomaly reasons."
    )
    owner: Text | None = Field(
        default=None, description="Who answers for it; the token's name when left out."
    )
    name: str = Field(default="", max_length=200, description="Shown on what it silences.")
    since: Second | None = Field(
        default=None, description="It holds from then on, seconds since the epoch; now by default."
    )
    expires_at: Second | None = Field(
        default=None, description="When it ends, seconds since the epoch; never by default."
    )
    risky: bool = Field(
        default=False, description="Allow it although it is risky; without it that is refused."
    )


class Added(Shape):
    """The entry that was added."""

    entry: Entry
    notices: list[str] = Field(description="What was put right in it, one sentence each.")
    risks: list[str] = Field(description="Why it is risky, one sentence each.")


class TrialQuery(Query):
    """An entry (`entry`), or what one would name; and the period."""

    entry: Text | None = Field(default=None, description="The id of an entry.")
    cidr: Text | None = Field(default=None, description="A range of addresses.")
    asn: Asn | None = Field(default=None, description="An autonomous system.")
    client: Text | None = Field(default=None, description="A client family.")
    user_agent: Text | None = Field(default=None, description="A user agent; `*` is any text.")
    user: Text | None = Field(default=None, description="A Slack user's id.")
    app: Text | None = Field(default=None, description="A Slack app's id.")
    reasons: list[Text] = Field(
        default=[], max_length=50, description="Only for these anomaly reasons."
    )
    oldest: Time = Field(default="90d", description=f"The beginning of the period: {TIME}")
    latest: Time | None = Field(default=None, description="Its end; now by default.")


class Lost(Shape):
    """A finding or an anomaly that would have lost something."""

    kind: Literal["finding", "anomaly"]
    id: str = Field(description="Its id.")
    at: Seconds
    what: str = Field(description="What it is.")
    verdict: str | None = Field(description="What a person decided of the finding.")
    lost: int = Field(description="So many of its anomalies would be silent.")
    anomalies: int = Field(description="Of so many.")


class TrialShape(Shape):
    """What an entry would have silenced: findings judged true first."""

    words: str = Field(description="What the entry names.")
    looked_at: int = Field(description="Anomalies of the period.")
    silenced: int = Field(description="Those that would have been silent.")
    true_findings: int = Field(description="Findings judged true that would have lost something.")
    notices: list[str] = Field(description="What was put right in the entry.")
    risks: list[str] = Field(description="Why it is risky.")
    rows: list[Lost]


@router.read("/allow", Entries)
async def list_allow_entries(
    call: Called, query: Annotated[AllowQuery, fastapi.Query()]
) -> Response:
    """List the entries that hold."""
    now = time.time()
    kept = await call.state(call.parts.allow_list.all)
    rows = [one.to_json(now) for one in kept if one.org in (None, call.org)]
    shown = [row for row in rows if query.all or row["state"] in ("active", "later")]
    return answer({"entries": shown})


@router.change("POST", "/allow", Added, 409, status=201)
async def add_allow_entry(call: Called, body: NewEntry) -> Response:
    """Allow something in the token's organization; a risky entry is refused without `risky`."""
    now = int(time.time())
    made, notices = _drafted(
        body,
        owner=body.owner or call.token.name,
        reason=body.reason,
        name=body.name,
        now=now,
        since=now if body.since is None else body.since,
        expires_at=body.expires_at,
        org=call.org,
    )
    found = await call.lake(lambda lake: risks(lake, call.settings, made.entry, now))
    if found and not body.risky:
        message = "It is risky, as `reasons` say: send it with `risky: true` if it is meant."
        raise Refused(409, "risky", message, reasons=found)
    try:
        kept = await call.state(call.parts.allow_list.add, made)
    except WrongUse as error:
        raise Refused(409, "conflict", str(error)) from None
    await call.trail(ALLOW_ADDED, ("allow_entry", kept.id, kept.name), trail_details(kept))
    return answer({"entry": kept.to_json(now), "notices": notices, "risks": found}, 201)


@router.read("/allow/simulation", TrialShape, 404)
async def simulate_allow_entry(
    call: Called, query: Annotated[TrialQuery, fastapi.Query()]
) -> Response:
    """Say what an entry would have silenced; nothing is changed."""
    now = int(time.time())
    oldest = parsed(query.oldest)
    latest = now if query.latest is None else parsed(query.latest, end=True)
    if oldest > latest:
        raise WrongUse("oldest is after latest: swap them.")
    notices: list[str] = []
    if query.entry is not None:
        made = await _entry(call, query.entry)
    else:
        made, notices = _drafted(query, owner="-", reason="-", now=now, org=call.org)

    def work(lake: Lake) -> tuple[Trial, list[str]]:
        tried = simulate(lake, call.settings, made.entry, oldest, latest, org=call.org)
        return tried, risks(lake, call.settings, made.entry, now)

    tried, found = await call.lake(work)
    return answer(
        {
            "words": made.words,
            "looked_at": tried.looked_at,
            "silenced": len(tried.silenced),
            "true_findings": tried.true_findings,
            "notices": notices,
            "risks": found,
            "rows": tried.rows(),
        }
    )


@router.read("/allow/{entry_id}", Entry, 404)
async def get_allow_entry(call: Called, entry_id: str) -> Response:
    """Read one entry; the beginning of its id is enough."""
    return answer((await _entry(call, entry_id)).to_json(time.time()))


@router.change("DELETE", "/allow/{entry_id}", Entry, 404, 409)
async def remove_allow_entry(call: Called, entry_id: str) -> Response:
    """End an entry now; what it silenced stays silenced."""
    found = await _entry(call, entry_id)
    if found.org is None and call.org != call.settings.org:
        message = "The entry is for every organization: end it with `gridtrail allow remove`."
        raise Refused(403, "not_permitted", message)
    try:
        ended = await call.state(call.parts.allow_list.remove, found.id, call.token.name)
    except WrongUse as error:
        raise Refused(409, "conflict", str(error)) from None
    await call.trail(ALLOW_REMOVED, ("allow_entry", ended.id, ended.name), trail_details(ended))
    return answer(ended.to_json(time.time()))


async def _entry(call: Call, entry_id: str) -> StoredEntry:
    """The entry that is for the token's organization, or for all. Raises Refused `not_found`."""
    missing = not_found("entry", entry_id, "list them at /api/v1/allow")
    try:
        found = await call.state(call.parts.allow_list.get, entry_id)
    except WrongUse:
        raise missing from None
    if found.org not in (None, call.org):
        raise missing
    return found


def _drafted(named: NewEntry | TrialQuery, **given: Any) -> tuple[StoredEntry, list[str]]:
    terms = {name: getattr(named, name) for name in _TERMS}
    reasons = tuple(storable(one) for one in named.reasons)
    return draft(**given, **terms, reasons=reasons)
