"""Tokens by OAuth 2.0 client credentials (RFC 6749, 4.4), as Microsoft Entra gives them."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from gridtrail.forward.ways.secrets import needed, web_address
from gridtrail.forward.ways.way import Busy, Closed
from gridtrail.settings_forward import ForwardSettings

_EARLY_SECONDS = 60
_DEFAULT_SECONDS = 300


class ClientCredentials:
    """Fetches a token when there is none, or when it soon ends."""

    def __init__(self, settings: ForwardSettings, home: Path, client: httpx.Client) -> None:
        self._settings = settings
        self._home = home
        self._client = client
        self._url = web_address(settings.oauth_url or "", settings)
        self._token, self._until = "", 0.0

    def forget(self) -> None:
        """The token does not work: fetch another next time."""
        self._until = 0.0

    def token(self) -> str:
        """A token that still holds. Raises Busy or Closed when none is given."""
        if time.monotonic() < self._until:
            return self._token
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.oauth_client_id or "",
            "client_secret": needed(self._settings, "oauth_client_secret", self._home),
        }
        if self._settings.oauth_scope:
            form["scope"] = self._settings.oauth_scope
        name = self._settings.name
        try:
            answer = self._client.post(self._url, data=form)
        except httpx.TransportError as error:
            raise Busy(
                f"The token of the target {name} cannot be fetched ({type(error).__name__}): it is "
                "tried again."
            ) from error
        if answer.status_code >= 500:
            raise Busy(f"The token of the target {name} cannot be fetched: it is tried again.")
        try:
            given = answer.json()
            self._token = str(given["access_token"])
            seconds = float(given.get("expires_in", _DEFAULT_SECONDS))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Closed(
                f"No token is given to the target {name} ({answer.status_code}): correct oauth_url "
                "or the client's id and secret."
            ) from error
        self._until = time.monotonic() + max(0.0, seconds - _EARLY_SECONDS)
        return self._token
