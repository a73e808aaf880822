from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gridtrail.sandbox.control import control
from gridtrail.sandbox.describe import describe_world
from gridtrail.sandbox.slack_state import SlackState

if TYPE_CHECKING:
    from tests.sandbox.conftest import MakeState


def ask(state: SlackState, place: str = "", wanted: Any = None) -> tuple[int, Any]:
    """Status and answer; with `wanted`, of a POST."""
    method = "GET" if wanted is None else "POST"
    body = b"" if wanted is None else json.dumps(wanted).encode()
    status, answer = control(state, method, place, body)
    return status, json.loads(answer)


def test_the_overview_lists_what_works(past: SlackState) -> None:
    """Every endpoint that it names answers a read, or says that it takes POST."""
    status, answer = ask(past)
    assert status == 200
    assert set(answer["tokens"]) == {"owner", "reader", "member", "workspace"}
    for endpoint in answer["endpoints"]:
        assert ask(past, endpoint.removeprefix("/sandbox/"))[0] in (200, 405)
    assert ask(past, "nowhere")[0] == 404


def test_the_clock_goes_forward_only(simulate: MakeState) -> None:
    """By seconds or to a second; back is refused, and unknown words are."""
    state = simulate()
    now = state.clock.now()
    assert ask(state, "clock", {"advance": 60})[1]["now"] == now + 60
    assert ask(state, "clock", {"now": now + 90, "speed": 5})[1]["speed"] == 5
    for wrong in ({"now": now}, {"speed": -1}, {"advance": "1"}, {"advance": True}, {"x": 1}):
        status, answer = ask(state, "clock", wrong)
        assert status == 400
        assert answer["error"].endswith(".")
    assert state.clock.now() == now + 90


def test_the_truth_grows_with_the_log(simulate: MakeState) -> None:
    """A planted story has no events at first, and its events when time has gone on."""
    state = simulate()
    assert ask(state, "stories", {"kind": "tor"})[1]["event_ids"] == []
    assert ask(state, "stories", {"kind": "nonsense"})[0] == 400
    ask(state, "clock", {"advance": 3_600})
    (story,) = ask(state, "truth")[1]["stories"]
    assert len(story["event_ids"]) > 50
    assert story["expected_reasons"] == ["tor"]


def test_world_and_networks_are_those_of_the_files(past: SlackState) -> None:
    """What a generated directory holds beside its events can be asked for."""
    world = json.loads(json.dumps(describe_world(past.organization.world)))
    assert ask(past, "world")[1] == world
    names = set(ask(past, "network")[1])
    assert names == {"asn.tsv", "tor.txt", "vpn.txt", "relay.txt", "hosting.txt"}
