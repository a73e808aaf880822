from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from slack_sdk import WebClient
from slack_sdk.audit_logs import AuditLogsClient
from slack_sdk.errors import SlackApiError

from gridtrail.sandbox.plan import Story
from gridtrail.sandbox.slack_state import SlackState
from gridtrail.slack.catalogue import endpoint_groups

if TYPE_CHECKING:
    from tests.sandbox.conftest import Event, MakeState

    Online = Callable[[SlackState], str]
    Log = Callable[..., list[Event]]


def raw(url: str, token: str | None = None, **more: Any) -> tuple[int, bytes, Any]:
    """Status, body and headers of one plain HTTP call."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(url, headers=headers, **more)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


def owner(state: SlackState) -> str:
    return state.named_tokens["owner"].secret


def audit_client(state: SlackState, url: str, token: str | None = None) -> AuditLogsClient:
    return AuditLogsClient(token or owner(state), base_url=f"{url}/audit/v1/")


def walk(client: AuditLogsClient, **filters: Any) -> list[list[Event]]:
    """All pages, with the filters repeated each time as Slack wants it."""
    pages, cursor = [], None
    while True:
        answer = client.logs(cursor=cursor, **filters)
        assert answer.body is not None
        pages.append(answer.body["entries"])
        cursor = answer.body["response_metadata"]["next_cursor"]
        if not cursor:
            return pages


def test_the_sdk_reads_the_whole_log(past: SlackState, online: Online, log: Log) -> None:
    """Page after page, newest first, seconds whole on one page, nothing lost or twice."""
    pages = walk(audit_client(past, online(past)), limit=700)
    times = [event["date_create"] for page in pages for event in page]
    assert times == sorted(times, reverse=True)
    for one, two in pairwise(pages):
        assert one[-1]["date_create"] > two[0]["date_create"]
    found = [event["id"] for page in pages for event in page]
    assert len(pages) > 3
    assert len(set(found)) == len(found)
    assert set(found) == {event["id"] for event in log(past)}


def test_filters_join_and_bounds_are_inclusive(past: SlackState, online: Online, log: Log) -> None:
    """Time, action and actor narrow together; events of both bounds are there."""
    logins = [event for event in log(past) if event["action"] in ("user_login", "file_shared")]
    first, last = logins[3]["date_create"], logins[-3]["date_create"]
    client = audit_client(past, online(past))
    (page, *_) = walk(
        client, oldest=first, latest=last, action="user_login,file_shared", limit=9999
    )
    wanted = [event["id"] for event in logins if first <= event["date_create"] <= last]
    assert [event["id"] for event in reversed(page)] == wanted
    actor = logins[3]["actor"]["user"]["id"]
    answer = client.logs(actor=actor, limit=5).body
    assert answer is not None
    assert {event["actor"]["user"]["id"] for event in answer["entries"]} == {actor}


def test_a_filter_that_is_not_repeated_is_gone(past: SlackState, online: Online) -> None:
    """The cursor holds a position alone: a client that drops its filters gets everything."""
    client = audit_client(past, online(past))
    first = client.logs(action="user_login", limit=1).body
    assert first is not None
    cursor = first["response_metadata"]["next_cursor"]
    assert base64.b64decode(cursor)
    assert cursor.endswith("=")
    rest = client.logs(cursor=cursor, limit=50).body
    assert rest is not None
    assert {event["action"] for event in rest["entries"]} != {"user_login"}


def test_answers_have_slacks_form(past: SlackState, online: Online) -> None:
    """No `ok`, slashes escaped, JSON in UTF-8."""
    status, body, headers = raw(f"{online(past)}/audit/v1/logs?limit=20", owner(past))
    assert status == 200
    assert set(json.loads(body)) == {"entries", "response_metadata"}
    assert b"\\/" in body
    assert b"Mozilla/5" not in body
    assert headers["content-type"].startswith("application/json")


def test_actions_and_schemas_need_no_token(past: SlackState, online: Online) -> None:
    """Both are answered without a token, and with a wrong one."""
    url = online(past)
    status, body, _ = raw(f"{url}/audit/v1/actions")
    assert status == 200
    assert json.loads(body)["actions"] == {
        group: list(names) for group, names in endpoint_groups().items()
    }
    schemas = audit_client(past, url, "xoxp-wrong").schemas().body
    assert schemas is not None
    assert {"user", "file", "channel"} <= {one["type"] for one in schemas["schemas"]}


def test_refusals_have_slacks_statuses(past: SlackState, online: Online) -> None:
    """Wrong tokens, actions, cursors, ranges, paths and verbs are refused as Slack refuses them."""
    url, good = online(past), owner(past)
    assert raw(f"{url}/audit/v1/logs", "xoxp-wrong")[:2] == (401, b"")
    assert raw(f"{url}/audit/v1/logs")[0] == 401
    for query, code in (
        ("action=user_login,no_such_action", "invalid_action"),
        ("action=" + ",".join(list(endpoint_groups()["user"])[:31]), "invalid_action"),
        ("cursor=bm9uc2Vuc2U%3D", "invalid_cursor"),
        ("oldest=1000", "invalid_range"),
        ("latest=99999999999", "invalid_range"),
    ):
        status, body, _ = raw(f"{url}/audit/v1/logs?{query}", good)
        assert (status, json.loads(body)) == (400, {"ok": False, "error": code})
    assert raw(f"{url}/audit/v1/log", good)[0] == 404
    assert raw(f"{url}/audit/v1/logs", good, data=b"", method="POST")[0] == 405
    tokens = past.named_tokens
    for name, code in (("workspace", "team_not_authorized"), ("member", "user_not_authorized")):
        status, body, _ = raw(f"{url}/audit/v1/logs", tokens[name].secret)
        assert (status, json.loads(body)["error"]) == (403, code)


def test_the_51st_call_of_a_minute_waits(simulate: MakeState, online: Online, real: Any) -> None:
    """50 calls of any app are answered, then 429 says how long to wait, and waiting helps."""
    state = simulate(calls_per_minute=50)
    url = f"{online(state)}/audit/v1/logs?limit=1"
    tokens = [owner(state), state.named_tokens["reader"].secret]
    assert {raw(url, tokens[number % 2])[0] for number in range(50)} == {200}
    real.seconds += 20
    status, body, headers = raw(url, tokens[0])
    assert (status, headers["retry-after"]) == (429, "40")
    assert json.loads(body)["error"] == "rate_limited"
    real.seconds += 40
    assert raw(url, tokens[0])[0] == 200


def test_the_sdk_resets_a_person(simulate: MakeState, online: Online, log: Log) -> None:
    """After a reset there are no sessions, the log says so, and life goes on with a new one."""
    state = simulate()
    url = online(state)
    client = WebClient(owner(state), base_url=f"{url}/api/")
    assert client.auth_test()["team_id"] == state.organization.world.enterprise.id
    person = busy_person(state, log)
    where = {"user_id": person, "team_id": state.organization.world.enterprise.id}
    before = client.api_call("admin.users.session.list", params=where)["active_sessions"]
    assert {one["user_id"] for one in before} == {person}
    assert client.api_call("admin.users.session.reset", json={"user_id": person})["ok"]
    with pytest.raises(SlackApiError, match="no_active_sessions"):
        client.api_call("admin.users.session.list", params=where)
    now = state.clock.now()
    reset = log(state, actions=frozenset({"user_session_reset_by_admin"}))[-1]
    assert reset["entity"]["user"]["id"] == person
    assert reset["date_create"] == now
    assert reset["details"]["web_only"] is False
    state.clock.advance(6 * 86_400)
    later = own(log(state, actor=person, oldest=now + 1))
    old = {one["session_id"] for one in before}
    assert not old & {event["context"]["session_id"] for event in later}
    first = next(event for event in later if event["context"]["session_id"])
    assert first["action"] == "user_login"


def own(events: list[Event]) -> list[Event]:
    """Without events whose context is somebody else's."""
    return [
        event
        for event in events
        if (event.get("details") or {}).get("type") != "INVITED" and "app" not in event["context"]
    ]


