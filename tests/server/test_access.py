"""Bearer tokens in headers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gridtrail.server.access import Access, bearer
from gridtrail.server.tokens import TokenStore


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer gtp-abc", "gtp-abc"),
        ("bearer xoxp-1-2", "xoxp-1-2"),
        ("BEARER   x ", "x"),
        ("Bearer a b", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic eDp5", None),
        ("Bearer é", None),
        ("Bearer a\nb", None),
        ("", None),
        (None, None),
    ],
)
def test_bearer(header: str | None, token: str | None) -> None:
    """A token is one word of ASCII after the scheme, in any letter case."""
    assert bearer(header) == token


def test_last_use(tmp_path: Path) -> None:
    """When active tokens were used is written down by flush, and only for them."""

    async def use(access: Access) -> list[str]:
        states = [(await access.token(text))[1] for text in (good, gone, "gtp-none")]
        await access.flush()
        await access.flush()
        return states

    with TokenStore(tmp_path / "state.db") as store:
        good = store.create("good", org="E0ACME")[1]
        gone = store.create("gone", org="E0ACME")[1]
        store.revoke("gone")
        assert asyncio.run(use(Access(store, clock=lambda: 1234.9))) == [
            "active",
            "revoked",
            "unknown",
        ]
        assert {t.name: t.last_used_at for t in store.list()} == {"good": 1234, "gone": None}
