"""What a server does about findings, look by look."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from gridtrail.errors import BadSettings
from gridtrail.notify.store import Outbox
from gridtrail.respond.allow_list import AllowList, draft
from gridtrail.respond.decisions import DecisionStore
from gridtrail.respond.trail import Doer
from gridtrail.server.responding import Responding
from gridtrail.server.work import Work
from gridtrail.settings import Settings
from gridtrail.settings_notify import ChannelSettings, NotifySettings
from gridtrail.settings_respond import AutomaticRule, RespondSettings
from gridtrail.triage.run import triage

SCRAPING = AutomaticRule(name="scraping", reasons=["unexpected_scraping"])


def settings(data: Any, **more: Any) -> Settings:
    """Settings that write down what would be done, for one person an hour."""
    given: dict[str, Any] = {"automatic_mode": "record", "automatic": [SCRAPING]}
    given |= {"automatic_people_an_hour": 1, "org": "E0ACME"} | more
    return Settings(data=data.path, respond=RespondSettings(**given))


def flag(data: Any, number: int) -> None:
    """Somebody new is flagged for scraping."""
    user = {"id": f"W0PERSON{number:02}", "name": "P", "email": f"p{number}@acme.example"}
    at = int(time.time()) - 60
    event = {
        "id": f"flagged-{number}",
        "date_create": at,
        "action": "anomaly",
        "actor": {"type": "user", "user": user},
        "entity": {"type": "user", "user": user},
        "context": {"session_id": None},
        "details": {"reason": ["unexpected_scraping"]},
    }
    data.fill([event])
    triage(data.lake, data.lake.engine, settings(data))


def test_the_brake_is_loud_until_it_is_released(data: Any) -> None:
    """Each decision is logged, the brake as an error and as failing, and once only; whoever hears
    of Gridtrail's own work is told of it."""
    channel = ChannelSettings(name="siem", kind="apprise", url=SecretStr("json://x"))
    heard = settings(data).model_copy(update={"notify": NotifySettings(channels=[channel])})
    responding = Responding(data.lake, heard)
    assert responding.look() == ("working", "")
    flag(data, 1)
    with capture_logs() as told:
        assert responding.look() == ("working", "")
    assert [(one["log_level"], one["state"]) for one in told] == [("info", "recorded")]
    flag(data, 2)
    with capture_logs() as told:
        state, why = responding.look()
        assert responding.look() == (state, why)
    assert state == "failing"
    assert "stopped by its brake" in why
    assert [(one["log_level"], one.get("state")) for one in told] == [
        ("error", "held"), ("error", None)
    ]  # fmt: skip
    with Outbox(data.path / "state.db", time.time) as outbox:
        (message,) = outbox.select()
    assert (message.kind, message.body["title"]) == (
        "work", "The automatic response is stopped by its brake"
    )  # fmt: skip
    with DecisionStore(data.path / "state.db") as store:
        store.release("E0ACME", Doer(name="ann"))
    assert responding.look() == ("working", "")


def test_off_is_off(data: Any) -> None:
    """Nothing is decided, nothing fails."""
    flag(data, 1)
    assert Responding(data.lake, settings(data, automatic_mode="off")).look() == ("off", "")
    with DecisionStore(data.path / "state.db") as store:
        assert store.select() == []


def test_what_expired_in_the_allow_list_is_said(data: Any) -> None:
    """Once."""
    now = int(time.time()) - 100
    with AllowList(data.path / "state.db") as kept:
        kept.add(draft(owner="ann", reason="r", now=now, expires_at=now + 50, asn=64500)[0])
    responding = Responding(data.lake, settings(data))
    with capture_logs() as told:
        responding.look()
        responding.look()
    (one,) = told
    assert (one["event"], one["allows"]) == ("allow-list entry expired", "asn 64500")


def test_a_rule_that_cannot_be_stops_the_start(data: Any) -> None:
    """A server with a misspelt pattern does not begin, instead of never responding."""
    wrong = AutomaticRule(name="r", patterns=["stolen_cookie"])
    with pytest.raises(BadSettings, match="stolen_cookie"):
        Work(settings(data, automatic=[wrong])).start()
