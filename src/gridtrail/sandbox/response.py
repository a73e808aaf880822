"""Slack's automatic anomaly event response: which anomalies end a person's sessions.

Slack sets this in its pages alone, there is no public method for it. The defaults of the single
anomalies are Slack's; the whole is off until it is switched on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gridtrail.errors import WrongUse
from gridtrail.sandbox.clock import HOUR
from gridtrail.slack.reasons import REASONS

DELAY = 2
"""Seconds from the anomaly event to the end of the sessions."""
GUARD = HOUR
"""Nobody is signed out again within this time: no loop of signing in and out."""

CONFIGURABLE = tuple(code for code, reason in REASONS.items() if reason.can_end_sessions)
"""The reasons that may end sessions."""


@dataclass(slots=True)
class AnomalyResponse:
    """`enabled` switches it all; `reasons` are those that end sessions; `excluded` holds people's
    ids by reason."""

    enabled: bool = False
    reasons: set[str] = field(default_factory=lambda: {"tor", "unexpected_scraping"})
    excluded: dict[str, list[str]] = field(default_factory=dict)
    _last: dict[str, int] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """The settings as the control endpoint shows and takes them."""
        return {
            "enabled": self.enabled,
            "reasons": {code: code in self.reasons for code in CONFIGURABLE},
            "excluded": {code: self.excluded.get(code, []) for code in CONFIGURABLE},
        }

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Take the keys of `describe` that are given. Raises WrongUse, changing nothing then."""
        unknown = set(wanted) - {"enabled", "reasons", "excluded"}
        if unknown:
            raise WrongUse(
                f"{sorted(unknown)[0]!r} is no setting: give enabled, reasons, excluded."
            )
        enabled = wanted.get("enabled", self.enabled)
        reasons = _of_codes(wanted.get("reasons", {}), bool, "true or false")
        excluded = _of_codes(wanted.get("excluded", {}), list, "a list of user ids")
        if not isinstance(enabled, bool):
            raise WrongUse("enabled must be true or false.")
        if not all(isinstance(one, str) for ids in excluded.values() for one in ids):
            raise WrongUse("excluded must hold lists of user ids.")
        self.enabled = enabled
        for code, on in reasons.items():
            (self.reasons.add if on else self.reasons.discard)(code)
        self.excluded.update(excluded)

    def acts(self, person: str, reasons: Iterable[str], second: int) -> list[str]:
        """The reasons for which the person's sessions end now (mostly none); remembers that."""
        if not self.enabled:
            return []
        hits = [
            code
            for code in reasons
            if code in self.reasons and person not in self.excluded.get(code, ())
        ]
        last = self._last.get(person)
        if not hits or (last is not None and second - last < GUARD):
            return []
        self._last[person] = second
        return hits


def _of_codes(value: Any, kind: type, words: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WrongUse("reasons and excluded must be objects with reason codes as keys.")
    for code, inner in value.items():
        if code not in CONFIGURABLE:
            raise WrongUse(f"{code!r} cannot end sessions: use {', '.join(CONFIGURABLE)}.")
        if not isinstance(inner, kind):
            raise WrongUse(f"The value of {code} must be {words}.")
    return value
