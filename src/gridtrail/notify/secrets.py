"""Secrets and addresses of channels, from the settings or from the file that they name."""

from __future__ import annotations

from pathlib import Path

from gridtrail.errors import BadSettings
from gridtrail.settings_notify import ChannelSettings
from gridtrail.settings_secrets import check_web_address, read_secret


def secret(channel: ChannelSettings, name: str, home: Path) -> str | None:
    """What `read_secret` finds; raises BadSettings for an empty file too."""
    text = read_secret(channel, name, home, f"channel {channel.name}")
    if text == "" and getattr(channel, name) is None:
        raise BadSettings(
            f"The file {name}_file of the channel {channel.name} is empty: put the {name} into it."
        )
    return text


def needed(channel: ChannelSettings, name: str, home: Path) -> str:
    """The same, for what the channel cannot be without. Raises BadSettings."""
    found = secret(channel, name, home)
    if not found:
        raise BadSettings(f"The channel {channel.name} has no {name}: set it.")
    return found


def check_address(url: str, channel: ChannelSettings, name: str) -> None:
    """Raise BadSettings unless `url` is one that can be called, encrypted or on this machine."""
    check_web_address(url, name, f"channel {channel.name}", allow_http=channel.allow_http)
