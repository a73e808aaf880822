"""Values of an anomaly's evidence as people read them: times, durations, codes, lists of things.

Detectors write evidence for programs (seconds, codes, objects); on a page it is words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gridtrail.server.console.text import words
from gridtrail.server.console.times import lasted, said

_TIMES = frozenset({"at", "from", "to", "first_seen", "last_seen", "since", "known_since"})
_A_TIME = range(1_500_000_000, 5_000_000_000)
_CODES = frozenset({"category", "kind", "grade", "broken_rule"})
_JOINED = frozenset({"category", "lineage", "first_client"})
"""Several codes with bars between them."""
_LABELS = {
    "previous_ua": "agent before",
    "previous_ip_address": "address before",
    "lineage": "kind",
    "first_at": "began",
    "first_client": "began with",
    "first_network": "began in",
    "ended_at": "ended",
    "999_of_1000_below": "999 of 1,000 stay below",
    "score_millinats": "score, nats",
}
_NOTHING = (None, "", "unknown")


def pairs(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """(label, text) of every value of an object that says something; objects in it are flattened,
    their names standing `before`."""
    for name, one in value.items():
        if isinstance(one, dict):
            yield from pairs(one, f"{before}{name} ".replace("_", " "))
        elif one not in (None, "") and not (is_time(name) and one == 0):
            yield f"{before}{label(name)}", text(name, one)


def label(name: str) -> str:
    """The name of a value, in words."""
    if name in _LABELS:
        return _LABELS[name]
    return words(name.removesuffix("_seconds").removeprefix("seconds_of_"))


def text(name: str, value: object) -> str:
    """The value that stands under this name."""
    if isinstance(value, dict):
        return _thing(value)
    if isinstance(value, list):
        between = "; " if any(isinstance(one, dict) for one in value) else ", "
        return between.join(text(name, one) for one in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _number(name, value)
    return "none" if value is None else _code(name, str(value))


def is_time(name: str) -> bool:
    """Whether a number of this name is a second since the epoch."""
    return name in _TIMES or name.endswith("_at")


def _number(name: str, value: int) -> str:
    if is_time(name) and value in _A_TIME:
        return said(value)
    if name == "score_millinats":
        return f"{value / 1000:.1f}"
    if name.endswith("_seconds") or name.startswith("seconds_of_"):
        return lasted(value)
    return f"{value:,}"


def _code(name: str, value: str) -> str:
    if name in _JOINED:
        value = ", ".join(one for one in value.split("|") if one not in _NOTHING)
    return words(value) if name in _CODES else value


def _thing(value: Mapping[str, Any]) -> str:
    """An object of a list in one line: when, its name, and what else is known in brackets."""
    known = {name: one for name, one in value.items() if one not in _NOTHING}
    when = [text(name, known.pop(name)) for name in list(known) if is_time(name)]
    name = [text("name", known.pop("name"))] if "name" in known else []
    more = [
        text(key, one) if isinstance(one, str) else f"{label(key)} {text(key, one)}"
        for key, one in known.items()
    ]
    head = " ".join([*when, *name])
    if not head:
        return ", ".join(more)
    return f"{head} ({', '.join(more)})" if more else head
