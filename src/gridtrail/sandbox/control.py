"""The sandbox's own controls under `/sandbox`: clock, stories, truth, faults, anomaly response.

They need no token and are no part of Slack's API. A body is a JSON object. Errors are HTTP 400
with one sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import orjson

from gridtrail.errors import WrongUse
from gridtrail.sandbox.audit_api import slack_json
from gridtrail.sandbox.describe import describe_world
from gridtrail.sandbox.organization import Caller
from gridtrail.sandbox.plan import Loudness, Story, StoryKind
from gridtrail.sandbox.slack_state import CallFaults, SlackState

Body = dict[str, Any]


def control(state: SlackState, method: str, place: str, body: bytes) -> tuple[int, bytes]:
    """HTTP status and body of the answer to `method` on `/sandbox/{place}`."""
    reads, writes = _READS.get(place), _WRITES.get(place)
    if reads is None and writes is None:
        return 404, _error(f"There is no /sandbox/{place}: GET /sandbox lists what there is.")
    try:
        if method == "GET" and reads is not None:
            return 200, slack_json(_locked(state, lambda: reads(state)))
        if method != "POST" or writes is None:
            return 405, _error(f"/sandbox/{place} takes {'POST' if writes else 'GET'}.")
        wanted = _object(body)
        return 200, slack_json(_locked(state, lambda: writes(state, wanted)))
    except WrongUse as error:
        return 400, _error(str(error))


def _locked(state: SlackState, work: Callable[[], Body]) -> Body:
    with state.lock:
        state.catch_up()
        done = work()
        state.catch_up()
        return done


def _error(sentence: str) -> bytes:
    return slack_json({"error": sentence})


def _object(body: bytes) -> Body:
    try:
        value = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        raise WrongUse("The body is no JSON: send an object.") from None
    if not isinstance(value, dict):
        raise WrongUse("The body is no JSON object: send one.")
    return value


def _number(wanted: Body, name: str, low: float, high: float) -> float | None:
    value = wanted.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise WrongUse(f"{name} must be a number from {low:g} to {high:g}.")
    return value


def _known(wanted: Body, *names: str) -> None:
    for name in wanted:
        if name not in names:
            raise WrongUse(f"{name[:80]!r} is not known here: give {', '.join(names)}.")


def overview(state: SlackState) -> Body:
    """What is simulated, the time, the tokens, and the endpoints."""
    world = state.organization.world
    return {
        "organization": {"id": world.enterprise.id, "name": world.enterprise.name},
        "seed": state.plan.seed,
        "people": len(world.people),
        "events": len(state.organization.ledger),
        "clock": clock(state),
        "tokens": {name: token.secret for name, token in state.named_tokens.items()},
        "endpoints": sorted(f"/sandbox/{place}" for place in {*_READS, *_WRITES} if place),
    }


def clock(state: SlackState) -> Body:
    """The simulated second, the speed, and the bounds of the simulated time."""
    plan = state.plan
    return {
        "now": state.clock.now(),
        "speed": state.clock.speed,
        "start": plan.start,
        "stop": plan.stop,
    }


def set_clock(state: SlackState, wanted: Body) -> Body:
    """`advance` by seconds, or to second `now`; `speed` from then on."""
    _known(wanted, "advance", "now", "speed")
    advance = _number(wanted, "advance", 0, 10**9)
    target = _number(wanted, "now", 0, 10**11)
    speed = _number(wanted, "speed", 0, 10**6)
    if target is not None:
        advance = target - state.clock.now()
    if advance is not None:
        state.clock.advance(advance)
    if speed is not None:
        state.clock.set_speed(speed)
    state.catch_up()
    return clock(state)


def truth(state: SlackState) -> Body:
    """What `truth.json` of a generated organization says, for what is in the log so far."""
    return {"stories": [planted.truth() for planted in state.organization.planted]}


def plant_story(state: SlackState, wanted: Body) -> Body:
    """Begin a story now: its `kind` and `loudness` (default loud)."""
    _known(wanted, "kind", "loudness")
    kind: Any = wanted.get("kind")
    loudness: Any = wanted.get("loudness", "loud")
    if kind not in get_args(StoryKind) or loudness not in get_args(Loudness):
        raise WrongUse(
            f"Give a kind of {', '.join(get_args(StoryKind))} and a loudness of "
            f"{', '.join(get_args(Loudness))}."
        )
    now = state.clock.now()
    planted = state.organization.plant(Story(kind, loudness), now)
    return planted.truth()


def world(state: SlackState) -> Body:
    """What `world.json` of a generated organization says."""
    return describe_world(state.organization.world)


def network(state: SlackState) -> Body:
    """The network tables of a generated organization, by file name."""
    atlas = state.organization.world.atlas
    return {
        "asn.tsv": list(atlas.tsv()),
        "tor.txt": atlas.tor_exits(),
        "vpn.txt": atlas.cidrs(("vpn",)),
        "relay.txt": atlas.cidrs(("relay",)),
        "hosting.txt": atlas.cidrs(("hosting",)),
    }


def faults(state: SlackState) -> Body:
    """What goes wrong with calls, and with the log."""
    calls, log = state.faults, state.plan.faults
    return {
        "fail": calls.fail,
        "status": calls.status,
        "delay": calls.delay,
        "cut": calls.cut,
        "calls_per_minute": state.calls_per_minute,
        "log": {
            "late": log.late,
            "duplicate": log.duplicate,
            "no_session": log.no_session,
            "no_address": log.no_address,
        },
    }


def set_faults(state: SlackState, wanted: Body) -> Body:
    """`fail` the next calls with `status`, `delay` all (seconds), `cut` the next pages,
    `expire_cursors` made so far, change `calls_per_minute`."""
    _known(wanted, "fail", "status", "delay", "cut", "expire_cursors", "calls_per_minute")
    fail = _number(wanted, "fail", 0, 10**6)
    status = _number(wanted, "status", 400, 599)
    delay = _number(wanted, "delay", 0, 60)
    cut = _number(wanted, "cut", 0, 10**6)
    calls = _number(wanted, "calls_per_minute", 0, 10**9)
    before = state.faults
    state.faults = CallFaults(
        before.fail if fail is None else int(fail),
        before.status if status is None else int(status),
        before.delay if delay is None else delay,
        before.cut if cut is None else int(cut),
    )
    if calls is not None:
        state.calls_per_minute = int(calls)
    if wanted.get("expire_cursors"):
        state.audit.cursors.expire(state.wall())
    return faults(state)


def response(state: SlackState) -> Body:
    """The settings of the automatic anomaly event response."""
    return state.organization.response.describe()


def set_response(state: SlackState, wanted: Body) -> Body:
    """Change them; the primary owner does it, and the log says so."""
    organization = state.organization
    owner = organization.primary_owner
    now = state.clock.now()
    device = owner.devices[0]
    context, _ = organization.life.context(owner, device, now)
    organization.change_response(Caller(owner, context), wanted, now)
    return response(state)


_READS: dict[str, Callable[[SlackState], Body]] = {
    "": overview,
    "clock": clock,
    "truth": truth,
    "world": world,
    "network": network,
    "faults": faults,
    "anomaly-response": response,
}
_WRITES: dict[str, Callable[[SlackState, Body], Body]] = {
    "clock": set_clock,
    "stories": plant_story,
    "faults": set_faults,
    "anomaly-response": set_response,
}
