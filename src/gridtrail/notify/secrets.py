"""Secrets and addresses of channels, from the settings or from the file that they name."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from gridtrail.errors import BadSettings
from gridtrail.settings_notify import ChannelSettings

_LARGEST = 64 * 1024


def secret(channel: ChannelSettings, name: str, home: Path) -> str | None:
    """The value of the field `name`, or what stands in the file of `name`_file (relative to `home`,
    read anew each time, so that a secret may change while Gridtrail runs).

    Raises BadSettings when the file cannot be read or is empty.
    """
    value: SecretStr | None = getattr(channel, name)
    file: Path | None = getattr(channel, f"{name}_file")
    if value is not None:
        return value.get_secret_value().strip()
    if file is None:
        return None
    try:
        with (home / file).open("rb") as opened:
            text = opened.read(_LARGEST).decode().strip()
    except (OSError, ValueError) as error:
        raise BadSettings(
            f"The file {name}_file of the channel {channel.name} cannot be read "
            f"({type(error).__name__}): correct it."
        ) from error
    if not text:
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
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("https", "http") or not host or not url.isprintable():
        raise BadSettings(
            f"The {name} of the channel {channel.name} is no address: write it like "
            "https://host/path."
        )
    if parts.scheme == "http" and not channel.allow_http and not _on_this_machine(host):
        raise BadSettings(
            f"The channel {channel.name} reaches {host} unencrypted, so that others can read "
            "along: use https, or set allow_http where the network is yours."
        )


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