def busy_person(state: SlackState, log: Log) -> str:
    """A member who did most in the log."""
    counts: dict[str, int] = {}
    for event in own(log(state)):
        person = state.organization.people.get(event["actor"]["user"]["id"])
        if person is not None and person.role == "member" and person.left is None:
            counts[person.id] = counts.get(person.id, 0) + 1
    return max(counts, key=lambda one: counts[one])


def test_the_sdk_ends_an_attack(simulate: MakeState, online: Online, log: Log) -> None:
    """A story planted by the control endpoint stops with the reset of its actor."""
    state = simulate()
    url = online(state)
    _, body, _ = raw(f"{url}/sandbox/stories", data=json.dumps({"kind": "stolen_session"}).encode())
    actor = json.loads(body)["actor_id"]
    state.clock.advance(900)
    stolen = {"ua": "Go-http-client/2.0"}
    during = [e for e in log(state, actor=actor) if e["context"]["ua"] == stolen["ua"]]
    assert len(during) > 20
    client = WebClient(owner(state), base_url=f"{url}/api/")
    client.api_call("admin.users.session.reset", params={"user_id": actor, "web_only": "1"})
    now = state.clock.now()
    state.clock.advance(2 * 86_400)
    after = log(state, actor=actor, oldest=now + 1)
    downloads = [e for e in after if e["action"] == "file_downloaded"]
    assert stolen["ua"] not in {event["context"]["ua"] for event in downloads}
    truth = json.loads(raw(f"{url}/sandbox/truth")[1])["stories"][0]
    assert truth["end"] <= now + 120  # what Slack finds comes after it


