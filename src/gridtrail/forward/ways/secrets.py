"""Secrets, addresses and certificates of a target, from the settings or from files."""

from __future__ import annotations

import ssl
from pathlib import Path

from gridtrail.errors import BadSettings
from gridtrail.settings_forward import ForwardSettings
from gridtrail.settings_secrets import check_web_address, read_secret


def secret(settings: ForwardSettings, name: str, home: Path) -> str | None:
    """What `read_secret` finds."""
    return read_secret(settings, name, home, f"target {settings.name}")


def needed(settings: ForwardSettings, name: str, home: Path) -> str:
    """The same, for what the target cannot be without. Raises BadSettings."""
    found = secret(settings, name, home)
    if not found:
        raise BadSettings(f"The target {settings.name} has no {name}: set it.")
    return found


def web_address(url: str, settings: ForwardSettings) -> str:
    """`url`, which can be called, encrypted or on this machine. Raises BadSettings."""
    check_web_address(url, "url", f"target {settings.name}", allow_http=settings.allow_http)
    return url


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
