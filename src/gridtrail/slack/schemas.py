"""The fields of Slack's entity types: what `GET /audit/v1/schemas` lists.

Captured from the endpoint's answer (facts reference, 1.8); the words for field types are Slack's,
such as "vec<dict<string, mixed>>".
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def endpoint_schemas() -> list[dict[str, Any]]:
    """`[{"type": T, T: {field: type name}}]` as the endpoint answers; a type whose fields differ
    from case to case stands there several times."""
    text = files(__package__).joinpath("schemas.json").read_text("utf-8")
    return [{"type": kind, kind: fields} for kind, fields in json.loads(text)]