def test_the_allow_list_is_overwritten(simulate: MakeState, online: Online) -> None:
    """All spellings and forms are taken, host bits too; each write replaces both lists."""
    state = simulate()
    client = WebClient(owner(state), base_url=f"{online(state)}/api/")
    write, read = "admin.audit.anomaly.allow.updateItem", "admin.audit.anomaly.allow.getItem"
    for arguments in (
        {"json": {"trusted_cidr": ["8.8.8.8/24"], "trusted_asns": [34245]}},
        {"json": {"trusted_cidrs": ["8.8.8.8/24"], "trusted_asn": ["34245"]}},
        {"params": {"trusted_cidr": "8.8.8.8/24", "trusted_asn": "34245"}},
        {"params": {"trusted_cidrs": '["8.8.8.8/24"]', "trusted_asns": "[34245]"}},
    ):
        client.api_call(write, json={})
        assert client.api_call(read)["trusted_cidr"] == []
        client.api_call(write, **arguments)
        answer = client.api_call(read)
        assert (answer["trusted_cidr"], answer["trusted_asns"]) == (["8.8.8.0/24"], [34245])
    for wrong in ({"trusted_cidr": ["nonsense"]}, {"trusted_asns": ["x"]}):
        with pytest.raises(SlackApiError, match="invalid_field_or_data"):
            client.api_call(write, json=wrong)


def test_faults_come_and_go(simulate: MakeState, online: Online) -> None:
    """Failing calls, cut pages and stale cursors happen as often as asked for."""
    state = simulate()
    url = online(state)

    def faults(**wanted: Any) -> None:
        assert raw(f"{url}/sandbox/faults", data=json.dumps(wanted).encode())[0] == 200

    logs = f"{url}/audit/v1/logs?limit=1"
    cursor = json.loads(raw(logs, owner(state))[1])["response_metadata"]["next_cursor"]
    faults(fail=2, status=503)
    assert [raw(logs, owner(state))[0] for _ in range(3)] == [503, 503, 200]
    faults(cut=1)
    with pytest.raises(json.JSONDecodeError):
        json.loads(raw(logs, owner(state))[1])
    faults(expire_cursors=True)
    status, body, _ = raw(f"{logs}&cursor={cursor.replace('=', '%3D')}", owner(state))
    assert (status, json.loads(body)["error"]) == (400, "invalid_cursor")


def test_every_labelled_event_is_served(past: SlackState, online: Online) -> None:
    """The truth's ids are all in what the API gives out."""
    url = online(past)
    (story,) = json.loads(raw(f"{url}/sandbox/truth")[1])["stories"]
    pages = walk(audit_client(past, url), limit=9999, oldest=story["start"], latest=story["end"])
    served = {event["id"] for page in pages for event in page}
    assert len(story["event_ids"]) > 280
    assert set(story["event_ids"]) <= served


def test_a_body_that_is_too_long_is_refused(past: SlackState, online: Online) -> None:
    """More than a megabyte is not read."""
    body = b"a=" + b"x" * (2 << 20)
    assert raw(f"{online(past)}/api/api.test", owner(past), data=body)[0] == 413


def test_a_story_can_be_planted_in_the_past(simulate: MakeState, log: Log) -> None:
    """A plan's story ends the asked number of days before the present."""
    state = simulate(Story("tor", "loud", 2))
    (story,) = state.organization.planted
    assert story.end is not None
    assert state.clock.now() - 3 * 86_400 < story.end < state.clock.now() - 86_400
