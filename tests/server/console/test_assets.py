"""The console's own files are complete, pinned and kept by browsers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import gridtrail.server.console.assets as room
from gridtrail.server.console.assets import asset

ROOT = Path(__file__).parents[3]
ASSETS = Path(room.__file__).parent / "assets"


def test_what_came_from_npm_is_what_the_lock_names() -> None:
    """The copy in the package is the one that scripts/assets.sh made from the locked version."""
    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text())
    digest, name, origin = (ROOT / "frontend" / "assets.sha256").read_text().split()
    assert origin == f"htmx.org@{lock['packages']['node_modules/htmx.org']['version']}"
    assert hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() == digest
    assert "integrity" in lock["packages"]["node_modules/htmx.org"]


def test_an_asset_is_kept_for_ever_under_an_address_of_its_content(desk: Any) -> None:
    """The address has the content's digest, and the answer may be kept."""
    for name in ("console.css", "console.js", "htmx.js", "mark.svg"):
        body = (ASSETS / name).read_bytes()
        assert asset(name).endswith(hashlib.sha256(body).hexdigest()[:12])
        answer = desk.get(asset(name), None)
        assert answer.content == body
        assert "immutable" in answer.headers["cache-control"]


def test_there_is_no_way_to_other_files(desk: Any) -> None:
    """Only the assets themselves can be asked for."""
    for name in ("nothing.css", "..%2f__init__.py", "%2e%2e%2fplaces.py"):
        assert desk.get(f"/assets/{name}", None).status_code == 404
