"""The allow list: entries with an owner, a reason and an end, kept in the state database.

Nothing is ever deleted: an entry that is removed or expires has an end, so that what it silenced
stays silenced when detection runs over the same events again.
"""

from __future__ import annotations

import ipaddress
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from gridtrail.detect.allow import AllowEntry
from gridtrail.errors import WrongUse
from gridtrail.respond.tables import allow_entries
from gridtrail.respond.trail import ALLOW_EXPIRED, GRIDTRAIL, keep
from gridtrail.state.database import open_state, storable, writing

_LARGEST_ASN = 4_294_967_295
_TERMS = ("cidr", "asn", "client", "user_agent", "user", "app")


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it is kept; times in seconds since the epoch, see the table.

    `expires_at` and `removed_at` are None for never. `at_slack` says that Slack's own list is known
    to hold it (or, for one that has ended, held it when last looked at).
    """

    id: str
    name: str
    owner: str
    reason: str
    created_at: int
    cidr: str | None = None
    asn: int | None = None
    client: str | None = None
    user_agent: str | None = None
    user: str | None = None
    app: str | None = None
    reasons: tuple[str, ...] = ()
    since: int | None = None
    expires_at: int | None = None
    removed_at: int | None = None
    removed_by: str | None = None
    origin: Literal["gridtrail", "slack"] = "gridtrail"
    at_slack: bool = False
    org: str | None = None
    expiry_told_at: int | None = None

    @property
    def until(self) -> int | None:
        """When it ends, None when it does not."""
        return min((t for t in (self.expires_at, self.removed_at) if t is not None), default=None)

    @property
    def entry(self) -> AllowEntry:
        """What detection takes."""
        terms: dict[str, Any] = {name: getattr(self, name) for name in _TERMS}
        return AllowEntry(
            self.name,
            **terms,
            org=self.org,
            reasons=self.reasons,
            since=self.since,
            until=self.until,
        )

    def state(self, now: float) -> str:
        """`active`, `later`, `expired` or `removed`."""
        if self.removed_at is not None and self.removed_at <= now:
            return "removed"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "later" if self.since is not None and self.since > now else "active"

    @property
    def words(self) -> str:
        """What it names, in one line."""
        named = [f"{name} {getattr(self, name)}" for name in _TERMS if getattr(self, name)]
        only = f" for {', '.join(self.reasons)}" if self.reasons else ""
        return " and ".join(named) + only + (f" in {self.org}" if self.org else "")

    def to_json(self, now: float) -> dict[str, Any]:
        """All fields with the `state`, the `words` and `until` as of `now` (seconds)."""
        state = self.state(now)
        return {**asdict(self), "state": state, "words": self.words, "until": self.until}


class AllowList:
    """The allow list of one installation; `place` as in `open_state`, `clock` counts seconds."""

    def __init__(self, place: Path | str, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = open_state(place)
        self._clock = clock

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def __enter__(self) -> AllowList:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def add(self, wanted: StoredEntry) -> StoredEntry:
        """Keep an entry (see `draft`), from its `since` on.

        Raises WrongUse when one that names the same holds already.
        """
        with writing(self._engine).begin() as connection:
            rows = connection.execute(allow_entries.select()).all()
            for one in map(_stored, rows):
                same = one.words == wanted.words and one.state(self._clock()) in ("active", "later")
                if same:
                    raise WrongUse(
                        f"{wanted.words} is allowed already, by the entry {one.id} of {one.owner}: "
                        "remove that first to change it."
                    )
            connection.execute(allow_entries.insert().values(_values(wanted)))
        return wanted

    def remove(self, id_or_prefix: str, by: str) -> StoredEntry:
        """End an entry now. Raises WrongUse when there is none, or it has ended."""
        found, now = self.get(id_or_prefix), int(self._clock())
        if found.state(now) in ("removed", "expired"):
            raise WrongUse(f"The entry {found.id} has ended ({found.state(now)}): nothing to do.")
        self.end([found.id], by)
        return self.get(found.id)

    def end(self, ids: Iterable[str], by: str) -> None:
        """End these now, those that have not been removed yet."""
        mine = allow_entries.c.id.in_(list(ids)) & allow_entries.c.removed_at.is_(None)
        values = {"removed_at": int(self._clock()), "removed_by": storable(by)}
        with writing(self._engine).begin() as connection:
            connection.execute(allow_entries.update().where(mine).values(values))

    def tell_expired(self, org: str) -> list[StoredEntry]:
        """The entries that have expired and were not told of yet: each is returned once, and kept
        in the trail (of `org`, when the entry is for all) with that."""
        now, told = int(self._clock()), []
        with writing(self._engine).begin() as connection:
            ended = (allow_entries.c.expires_at <= now) & allow_entries.c.expiry_told_at.is_(None)
            for row in connection.execute(allow_entries.select().where(ended)).all():
                one = _stored(row)
                told += [one] if one.removed_at is None else []
                if one.removed_at is None:
                    entity, details = ("allow_entry", one.id, one.name), trail_details(one)
                    keep(connection, now, one.org or org, ALLOW_EXPIRED, GRIDTRAIL, entity, details)
            values = {"expiry_told_at": now}
            connection.execute(allow_entries.update().where(ended).values(values))
        return told

    def at_slack(self, known: Iterable[str], gone: Iterable[str]) -> None:
        """Note which entries (ids) Slack's own list is known to hold, and which not."""
        with writing(self._engine).begin() as connection:
            for ids, value in ((list(known), True), (list(gone), False)):
                mine = allow_entries.c.id.in_(ids)
                connection.execute(allow_entries.update().where(mine).values(at_slack=value))

    def get(self, id_or_prefix: str) -> StoredEntry:
        """The entry with this id, or the only one whose id starts so. Raises WrongUse."""
        found = [one for one in self.all() if id_or_prefix and one.id.startswith(id_or_prefix)]
        if len(found) != 1:
            few = "no entry" if not found else "more than one entry"
            raise WrongUse(f"There is {few} {id_or_prefix[:40]!r}: see gridtrail allow list.")
        return found[0]

    def all(self) -> list[StoredEntry]:
        """Every entry, those that have ended too, the oldest first."""
        query = allow_entries.select().order_by(allow_entries.c.created_at, allow_entries.c.id)
        with self._engine.connect() as connection:
            return [_stored(row) for row in connection.execute(query)]


