"""The second fastest way from an event's text to its columns: one SQL query over a whole batch.

It is for what `plain` leaves: other spacing, other orders, unknown keys. It takes only events of a
*plain shape* and leaves everything else to `slack.event.read_event`, so that both always agree.
A shape is a hash of all that decides whether the query reads an event as the reference reader
does: the JSON types at every path that feeds a column, the keys of every object on the way (a key
that stands twice shows there), and the types of actor and entity. Real logs have some hundred
shapes; each is judged once, by `judge`, and remembered.
"""

from __future__ import annotations

from collections.abc import Sequence

from gridtrail.engine.duckdb import literal
from gridtrail.slack.event import MAX_SECONDS

# Entity types and the keys of their objects that feed entity_id and entity_name.
ENTITY_KEYS: dict[str, tuple[str, ...]] = {
    "user": ("id", "name"),
    "file": ("id", "name", "title"),
    "channel": ("id", "name"),
    "app": ("id", "name"),
    "workspace": ("id", "name"),
    "enterprise": ("id", "name"),
    "message": ("channel", "timestamp"),
    "huddle": ("id",),
    "usergroup": ("id", "name"),
    "role": ("id", "name"),
    "account_type_role": ("id", "name"),
    "workflow": ("id", "name"),
    "workflow_v2": ("id", "name"),
    "barrier": ("id",),
    "list": ("id",),
    "function": ("id",),
    "canvas": ("id", "title"),
    "template": ("id", "template_name"),
    "legal_hold_policy": ("id", "name"),
}
_FEEDING = {"id", "name", "title", "template_name"}

# Column → path. The order is that of the extracted list.
PATHS: dict[str, str] = {
    "id": "$.id",
    "action": "$.action",
    "date_create": "$.date_create",
    "details": "$.details",
    "session_id": "$.context.session_id",
    "actor_type": "$.actor.type",
    "entity_type": "$.entity.type",
    "actor_id": "$.actor.user.id",
    "actor_name": "$.actor.user.name",
    "actor_email": "$.actor.user.email",
    "actor_team": "$.actor.user.team",
    "location_type": "$.context.location.type",
    "location_id": "$.context.location.id",
    "location_domain": "$.context.location.domain",
    "ua": "$.context.ua",
    "ip": "$.context.ip_address",
    "app_id": "$.context.app.id",
}
_ENTITY_PATHS = [f"$.entity.{kind}.{key}" for kind, keys in ENTITY_KEYS.items() for key in keys]
_ALL_PATHS = [*PATHS.values(), *_ENTITY_PATHS]
_OBJECTS = ["$", "$.actor", "$.actor.user", "$.entity", "$.context", "$.context.location"]
_OBJECTS += ["$.context.app", "$.details", *(f"$.entity.{kind}" for kind in ENTITY_KEYS)]

_INTEGERS = {"BIGINT", "UBIGINT"}
_ABSENT = {None, "NULL"}
_TYPES: dict[str, set[str | None]] = {
    "id": {"VARCHAR"},
    "action": {"VARCHAR"},
    "date_create": {*_INTEGERS},
    "details": {"OBJECT", *_ABSENT},
    "session_id": {"VARCHAR", *_INTEGERS, *_ABSENT},
    "actor_type": {"VARCHAR"},
}
_TEXT: set[str | None] = {"VARCHAR", *_ABSENT}

# A name that the reference reader takes for sure; others are left to it.
_NAME = "[0-9A-Za-z_.:-]{1,256}"
# What the engine's JSON reader accepts though JSON forbids it (numbers that are none and a comma
# before a closing bracket). Text may look so too and is then only read more slowly.
_LAX = (
    r"[nN][aA][nN][\s,}\]]",
    r"[iI][nN][fF][\s,}\]]",
    r"[iI][nN][iI][tT][yY][\s,}\]]",
    r",\s*[}\]]",
)
# Numbers that the engine spells anew: fractions, exponents, minus zero.
RESPELT = r"[:,\[](?:-?[0-9]+[.eE]|-0[,}\]])"


def _element(path: str) -> str:
    return f"x[{_ALL_PATHS.index(path) + 1}]"


def _column(name: str) -> str:
    return f"nullif({_element(PATHS[name])}, '')"


def _entity_id() -> str:
    ids = [_element(f"$.entity.{kind}.id") for kind, keys in ENTITY_KEYS.items() if "id" in keys]
    channel, timestamp = (_element(f"$.entity.message.{key}") for key in ENTITY_KEYS["message"])
    # || is NULL when either side is
    message = f"nullif({channel}, '') || ':' || nullif({timestamp}, '')"
    return f"coalesce(nullif(coalesce({', '.join(ids)}), ''), {message})"


