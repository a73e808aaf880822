"""The console's own files: style, script, htmx. They are part of the package."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from starlette.responses import Response

from gridtrail.server.console.refusing import NotHere

_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_YEAR = 365 * 86_400


@lru_cache(maxsize=1)
def _assets() -> Mapping[str, tuple[bytes, str, str]]:
    """Name -> bytes, media type and the digest that makes an address change with its content."""
    found = {}
    for file in files(__package__).joinpath("assets").iterdir():
        kind = _KINDS.get(file.name[file.name.rfind(".") :])
        if kind is not None:
            body = file.read_bytes()
            found[file.name] = (body, kind, hashlib.sha256(body).hexdigest()[:12])
    return MappingProxyType(found)


def asset(name: str) -> str:
    """The address of an asset; it changes with the asset, so that it may be kept for ever."""
    return f"/assets/{name}?v={_assets()[name][2]}"


def asset_response(name: str) -> Response:
    """The asset. Raises NotHere when there is none of that name."""
    if name not in _assets():
        raise NotHere("There is no such file: correct the address.")
    body, kind, _ = _assets()[name]
    headers = {"Cache-Control": f"public, max-age={_YEAR}, immutable"}
    return Response(body, media_type=kind, headers=headers)
