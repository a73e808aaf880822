"""What a rule may name: fields of an event, and the SQL that reads them.

A field is Slack's own path into the event (`context.ip_address`, `details.new_value`), so that a
rule means the same in any system that has Slack's audit log. Paths that the lake keeps as columns
are read from there, `details` from its JSON, and everything else from the event's bytes. Beside
them stand what Gridtrail knows of the address and the client, and three comparisons of lists.

The text of a field name reaches SQL only as a quoted literal of a checked path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Literal

from gridtrail.engine.duckdb import literal, quoted
from gridtrail.errors import WrongUse

Kind = Literal["text", "number", "truth", "list"]

EVENT = "e"
"""What the event relation is called in the SQL of a field."""

SUBJECT = (
    f"coalesce({EVENT}.app_id, CASE WHEN {EVENT}.actor_id IN ('USLACKSECURITY', 'USLACKUSER') "
    f"AND {EVENT}.entity_type = 'user' THEN {EVENT}.entity_id END, {EVENT}.actor_id)"
)
"""Whom an event is about: the app it was made through, else the person that Slack itself or nobody
acted upon (slack/api.md 2), else the actor."""

COLUMNS: Mapping[str, str] = {
    "id": "id",
    "date_create": "date_create",
    "action": "action",
    "actor.type": "actor_type",
    "actor.id": "actor_id",
    "actor.user.id": "actor_id",
    "actor.user.name": "actor_name",
    "actor.user.email": "actor_email",
    "actor.user.team": "actor_team",
    "entity.type": "entity_type",
    "entity.id": "entity_id",
    "entity.name": "entity_name",
    "context.location.type": "location_type",
    "context.location.id": "location_id",
    "context.location.domain": "location_domain",
    "context.ua": "ua",
    "context.ip_address": "ip",
    "context.session_id": "session_id",
    "context.app.id": "app_id",
}
"""Slack's path → column of the lake. `entity.id` and `entity.name` are of any entity type."""

SHORT: frozenset[str] = frozenset(
    {
        "actor_type", "actor_id", "actor_name", "actor_email", "actor_team", "entity_type",
        "entity_id", "entity_name", "location_type", "location_id", "location_domain", "ua", "ip",
        "session_id", "app_id", "source", "org",
    }
)  # fmt: skip
"""Columns of the lake that may be named as they are."""

ADDRESS: Mapping[str, Kind] = {
    "kind": "text",  # hosting, vpn, tor, relay, mobile, internal, …
    "network": "text",
    "asn": "number",
    "asn_name": "text",
    "country": "text",
    "prefix": "text",
    "wide_prefix": "text",
}
CLIENT: Mapping[str, Kind] = {
    "family": "text",
    "kind": "text",
    "version": "text",
    "version_key": "number",
    "os": "text",
    "os_version": "text",
    "device_class": "text",
    "automated": "truth",
    "well_formed": "truth",
    "expected": "truth",
}
ENTITY_TYPES = (
    "user", "workspace", "enterprise", "channel", "file", "app", "message", "huddle", "usergroup",
    "role", "account_type_role", "workflow", "workflow_v2", "barrier", "list", "function", "canvas",
    "external_auth_oauth2_token", "template", "legal_hold_policy",
)  # fmt: skip

_PATH = re.compile(r"[A-Za-z0-9_$-]+(?:\[\])?(?:\.[A-Za-z0-9_$-]+(?:\[\])?)*")
_CALL = re.compile(r"(added|count)\(([^(),]+)(?:,([^(),]+))?\)")

# Values of a JSON path as a list of texts: a list's items, or the one value there is; a text that
# holds a JSON list (Slack writes some so) is that list.
_VALUES = """
CREATE OR REPLACE TEMP MACRO rule_values(doc, path, items) AS CASE json_type(doc, path)
  WHEN 'ARRAY' THEN json_extract_string(doc, items)
  WHEN 'VARCHAR' THEN CASE
    WHEN starts_with(json_extract_string(doc, path), '[')
      AND json_valid(json_extract_string(doc, path))
    THEN json_extract_string(json_extract_string(doc, path), '$[*]')
    ELSE [json_extract_string(doc, path)] END
  WHEN 'NULL' THEN NULL
  ELSE [json_extract_string(doc, path)] END
"""
# The same with texts such as "a,b c" taken apart, for comparisons of lists.
_ITEMS = """
CREATE OR REPLACE TEMP MACRO rule_items(found) AS list_filter(
  flatten(list_transform(found, lambda one: regexp_split_to_array(one, '[,\\s]+'))),
  lambda one: one <> '')
"""
MACROS = (_VALUES, _ITEMS)
"""Commands that make what the fields' SQL calls."""


