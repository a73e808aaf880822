"""OpenID Connect: the authorization code flow with PKCE, state and nonce.

Source: OpenID Connect Core 1.0 (3.1), Discovery 1.0 (4.3), RFC 7636 (PKCE), RFC 9207 (`iss`).
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from gridtrail.errors import WrongUse
from gridtrail.settings_openid import OpenIDSettings

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""Signatures that are taken; never `none`, never one with a shared secret."""

_FLOW_SECONDS = 600
_MOST_FLOWS = 10_000  # strangers begin them
_SKEW_SECONDS = 120
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class NotSignedInThere(WrongUse):
    """The provider did not say who it is, or not so that it can be believed."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A sign-in that was begun and is not over; its secrets never leave the server in the open."""

    state: str
    nonce: str
    verifier: str
    goal: str
    redirect: str
    began: float


@dataclass(slots=True)
class Flows:
    """The sign-ins that are under way, each used once and within ten minutes."""

    _begun: OrderedDict[str, Flow] = field(default_factory=OrderedDict)

    def begin(self, goal: str, redirect: str) -> tuple[str, Flow]:
        """A new one, and the cookie by which its browser is known."""
        cookie = secrets.token_urlsafe(32)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        flow = Flow(state, nonce, verifier, goal, redirect, time.monotonic())
        self._begun[cookie] = flow
        while len(self._begun) > _MOST_FLOWS:
            self._begun.popitem(last=False)
        return cookie, flow

    def end(self, cookie: str, state: str) -> Flow:
        """The one that this browser began. Raises NotSignedInThere."""
        flow = self._begun.pop(cookie, None)
        known = flow is not None and secrets.compare_digest(flow.state.encode(), state.encode())
        if flow is None or not known or flow.began < time.monotonic() - _FLOW_SECONDS:
            raise NotSignedInThere("This sign-in was not begun here or is too old: try again.")
        return flow


class Provider:
    """The provider of the settings, asked anew at each sign-in."""

    def __init__(self, settings: OpenIDSettings) -> None:
        self._settings = settings

    async def door(self, flow: Flow) -> str:
        """Where the browser is sent. Raises NotSignedInThere."""
        async with self._client() as client:
            endpoint = (await self._described(client))["authorization_endpoint"]
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": flow.redirect,
            "scope": " ".join(dict.fromkeys(["openid", *self._settings.scopes])),
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": create_s256_code_challenge(flow.verifier),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def claims(self, flow: Flow, code: str) -> Mapping[str, Any]:
        """What the provider says of the person who came back with `code`, checked.

        Raises NotSignedInThere.
        """
        settings = self._settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.redirect,
            "client_id": settings.client_id,
            "code_verifier": flow.verifier,
        }
        if settings.client_secret is not None:
            form["client_secret"] = settings.client_secret.get_secret_value()
        async with self._client() as client:
            described = await self._described(client)
            answer = await self._answer(client, "POST", described["token_endpoint"], form)
            keys = await self._answer(client, "GET", described["jwks_uri"])
        return checked(str(answer.get("id_token", "")), keys, flow.nonce, settings)

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=self._settings.timeout_seconds)

    async def _described(self, client: httpx.AsyncClient) -> dict[str, str]:
        issuer = self._settings.issuer
        where = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        told = await self._answer(client, "GET", where)
        if told.get("issuer") != issuer:
            raise NotSignedInThere(
                "The provider calls itself otherwise than the setting openid.issuer: correct it."
            )
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if not all(isinstance(told.get(name), str) for name in names):
            raise NotSignedInThere("The provider does not describe itself: ask who runs it.")
        self._check_encrypted(told["authorization_endpoint"])
        return {name: told[name] for name in names}

    async def _answer(
        self, client: httpx.AsyncClient, method: str, url: str, form: dict[str, str] | None = None
    ) -> dict[str, Any]:
        self._check_encrypted(url)
        try:
            got = await client.request(method, url, data=form)
            told = got.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise NotSignedInThere(
                f"The provider does not answer ({type(error).__name__}): try again, or use a "
                "password."
            ) from error
        if got.status_code != 200 or not isinstance(told, dict):
            raise NotSignedInThere("The provider refuses to say who it is: try again.")
        return told

    def _check_encrypted(self, url: str) -> None:
        parts = urlsplit(url)
        near = parts.hostname in _LOOPBACK or self._settings.allow_http
        if parts.scheme != "https" and not (parts.scheme == "http" and near):
            raise NotSignedInThere("The provider is not called by https: see openid.issuer.")


def checked(
    token: str, keys: Mapping[str, Any], nonce: str, settings: OpenIDSettings
) -> Mapping[str, Any]:
    """The claims of an ID token that is signed by `keys`, for us, for this sign-in, and not old.

    Raises NotSignedInThere.
    """
    try:
        told = jwt.decode(
            token,
            KeySet.import_key_set(cast("KeySetSerialization", keys)),
            algorithms=[*ALGORITHMS],
        )
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise NotSignedInThere("The provider's signature is not right: try again.") from error
    claims: dict[str, Any] = told.claims
    audience = claims.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    party = claims.get("azp", settings.client_id if len(several) == 1 else None)
    expires, now = claims.get("exp"), time.time()
    right = {
        "issuer": claims.get("iss") == settings.issuer,
        "audience": settings.client_id in several and party == settings.client_id,
        "nonce": isinstance(claims.get("nonce"), str) and claims["nonce"] == nonce,
        "time": isinstance(expires, int | float) and expires > now - _SKEW_SECONDS,
    }
    wrong = [name for name, is_right in right.items() if not is_right]
    if wrong:
        raise NotSignedInThere(f"What the provider says is not for us ({wrong[0]}): try again.")
    return claims
