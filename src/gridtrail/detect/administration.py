"""Which actions are administrative and how severe they are: a curated table over the catalogue."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from gridtrail.errors import WrongUse
from gridtrail.slack.catalogue import ACTIONS

LEVELS = (1, 2, 3, 4, 5)
BREAK_GLASS = 5


def load_severities(path: Path) -> Mapping[str, int]:
    """Action -> severity, 1 to 5, in the order of the catalogue; those of severity 0 are left out.

    `[groups]` gives one to whole groups, `[prefixes]` to actions of `workspace_or_org` by the
    beginning of their name, `[severity]` lists actions by severity and is stronger than both.

    Raises WrongUse for an action or group that is not in the catalogue.
    """
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    listed = {
        action: int(level) for level, actions in content["severity"].items() for action in actions
    }
    groups: Mapping[str, int] = content["groups"]
    unknown = sorted(set(listed) - set(ACTIONS))
    unknown += sorted(set(groups) - {group for a in ACTIONS.values() for group in a.groups})
    if unknown:
        raise WrongUse(f"{path.name} names {unknown[0]!r}, which is not in the catalogue.")
    found = {}
    for name, action in ACTIONS.items():
        level = listed.get(name, max(groups.get(group, 0) for group in action.groups))
        if name not in listed and not level and "workspace_or_org" in action.groups:
            level = next((v for k, v in content["prefixes"].items() if name.startswith(k)), 0)
        if level:
            found[name] = level
    return found