@dataclass(frozen=True, slots=True)
class Field:
    """How a field is read: an SQL expression over `e` (events), `a` (addresses), `c` (clients).

    A list holds texts. `exact` texts are compared as they are, others without regard to case.
    """

    name: str
    sql: str
    kind: Kind = "text"
    exact: bool = False

    @property
    def needs_addresses(self) -> bool:
        """Whether the event must be joined with what is known of its address."""
        return "address." in self.name

    @property
    def needs_clients(self) -> bool:
        """Whether the event must be joined with what is known of its client."""
        return "client." in self.name


class UnknownField(WrongUse):
    """A rule names a field that no event has; the message suggests others."""


@cache
def details_keys() -> frozenset[str]:
    """Keys of `details` that Slack documents or that were seen."""
    text = files(__package__).joinpath("details_keys.json").read_text("utf-8")
    keys: list[str] = json.loads(text)
    return frozenset(keys)


@cache
def field(name: str) -> Field:
    """The field called `name`. Raises UnknownField."""
    if found := _CALL.fullmatch(name):
        return _call(name, *found.groups())
    if not _PATH.fullmatch(name):
        raise UnknownField(
            f"The field {name!r} is no path of an event: write one such as context.ip_address."
        )
    if name == "python.dedup":  # Python rules bring it along
        return Field(name, "NULL::VARCHAR")
    if name == "subject":
        return Field(name, SUBJECT)
    if name in COLUMNS or name in SHORT:
        column = COLUMNS.get(name, name)
        kind: Kind = "number" if column == "date_create" else "text"
        return Field(name, f"{EVENT}.{quoted(column)}", kind, exact=column in ("action", "source"))
    if name == "details.reason":
        return Field(name, f"coalesce({EVENT}.reasons, {_values('details', 'reason')})", "list")
    return _deep(name)


def _deep(name: str) -> Field:
    """A field that is not a column: a path in the JSON, or a fact of address or client."""
    room, _, rest = name.partition(".")
    if room == "details" and rest:
        return Field(name, _values("details", rest), "list")
    if room == "address" and rest in ADDRESS:
        return _address(name, rest)
    if room == "client" and rest in CLIENT:
        return Field(name, f"c.{quoted(rest)}", CLIENT[rest])
    if room == "entity" and rest:
        return _entity(name, rest)
    if room in ("actor", "context") and rest:
        return Field(name, _values("raw", name), "list")
    close = get_close_matches(name, all_names(), n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(close)}?" if close else "see docs/rules.md for those there."
    raise UnknownField(f"No event has the field {name!r}: {hint}")


def _address(name: str, column: str) -> Field:
    if column != "kind":
        return Field(name, f"a.{quoted(column)}", ADDRESS[column])
    listed = "a.listed_kind IS NOT NULL AND a.listed_from <= e.date_create"
    sql = f"CASE WHEN {listed} AND e.date_create < a.listed_to THEN a.listed_kind ELSE a.kind END"
    return Field(name, f"({sql})")


def _entity(name: str, rest: str) -> Field:
    kind, _, key = rest.partition(".")
    if key in ("id", "name") and kind != "message":
        return Field(name, f"CASE WHEN e.entity_type = {literal(kind)} THEN e.entity_{key} END")
    return Field(name, _values("raw", name), "list")


def _call(name: str, function: str, first: str, second: str | None) -> Field:
    one = field(first.strip())
    if function == "count" and second is None:
        return Field(name, f"coalesce(len(list_distinct({_items(one)})), 0)", "number")
    if function == "added" and second is not None:
        other = _items(field(second.strip()))
        sql = (
            f"list_filter({_items(one)}, lambda one: NOT list_contains(coalesce({other}, []), one))"
        )
        return Field(name, sql, "list")
    raise UnknownField(f"{name!r} is no comparison: write added(new, old) or count(list).")


def _items(one: Field) -> str:
    found = one.sql if one.kind == "list" else f"[{one.sql}::VARCHAR]"
    return f"rule_items({found})"


def _values(column: str, path: str) -> str:
    """SQL of the values at `path` (`a.b`, `a[].b`) of a JSON column, a list of texts."""
    steps = [step for step in path.split(".") if step]
    place = "$"
    for step in steps:
        inner = step.removesuffix("[]")
        place += f'."{inner}"' + ("[*]" if inner != step else "")
    source = f"{EVENT}.{column}"
    if "[*]" in place:
        return f"json_extract_string({source}, {literal(place)})"
    return f"rule_values({source}, {literal(place)}, {literal(place + '[*]')})"


@cache
def all_names() -> tuple[str, ...]:
    """Names worth suggesting."""
    return (
        *COLUMNS,
        *SHORT,
        *(f"address.{key}" for key in ADDRESS),
        *(f"client.{key}" for key in CLIENT),
        *(f"details.{key}" for key in sorted(details_keys())),
        *(f"entity.{kind}.{key}" for kind in ENTITY_TYPES for key in ("id", "name")),
    )
