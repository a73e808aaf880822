"""The answers of `GET /audit/v1/schemas` and `GET /audit/v1/actions`, made once."""

from __future__ import annotations

import orjson

from gridtrail.slack.catalogue import endpoint_groups
from gridtrail.slack.schemas import endpoint_schemas


def actions_body() -> bytes:
    """`{"actions": {group: [names]}}`: names only, as Slack's endpoint has them."""
    return orjson.dumps({"actions": endpoint_groups()})


def schemas_body() -> bytes:
    """`{"schemas": [{"type": T, T: {field: type name}}]}`; a type may stand there several times."""
    return orjson.dumps({"schemas": endpoint_schemas()})
