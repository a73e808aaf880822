"""The fastest way from an event's text to its columns: one SQL query that reads the text once.

It takes the events that are written as Slack writes them: no spaces, no key but those named here,
each once, of the type it always has; everything else is left to `columns` and from there to the
reference reader. That an event is so is proved by its length. What the query extracts comes back
as JSON text in its shortest spelling, so the lengths of all values, of the keys that are there and
of the brackets, colons and commas between them add up to a number of bytes; and every other
thing that may be in the text (a space, an unknown key, a key that stands twice, a comma before a
closing bracket) would only add to it. `escapes.spelt_out` takes the slack out of the one thing
that Slack does write longer than needed. Two things could make the text shorter instead, numbers
that the engine spells anew and control characters; those are looked for in the objects that are
taken whole (the others hold text), and refused by the engine.
"""

from __future__ import annotations

import re

from gridtrail.collect.columns import RESPELT
from gridtrail.engine.duckdb import literal
from gridtrail.errors import SkipRecord
from gridtrail.slack import strict_json
from gridtrail.slack.strict_json import JsonObject

# Name in the query → path.
_PATHS: dict[str, str] = {
    "id": "$.id",
    "date_create": "$.date_create",
    "action": "$.action",
    "actor_type": "$.actor.type",
    "actor_id": "$.actor.user.id",
    "actor_name": "$.actor.user.name",
    "actor_email": "$.actor.user.email",
    "actor_team": "$.actor.user.team",
    "entity": "$.entity",
    "entity_type": "$.entity.type",
    "location_type": "$.context.location.type",
    "location_id": "$.context.location.id",
    "location_name": "$.context.location.name",
    "location_domain": "$.context.location.domain",
    "ua": "$.context.ua",
    "ip": "$.context.ip_address",
    "session_id": "$.context.session_id",
    "app": "$.context.app",
    "app_id": "$.context.app.id",
    "details": "$.details",
}
_TOP = ("id", "date_create", "action", "entity", "details")
_USER = ("actor_id", "actor_name", "actor_email", "actor_team")
_LOCATION = ("location_type", "location_id", "location_name", "location_domain")
_CONTEXT = ("ua", "ip", "session_id", "app")
_TEXTS = ("actor_type", "entity_type", *_USER, *_LOCATION, "ua", "ip", "app_id")

# Keys inside of an entity's object. Those that feed columns:
_FEEDING = ("id", "name", "title", "template_name", "channel", "timestamp")
# and others that Slack writes, text, true, false or an array without elements:
_BESIDE = (
    "email", "team", "filetype", "privacy", "is_shared", "is_org_shared", "teams_shared_with",
)  # fmt: skip

_FEEDING_NAMES = tuple(f"e_{key}" for key in _FEEDING)
_BESIDE_NAMES = tuple(f"e_{key}" for key in _BESIDE)

# Numbers that are none, which the engine's JSON reader accepts in any case.
_NO_NUMBER = r"[:,\[]-?(?:[nN][aA][nN]|[iI][nN][fF])"
_MANY_BRACKETS = 80  # with those around it a text that has no more cannot nest too deep


def _listed(paths: list[str]) -> str:
    return "[" + ", ".join(literal(path) for path in paths) + "]"


def _is_text(name: str) -> str:
    """Whether JSON text is that of a string: nothing else starts with a character below #."""
    return f"({name} < '#')"


def _inside(name: str) -> str:
    """The string that JSON text without escapes stands for; NULL for what is no string or ""."""
    return (
        f"CASE WHEN {_is_text(name)} THEN nullif(substring({name}, 2, length({name}) - 2), '') END"
    )


def _bytes(name: str, key: str) -> str:
    """Bytes of a member with the comma behind it, 0 when it is not there."""
    return f"coalesce(strlen({name}) + {len(key) + 4}, 0)"


def _members(names: tuple[str, ...]) -> str:
    return " + ".join(_bytes(name, _PATHS[name].rpartition(".")[2]) for name in names)


def _object(key: str, content: str) -> str:
    """Bytes of an object under `key`; the last member has no comma, there are two brackets."""
    return f"{len(key) + 5} + {content}"


def _whole() -> str:
    actor = _object("actor", f"{_members(('actor_type',))} + {_object('user', _members(_USER))}")
    location = (
        f"CASE WHEN coalesce({', '.join(_LOCATION)}) IS NULL THEN 0 "
        f"ELSE {_object('location', _members(_LOCATION))} END"
    )
    context = _object("context", f"{_members(_CONTEXT)} + {location}")
    return f"1 + {_members(_TOP)} + {actor} + {context}"


def _harmless(text: str) -> str:
    """Nothing in an object that its length does not show: no odd number, no great depth.

    And no key twice in the object itself (the reference reader does not look at those inside).
    """
    # the brackets are counted by what is left without them
    brackets = f"strlen({text}) - strlen(replace(replace({text}, '{{', ''), '[', ''))"
    return (
        f"NOT regexp_matches({text}, {literal(_NO_NUMBER)}) "
        f"AND NOT regexp_matches({text}, {literal(RESPELT)}) "
        f"AND len(json_keys({text})) = len(list_distinct(json_keys({text}))) "
        f"AND (strlen({text}) < {_MANY_BRACKETS} OR {brackets} <= {_MANY_BRACKETS})"
    )


def _name(text: str) -> str:
    """What the reference reader takes for an id or an action for sure."""
    return (
        f"{_is_text(text)} AND strlen({text}) BETWEEN 3 AND 258 "
        f"AND strlen({text}) = length({text}) AND NOT contains({text}, chr(127))"
    )


