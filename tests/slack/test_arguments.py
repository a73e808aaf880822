from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from gridtrail.slack.arguments import Arguments, MethodError, kind_and_charset, read_arguments

FORM = "application/x-www-form-urlencoded"
JSON = "application/json; charset=utf-8"


def form(**values: str) -> Arguments:
    return read_arguments({}, FORM, urlencode(values).encode())


def test_lists_come_in_three_forms() -> None:
    """A JSON array, the same in text, and commas are one list; the first known name counts."""
    as_json = read_arguments({}, JSON, json.dumps({"ids": ["a", "b"]}).encode())
    for arguments in (as_json, form(ids="a,b"), form(ids='["a", "b"]'), form(ids="a, b,")):
        assert arguments.items("ids") == ["a", "b"]
        assert arguments.items("other", "ids") == ["a", "b"]
        assert arguments.items("other") is None


def test_truth_and_numbers_come_in_several_forms() -> None:
    """1, true and "true" are true; numbers may be text; null is not given."""
    body = json.dumps({"a": True, "b": 1, "c": "true", "d": False, "e": None, "n": 12}).encode()
    arguments = read_arguments({}, JSON, body)
    assert [arguments.flag(name) for name in "abcde"] == [True, True, True, False, False]
    assert arguments.number("n") == 12
    assert form(n="12").number("n") == 12
    assert arguments.number("e") is None


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("", b"x", "missing_post_type"),
        ("application/json", b"[1]", "json_not_object"),
        ("application/json", b"{", "invalid_json"),
        ("application/json; charset=koi8-r", b"{}", "invalid_charset"),
        (FORM, "ü=1".encode(), "invalid_form_data"),
        ("text/csv", b"x", "invalid_post_type"),
    ],
)
def test_bad_bodies_have_slacks_codes(kind: str, body: bytes, code: str) -> None:
    """Each way of sending nonsense has the code that Slack has for it."""
    with pytest.raises(MethodError, match=f"^{code}$"):
        read_arguments({}, kind, body)


def test_charsets_are_remarked_upon() -> None:
    """JSON without one and a form with one are answered with a warning."""
    assert read_arguments({}, "application/json", b"{}").warnings == ["missing_charset"]
    assert read_arguments({}, FORM + "; charset=utf-8", b"").warnings == ["superfluous_charset"]
    assert read_arguments({}, JSON, b"{}").warnings == []


def test_a_token_comes_from_a_form_alone() -> None:
    """Not from the query, not from JSON, and it is never given back."""
    assert form(token="xoxp-1", a="b").token == "xoxp-1"
    arguments = read_arguments({"token": "xoxp-2"}, JSON, b'{"token":"xoxp-3"}')
    assert arguments.token is None
    assert arguments.values == {}


def test_whole_numbers_become_what_the_caller_wants() -> None:
    """Digits as they came without more said; numbers on request, and then not endless ones."""
    body = b'{"n": 12, "list": [3], "x": 1.50}'
    assert read_arguments({}, JSON, body).values == {"n": "12", "list": ["3"], "x": "1.50"}
    numbers = read_arguments({}, JSON, body, whole=int).values
    assert numbers == {"n": 12, "list": [3], "x": "1.50"}
    endless = b'{"n": ' + b"9" * 5000 + b"}"
    assert read_arguments({}, JSON, endless).values == {"n": "9" * 5000}
    with pytest.raises(MethodError, match=r"^invalid_json$"):
        read_arguments({}, JSON, endless, whole=int)


def test_a_form_has_only_so_many_fields() -> None:
    """As many as the caller allows are read, one more is no form."""
    body = "&".join(f"f{number}=1" for number in range(3)).encode()
    assert len(read_arguments({}, FORM, body, most_fields=3).values) == 3
    with pytest.raises(MethodError, match=r"^invalid_form_data$"):
        read_arguments({}, FORM, body, most_fields=2)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ("", None)),
        ("Application/JSON", ("application/json", None)),
        ('text/plain ; boundary=x; Charset = "UTF-8"', ("text/plain", "utf-8")),
        ("application/json;charset", ("application/json", "")),
    ],
)
def test_a_content_type_is_a_kind_and_a_charset(header: str, expected: tuple[str, str]) -> None:
    """Letter case, quotes, spaces and other parameters do not matter."""
    assert kind_and_charset(header) == expected
