"""The settings under `[notify]`."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridtrail.errors import BadSettings
from gridtrail.settings import load_settings

GOOD = """
[[notify.channels]]
name = "soc"
kind = "slack"
token = "xoxb-secret"
to = "C0123"

[[notify.channels]]
name = "siem"
kind = "webhook"
url = "https://siem.acme.example/hook"
secret_file = "siem.key"

[[notify.rules]]
channels = ["soc"]
severity = "high"
groups = ["boards"]
hours_from = 08:00:00
hours_to = 18:00:00
time_zone = "Europe/Berlin"

[notify.groups]
boards = ["W0ANN"]
"""


def loaded(home: Path, text: str) -> object:
    """The settings of a file with `text`."""
    (home / "gridtrail.toml").write_text(text)
    return load_settings(home).notify


def test_channels_and_rules_are_read_and_secrets_do_not_print(tmp_path: Path) -> None:
    """What is not said is as the kind of channel wants it, and no secret is in the text of it."""
    (tmp_path / "gridtrail.toml").write_text(GOOD)
    notify = load_settings(tmp_path).notify
    slack, webhook = notify.channels
    assert (slack.grouping, slack.hourly) == (30, 20)
    assert (webhook.grouping, webhook.hourly) == (0, 0)
    assert notify.rules[0].severity == "high"
    assert "xoxb-secret" not in repr(notify)
    assert "siem.acme.example" not in repr(notify)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('to = "C0123"', "", "slack needs to"),
        ('token = "xoxb-secret"', "", "needs token or token_file"),
        ('secret_file = "siem.key"', "", "needs secret or secret_file"),
        ('secret_file = "siem.key"', 'secret_file = "a"\nsecret = "b"', "not both"),
        ('name = "siem"', 'name = "soc"', "the same name"),
        ('channels = ["soc"]', 'channels = ["sock"]', "no channel 'sock'"),
        ('groups = ["boards"]', 'groups = ["board"]', "no group 'board'"),
        ("hours_to = 18:00:00", "", "go together"),
        ('"Europe/Berlin"', '"Europe/Nowhere"', "no known time zone"),
        ('kind = "webhook"', 'kind = "pigeon"', "webhook"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, old: str, new: str, why: str) -> None:
    """A channel without what its kind needs, unknown names and half an hour range are refused."""
    assert old in GOOD
    with pytest.raises(BadSettings, match=why):
        loaded(tmp_path, GOOD.replace(old, new))