def _entity_is_plain() -> str:
    members = " + ".join(_bytes(f"e_{key}", key) for key in (*_FEEDING, *_BESIDE))
    known = " AND ".join(
        f"coalesce({_is_text(n)} OR {n} IN ('null', 'true', 'false', '[]'), true)"
        for n in _BESIDE_NAMES
    )
    all_known = f"strlen(thing) = 1 + {members} AND {known}"
    return f"CASE WHEN {all_known} THEN true WHEN y IS NOT NULL THEN {_harmless('thing')} END"


def _session_is_plain() -> str:
    whole = "coalesce(TRY_CAST(session_id AS UBIGINT)::VARCHAR = session_id, false)"
    return f"coalesce({_is_text('session_id')} OR session_id = 'null' OR {whole}, true)"


def _details_are_plain() -> str:
    inside = f"WHEN starts_with(details, '{{') THEN {_harmless('details')}"
    return f"CASE WHEN details IS NULL OR details = 'null' THEN true {inside} END"


def _conditions() -> list[str]:
    texts = [f"coalesce({_is_text(n)} OR {n} = 'null', true)" for n in (*_TEXTS, *_FEEDING_NAMES)]
    return [
        f"size = {_whole()}",
        "actor_id IS NOT NULL AND actor_type = '\"user\"'",
        f"{_name('id')} AND {_name('action')} AND action <> '\"anomaly\"'",
        # ten characters of a number of that size are ten digits
        "strlen(date_create) = 10 AND seconds BETWEEN 1000000000 AND 9999999999",
        _session_is_plain(),
        *texts,
        "starts_with(thing, '{')",
        _entity_is_plain(),
        _details_are_plain(),
    ]


def events_sql(records: str, *, damaged: bool = False) -> str:
    """SELECT for the relation `records`: a row each, in any order.

    `records` has `row` (int64), `raw` (text), and `size` (int64: `escapes.spelt_out`, none -1).

    Columns: `row`; `plain`; `app` (uint64, a hash of the app's object, NULL without one: whether
    that object is plain is for `judge_app` to say); and the columns of `lake.schema.EVENTS` but
    for `org`, `source` and `ingested_at`. Of rows that are not plain only `row` means anything.

    A record that is not JSON stops the query, unless `damaged` says that there may be such: then
    the engine takes more time and passes over them.
    """
    read = "TRY(json_extract({}, {}))" if damaged else "json_extract({}, {})"
    paths = list(_PATHS.values())
    texts = ", ".join(f"x[{i}]::VARCHAR AS {name}" for i, name in enumerate(_PATHS, 1))
    # the entity is {"type":T,T:thing}
    opening = "concat('{\"type\":', entity_type, ',', entity_type, ':')"
    keys = [*_FEEDING, *_BESIDE]
    inner = ", ".join(f"y[{i}]::VARCHAR AS e_{key}" for i, key in enumerate(keys, 1))
    columns = ", ".join(f"{_inside(n)} AS {n}" for n in _TEXTS if n != "location_name")
    # a column, for a WHERE would be moved below the extraction and repeat it
    conditions = " AND ".join(f"({condition})" for condition in _conditions())
    return f"""
SELECT row, raw, coalesce({conditions}, false) AS plain,
  CASE WHEN app IS NOT NULL THEN hash(app) END AS app,
  {_inside("id")} AS id, {_inside("action")} AS action,
  seconds AS date_create,
  make_date(CASE WHEN seconds BETWEEN 0 AND 9999999999 THEN seconds // 86400 END::INTEGER) AS day,
  CASE WHEN details <> 'null' THEN details END AS details,
  CASE WHEN {_is_text("session_id")} THEN {_inside("session_id")}
    WHEN session_id <> 'null' THEN session_id END AS session_id,
  {columns}, {_entity_id()} AS entity_id, {_entity_name()} AS entity_name,
  NULL::VARCHAR[] AS reasons
FROM (
  SELECT *, {inner}
  FROM (
    SELECT *, {read.format("thing", _listed([f"$.{key}" for key in keys]))} AS y
    FROM (
      SELECT *, TRY_CAST(date_create AS BIGINT) AS seconds,
        CASE WHEN starts_with(entity, opening)
          THEN substring(entity, length(opening) + 1, length(entity) - length(opening) - 1)
          END AS thing
      FROM (
        SELECT *, {opening} AS opening
        FROM (
          SELECT row, size, raw, {texts}
          FROM (SELECT row, size, raw, {read.format("raw", _listed(paths))} AS x FROM {records})
        )
      )
    )
  )
)"""


def judge_app(raw: bytes) -> bool:
    """Whether the app's object in the event `raw` is read the same way by both readers."""
    try:
        event = strict_json.read(raw)
    except SkipRecord:
        return False
    app = event["context"].get("app")
    if app is None:
        return True
    if not isinstance(app, JsonObject) or app.twice is not None:
        return False
    return re.search(RESPELT, strict_json.minified(app)) is None


def _entity_id() -> str:
    message = f"{_inside('e_channel')} || ':' || {_inside('e_timestamp')}"
    return f"coalesce({_inside('e_id')}, CASE WHEN entity_type = '\"message\"' THEN {message} END)"


def _entity_name() -> str:
    names = ", ".join(_inside(f"e_{key}") for key in ("name", "title", "template_name"))
    return f"coalesce({names})"
