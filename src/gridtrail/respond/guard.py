"""Whether a response that a rule wants may be made now: not twice, not in a loop, not to crowds.

Pure: it is given what was done before and says yes or why not. Times are seconds since the epoch.

A *cause* is the newest flagged action of one person in one finding. Whatever happened before a
signing out is answered by it for good. What happens afterwards is a new cause, and the same person
is signed out for it once `again` has passed, or at once when they have signed in anew meanwhile;
but never more than `most_a_day` times in 24 hours. The brake counts people, whatever their causes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from gridtrail.settings_respond import RespondSettings

Scope = Literal["all", "mobile", "web", "sessions"]

SKEW_SECONDS = 60
"""Slack's clock may be so much ahead of ours, and what was under way may still be logged."""
HOUR, DAY = 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Deed:
    """Somebody was signed out at second `at`; `words` say by whom. `sessions` are those that ended
    when `scope` is `sessions`. `automatic` is Gridtrail's own automatic response."""

    person: str
    at: int
    words: str
    scope: Scope = "all"
    sessions: frozenset[str] = frozenset()
    automatic: bool = False

    def covers(self, wanted: Wanted) -> bool:
        """Whether all that is wanted ended with it, for what happened before it."""
        if self.person != wanted.person or self.at + SKEW_SECONDS < wanted.happened:
            return False
        if self.scope == "sessions":
            return wanted.scope == "sessions" and wanted.sessions <= self.sessions
        return self.scope in ("all", wanted.scope)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A person to be signed out for what they did at second `happened`."""

    person: str
    happened: int
    scope: Scope = "all"
    sessions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers of the settings, in seconds where they are times."""

    again: int
    most_a_day: int
    people_an_hour: int

    @classmethod
    def of(cls, settings: RespondSettings) -> Limits:
        """Those of the settings."""
        return cls(
            settings.automatic_again_minutes * 60,
            settings.automatic_most_a_day,
            settings.automatic_people_an_hour,
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """`go`, or why not: `answered` (done before), `guarded` (it would be a loop), `held` (the brake
    is on), `brake` (the brake has to be put on now)."""

    state: Literal["go", "answered", "guarded", "held", "brake"]
    why: str = ""


def judge(
    wanted: Wanted,
    deeds: Iterable[Deed],
    *,
    stopped: bool,
    limits: Limits,
    now: int,
    signed_in: Callable[[int], bool],
) -> Verdict:
    """Whether it may be done. `deeds` are all signings-out of the last day, or since it happened;
    `signed_in` says whether the person signed in between a second and what is wanted."""
    known = list(deeds)
    before = next((one for one in known if one.covers(wanted)), None)
    if before is not None:
        return Verdict("answered", f"{before.words} after it happened.")
    if loop := _loop(wanted, known, limits, now, signed_in):
        return Verdict("guarded", loop)
    if stopped:
        return Verdict("held", "The automatic response is stopped: gridtrail responses release.")
    people = {one.person for one in known if one.automatic and one.at > now - HOUR}
    if len(people | {wanted.person}) > limits.people_an_hour:
        return Verdict(
            "brake",
            f"It would be person {len(people) + 1} within an hour; {limits.people_an_hour} are "
            "allowed.",
        )
    return Verdict("go")


def _loop(
    wanted: Wanted,
    deeds: list[Deed],
    limits: Limits,
    now: int,
    signed_in: Callable[[int], bool],
) -> str:
    mine = [
        one for one in deeds if one.automatic and one.person == wanted.person and one.at > now - DAY
    ]
    if len(mine) >= limits.most_a_day:
        return f"Signed out {len(mine)} times in 24 hours: a person has to look."
    last = max((one.at for one in mine), default=None)
    if last is not None and last > now - limits.again and not signed_in(last):
        return f"Signed out {now - last} s ago, and not signed in anew since."
    return ""
