from __future__ import annotations

import pytest

from gridtrail.sandbox.tokens import bearer, tokens_of
from gridtrail.sandbox.world import World


def test_each_token_can_do_what_its_name_says(world: World) -> None:
    """The owner is not the primary one, the member is no admin, the reader only reads."""
    tokens = tokens_of(world)
    assert tokens["owner"].person.role == "owner"
    assert tokens["owner"].person is not world.people[1]
    assert tokens["member"].person.role == "member"
    assert tokens["reader"].scopes == ("auditlogs:read",)
    assert not tokens["workspace"].org_wide
    assert len({token.secret for token in tokens.values()}) == 4


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer xoxp-1", "xoxp-1"),
        ("bearer  xoxp-1 ", "xoxp-1"),
        ("Basic xoxp-1", None),
        ("Bearer", None),
        ("", None),
        (None, None),
    ],
)
def test_a_header_names_a_token_or_not(header: str | None, token: str | None) -> None:
    """Only `Bearer` with something behind it."""
    assert bearer(header) == token
