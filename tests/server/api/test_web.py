"""The Web API's conventions."""

from __future__ import annotations

from typing import Any

import pytest

FORM = "application/x-www-form-urlencoded"
JSON = "application/json; charset=utf-8"


def call(acme: Any, method: str = "api.test", **request: Any) -> dict[str, Any]:
    with acme.server.client(request.pop("token", None)) as client:
        verb = client.post if {"content", "json", "data"} & set(request) else client.get
        answer = verb(f"/api/{method}", **request)
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def test_arguments(acme: Any) -> None:
    """Arguments come in the query, a form or a JSON object; null means not given."""
    assert call(acme) == {"ok": True}
    assert call(acme, params={"foo": "bar"})["args"] == {"foo": "bar"}
    assert call(acme, data={"foo": "b&r"})["args"] == {"foo": "b&r"}
    body = b'{"foo":["\xc3\xa9",1,true],"not":null}'
    answer = call(acme, content=body, headers={"Content-Type": JSON})
    assert answer["args"] == {"foo": ["é", 1, True]}


def test_token_never_comes_back(acme: Any) -> None:
    """A token among the arguments is not given back."""
    given = {"token": "t", "a": "b"}
    assert call(acme, params=given)["args"] == {"a": "b"}
    assert call(acme, data=given)["args"] == {"a": "b"}
    assert call(acme, json=given)["args"] == {"a": "b"}


def test_token_in_a_form(acme: Any) -> None:
    """A form may carry the token; the query string and a JSON body may not."""
    assert call(acme, "auth.test", data={"token": acme.token})["team_id"] == "E0ACME"
    assert call(acme, "auth.test", params={"token": acme.token})["error"] == "not_authed"
    assert call(acme, "auth.test", json={"token": acme.token})["error"] == "not_authed"


def test_auth(acme: Any, tenant: Any) -> None:
    """auth.test names the organization; the errors tell unknown, revoked and expired apart."""
    from gridtrail.server.tokens import TokenStore

    answer = call(acme, "auth.test", token=acme.token)
    assert answer["ok"] is True
    assert (answer["team_id"], answer["enterprise_id"]) == ("E0ACME", "E0ACME")
    assert answer["url"] == f"{acme.server.url}/"
    assert answer["user_id"].startswith("U")
    assert call(acme, "auth.test", token="xoxp-wrong")["error"] == "invalid_auth"
    revoked = tenant.token()
    with TokenStore(tenant.data.path / "state.db") as store:
        found = store.find(revoked)
        assert found is not None
        store.revoke(found.id)
    assert call(acme, "auth.test", token=revoked)["error"] == "token_revoked"


@pytest.mark.parametrize(
    ("kind", "body", "error"),
    [
        (JSON, b"{", "invalid_json"),
        (JSON, b"[1]", "json_not_object"),
        (JSON, b"[" * 100_000, "invalid_json"),
        (JSON, b"\xff", "invalid_json"),
        (JSON, b"9" * 5000, "invalid_json"),
        ("application/json; charset=utf-16", b"{}", "invalid_charset"),
        (FORM, b"\xff=1", "invalid_form_data"),
        (FORM, b"a=1&" * 2000, "invalid_form_data"),
        ("text/xml", b"<a/>", "invalid_post_type"),
        ("", b"a=b", "missing_post_type"),
    ],
)
def test_errors(acme: Any, kind: str, body: bytes, error: str) -> None:
    """A body that cannot be read is answered with the Web API's code for it."""
    headers = {"Content-Type": kind} if kind else {}
    assert call(acme, content=body, headers=headers) == {"ok": False, "error": error}


def test_warnings(acme: Any) -> None:
    """A charset that is missing, or not needed, is warned of."""
    for kind, body, warning in (
        ("application/json", b"{}", "missing_charset"),
        (f"{FORM}; charset=utf-8", b"a=b", "superfluous_charset"),
    ):
        answer = call(acme, content=body, headers={"Content-Type": kind})
        assert answer["ok"] is True
        assert answer["warning"] == warning
        assert answer["response_metadata"] == {"warnings": [warning]}


def test_failing_on_purpose(acme: Any) -> None:
    """api.test fails with the error it is asked for."""
    answer = call(acme, params={"error": "my_error", "a": "b"})
    args = {"error": "my_error", "a": "b"}
    assert answer == {"ok": False, "error": "my_error", "args": args}


def test_unknown_method(acme: Any) -> None:
    """A method that is not here is unknown, and still HTTP 200."""
    assert call(acme, "chat.postMessage") == {"ok": False, "error": "unknown_method"}


def test_a_form_in_parts_is_allowed_and_not_read(acme: Any) -> None:
    """multipart/form-data is no error, though none of its parts becomes an argument."""
    kind = "Multipart/Form-Data; boundary=x"
    body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
    answer = call(acme, params={"c": "d"}, content=body, headers={"Content-Type": kind})
    assert answer == {"ok": True, "args": {"c": "d"}}
    answer = call(acme, content=body, headers={"Content-Type": f"{kind}; charset=utf-16"})
    assert answer == {"ok": False, "error": "invalid_charset"}
