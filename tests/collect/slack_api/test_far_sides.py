"""Far sides that others wrote: Gridtrail's own server and the simulated Slack."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from pydantic import SecretStr

from gridtrail.errors import BadSettings
from gridtrail.sandbox.ledger import Search
from gridtrail.sandbox.serving import Serving
from gridtrail.sandbox.slack_server import simulated_slack
from gridtrail.sandbox.slack_state import SlackState
from gridtrail.server.app import STATE_FILE, create_app
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
    with TokenStore(site.home / STATE_FILE) as tokens:
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
