"""Settings to sources."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gridtrail.collect.slack_api.sources import sources
from gridtrail.collect.slack_api.streams import Stream
from gridtrail.errors import BadSettings
from gridtrail.settings import load_settings
from gridtrail.slack.audit_api import BEGINNING

SEVERAL = """
[collect]
token = "xoxp-shared"
since = 2024-01-02
settle_seconds = 30
[[collect.sources]]
org = "E0A"
[[collect.sources]]
org = "E0B"
token = "xoxp-own"
actions = ["anomaly"]
since = 2025-01-02
calls_per_minute = 20
[[collect.sources]]
org = "E0C"
base_url = "https://other.example/audit/v1/"
"""


def test_without_settings_it_is_slack_from_the_beginning(tmp_path: Path) -> None:
    """The defaults are one organization, all actions, since March 2018, below Slack's limit."""
    (one,) = sources(load_settings(tmp_path, org="E0ACME"))
    assert (one.org, one.actions, one.since, one.token) == ("E0ACME", (), BEGINNING, None)
    assert one.calls_per_minute < 50


def test_several_organizations_differ_in_what_they_set(tmp_path: Path) -> None:
    """What a source leaves out is as in [collect]; a token goes to the address it was given with
    and to no other."""
    (tmp_path / "gridtrail.toml").write_text(SEVERAL)
    a, b, c = sources(load_settings(tmp_path))
    second = int((date(2024, 1, 2) - date(1970, 1, 1)).total_seconds())
    assert (a.since, a.settle, a.actions) == (second, 30, ())
    assert a.token is not None
    assert a.token.get_secret_value() == "xoxp-shared"
    assert b.token is not None
    assert b.token.get_secret_value() == "xoxp-own"
    assert (b.actions, b.calls_per_minute, b.since) == (("anomaly",), 20, second + 366 * 86_400)
    assert c.token is None
    assert "xoxp" not in repr((a, b, c)) + repr(load_settings(tmp_path))


def test_one_organization_is_named_once(tmp_path: Path) -> None:
    """collect.org beside collect.sources is refused."""
    text = '[collect]\norg = "E0A"\n[[collect.sources]]\norg = "E0B"\n'
    (tmp_path / "gridtrail.toml").write_text(text)
    with pytest.raises(BadSettings, match="both set"):
        sources(load_settings(tmp_path))


def test_a_misspelt_setting_is_named(tmp_path: Path) -> None:
    """A setting of [collect] that there is not is an error."""
    (tmp_path / "gridtrail.toml").write_text("[collect]\ntokn = 'x'\n")
    with pytest.raises(BadSettings, match=r"collect\.tokn"):
        load_settings(tmp_path)


def test_a_streams_names_are_its_own() -> None:
    """The order of actions is no matter, and no two streams share a checkpoint or a directory."""
    some = [(), ("anomaly",), ("backfill",), ("a", "b"), ("a-b",), ("x" * 99,), ("../x",)]
    streams = [Stream.of("E0A", actions) for actions in some]
    assert Stream.of("E0A", ("b", "a", "b")) == Stream.of("E0A", ("a", "b"))
    assert Stream.of("E0A", ("b, a,",)) == Stream.of("E0A", ("a", "b"))
    checkpoints = [made(7).source for s in streams for made in (s.followed, s.backfilled, s.swept)]
    assert len(set(checkpoints)) == 3 * len(streams)
    assert checkpoints[0] == "slack/E0A"
    assert len({stream.name for stream in streams}) == len(streams)
    assert all(stream.name.replace("-", "").replace("_", "").isalnum() for stream in streams)
