"""Far sides that others wrote: Gridtrail's own server and the simulated Slack."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from pydantic import SecretStr

from gridtrail.errors import BadSettings
from gridtrail.sandbox.ledger import Search
from gridtrail.sandbox.serving import Serving
from gridtrail.sandbox.slack_server import simulated_slack
from gridtrail.sandbox.slack_state import CallFaults, SlackState
from gridtrail.server.app import create_app
from gridtrail.server.tokens import TokenStore
from gridtrail.settings import ServerSettings, Settings

NOW = 1_790_000_000
DAY = 86_400

Site = Any
Serve = Callable[[Any], AbstractContextManager[str]]


def test_from_gridtrails_own_server(
    site: Site, make_site: Callable[[], Site], serve: Serve
) -> None:
    """One Gridtrail collects another's log whole, byte for byte."""
    for number in range(700):
        site.slack.add(number, NOW - 2 * DAY + number * 200)
    site.once()
    with TokenStore(site.home / "state.db") as tokens:
        _, secret = tokens.create("collector", org="E0KESTREL")
    other = make_site()
    other.real = True
    settings = Settings(data=site.home, server=ServerSettings(workers=1))
    with serve(create_app(settings)) as url:
        result = other.once(base_url=url, token=SecretStr(secret), limit=100)
        wrong = other.try_once(base_url=url, token=SecretStr("gtp-wrong"))
    assert other.raws() == {entry.id: entry.raw for entry in site.slack.entries}
    assert result.counts.quarantined == 0
    assert isinstance(wrong.error, BadSettings)


def test_from_the_simulated_slack(site: Site, serve: Serve) -> None:
    """The simulated Slack, with late and repeated events and answers cut off or refused, is
    collected whole."""
    plan = Serving(NOW, people=30, days=3, seed=5, faults=True).plan()
    state = SlackState(plan, NOW, speed=0, calls_per_minute=0)
    state.faults.fail, state.faults.cut = 3, 2
    site.real = True
    token = SecretStr(state.named_tokens["reader"].secret)
    try:
        with serve(simulated_slack(state)) as url:
            site.once(base_url=url, token=token, since=NOW - 4 * DAY, limit=500)
            refused = SecretStr(state.named_tokens["workspace"].secret)
            result = site.try_once(base_url=url, token=refused)
        everything = Search(latest=site.coverage().complete_to)
        texts = state.organization.ledger.page(everything, 1_000_000).events
    finally:
        state.close()
    wanted = {json.loads(text)["id"] for text in texts}
    assert len(wanted) > 200
    assert site.ids() == sorted(wanted)
    assert isinstance(result.error, BadSettings)
    assert "not on a workspace" in str(result.error)


FAULTS = {
    "errors": CallFaults(fail=4, status=503),
    "refused for a while": CallFaults(fail=3, status=429),
    "broken answers": CallFaults(cut=5),
    "gone for long": CallFaults(fail=10_000, status=500),
    "slow": CallFaults(delay=0.02),
    "stale cursors": CallFaults(cut=1),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_simulated_slack_lives_on_while_it_fails(site: Site, serve: Serve, name: str) -> None:
    """Whatever the living Slack does wrong between runs, what is claimed complete is complete, and
    after a day of peace the lake has each event of its log once."""
    plan = Serving(NOW, people=25, days=3, seed=8, faults=True).plan()
    state = SlackState(plan, NOW, speed=0, calls_per_minute=600)
    token = SecretStr(state.named_tokens["reader"].secret)
    site.real = True
    try:
        with serve(simulated_slack(state)) as url:
            source = {"base_url": url, "token": token, "since": NOW - 3 * DAY, "limit": 60}
            for hours in (0, 1, 7, 30):
                advance(site, state, hours * 3600)
                state.faults = FAULTS[name]
                if name == "stale cursors":
                    state.audit.cursors.expire(state.wall())
                site.try_once(**source)
                check_claims(site, state)
            state.faults = CallFaults()
            for _ in range(2):
                advance(site, state, DAY + 3600)
                site.once(**source)
                check_claims(site, state)
        wanted = logged(state, site.coverage().settled_to)
    finally:
        state.close()
    assert len(wanted) > 300
    assert wanted <= set(site.ids())
    assert site.coverage().gaps == ()


def advance(site: Site, state: SlackState, seconds: float) -> None:
    """Time goes by on both sides alike."""
    target = site.clock.true() + seconds
    site.clock.advance(seconds)
    state.clock.advance(max(target - state.clock.now(), 0))
    state.catch_up()


def logged(state: SlackState, latest: int | None) -> set[str]:
    """The ids of what the simulated Slack shows up to a second."""
    found = state.organization.ledger.page(Search(latest=latest), 1_000_000).events
    return {json.loads(text)["id"] for text in found}


def check_claims(site: Site, state: SlackState) -> None:
    """No event twice, and none missing of what is claimed to be settled."""
    ids = site.ids()
    assert len(ids) == len(set(ids))
    settled = site.coverage().settled_to
    if settled is not None:
        assert logged(state, settled) <= set(ids)
