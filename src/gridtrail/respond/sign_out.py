"""Signing people out of Slack: shown first, recorded before and after, and done once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gridtrail.errors import WrongUse
from gridtrail.respond.people import Person, why_not
from gridtrail.respond.responses import Asked, Response, ResponseStore
from gridtrail.respond.slack_admin import MOST_USERS, Devices, SlackAdmin, SlackSession
from gridtrail.respond.slack_errors import NotReached, Refused, RefusedSettings, Unclear
from gridtrail.respond.trail import SIGN_OUT_DONE, SIGN_OUT_FAILED, SIGN_OUT_UNCLEAR
from gridtrail.settings import Settings
from gridtrail.settings_respond import RespondSettings

NO_ANSWER_OF_YES = (Refused, RefusedSettings, NotReached, Unclear)
"""What `SigningOut.carry_out` raises after it has made its call, and noted how that went."""

ON: Mapping[Devices, str] = {
    "all": "on all devices",
    "mobile": "on mobile devices",
    "web": "on the web and desktop",
}
"""Where people are signed out, in words."""


@dataclass(frozen=True, slots=True)
class Order:
    """Whom to sign out, where and why; `session_id` names one session of a single person."""

    people: tuple[Person, ...]
    devices: Devices = "all"
    session_id: str | None = None
    reason: str = ""
    finding_id: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order would do: `people` are signed out, `excluded` are not (and why).

    `sessions` are the active sessions by user id, as Slack lists them now.
    """

    order: Order
    people: tuple[Person, ...]
    excluded: tuple[tuple[Person, str], ...]
    sessions: dict[str, list[SlackSession]] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """What will happen, in words, by name."""
        if self.order.session_id is not None:
            one = self.people[0]
            session = next(
                s for s in self.sessions[one.id] if s.session_id == self.order.session_id
            )
            return f"End session {session.session_id} of {one.words}: {session.words}."
        names = "; ".join(one.words for one in self.people[:20])
        more = f" and {len(self.people) - 20} more" if len(self.people) > 20 else ""
        return f"Sign out of Slack {ON[self.order.devices]}: {names}{more}."


class SigningOut:
    """Signing out with one token of one organization."""

    def __init__(
        self, slack: SlackAdmin, store: ResponseStore, settings: RespondSettings, org: str
    ) -> None:
        self._slack, self._store = slack, store
        self._settings, self._org = settings, org

    def preview(self, order: Order) -> Preview:
        """What would happen; reads only. Raises as `SlackAdmin.sessions`, and WrongUse for an order
        that cannot be, or that excludes everybody."""
        _check(order)
        excluded = [(one, why) for one in order.people if (why := why_not(one, self._settings))]
        out = {one.id for one, _ in excluded}
        people = tuple(one for one in order.people if one.id not in out)
        if not people:
            one, why = excluded[0]
            raise WrongUse(f"{one.words} {why}: nobody is signed out.")
        # listing the sessions of hundreds would use up Slack's patience for the rest
        shown = people if len(people) <= 10 else ()
        sessions = {one.id: self._slack.sessions(one.id) for one in shown}
        if order.session_id is not None:
            listed = [one.session_id for one in sessions[people[0].id]]
            if order.session_id not in listed:
                known = ", ".join(listed) or "none"
                raise WrongUse(
                    f"{people[0].words} has no active session {order.session_id[:40]!r}: choose "
                    f"of {known}."
                )
        return Preview(order, people, tuple(excluded), sessions)

    def ask(self, preview: Preview, by: str, *, key: str | None = None) -> list[Response]:
        """Record the wish of `by`: it is `requested`, or `waiting` with four eyes.

        With the `key` of an earlier asking that one is returned, and nothing is asked again. Raises
        WrongUse when the same is under way.
        """
        self._store.expire(self._settings.approval_hours * 3600)
        order = preview.order
        made: list[Response] = []
        for begin in range(0, len(preview.people), MOST_USERS):
            part = preview.people[begin : begin + MOST_USERS]
            asked = Asked(
                self._org,
                _method(order, part),
                tuple((one.id, one.name) for one in part),
                order.devices,
                order.session_id,
                by,
                order.reason,
                order.finding_id,
                key if key is None or not begin else f"{key}-{begin}",
            )
            made += self._store.ask(asked, approval=self._settings.four_eyes)
        return made

    def carry_out(self, batch: str, *, approved_by: str | None = None) -> list[Response]:
        """Make the call of `batch`, once, and note what Slack said.

        An unclear outcome stays `requested` and is watched. Raises WrongUse when it was begun
        before, waits for a second person, or waited too long for one; and what Slack said, after
        noting it.
        """
        self._store.expire(self._settings.approval_hours * 3600)
        rows = self._store.begin(batch, approved_by=approved_by)
        excluded = [one for one in rows if why_not(Person(one.user_id), self._settings)]
        if excluded:  # the settings changed while it waited
            self._store.answered(batch, "failed", "Excluded by the settings meanwhile.")
            said = f"{excluded[0].user_id} is excluded by the settings now: ask anew."
            raise Refused("excluded", said)
        try:
            self._call(rows)
        except (Refused, RefusedSettings, NotReached) as error:
            self._store.answered(batch, "failed", str(error))
            raise
        except Unclear as error:
            self._store.answered(batch, "requested", str(error))
            raise
        queued = rows[0].method == "reset_bulk"
        return self._store.answered(
            batch, "sent", "Slack queued it." if queued else "Slack did it."
        )

    def _call(self, rows: Sequence[Response]) -> None:
        first = rows[0]
        if first.method == "invalidate":
            self._slack.invalidate(first.user_id, first.session_id or "")
        elif first.method == "reset":
            self._slack.reset(first.user_id, first.devices)
        else:
            self._slack.reset_bulk([one.user_id for one in rows], first.devices)


def outcome_of(response: Response) -> str:
    """How a call that was made went, as an action of the trail."""
    if response.state == "failed":
        return SIGN_OUT_FAILED
    return SIGN_OUT_UNCLEAR if response.state == "requested" else SIGN_OUT_DONE


def _method(order: Order, part: Sequence[Person]) -> str:
    if order.session_id is not None:
        return "invalidate"
    return "reset" if len(part) == 1 else "reset_bulk"


def _check(order: Order) -> None:
    if not order.people:
        raise WrongUse("Nobody is named: give a Slack id or an e-mail address.")
    if len({one.id for one in order.people}) != len(order.people):
        raise WrongUse("Somebody is named twice: name each person once.")
    if order.session_id is None:
        return
    if len(order.people) != 1 or order.devices != "all":
        raise WrongUse("A session belongs to one person and one device: give a user and --session.")
    if not (order.session_id.isascii() and order.session_id.isdecimal()):
        raise WrongUse("A session is a whole number: see --dry-run for those that are active.")


def organization_of(settings: Settings) -> str:
    """The organization in the lake that the token of `[respond]` belongs to."""
    return settings.respond.org or settings.collect.org or settings.org
