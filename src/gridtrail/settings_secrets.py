"""Secrets and addresses that settings name: values or files, encrypted or on this machine."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from gridtrail.errors import BadSettings

_LARGEST = 64 * 1024


def read_secret(settings: BaseModel, name: str, home: Path, whose: str) -> str | None:
    """The value of the field `name`, or what stands in the file of `name`_file (relative to `home`,
    read anew each time, so that a secret may change while Gridtrail runs); None where neither is.

    `whose` says in an error whose it is. Raises BadSettings when the file cannot be read.
    """
    value: SecretStr | None = getattr(settings, name)
    file: Path | None = getattr(settings, f"{name}_file")
    if value is not None:
        return value.get_secret_value().strip()
    if file is None:
        return None
    try:
        with (home / file).open("rb") as opened:
            return opened.read(_LARGEST).decode().strip()
    except (OSError, ValueError) as error:
        raise BadSettings(
            f"The file {name}_file of the {whose} cannot be read "
            f"({type(error).__name__}): correct it."
        ) from error


def check_web_address(url: str, name: str, whose: str, *, allow_http: bool) -> None:
    """Raise BadSettings unless `url`, the `name` of `whose`, can be called, encrypted or on this
    machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("https", "http") or not host or not url.isprintable():
        raise BadSettings(
            f"The {name} of the {whose} is no address: write it like https://host/path."
        )
    if parts.scheme == "http" and not allow_http and not on_this_machine(host):
        raise BadSettings(
            f"The {whose} reaches {host} unencrypted, so that others can read along: use https, "
            "or set allow_http where the network is yours."
        )


def on_this_machine(host: str) -> bool:
    """Whether `host` is this machine, so that nobody is on the way."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
