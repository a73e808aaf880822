"""Slack's catalogue of audit actions: what `GET /audit/v1/actions` and the documentation list.

The names are Slack's (the endpoint's answer of August 2026, and the documentation's tables), the
descriptions are ours. Slack adds names all the time, so a name that is not here is no error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Action:
    """One action name and what is known of it."""

    name: str
    groups: tuple[str, ...]  # headings it stands under; eight names stand under two
    entity: str | None  # entity type; "user|channel" where either is seen; None: not known
    description: str
    in_actions_endpoint: bool
    in_docs: bool


def _load() -> Mapping[str, Action]:
    text = files(__package__).joinpath("catalogue.json").read_text("utf-8")
    rows: list[dict[str, Any]] = json.loads(text)
    actions = (Action(**{**row, "groups": tuple(row["groups"])}) for row in rows)
    return MappingProxyType({action.name: action for action in actions})


ACTIONS: Mapping[str, Action] = _load()
"""Every known action by its name, in the order of the groups."""

GROUPS: tuple[str, ...] = tuple(dict.fromkeys(action.groups[0] for action in ACTIONS.values()))
"""The headings of the catalogue in the order of Slack's endpoint."""


def is_known(name: str) -> bool:
    """Whether `name` is in the catalogue, spelt exactly so."""
    return name in ACTIONS


def suggest(name: str, limit: int = 3) -> tuple[str, ...]:
    """Up to `limit` names of the catalogue that look like `name`, the closest first.

    For the "did you mean" of an error; empty when nothing is close.
    """
    # difflib's time grows with the product of the lengths, and a name may be a stranger's
    return tuple(get_close_matches(name[:128].lower(), ACTIONS, n=limit, cutoff=0.7))


def endpoint_groups() -> dict[str, tuple[str, ...]]:
    """Group → names, as `GET /audit/v1/actions` answers: groups in its order, 770 entries."""
    return {
        group: tuple(
            action.name
            for action in ACTIONS.values()
            if action.in_actions_endpoint and group in action.groups
        )
        for group in GROUPS
    }
