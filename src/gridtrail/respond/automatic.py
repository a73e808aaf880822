"""The automatic response: what the rules of `[[respond.automatic]]` want is decided and done.

Off unless `respond.automatic_mode` says else. One run at a time; each decision is written down
before Slack is called, and a run that was killed is taken up by the next (see `decisions`).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from gridtrail.errors import BadSettings, RetryLater, WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.lake.only_one import only_one
from gridtrail.respond.causes import Cause, Deeds, causes_of, check_patterns, may_fit
from gridtrail.respond.decisions import ACTIONS, Decision, DecisionStore, Mode, State
from gridtrail.respond.guard import DAY, SKEW_SECONDS, Deed, Limits, Verdict, Wanted, judge
from gridtrail.respond.people import Person, find_person, why_not
from gridtrail.respond.responses import Response, ResponseStore
from gridtrail.respond.sign_out import Order, Preview, SigningOut, organization_of
from gridtrail.respond.slack_admin import Devices, SlackAdmin
from gridtrail.respond.slack_did import signed_in_since, slack_ends_for, slacks_deeds
from gridtrail.settings import Settings
from gridtrail.triage.finding import Finding
from gridtrail.triage.store import FindingFilters, FindingStore

BY = "Gridtrail"
"""Who asked, in the record of responses."""
RESUME_SECONDS = 600
"""A call that a crash prevented is made up for so long; later it is left to people."""
_BUSY = "Another process responds in this directory: wait for it, or stop it."
_DEVICES: dict[str, Devices] = {"sign_out_mobile": "mobile", "sign_out_web": "web"}
_HARMLESS = ("expected", "false_positive")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A cause that is not decided yet, and why: it is looked at again by the next run."""

    cause: Cause
    why: str


@dataclass(slots=True)
class Ran:
    """What one run did: `decided` newly, `waiting` for the next, `stopped` by the brake."""

    decided: list[Decision] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    stopped: Decision | None = None


