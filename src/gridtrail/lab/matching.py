"""To which planted story an event or an anomaly belongs."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

AFTER_SECONDS = 3600
"""What is said of a story's actor so long after its last event is still said of the story."""
LONGEST_TRAP_SECONDS = 10 * 86_400
"""A harmless story that goes on for longer explains only its own events: otherwise all that its
people do for weeks would be its doing."""

_Spans = list[tuple[int, int, int]]


class Stories:
    """The stories of one organization's `truth.json`, for look-ups.

    An attack goes before a harmless story, a story's own event before mere time and person.
    """

    def __init__(self, truth: Iterable[Mapping[str, Any]]) -> None:
        self._of_event: dict[str, int] = {}
        self._attacks: dict[str, _Spans] = defaultdict(list)
        self._traps: dict[str, _Spans] = defaultdict(list)
        for place, story in enumerate(truth):
            self._of_event.update(dict.fromkeys(story["event_ids"], place))
            if story["start"] is not None:
                self._enter(place, story)

    def _enter(self, place: int, story: Mapping[str, Any]) -> None:
        start, end = story["start"], story["end"]
        if story["harmless"] and end - start > LONGEST_TRAP_SECONDS:
            return
        spans = self._traps if story["harmless"] else self._attacks
        own = (story.get("app"), story.get("bot"))
        for who in (*story["actor_ids"], *filter(None, own)):
            bisect.insort(spans[who], (start, end + AFTER_SECONDS, place))

    def of(self, at: int, subjects: Iterable[str], event_ids: Iterable[str]) -> int | None:
        """The place of the story of an anomaly at second `at` about these subjects, decided by
        these events; None is ordinary life."""
        for event in event_ids:
            if event in self._of_event:
                return self._of_event[event]
        who = list(subjects)
        for spans in (self._attacks, self._traps):
            for subject in who:
                for start, end, place in spans.get(subject, ()):
                    if start <= at <= end:
                        return place
        return None