def entries(place: Path | str) -> list[AllowEntry]:
    """All entries for `gridtrail.detect.run.detect`: those that have ended silence what was in
    their time. `place` as in `open_state`."""
    with AllowList(place) as kept:
        found = [one.entry for one in kept.all()]
    return [one for one in found if one.since is None or one.until is None or one.since < one.until]


def draft(
    *,
    owner: str,
    reason: str,
    now: int,
    name: str = "",
    since: int | None = None,
    expires_at: int | None = None,
    reasons: tuple[str, ...] = (),
    org: str | None = None,
    origin: Literal["gridtrail", "slack"] = "gridtrail",
    **terms: Any,
) -> tuple[StoredEntry, list[str]]:
    """An entry ready to be kept, and notices of what was put right in it.

    `terms` are cidr, asn, client, user_agent, user and app. Host bits of a range are dropped.
    Raises WrongUse for what cannot be: no term, no owner, no reason, an end before now.
    """
    if not owner.strip() or not reason.strip():
        raise WrongUse("An entry needs an owner and a reason: give --owner and --reason.")
    if expires_at is not None and expires_at <= max(now, since or 0):
        raise WrongUse("The entry would end before it begins: give a later --expires.")
    asn = terms.get("asn")
    if asn is not None and not 0 < asn <= _LARGEST_ASN:
        raise WrongUse(f"{asn} is no ASN: give a number from 1 to {_LARGEST_ASN}.")
    notices: list[str] = []
    if terms.get("cidr") is not None:
        terms["cidr"], notices = normalised(terms["cidr"])
    cleaned: dict[str, Any] = {
        key: storable(v) if isinstance(v, str) else v for key, v in terms.items()
    }
    made = StoredEntry(
        id=uuid.uuid4().hex[:10], name=storable(name.strip()), owner=storable(owner.strip()),
        reason=storable(reason.strip()), created_at=now, reasons=reasons, since=since,
        expires_at=expires_at, origin=origin, org=org, **cleaned,
    )  # fmt: skip
    made = made if made.name else replace(made, name=made.words or "nothing")
    _ = made.entry  # raises WrongUse for what detection would not take
    return made, notices


def normalised(text: str) -> tuple[str, list[str]]:
    """A range of addresses without host bits, and a notice when there were some.

    Raises WrongUse for a text that is no range.
    """
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
        plain = ipaddress.ip_interface(text.strip())
    except ValueError:
        raise WrongUse(
            f"{text[:60]!r} is no range of addresses: write it like 192.0.2.0/24 or 2001:db8::/32."
        ) from None
    if plain.ip == network.network_address:
        return str(network), []
    notice = (
        f"{text.strip()} names an address inside a range: the whole range {network} is meant, of "
        f"{network.num_addresses:,} addresses."
    )
    return str(network), [notice]


def trail_details(one: StoredEntry) -> dict[str, object]:
    """What the trail says of an entry."""
    return {"allows": one.words, "owner": one.owner, "reason": one.reason, "org": one.org}


def _values(one: StoredEntry) -> dict[str, Any]:
    values = {field.name: getattr(one, field.name) for field in fields(StoredEntry)}
    values["user_id"] = values.pop("user")
    return {**values, "reasons": list(one.reasons)}


def _stored(row: sa.Row[Any]) -> StoredEntry:
    values = row._asdict()
    values["user"] = values.pop("user_id")
    return StoredEntry(**{**values, "reasons": tuple(values["reasons"])})
