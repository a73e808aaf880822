"""A simulated Enterprise organization that lives, and on which actions have effects."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from gridtrail.sandbox.event_text import Fields, plain
from gridtrail.sandbox.life import Life, Row
from gridtrail.sandbox.live_stage import LiveStage
from gridtrail.sandbox.people import Person
from gridtrail.sandbox.plan import Plan, Story, check_story
from gridtrail.sandbox.render import body, piece
from gridtrail.sandbox.response import DELAY as RESPONSE_DELAY
from gridtrail.sandbox.response import AnomalyResponse
from gridtrail.sandbox.sessions import Active, Sessions
from gridtrail.sandbox.slack_detection import Detection, Flagged
from gridtrail.sandbox.staging import Planted, Stage
from gridtrail.sandbox.stories import plant, plant_one
from gridtrail.sandbox.timeline import Timeline
from gridtrail.sandbox.world import World, build_world

BULK_DELAY = 8
"""Seconds between asking for a bulk reset and its being done."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls a method that the log tells of: the person, and the JSON text of the context."""

    person: Person
    context: str


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """A person's own session settings; None for what is not set."""

    duration: int | None = None
    desktop_app_browser_quit: bool | None = None


class Organization:
    """The organization of `plan`, up to second `now`; drawing its past may take a while.

    `response` are the settings of the anomaly event response; `planted` the stories so far.
    Everything takes the second at which it happens, which must not go back; what it makes happen is
    in the log after the next `catch_up`. Not for several threads at once.
    """

    def __init__(self, plan: Plan, now: int) -> None:
        self.world: World = build_world(plan)
        self.life = Life(self.world)
        self._stage = Stage(self.world, self.life)
        self.planted: list[Planted] = plant(self._stage)
        holders = [number for number, story in enumerate(self.planted) if story.holds_cookie]
        self._sessions = Sessions(self.world, holders)
        self.detection = Detection(self.world.atlas, plan.seed, plan.start)
        self.response = AnomalyResponse()
        self.settings: dict[str, SessionSettings] = {}
        self._story_of: dict[int, int] = {}  # a session's last story
        self.people = {person.id: person for person in self.world.people}
        self.timeline = Timeline(self.world, self.life, self.planted, self._sessions, self._watch)
        self.ledger = self.timeline.ledger
        self.bots = self.timeline.bots
        self.catch_up(now)

    @property
    def primary_owner(self) -> Person:
        """The person whose sessions nobody else can end."""
        return self.world.people[1]

    def catch_up(self, now: int) -> None:
        """Let life go on up to second `now`."""
        self.timeline.catch_up(now)

    def plant(self, story: Story, now: int) -> Planted:
        """Begin a story now. Raises WrongUse for a kind or a loudness that does not exist."""
        check_story(story, self.world.plan.days)
        number = len(self.planted)
        stage = LiveStage(self._stage, now, self.timeline.next_day)
        planted = plant_one(stage, story, number)
        self.planted.append(planted)
        if planted.holds_cookie:
            self._sessions.cookie_stories.add(number)
        self.timeline.tell(number)
        return planted

    def active_sessions(self, person: Person, now: int) -> list[Active]:
        """The sessions of `person` that could be used now."""
        return self._sessions.active(person, now)

    def end_sessions(self, person: Person, now: int, kinds: Collection[str]) -> int:
        """End the person's sessions of these kinds (`mobile`, `web`); returns how many."""
        ended = [one.session for one in self._sessions.active(person, now) if one.kind in kinds]
        self._end(ended, now)
        return len(ended)

    def _end(self, sessions: Sequence[int], now: int) -> None:
        if sessions:
            self._sessions.end(sessions, now)
            self.timeline.rework()

    def reset(self, by: Caller, person: Person, now: int, flags: dict[str, bool]) -> None:
        """End the person's sessions as `admin.users.session.reset` does."""
        self.end_sessions(person, now, kinds_of(flags))
        details = {**flags, "non_sso_only": False}
        self._record(by, "user_session_reset_by_admin", person.actor, now, details)

    def reset_later(
        self, by: Caller, user_ids: Sequence[str], now: int, flags: dict[str, bool]
    ) -> None:
        """Queue the end of many people's sessions as `admin.users.session.resetBulk` does."""

        def effect(second: int) -> None:
            failed = [one for one in user_ids if not self.can_reset(by, one)]
            succeeded = [one for one in user_ids if one not in failed]
            for user_id in succeeded:
                self.end_sessions(self.people[user_id], second, kinds_of(flags))
            details = {"succeeded_users": succeeded, "failed_users": failed}
            entity = self.world.enterprise.entity
            self._record(by, "bulk_session_reset_by_admin", entity, second, details)

        self.timeline.schedule(now + BULK_DELAY, effect)

    def can_reset(self, by: Caller, user_id: str) -> bool:
        """Whether the sessions of that user can be ended by that caller."""
        person = self.people.get(user_id)
        return person is not None and (person is not self.primary_owner or by.person is person)

    def invalidate(self, by: Caller, session: Active, now: int) -> None:
        """End one session as `admin.users.session.invalidate` does."""
        self._end([session.session], now)
        self._record(by, "user_session_invalidated", session.person.actor, now, None)

    def set_settings(
        self, by: Caller, person: Person, settings: SessionSettings | None, now: int
    ) -> None:
        """Set (or, with None, clear) a person's session settings."""
        if settings is None:
            self.settings.pop(person.id, None)
        else:
            self.settings[person.id] = settings
        kept = settings or SessionSettings()
        details = {
            "duration": kept.duration,
            "desktop_app_browser_quit": kept.desktop_app_browser_quit,
        }
        self._record(by, "user_session_settings_changed", person.actor, now, details)

    def change_response(self, by: Caller, wanted: dict[str, Any], now: int) -> None:
        """Change the anomaly event response. Raises WrongUse for what cannot be."""
        before = self.response.describe()
        self.response.change(wanted)
        after = self.response.describe()
        if before != after:
            details = {"new_value": _listed(after), "previous_value": _listed(before)}
            entity = self.world.enterprise.entity
            self._record(by, "pref.anomaly_event_response_changed", entity, now, details)

    def _record(
        self, by: Caller, action: str, entity: str, now: int, details: dict[str, Any] | None
    ) -> None:
        told = None if details is None else piece(details)
        self.timeline.add(Row(now, body(action, by.person.actor, entity, by.context, told)))

    def _watch(self, row: Row, fields: Fields) -> None:
        """What follows from an event that is in the log now."""
        if fields.action == "anomaly":
            self._respond(row, fields)
            return
        if row.tag >= 0 and fields.session is not None:
            self._story_of[fields.session] = row.tag
        for flagged in self.detection.look(row.second, fields):
            self._flag(row, fields, flagged)

    def _flag(self, row: Row, fields: Fields, flagged: Flagged) -> None:
        actor, context = _actor(row.body), _context(row.body)
        details = {"action_timestamp": row.second * 1_000_000 + 612_345, **flagged.details}
        text = body("anomaly", actor, actor, context, piece(details))
        at = row.second + self.detection.delay(row.second, fields.actor)
        tag = row.tag
        if "session_fingerprint" in flagged.reasons and fields.session is not None:
            tag = self._story_of.get(fields.session, -1)  # seen when the owner is back
        self.timeline.add(Row(at, text, tag))

    def _respond(self, row: Row, fields: Fields) -> None:
        person = self.people.get(fields.actor)
        reasons = _reasons(row.body)
        if person is None or person.company is not None:
            return  # never for people of other companies
        hits = self.response.acts(person.id, reasons, row.second)
        if not hits:
            return

        def effect(second: int) -> None:
            self.end_sessions(person, second, ("mobile", "web"))
            action = "user_sessions_reset_by_anomaly_event_response"
            details = piece({"reason": hits})
            text = body(action, person.actor, person.actor, _context(row.body), details)
            self.timeline.add(Row(second, text))

        self.timeline.schedule(row.second + RESPONSE_DELAY, effect)


def kinds_of(flags: dict[str, bool]) -> tuple[str, ...]:
    """The kinds of sessions that `mobile_only` and `web_only` leave; both together mean all."""
    mobile, web = flags["mobile_only"], flags["web_only"]
    if mobile == web:
        return ("mobile", "web")
    return ("mobile",) if mobile else ("web",)


def _listed(settings: dict[str, Any]) -> dict[str, list[str]]:
    """Settings as an object of string lists, the only shape known of preferences' values."""
    on = [code for code, wanted in settings["reasons"].items() if wanted]
    return {"enabled": [str(settings["enabled"]).lower()], "reasons": on}


def _actor(text: str) -> str:
    return text[text.index(',"actor":') + 9 : text.index(',"entity":{"type":"')]


def _context(text: str) -> str:
    """The context object of a body of an event with a session."""
    begin = text.index(',"context":{"location":') + 11
    session = text.index('"session_id":', begin)
    return text[begin : text.index("}", session) + 1]


def _reasons(text: str) -> list[str]:
    begin = text.index('"reason":[') + 10
    return [plain(code.strip('"')) for code in text[begin : text.index("]", begin)].split(",")]
