"""Who is meant, and who must not be signed out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gridtrail.detect.wildcards import fits_any
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.lake.query import EventFilter, is_slack_id
from gridtrail.settings_respond import GROUP, RespondSettings

_NOBODY = ("USLACKUSER", "USLACKSECURITY", "USLACKBOT")
"""Slack's own (facts reference 2)."""
_BOT_MAIL = "botuser-"
_LOOKED_AT = 2_000


@dataclass(frozen=True, slots=True)
class Person:
    """A Slack user; name and e-mail are empty when the log does not know them."""

    id: str
    name: str = ""
    email: str = ""

    @property
    def words(self) -> str:
        """Name, id and e-mail in one line."""
        known = [one for one in (self.id, self.email) if one]
        return f"{self.name} ({', '.join(known)})" if self.name else ", ".join(known)


def find_person(lake: Lake, org: str, who: str) -> Person:
    """The person with this Slack id or e-mail address, as the log knows them.

    Names are not taken: anybody can call themselves anything. Raises WrongUse for a name (saying
    whose it may be) and for an address that the log does not know.
    """
    who = who.strip()
    if is_slack_id(who):
        known = _newest(lake, EventFilter(actor=who, org=org), 1)
        return next(iter(known.values()), Person(who))
    found: Mapping[str, Person] = {}
    if "@" not in who or who == who.lower():  # as Slack writes it: quicker, and never another's
        found = _newest(lake, EventFilter(actor_called=who, org=org), _LOOKED_AT)
    found = found or _newest(lake, EventFilter(actor=who, org=org), _LOOKED_AT)
    mine = [one for one in found.values() if one.email.casefold() == who.casefold()]
    if len(mine) == 1:
        return mine[0]
    if found:
        ids = ", ".join(sorted(one.words for one in found.values())[:10])
        raise WrongUse(f"{who[:80]!r} names no one for sure: give the id of one of {ids}.")
    raise WrongUse(f"The log knows nobody as {who[:80]!r}: give a Slack id or an e-mail address.")


def _newest(lake: Lake, wanted: EventFilter, limit: int) -> dict[str, Person]:
    """The actors of the newest events, as the newest of each says, by id."""
    columns = ("actor_id", "actor_name", "actor_email")
    found: dict[str, Person] = {}
    for row in lake.newest(wanted, limit, columns=columns).to_pylist():
        person = Person(row["actor_id"], row["actor_name"] or "", row["actor_email"] or "")
        found.setdefault(person.id, person)
    return found


def is_listed(person: Person, listed: Iterable[str], groups: Mapping[str, Sequence[str]]) -> bool:
    """Whether `listed` names the person: by id, by e-mail address or a pattern of it (`*` stands
    for any text), or by `group:` and the name of one of `groups`."""
    known = [one for one in (person.id, person.email) if one]
    for one in listed:
        members = groups.get(one.removeprefix(GROUP), ()) if one.startswith(GROUP) else (one,)
        if fits_any(known, (member.strip() for member in members)):
            return True
    return False


def why_not(person: Person, settings: RespondSettings, never: Iterable[str] = ()) -> str:
    """Why this person must not be signed out (`never` are more who are not); empty when they may
    be."""
    groups = settings.groups
    if person.id in _NOBODY:
        return "is Slack itself, not a person"
    if person.id.startswith("A"):
        return "is an app, which has no sessions"
    if person.id.startswith("B") or person.email.casefold().startswith(_BOT_MAIL):
        return "is a bot, which has no sessions"
    if is_listed(person, settings.primary_owners, groups):
        return "is a primary owner, who alone can do that"
    if is_listed(person, settings.never, groups):
        return "is listed in respond.never"
    if is_listed(person, never, groups):
        return "is spared by the rule"
    return ""
