"""What each action of Slack's catalogue is in OCSF and in ECS: the table `actions.json`.

One row an action: class and activity of OCSF, category and type of ECS, and the outcome that the
action's name says. The class and activity numbers are those of OCSF 1.5.0 (schema.ocsf.io), the
words of ECS those of its allowed values (elastic.co, "ECS categorization field values"); actions
that Elastic's own Slack integration categorizes are in the same category here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Mapped:
    """What an action is elsewhere; `outcome` is success, failure or unknown."""

    class_uid: int
    activity_id: int
    categories: tuple[str, ...]
    types: tuple[str, ...]
    outcome: str


UNKNOWN = Mapped(6003, 99, ("api",), ("info",), "unknown")
"""An action that the catalogue does not have: some API activity."""


def _load() -> Mapping[str, Mapped]:
    rows = json.loads(files(__package__).joinpath("actions.json").read_text("utf-8"))
    return MappingProxyType(
        {
            name: Mapped(class_uid, activity, tuple(categories), tuple(types), outcome)
            for name, (class_uid, activity, categories, types, outcome) in rows.items()
        }
    )


MAPPED: Mapping[str, Mapped] = _load()
"""Action name -> what it is elsewhere, for every action of the catalogue."""


def mapped(action: str) -> Mapped:
    """What `action` is; `UNKNOWN` when the catalogue does not have it."""
    return MAPPED.get(action, UNKNOWN)
