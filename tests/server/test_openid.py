"""What an ID token must be to be believed."""

from __future__ import annotations

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from gridtrail.server.openid import Flows, NotSignedInThere, checked
from gridtrail.settings_openid import OpenIDSettings

_SETTINGS = OpenIDSettings(issuer="https://id.acme.example", client_id="gridtrail")
_KEY = RSAKey.generate_key(2048, {"kid": "one"})
_KEYS = {"keys": [_KEY.as_dict(private=False)]}


def _claims(**changes: Any) -> dict[str, Any]:
    right = {"iss": "https://id.acme.example", "aud": "gridtrail", "nonce": "n"}
    return {**right, "exp": int(time.time()) + 300, "email": "ann@acme.example", **changes}


def _token(key: Any = _KEY, algorithm: str = "RS256", **changes: Any) -> str:
    return jwt.encode({"alg": algorithm, "kid": "one"}, _claims(**changes), key)


def test_a_right_token_is_believed() -> None:
    """Its claims are given; of several audiences the authorized party is us."""
    assert checked(_token(), _KEYS, "n", _SETTINGS)["email"] == "ann@acme.example"
    several = _token(aud=["other", "gridtrail"], azp="gridtrail")
    assert checked(several, _KEYS, "n", _SETTINGS)["aud"] == ["other", "gridtrail"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"iss": "https://evil.example"}, "issuer"),
        ({"aud": "other"}, "audience"),
        ({"aud": ["other", "gridtrail"]}, "audience"),
        ({"azp": "other"}, "audience"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"exp": 1_700_000_000}, "time"),
        ({"exp": "later"}, "time"),
    ],
)
def test_a_token_for_others_is_refused(changes: dict[str, Any], words: str) -> None:
    """Another issuer, audience, sign-in or time is said and refused."""
    with pytest.raises(NotSignedInThere, match=words):
        checked(_token(**changes), _KEYS, "n", _SETTINGS)


def test_a_signature_of_others_is_refused() -> None:
    """Another key, a shared secret, no signature and no token are refused."""
    other = RSAKey.generate_key(2048, {"kid": "one"})
    shared = OctKey.import_key("x" * 32)
    unsigned = ".".join(["eyJhbGciOiJub25lIn0", _token().split(".")[1], ""])
    for token in (_token(other), _token(shared, "HS256"), unsigned, "", "a.b.c"):
        with pytest.raises(NotSignedInThere, match="signature"):
            checked(token, _KEYS, "n", _SETTINGS)


def test_a_flow_is_for_one_browser_and_once() -> None:
    """The wrong cookie or state does not end it; whoever ends it cannot do so again."""
    flows = Flows()
    cookie, flow = flows.begin("/logs", "https://grid.example/back")
    with pytest.raises(NotSignedInThere):
        flows.end("another", flow.state)
    assert flows.end(cookie, flow.state) == flow
    with pytest.raises(NotSignedInThere):
        flows.end(cookie, flow.state)
