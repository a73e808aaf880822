"""The query string of `GET /logs`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.server.api.asking import Asked, read_query
from gridtrail.server.api.cursors import Cursor, Filters
from gridtrail.server.api.refusals import Refusal
from gridtrail.slack.audit_api import BEGINNING

FIRST = Filters(("user_login",), "W0MATTHEW1", "F0LEADS", 1_600_000_000, 1_700_000_000)
CURSOR = Cursor(1_650_000_000, 50, FIRST).encode("E0ACME")


def read(**parameters: str) -> Asked:
    return read_query(parameters.items(), "E0ACME")


def test_nothing() -> None:
    """Nothing given means the newest 200 of everything."""
    assert read() == Asked(Filters(), 200, None)


def test_empty_and_unknown() -> None:
    """Empty parameters count as not given, unknown ones are ignored."""
    given = {"cursor": "", "oldest": " ", "action": "", "actor": "", "limit": ""}
    assert read(**given, max_date_seen_so_far="1", pretty="1") == read()


def test_all_filters() -> None:
    """Each filter is taken as given; actions are separated by commas and stand once."""
    asked = read(
        action="user_login, user_logout,,user_login",
        actor="W0MATTHEW1",
        entity="F0LEADS",
        oldest="1600000000",
        latest="1700000000",
        limit="7",
    )
    actions = ("user_login", "user_logout")
    assert asked.filters == Filters(actions, "W0MATTHEW1", "F0LEADS", 1600000000, 1700000000)
    assert asked.limit == 7


def test_repeated() -> None:
    """Of a repeated parameter the last counts; repeated actions are taken together."""
    pairs = [("limit", "1"), ("limit", "2"), ("action", "a"), ("action", "b,c")]
    asked = read_query(pairs, "E0ACME")
    assert (asked.limit, asked.filters.actions) == (2, ("a", "b", "c"))


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("1", 1),
        ("+5", 5),
        ("9999", 9999),
        ("10000", 9999),
        ("9" * 5000, 9999),
        ("0", 200),
        ("-1", 200),
        ("1.5", 200),
        ("many", 200),
        ("٣", 200),
    ],
)
def test_limit(text: str, limit: int) -> None:
    """A limit out of range is corrected quietly."""
    assert read(limit=text).limit == limit


@pytest.mark.parametrize("text", ["1600000000", "1600000000.9", "1.6e9", "1.6E+09"])
def test_seconds(text: str) -> None:
    """Times may be spelt with a fraction or an exponent, as some collectors do."""
    assert read(oldest=text).filters.oldest == 1_600_000_000


@pytest.mark.parametrize(
    "text", ["0", "-5", str(BEGINNING - 1), "yesterday", "1e", "NaN", "0x5f", "1" * 5000, "٣"]
)
@pytest.mark.parametrize("name", ["oldest", "latest"])
def test_impossible_time(name: str, text: str) -> None:
    """A time before March 2018, or none at all, is an invalid range."""
    with pytest.raises(Refusal, match=name) as caught:
        read(**{name: text})
    assert (caught.value.code, caught.value.status) == ("invalid_range", 400)


def test_inverted() -> None:
    """A range that ends before it begins is invalid; one of a single second is not."""
    with pytest.raises(Refusal, match="swap"):
        read(oldest="1600000001", latest="1600000000")
    read(oldest="1600000000", latest="1600000000")


def test_thirty_actions() -> None:
    """Thirty different actions are allowed, one more is refused."""
    names = [f"action_{n}" for n in range(31)]
    assert len(read(action=",".join(names[:30] + names[:30])).filters.actions) == 30
    with pytest.raises(Refusal, match="at most 30") as caught:
        read(action=",".join(names))
    assert (caught.value.code, caught.value.status) == ("invalid_action", 400)


def test_dropped_filters() -> None:
    """With a cursor alone the first page's filters and limit go on."""
    assert read(cursor=CURSOR) == Asked(FIRST, 50, 1_650_000_000)


def test_repeated_filters() -> None:
    """Filters repeated with the cursor change nothing."""
    asked = read(
        cursor=CURSOR,
        action="user_login",
        actor="W0MATTHEW1",
        entity="F0LEADS",
        oldest="1600000000",
        latest="1700000000",
        limit="50",
    )
    assert asked == read(cursor=CURSOR)


def test_changed_filters() -> None:
    """A filter that differs from the cursor's is used as given, the place is kept."""
    asked = read(cursor=CURSOR, oldest="1640000000", actor="W0OTHER", limit="5")
    assert (asked.filters.oldest, asked.filters.actor) == (1_640_000_000, "W0OTHER")
    assert (asked.filters.entity, asked.limit) == ("F0LEADS", 5)
    assert (asked.position, asked.latest) == (1_650_000_000, 1_650_000_000)


@given(st.lists(st.tuples(st.sampled_from(["oldest", "cursor", "limit", "action"]), st.text())))
def test_any_text(parameters: list[tuple[str, str]]) -> None:
    """Whatever is sent is either understood or refused with one of Slack's codes."""
    codes = {"invalid_cursor", "invalid_range", "invalid_action"}
    try:
        limit = read_query(parameters, "E0ACME").limit
    except Refusal as refusal:
        limit = int(refusal.code in codes)
    assert 1 <= limit <= 9999
