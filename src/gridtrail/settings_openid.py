"""The settings under `[openid]`: signing in to the console with an OpenID Connect provider."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, SecretStr


class OpenIDSettings(BaseModel, extra="forbid"):
    """Signing in to the console with an OpenID Connect provider (docs/console.md)."""

    issuer: str = Field(
        default="",
        description="Address of the provider, as it calls itself (its `issuer`); empty: only "
        "passwords.",
    )
    client_id: str = Field(default="", description="What the provider calls Gridtrail.")
    client_secret: SecretStr | None = Field(
        default=None,
        description="The provider's secret for Gridtrail; none for a public client. Best given in "
        "the environment, as GRIDTRAIL_OPENID__CLIENT_SECRET.",
    )
    name: str = Field(
        default="single sign-on", description="What the button calls the provider: Sign in with …"
    )
    scopes: list[str] = Field(
        default=["openid", "email", "profile"], description="Scopes to ask for."
    )
    claim: str = Field(
        default="groups", description="The claim of the ID token that `roles` looks at."
    )
    roles: dict[str, Literal["owner", "admin", "audit_logs_admin", "viewer"]] = Field(
        default={},
        description="Value of that claim, or a verified e-mail address, and the role it gives; of "
        "several the strongest. It is applied at each sign-in.",
    )
    make_accounts: bool = Field(
        default=False,
        description="Whoever gets a role this way has an account made at the first sign-in; else "
        "an owner has to invite them.",
    )
    passwords: bool = Field(
        default=True,
        description="Passwords work beside it; without them nobody can sign in while the provider "
        "is away.",
    )
    allow_http: bool = Field(
        default=False,
        description="Call an unencrypted http:// provider on another machine: whoever is on the "
        "way can sign in as anybody.",
    )
    timeout_seconds: int = Field(default=10, ge=1, le=120, description="Patience with one call.")
