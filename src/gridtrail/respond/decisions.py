"""What the automatic response decided, and why: each decision once, each with its trail.

    acting ──Slack said yes──> done        recorded   would have been done (dry run)
       ├─────no answer───────> unclear     notified   the rule only tells
       ├─────Slack said no───> failed      excluded   the person is spared
       └─a second person has > waiting     answered   done before, by whomever
         to approve                        guarded    it would be a loop
                                           held       the brake is on

A decision is for one finding, person, rule and cause (`guard`), and is never made again. `acting`
is written before Slack is called, and is found again after a crash. The brake's own rows have the
states `stopped` and `released`. How a signing out went on after `done` is in the responses.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from gridtrail.errors import WrongUse
from gridtrail.respond.guard import DAY, SKEW_SECONDS, Deed, Scope, Verdict
from gridtrail.respond.tables import decisions, responses
from gridtrail.respond.trail import (
    BRAKE_PULLED,
    BRAKE_RELEASED,
    GRIDTRAIL,
    RESPONSE_DECIDED,
    Doer,
    keep,
)
from gridtrail.state.database import open_state, storable, writing
from gridtrail.triage.tables import finding_notes, findings

State = Literal[
    "acting", "done", "unclear", "failed", "waiting", "recorded", "notified", "excluded",
    "answered", "guarded", "held", "stopped", "released",
]  # fmt: skip
STATES: tuple[State, ...] = (
    "acting", "done", "unclear", "failed", "waiting", "recorded", "notified", "excluded",
    "answered", "guarded", "held", "stopped", "released",
)  # fmt: skip
Mode = Literal["record", "act"]
ACTIONS: Mapping[str, Scope] = {
    "sign_out": "all",
    "sign_out_mobile": "mobile",
    "sign_out_web": "web",
    "end_sessions": "sessions",
}
"""What a rule does that ends sessions -> which."""
_DEEDS = ("acting", "done", "unclear", "waiting")
_CALLED = ("requested", "sent", "confirmed", "unconfirmed")
_NOTED_ONCE = ("excluded", "answered", "guarded", "held")
_DRY = "Would have been signed out automatically"
_NOT_NOTED = ("acting", "notified")


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision; times in seconds since the epoch, see the table. `id` 0 is not stored yet."""

    org: str
    finding_id: str
    person: str
    person_name: str
    rule: str
    cause: str
    happened: int
    action: str
    mode: Mode
    state: State
    why: str
    sessions: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    id: int = 0
    at: int = 0
    changed_at: int = 0


