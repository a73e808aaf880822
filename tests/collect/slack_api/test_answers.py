"""What answers mean, whatever comes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.collect.slack_api.answers import (
    ActionRefused,
    Answer,
    Broken,
    CursorRefused,
    Denied,
    NoAnswer,
    RangeRefused,
    Throttled,
    understand,
)
from gridtrail.collect.slack_api.pages import Page
from gridtrail.collect.slack_api.reading import (
    Call,
    Window,
)

PLAIN = Call(Window(1, 2), 10)


NAMED = replace(PLAIN, actions=("a",))


GOING_ON = replace(NAMED, cursor="c")


ANSWERS = "the far side answers"


@pytest.mark.parametrize(
    ("call", "status", "body", "expected"),
    [
        (GOING_ON, 400, b'{"ok":false,"error":"invalid_cursor"}', CursorRefused()),
        (GOING_ON, 400, b"", CursorRefused()),
        (GOING_ON, 400, b'{"ok":false,"error":"invalid_action"}', ActionRefused()),
        (NAMED, 400, b"<html>", ActionRefused()),
        (PLAIN, 400, b'{"ok":false,"error":"invalid_range"}', RangeRefused()),
        (PLAIN, 429, b"", Throttled(None)),
        (PLAIN, 200, b'{"ok":false,"error":"ratelimited"}', Throttled(None)),
        (PLAIN, 502, b"", Broken(f"{ANSWERS} 502")),
        (
            PLAIN,
            200,
            b'{"error":"internal_error"}',
            Broken("the far side answers 200 internal_error"),
        ),
        (PLAIN, 200, b"hello", Broken("the answer is no page of events")),
    ],
)
def test_what_an_answer_means(call: Call, status: int, body: bytes, expected: Any) -> None:
    """The code decides, else the status and what was asked."""
    assert understand(call, Answer(status, {}, body)) == expected


@given(status=st.integers(100, 599), body=st.binary(max_size=60), late=st.text(max_size=8))
def test_no_answer_is_without_meaning(status: int, body: bytes, late: str) -> None:
    """Any status, body and header means something; nothing but a page of events is one."""
    answer = Answer(status, {"Retry-After": late, "DATE": late}, body)
    assert answer.date is None or answer.date > 0
    found = understand(GOING_ON, answer)
    assert not isinstance(found, Page) or b"entries" in body
    assert not isinstance(found, Denied) or found.sentence.endswith(".")
    assert understand(PLAIN, NoAnswer("gone")) == Broken("gone")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), (" 30 ", 30), ("0", 0), ("99999", 3_600), ("-1", None), ("1.5", None),
     ("soon", None), ("", None), ("٣", None), ("9" * 30, None)],
)  # fmt: skip
def test_retry_after(text: str, seconds: int | None) -> None:
    """Whole seconds in any letter case of the name, an hour at most; else nothing is said."""
    assert understand(PLAIN, Answer(429, {"rEtRy-AFTER": text}, b"")) == Throttled(seconds)


def test_the_far_sides_clock_is_read() -> None:
    """The Date header is seconds since the epoch."""
    answer = Answer(200, {"date": "Mon, 21 Sep 2026 14:13:20 GMT"}, b"")
    assert answer.date == 1_790_000_000
    assert Answer(200, {"date": "yesterday"}, b"").date is None
