"""Objects in S3 (or a store that speaks it), Google Cloud Storage or Azure: one a batch.

As with files, an object is named by the position where it begins, so a batch that is sent again
replaces it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import fs

from gridtrail.errors import BadSettings
from gridtrail.forward.record import Sendable
from gridtrail.forward.ways.files import content, file_name
from gridtrail.forward.ways.secrets import needed, secret
from gridtrail.forward.ways.way import Busy
from gridtrail.settings_forward import ForwardSettings
from gridtrail.settings_secrets import on_this_machine

_ATTEMPTS = 2  # of the library's own: ours are between batches, and are told


class ObjectsWay:
    """Writes to the bucket and prefix of `settings`; paths are relative to `home`."""

    def __init__(self, settings: ForwardSettings, home: Path) -> None:
        self._settings = settings
        url = needed(settings, "url", home)
        try:
            self._store, self._prefix = _opened(url, settings, home)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise BadSettings(
                f"The url of the target {settings.name} names no object storage "
                f"({_first_line(error)}): write it like s3://bucket/prefix."
            ) from error

    def close(self) -> None:
        """Nothing is held between batches."""

    def send(self, records: Sequence[Sendable], name: str) -> None:
        """Write the object; it is there when this returns."""
        path = f"{self._prefix}/{file_name(self._settings, name)}"
        try:
            with self._store.open_output_stream(path, compression=None) as stream:
                stream.write(content(self._settings, records))
        except (pa.ArrowException, OSError) as error:
            raise Busy(
                f"The target {self._settings.name} does not take the object "
                f"({_first_line(error)}): it is tried again."
            ) from error


def _opened(url: str, settings: ForwardSettings, home: Path) -> tuple[Any, str]:
    parts = urlsplit(url)
    if parts.scheme != "s3":
        if parts.scheme not in ("gs", "gcs", "abfs", "abfss"):
            raise ValueError("it begins with none of s3, gs and abfs")
        store, prefix = fs.FileSystem.from_uri(url)
        return store, prefix.rstrip("/")
    if not parts.netloc:
        raise ValueError("it names no bucket")
    store = fs.S3FileSystem(**_s3_options(settings, home))
    return store, f"{parts.netloc}{parts.path}".rstrip("/")


def _s3_options(settings: ForwardSettings, home: Path) -> dict[str, Any]:
    options: dict[str, Any] = {
        "connect_timeout": settings.timeout_seconds,
        "request_timeout": settings.timeout_seconds,
        "retry_strategy": fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        "background_writes": False,
        "allow_delayed_open": True,  # a small object is then one request
    }
    if settings.region is not None:
        options["region"] = settings.region
    if settings.access_key is not None:
        options["access_key"] = settings.access_key
        options["secret_key"] = secret(settings, "secret_key", home) or ""
    if settings.ca_file is not None:
        options["tls_ca_file_path"] = str(home / settings.ca_file)
    if settings.endpoint is not None:
        place = urlsplit(settings.endpoint)
        host = place.hostname or ""
        if place.scheme == "http" and not settings.allow_http and not on_this_machine(host):
            raise ValueError("its endpoint is not encrypted; allow_http permits that")
        options |= {"scheme": place.scheme, "endpoint_override": place.netloc}
    return options


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