def _entity_name() -> str:
    # only a file has two candidates, and an empty name makes way for its title
    names = [
        _element(path)
        for path in _ENTITY_PATHS
        if path.rpartition(".")[2] in _FEEDING - {"id"} and not path.startswith("$.entity.file.")
    ]
    name, title = (_element(f"$.entity.file.{key}") for key in ("name", "title"))
    return f"nullif(coalesce({', '.join(names)}, nullif({name}, ''), {title}), '')"


def _listed(paths: Sequence[str]) -> str:
    return "[" + ", ".join(literal(path) for path in paths) + "]"


_PARTS = (
    f"json_extract_string(raw, {_listed(_ALL_PATHS)})",
    f"json_type(raw, {_listed(_ALL_PATHS)})",
    f"json_keys(raw, {_listed(_OBJECTS)})",
)

_TEXT_COLUMNS = [name for name in PATHS if name not in {"id", "action", "date_create", "details"}]

_ODD = " OR ".join(
    [
        f"NOT regexp_full_match(x[1], {literal(_NAME)})",
        f"NOT regexp_full_match(x[2], {literal(_NAME)})",
        "x[2] = 'anomaly'",
        f"NOT coalesce(date_create BETWEEN 0 AND {MAX_SECONDS - 1}, false)",
        f"coalesce(regexp_matches(x[4], {literal(RESPELT)}), false)",
        *(f"regexp_matches(raw, {literal(pattern)})" for pattern in _LAX),
    ]
)


def events_sql(records: str) -> str:
    """SELECT for the relation `records` (`row` int64, `raw` text): a row each, in any order.

    Columns: `row`; `shape` (uint64, NULL for what is not JSON); `odd` (true: not plain whatever
    its shape); and the columns of `lake.schema.EVENTS` but for `org`, `source`, `ingested_at`.
    Of rows that are not plain only `row` and `raw` mean anything.
    """
    columns = ", ".join(f"{_column(name)} AS {name}" for name in _TEXT_COLUMNS)
    # TRY over one struct: a record that is not JSON gives NULL, the rest of the batch is read
    return f"""
SELECT row, raw, shape, coalesce(x IS NULL OR {_ODD}, true) AS odd,
  x[1] AS id, x[2] AS action, date_create,
  make_date(CASE WHEN date_create BETWEEN 0 AND {MAX_SECONDS - 1}
    THEN date_create // 86400 ELSE 0 END::INTEGER) AS day,
  x[4] AS details, {columns}, {_entity_id()} AS entity_id, {_entity_name()} AS entity_name,
  NULL::VARCHAR[] AS reasons
FROM (
  SELECT row, raw, p.x AS x, TRY_CAST(p.x[3] AS BIGINT) AS date_create,
    CASE WHEN p IS NOT NULL THEN hash(p.t, p.k, p.x[6], p.x[7]) END AS shape
  FROM (
    SELECT row, raw, TRY(struct_pack(x := {_PARTS[0]}, t := {_PARTS[1]}, k := {_PARTS[2]})) AS p
    FROM {records}
  )
)"""


def shapes_sql(records: str) -> str:
    """SELECT for `records`, all of them JSON: `row` and what `judge` needs of each."""
    return f"""
SELECT row, {_PARTS[1]} AS types, {_PARTS[2]} AS keys,
  json_extract_string(raw, '$.actor.type') AS actor_type,
  json_extract_string(raw, '$.entity.type') AS entity_type
FROM {records}"""


def judge(
    types: Sequence[str | None],
    keys: Sequence[Sequence[str] | None],
    actor_type: str | None,
    entity_type: str | None,
) -> bool:
    """Whether the query reads events of this shape exactly as the reference reader does."""
    if any(len(set(found or ())) != len(found or ()) for found in keys):
        return False  # a key stands twice
    by_path = dict(zip(_ALL_PATHS, types, strict=True))
    if any(by_path[path] not in _TYPES.get(name, _TEXT) for name, path in PATHS.items()):
        return False
    if any(by_path[path] not in _TEXT for path in _ENTITY_PATHS):
        return False
    entity_keys = set(keys[_OBJECTS.index("$.entity")] or ())
    return actor_type == "user" and _plain_entity(entity_keys, entity_type, keys)


def _plain_entity(
    entity_keys: set[str], entity_type: str | None, keys: Sequence[Sequence[str] | None]
) -> bool:
    """Exactly the object that the type names, with no feeding key that the query passes over."""
    if entity_type is None or entity_type not in ENTITY_KEYS:
        return False
    if entity_keys != {"type", entity_type}:
        return False
    inside = set(keys[_OBJECTS.index(f"$.entity.{entity_type}")] or ())
    return inside & _FEEDING <= set(ENTITY_KEYS[entity_type])
