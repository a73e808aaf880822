"""The settings of `[[forward]]`: where events, anomalies and findings are sent on to."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr, model_validator

_NEEDS = {
    "hec": ("url", "token"),
    "webhook": ("url",),
    "syslog": ("host",),
    "files": ("directory",),
    "objects": ("url",),
}
_EVENTS = {"hec": 500, "webhook": 500, "syslog": 500, "files": 50_000, "objects": 50_000}
_WAITS = {"hec": 0, "webhook": 0, "syslog": 0, "files": 60, "objects": 60}
_BYTES = {"files": 32, "objects": 32}
_MEBIBYTE = 1024 * 1024


class ForwardSettings(BaseModel, extra="forbid"):
    """One place that gets everything new (docs/exports.md). Secrets are best given as files; paths
    are relative to the data directory."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Its name; its position is kept under it, so a new name begins anew.",
    )
    to: Literal["hec", "webhook", "syslog", "files", "objects"] = Field(
        description="`hec`: Splunk's HTTP Event Collector; `webhook`: any HTTP address that takes "
        "JSON; `syslog`: RFC 5424 over TLS; `files`: a directory; `objects`: S3, Google Cloud "
        "Storage or Azure."
    )
    what: Literal["events", "anomalies", "findings"] = Field(
        default="events", description="All events, the anomalies alone, or the findings."
    )
    format: Literal["ndjson", "ocsf", "ecs"] = Field(
        default="ndjson", description="`ndjson`: as Slack sends it (findings: the contract)."
    )
    orgs: list[str] = Field(default=[], description="Only these organizations; empty means all.")
    since: Literal["now", "everything"] | date = Field(
        default="now",
        description="What the first run begins with: what comes from now on, everything, or events "
        "from this day (UTC) on.",
    )
    url: SecretStr | None = Field(
        default=None,
        description="hec, webhook: address to post to (it may hold a secret); objects: "
        "s3://bucket/prefix, gs://… or abfs://….",
    )
    url_file: Path | None = Field(default=None, description="The same, in a file.")
    token: SecretStr | None = Field(
        default=None, description="hec: its token; webhook: sent as `Authorization: Bearer`."
    )
    token_file: Path | None = Field(default=None, description="The same, in a file.")
    headers: dict[str, SecretStr] = Field(
        default={}, description="webhook: further headers, such as an API key."
    )
    body: Literal["ndjson", "array"] = Field(
        default="ndjson", description="webhook: one record a line, or one JSON array."
    )
    oauth_url: str | None = Field(
        default=None,
        description="webhook: where a token is fetched first with the OAuth 2.0 client "
        "credentials below (Microsoft Entra, for Sentinel).",
    )
    oauth_client_id: str | None = Field(default=None, description="webhook: the client's id.")
    oauth_client_secret: SecretStr | None = Field(
        default=None, description="webhook: the client's secret."
    )
    oauth_client_secret_file: Path | None = Field(default=None, description="The same, in a file.")
    oauth_scope: str | None = Field(default=None, description="webhook: the scope to ask for.")
    index: str | None = Field(default=None, description="hec: the index; by default the token's.")
    sourcetype: str | None = Field(
        default=None, description="hec: by default slack:audit, or the name of the format."
    )
    compress: bool = Field(default=False, description="hec, webhook, files, objects: use gzip.")
    host: str | None = Field(default=None, description="syslog: name or address of the receiver.")
    port: int = Field(default=6514, ge=1, le=65535, description="syslog: its port.")
    facility: int = Field(
        default=13, ge=0, le=23, description="syslog: facility; 13 is log audit, 16 local0."
    )
    ca_file: Path | None = Field(
        default=None, description="Certificates (PEM) to trust instead of the public ones."
    )
    client_certificate: Path | None = Field(
        default=None, description="hec, webhook, syslog: our own certificate (PEM) with its key."
    )
    allow_http: bool = Field(
        default=False,
        description="Use an unencrypted http:// address on another machine: whoever is on the way "
        "can read along.",
    )
    directory: Path | None = Field(default=None, description="files: the directory.")
    endpoint: str | None = Field(
        default=None, description="objects: address of a store that speaks S3 and is not Amazon's."
    )
    region: str | None = Field(default=None, description="objects: region of the bucket.")
    access_key: str | None = Field(
        default=None,
        description="objects: S3 access key; by default what AWS_ACCESS_KEY_ID, its files or the "
        "machine's role give.",
    )
    secret_key: SecretStr | None = Field(default=None, description="objects: its secret.")
    secret_key_file: Path | None = Field(default=None, description="The same, in a file.")
    batch_events: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Most records in one request or file; by default 500, for files and objects "
        "50,000.",
    )
    batch_bytes: int | None = Field(
        default=None,
        ge=1024,
        le=256 * _MEBIBYTE,
        description="Most bytes in one, before compression (a larger record goes alone); by "
        "default 1 MiB, for files and objects 32 MiB. It bounds the memory too.",
    )
    wait_seconds: int | None = Field(
        default=None,
        ge=0,
        le=86_400,
        description="A batch that is not full waits so long for more; by default 0, for files and "
        "objects 60.",
    )
    timeout_seconds: float = Field(
        default=30, gt=0, le=600, description="Patience with one step of the network."
    )
    longest_pause_seconds: float = Field(
        default=300, gt=0, le=86_400, description="The longest pause between two attempts."
    )

    @property
    def most_events(self) -> int:
        """Most records in one batch."""
        return _EVENTS[self.to] if self.batch_events is None else self.batch_events

    @property
    def most_bytes(self) -> int:
        """Most bytes in one batch, before compression."""
        default = _BYTES.get(self.to, 1) * _MEBIBYTE
        return default if self.batch_bytes is None else self.batch_bytes

    @property
    def patience(self) -> int:
        """Seconds that a batch waits to be full."""
        return _WAITS[self.to] if self.wait_seconds is None else self.wait_seconds

    @model_validator(mode="after")
    def _complete(self) -> ForwardSettings:
        for name in _NEEDS[self.to]:
            if getattr(self, name) is None and getattr(self, f"{name}_file", None) is None:
                raise ValueError(f"`{self.to}` needs {name}")
        if self.oauth_url is not None and self.oauth_client_id is None:
            raise ValueError("oauth_url needs oauth_client_id")
        return self
