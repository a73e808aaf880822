"""Secrets, addresses and certificates of a target, from the settings or from files."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from gridtrail.errors import BadSettings
from gridtrail.settings_forward import ForwardSettings

_LARGEST = 64 * 1024


def secret(settings: ForwardSettings, name: str, home: Path) -> str | None:
    """The value of the field `name`, or what stands in the file of `name`_file (relative to
    `home`). Raises BadSettings when the file cannot be read."""
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
            f"The file {name}_file of the target {settings.name} cannot be read "
            f"({type(error).__name__}): correct it."
        ) from error


def needed(settings: ForwardSettings, name: str, home: Path) -> str:
    """The same, for what the target cannot be without. Raises BadSettings."""
    found = secret(settings, name, home)
    if not found:
        raise BadSettings(f"The target {settings.name} has no {name}: set it.")
    return found


def web_address(url: str, settings: ForwardSettings) -> str:
    """`url`, which can be called, encrypted or on this machine. Raises BadSettings."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("https", "http") or not host or not url.isprintable():
        raise BadSettings(
            f"The url of the target {settings.name} is no address: write it like https://host/path."
        )
    if parts.scheme == "http" and not settings.allow_http and not on_this_machine(host):
        raise BadSettings(
            f"The target {settings.name} reaches {host} unencrypted, so that others can read "
            "along: use https, or set allow_http where the network is yours."
        )
    return url


def on_this_machine(host: str) -> bool:
    """Whether `host` is this machine, so that nobody is on the way."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def certificates(settings: ForwardSettings, home: Path) -> ssl.SSLContext:
    """Whom to trust, and who we are. Raises BadSettings for files that are no certificates."""
    try:
        ca = None if settings.ca_file is None else str(home / settings.ca_file)
        trusted = ssl.create_default_context(cafile=ca)
        if settings.client_certificate is not None:
            trusted.load_cert_chain(home / settings.client_certificate)
    except OSError as error:  # ssl.SSLError is one
        raise BadSettings(
            f"The certificates of the target {settings.name} cannot be read "
            f"({type(error).__name__}): correct ca_file or client_certificate."
        ) from error
    return trusted