class Automatic:
    """The automatic response over one lake; keep it between runs, it knows what it has seen.

    `clock` counts seconds, `sleep` waits some while Slack says so.
    """

    def __init__(
        self,
        lake: Lake,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._lake, self._settings = lake, settings
        self._respond = settings.respond
        self._org = organization_of(settings)
        self._clock, self._sleep = clock, sleep
        self._seen: dict[str, Finding] = {}
        check_patterns(settings.respond.automatic)

    def run(self) -> Ran:
        """Decide on every fresh finding of the organization, the worst first, and act.

        Raises WrongUse when another process is at it. What Slack refuses is in the decisions.
        """
        ran = Ran()
        if self._respond.automatic_mode == "off":
            return ran
        place, home = self._settings.state, self._lake.home
        with (
            only_one(home, "respond", _BUSY),
            DecisionStore(place, clock=self._clock) as decisions,
            ResponseStore(place, clock=self._clock) as responses,
        ):
            one = _Run(self._lake, self._settings, decisions, responses, self._clock, self._sleep)
            ran.decided += one.take_up()
            for cause in self._causes():
                done = one.on(cause)
                if isinstance(done, Waiting):
                    ran.waiting.append(done)
                    self._seen.pop(cause.finding.id, None)
                elif done is not None:
                    ran.decided.append(done)
            ran.stopped = decisions.brake(self._org, self._respond.automatic_mode)
        return ran

    def _causes(self) -> Iterator[Cause]:
        now = int(self._clock())
        oldest = now - self._respond.automatic_fresh_hours * 3_600
        with FindingStore(self._settings.state) as store:
            listed = store.select(FindingFilters(org=self._org, oldest=oldest))
        rules = self._respond.automatic
        fresh = [
            one
            for one in listed
            if self._seen.get(one.id) != one and any(may_fit(rule, one) for rule in rules)
        ]
        if not fresh:
            return
        deeds = Deeds(self._lake, self._settings, self._org, oldest)
        for finding in fresh:
            self._seen[finding.id] = finding
            for cause in causes_of(finding, rules, deeds.of(finding)):
                if cause.newest.happened >= oldest:
                    yield cause


class _Run:
    """One run, inside its lock."""

    def __init__(
        self,
        lake: Lake,
        settings: Settings,
        decisions: DecisionStore,
        responses: ResponseStore,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._lake, self._settings, self._respond = lake, settings, settings.respond
        self._decisions, self._responses = decisions, responses
        self._clock, self._sleep = clock, sleep
        self._org = organization_of(settings)
        self._slack_ends: frozenset[str] | None = None
        self._signing: SigningOut | None = None

    def take_up(self) -> list[Decision]:
        """Go on where an earlier run was killed."""
        found = self._decisions.acting(self._org)
        return [self._carry_out(one, interrupted=True) for one in found]

    def on(self, cause: Cause) -> Decision | Waiting | None:
        """Decide, and act; None when it was decided before."""
        wanted = self._wanted(cause)
        if self._decisions.is_known(wanted):
            return None
        if cause.finding.status == "closed" and cause.finding.verdict in _HARMLESS:
            why = f"A person judged it {cause.finding.verdict}."
            return self._decided(wanted, "excluded", why)
        if cause.rule.do == "notify":
            return self._decided(wanted, "recorded" if wanted.mode == "record" else "notified", "")
        if spared := self._spared(cause):
            return self._decided(wanted, "excluded", f"{cause.person.words} {spared}.")
        if why := self._slack_may(cause):
            return Waiting(cause, why)
        return self._sign_out(cause, wanted)

    def _wanted(self, cause: Cause) -> Decision:
        record = "record" in (self._respond.automatic_mode, cause.rule.mode)
        mode: Mode = "record" if record else "act"
        only = cause.rule.do == "end_sessions"
        return Decision(
            self._org, cause.finding.id, cause.person.id, cause.person.name, cause.rule.name,
            cause.newest.raised.id, cause.newest.happened, cause.rule.do, mode,
            "recorded" if record else "acting", cause.why, cause.sessions if only else (),
        )  # fmt: skip

    def _decided(self, wanted: Decision, state: State, why: str) -> Decision | None:
        words = f"{wanted.why} {why}".strip()
        return self._decisions.decide(replace(wanted, state=state, why=words))

    def _spared(self, cause: Cause) -> str:
        person, settings = cause.person, self._respond
        if not person.email:
            person = find_person(self._lake, self._org, person.id)
        if why := why_not(person, settings, cause.rule.never):
            return why
        members = (one for group in settings.groups.values() for one in group)
        listed = [*settings.never, *settings.primary_owners, *cause.rule.never, *members]
        if not person.email and any("@" in one for one in listed):
            return "has no known e-mail address, so it is not known whether they are to be spared"
        if cause.rule.do == "end_sessions" and not cause.sessions:
            return "used no session that the log names"
        return ""

    def _slack_may(self, cause: Cause) -> str:
        """Why Slack's own response has to be waited for; empty when it has not."""
        newest = cause.newest
        if newest.source != "slack":
            return ""
        if self._slack_ends is None:
            self._slack_ends = slack_ends_for(self._lake, self._org, self._respond)
        until = newest.raised.at + self._respond.slack_response_seconds
        if self._slack_ends.isdisjoint(newest.reasons) or self._clock() >= until:
            return ""
        return "Slack's own anomaly event response may sign the person out: it gets its time."

    # signing out ----------------------------------------------------------------------------

    def _sign_out(self, cause: Cause, wanted: Decision) -> Decision | Waiting | None:
        judged = self._judge(wanted)
        if wanted.mode == "record":
            return self._decisions.decide(wanted, judged)
        brake = self._decisions.brake(self._org) is not None
        if judged(self._decisions.deeds(wanted), brake).state != "go":
            return self._decisions.decide(wanted, judged)
        try:
            shown = self._previews(wanted, cause.person)
        except RetryLater as error:
            return Waiting(cause, str(error))
        except (WrongUse, BadSettings) as error:
            return self._decided(wanted, "failed", str(error))
        if not shown:
            return self._decided(wanted, "answered", "No such session is active any more.")
        name = uuid.uuid4().hex
        keys = tuple(f"{name}-{number}" for number in range(len(shown)))
        ids = tuple(one.order.session_id for one in shown if one.order.session_id is not None)
        decided = self._decisions.decide(replace(wanted, batches=keys, sessions=ids), judged)
        if decided is None or decided.state != "acting":
            return decided
        return self._carry_out(decided, previews=shown)

    def _judge(self, wanted: Decision) -> Callable[[Sequence[Deed], bool], Verdict]:
        now = int(self._clock())
        since = min(now - DAY, wanted.happened - SKEW_SECONDS)
        at_slack = slacks_deeds(self._lake, self._org, since)
        scope = ACTIONS[wanted.action]
        asked = Wanted(wanted.person, wanted.happened, scope, frozenset(wanted.sessions))

        def signed_in(after: int) -> bool:
            until = wanted.happened
            return signed_in_since(self._lake, self._org, wanted.person, after, until)

        def judged(deeds: Sequence[Deed], stopped: bool) -> Verdict:
            return judge(
                asked, [*deeds, *at_slack], stopped=stopped, limits=Limits.of(self._respond),
                now=now, signed_in=signed_in,
            )  # fmt: skip

        return judged

    def _previews(self, wanted: Decision, person: Person) -> list[Preview]:
        """One for each call; empty when nothing of it is active."""
        order = Order((person,), _DEVICES.get(wanted.action, "all"), None, "", wanted.finding_id)
        order = replace(order, reason=f"rule {wanted.rule}: {wanted.why}")
        shown = self._signer.preview(order)
        active = [one.session_id for one in shown.sessions.get(person.id, ())]
        if wanted.action != "end_sessions":
            return [shown] if active else []
        mine = [one for one in active if one in wanted.sessions]
        return [replace(shown, order=replace(order, session_id=one)) for one in mine]

    @property
    def _signer(self) -> SigningOut:
        if self._signing is None:
            admin = SlackAdmin(self._respond, sleep=self._sleep)
            self._signing = SigningOut(admin, self._responses, self._respond, self._org)
        return self._signing

    def _carry_out(
        self, decided: Decision, *, previews: Sequence[Preview] = (), interrupted: bool = False
    ) -> Decision:
        """Make the calls of a decision, each at most once, and note how it went."""
        late = interrupted and (
            self._respond.automatic_mode != "act" or self._clock() > decided.at + RESUME_SECONDS
        )
        done: list[tuple[State, str]] = []
        for place, key in enumerate(decided.batches):
            made = self._responses.batch(key)
            called = bool(made) and (made[0].called_at is not None or made[0].state != "requested")
            if called:
                done.append(_how(made[0]))
            elif late:
                self._responses.answered(key, "failed", "Gridtrail was interrupted before it.")
                done.append(("failed", "Gridtrail was interrupted before it called Slack."))
            else:
                shown = previews[place] if previews else _again(decided, place)
                done.append(self._called(shown, key))
        worst = min(done, key=lambda one: _WORST.index(one[0]))
        words = " ".join(dict.fromkeys(why for _, why in done))
        return self._decisions.settle(decided, worst[0], words)

    def _called(self, shown: Preview, key: str) -> tuple[State, str]:
        try:
            (asked,) = self._signer.ask(shown, BY, key=key)
            if asked.state == "waiting":
                return "waiting", "It waits for a second person: gridtrail responses approve."
            return _how(self._signer.carry_out(key)[0])
        except (WrongUse, BadSettings, RetryLater) as error:
            made = self._responses.batch(key)
            return _how(made[0]) if made and made[0].called_at else ("failed", str(error))


_WORST: tuple[State, ...] = ("unclear", "failed", "waiting", "done")


def _how(response: Response) -> tuple[State, str]:
    """What became of a call, as a state of its decision."""
    if response.state == "requested":
        return "unclear", response.said or "Gridtrail was interrupted while it called Slack."
    states: dict[str, State] = {"waiting": "waiting", "failed": "failed"}
    return states.get(response.state, "done"), response.said


def _again(decided: Decision, place: int) -> Preview:
    """What was to be called when the run was killed."""
    person = Person(decided.person, decided.person_name)
    session = decided.sessions[place] if decided.action == "end_sessions" else None
    order = Order(
        (person,), _DEVICES.get(decided.action, "all"), session,
        f"rule {decided.rule}: {decided.why}", decided.finding_id,
    )  # fmt: skip
    return Preview(order, (person,), ())