class DecisionStore:
    """The decisions of one installation; `place` as in `open_state`, `clock` counts seconds."""

    def __init__(self, place: Path | str, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = open_state(place)
        self._clock = clock

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def __enter__(self) -> DecisionStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with writing(self._engine).begin() as connection:
            yield connection

    def decide(
        self, wanted: Decision, judged: Callable[[Sequence[Deed], bool], Verdict] | None = None
    ) -> Decision | None:
        """Keep what is decided of `wanted`; None when the same was decided before.

        With `judged` (it is given the deeds known here, and whether the brake is on) that is up to
        it, in one transaction with what it is given: where it says `go`, the state is that of
        `wanted`. Where it says `brake`, the brake is put on.
        """
        now = int(self._clock())
        with self._writing() as connection:
            if connection.execute(_same(wanted).limit(1)).first() is not None:
                return None
            if judged is not None:
                deeds = _deeds(connection, wanted, now)
                verdict = judged(deeds, _brake(connection, wanted.org, wanted.mode) is not None)
                wanted = _of_verdict(wanted, verdict)
                if verdict.state == "brake":
                    _put_on(connection, wanted.org, wanted.mode, wanted.why, now)
            made = _inserted(connection, wanted, now)
            if made.state != "acting":
                _tell(connection, made, now)
        return made

    def is_known(self, wanted: Decision) -> bool:
        """Whether the same was decided before."""
        with self._engine.connect() as connection:
            return connection.execute(_same(wanted).limit(1)).first() is not None

    def deeds(self, wanted: Decision) -> list[Deed]:
        """Signings-out that are known here and count for `wanted`."""
        with self._engine.connect() as connection:
            return _deeds(connection, wanted, int(self._clock()))

    def settle(self, decision: Decision, state: State, why: str) -> Decision:
        """Say how `acting` went; a decision that is settled stays as it is."""
        now = int(self._clock())
        mine = decisions.c.id == decision.id
        acting = mine & (decisions.c.state == "acting")
        values = {"state": state, "why": storable(f"{decision.why} {why}"), "changed_at": now}
        with self._writing() as connection:
            changed = connection.execute(decisions.update().where(acting).values(values)).rowcount
            found = _decision(connection.execute(decisions.select().where(mine)).one())
            if changed:
                _tell(connection, found, now)
        return found

    def acting(self, org: str) -> list[Decision]:
        """Those that are not settled, the oldest first."""
        unsettled = (decisions.c.org == org) & (decisions.c.state == "acting")
        return self._read(decisions.select().where(unsettled).order_by(decisions.c.id))

    def since(self, id_: int, limit: int = 1_000) -> list[Decision]:
        """Decisions with a greater id, the oldest first, up to one that is not settled yet: whoever
        goes on from the last of them misses nothing, and none of them changes its state."""
        query = decisions.select().where(decisions.c.id > id_).order_by(decisions.c.id)
        found = []
        for one in self._read(query.limit(limit)):
            if one.state == "acting":
                break
            found.append(one)
        return found

    def select(
        self,
        *,
        finding: str | None = None,
        person: str | None = None,
        state: str | None = None,
        limit: int | None = None,
    ) -> list[Decision]:
        """Those that fit, the newest first. Raises WrongUse for a state that there is not."""
        if state is not None and state not in STATES:
            raise WrongUse(f"There is no state {state[:40]!r}: use one of {', '.join(STATES)}.")
        query = decisions.select().order_by(decisions.c.id.desc())
        for name, value in {"finding_id": finding, "person": person, "state": state}.items():
            query = query if value is None else query.where(decisions.c[name] == value)
        return self._read(query.limit(limit))

    def brake(self, org: str, mode: Mode = "act") -> Decision | None:
        """Since when and why the automatic response is stopped; None when it is not."""
        with self._engine.connect() as connection:
            return _brake(connection, org, mode)

    def stop(self, org: str, doer: Doer, reason: str = "") -> list[Decision]:
        """Put the brake on, in both modes: nothing is done until it is released. What was put on
        (nothing: it was on)."""
        now, made = int(self._clock()), []
        why = f"Stopped by {doer.name}. {reason}".strip()
        with self._writing() as connection:
            modes: tuple[Mode, ...] = ("act", "record")
            for mode in modes:
                if _brake(connection, org, mode) is None:
                    made.append(_put_on(connection, org, mode, why, now, doer))
        return made

    def release(self, org: str, doer: Doer, reason: str = "") -> list[Decision]:
        """Let the brake go, in both modes; what was released (nothing: it was not on)."""
        now, made = int(self._clock()), []
        with self._writing() as connection:
            modes: tuple[Mode, ...] = ("act", "record")
            for mode in modes:
                if _brake(connection, org, mode) is None:
                    continue
                why = f"Released by {doer.name}. {reason}".strip()
                row = _of_brake(org, mode, "release", "released", why)
                made.append(_inserted(connection, row, now))
                details = {"mode": mode, "reason": storable(reason)}
                keep(connection, now, org, BRAKE_RELEASED, doer, None, details)
        return made

    def _read(self, query: sa.Select[Any]) -> list[Decision]:
        with self._engine.connect() as connection:
            return [_decision(row) for row in connection.execute(query)]


def decisions_since(place: Path | str, id_: int, limit: int = 1_000) -> list[Decision]:
    """`DecisionStore.since`, for whoever needs nothing else of it; `place` as in `open_state`."""
    with DecisionStore(place) as store:
        return store.since(id_, limit)


def _same(wanted: Decision) -> sa.Select[Any]:
    names = ("finding_id", "person", "rule", "cause")
    return decisions.select().where(
        *(decisions.c[name] == storable(getattr(wanted, name)) for name in names)
    )


def _deeds(connection: sa.Connection, wanted: Decision, now: int) -> list[Deed]:
    """The automatic ones of the organization in `wanted.mode`, and all signings-out of the person
    that were asked of Slack."""
    since = min(now - DAY, wanted.happened - SKEW_SECONDS)
    states = (*_DEEDS, "recorded") if wanted.mode == "record" else _DEEDS
    query = decisions.select().where(
        decisions.c.org == wanted.org,
        decisions.c.at >= since,
        decisions.c.state.in_(states),
        decisions.c.action.in_(list(ACTIONS)),
    )
    automatic = [
        Deed(
            row.person, row.at, _DRY if row.state == "recorded" else "Signed out automatically",
            ACTIONS[row.action], frozenset(row.sessions), automatic=True,
        )
        for row in connection.execute(query)
    ]  # fmt: skip
    asked = responses.select().where(
        responses.c.org == wanted.org,
        responses.c.user_id == wanted.person,
        responses.c.called_at >= since,
        responses.c.state.in_(_CALLED),
    )
    return automatic + [_deed(row) for row in connection.execute(asked)]


def _deed(row: Any) -> Deed:
    words = f"Signed out by {row.asked_by}"
    if row.session_id is None:
        return Deed(row.user_id, row.called_at, words, row.devices)
    return Deed(row.user_id, row.called_at, words, "sessions", frozenset({row.session_id}))


def _of_verdict(wanted: Decision, verdict: Verdict) -> Decision:
    if verdict.state == "go":
        return wanted
    state: State = "held" if verdict.state == "brake" else verdict.state
    return replace(wanted, state=state, why=f"{wanted.why} {verdict.why}", batches=())


def _brake(connection: sa.Connection, org: str, mode: Mode) -> Decision | None:
    mine = (decisions.c.org == org) & (decisions.c.mode == mode)
    rows = decisions.select().where(mine, decisions.c.state.in_(("stopped", "released")))
    row = connection.execute(rows.order_by(decisions.c.id.desc()).limit(1)).first()
    return _decision(row) if row is not None and row.state == "stopped" else None


def _put_on(
    connection: sa.Connection, org: str, mode: Mode, why: str, now: int, doer: Doer = GRIDTRAIL
) -> Decision:
    made = _inserted(connection, _of_brake(org, mode, "stop", "stopped", why), now)
    details = {"mode": mode, "why": storable(why)}
    keep(connection, now, org, BRAKE_PULLED, doer, None, details)
    return made


def _of_brake(org: str, mode: Mode, action: str, state: State, why: str) -> Decision:
    return Decision(org, "", "", "", "", uuid.uuid4().hex, 0, action, mode, state, why)


def _inserted(connection: sa.Connection, wanted: Decision, now: int) -> Decision:
    values = {one.name: getattr(wanted, one.name) for one in fields(Decision)}
    values = {k: storable(v) if isinstance(v, str) else v for k, v in values.items() if k != "id"}
    values |= {"at": now, "changed_at": now}
    values |= {name: list(values[name]) for name in ("sessions", "batches")}
    made = connection.execute(decisions.insert().values(values).returning(decisions.c.id)).scalar()
    return _decision(connection.execute(decisions.select().where(decisions.c.id == made)).one())


def _tell(connection: sa.Connection, made: Decision, now: int) -> None:
    """Keep a settled decision in the trail, and in the finding's notes where it says something
    new."""
    details = {
        "finding": made.finding_id, "rule": made.rule, "action": made.action, "mode": made.mode,
        "state": made.state, "why": made.why,
    }  # fmt: skip
    entity = ("user", made.person, made.person_name)
    keep(connection, now, made.org, RESPONSE_DECIDED, GRIDTRAIL, entity, details)
    if made.state in _NOT_NOTED:
        return
    before = decisions.select().where(
        decisions.c.finding_id == made.finding_id, decisions.c.person == made.person,
        decisions.c.state == made.state, decisions.c.id < made.id,
    )  # fmt: skip
    if made.state in _NOTED_ONCE and connection.execute(before.limit(1)).first() is not None:
        return
    known = sa.select(findings.c.id).where(findings.c.id == made.finding_id)
    if connection.execute(known).first() is not None:
        note = {"finding_id": made.finding_id, "at": now, "author": "gridtrail"}
        connection.execute(finding_notes.insert().values(**note, text=_note(made)))


_HEADS = {
    "done": "Signed out automatically",
    "unclear": "Signed out automatically, with an unclear outcome",
    "waiting": "To be signed out automatically",
    "failed": "Not signed out automatically, for it failed",
    "recorded": "Would be responded to automatically (dry run)",
}


def _note(made: Decision) -> str:
    who = f"{made.person_name} ({made.person})" if made.person_name else made.person
    head = _HEADS.get(made.state, "Not signed out automatically")
    dry = " (dry run)" if made.mode == "record" and made.state != "recorded" else ""
    return f"{head}{dry}: {who}, {made.action}. {made.why}"


def _decision(row: Any) -> Decision:
    values = {one.name: getattr(row, one.name) for one in fields(Decision)}
    return Decision(**{**values, "sessions": tuple(row.sessions), "batches": tuple(row.batches)})
