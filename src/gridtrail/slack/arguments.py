"""Arguments of a Web API call, in every form that Slack's clients send them.

They come in the query string, a form or a JSON object; lists as arrays, as JSON in text, or joined
by commas; booleans as true, 1 or "true"; numbers as numbers or text; null as not given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from gridtrail.errors import WrongUse

_CHARSETS = ("utf-8", "utf8", "iso-8859-1")
_FORM = "application/x-www-form-urlencoded"


class MethodError(WrongUse):
    """A Web API method fails; the text is the error code, `more` are further keys."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.more = more


@dataclass(slots=True)
class Arguments:
    """The arguments by name, the token of the body if there was one, and what to warn of."""

    values: dict[str, Any]
    token: str | None = None
    warnings: list[str] = field(default_factory=list)

    def text(self, name: str) -> str:
        """A text, or "" when it is not given. Raises MethodError `invalid_arguments`."""
        value = self.values.get(name)
        if value is None:
            return ""
        if isinstance(value, (list, dict)):
            raise MethodError("invalid_arguments")
        return str(value).strip()

    def flag(self, name: str) -> bool:
        """True or False (when not given). Raises MethodError `invalid_arguments`."""
        word = self.text(name).lower()
        if word in ("1", "true"):
            return True
        if word in ("0", "false", ""):
            return False
        raise MethodError("invalid_arguments")

    def number(self, name: str) -> int | None:
        """A whole number, or None when it is not given. Raises MethodError `invalid_arguments`."""
        word = self.text(name)
        if not word:
            return None
        digits = word.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(digits) < 19):
            raise MethodError("invalid_arguments")
        return int(word)

    def items(self, *names: str) -> list[str] | None:
        """A list under the first of `names` that is given, as texts; None when none is.

        Raises MethodError `invalid_array_arg`.
        """
        value = next((self.values[name] for name in names if name in self.values), None)
        if value is None:
            return None
        if isinstance(value, str) and value.lstrip().startswith("["):
            value = _array(value)
        if isinstance(value, list):
            if not all(isinstance(one, (str, int)) for one in value):
                raise MethodError("invalid_array_arg")
            return [str(one).strip() for one in value]
        if isinstance(value, dict):
            raise MethodError("invalid_array_arg")
        return [part.strip() for part in str(value).split(",") if part.strip()]


def _array(text: str) -> list[Any]:
    value = _loaded(text, str, "invalid_array_arg")
    if not isinstance(value, list):
        raise MethodError("invalid_array_arg")
    return value


def read_arguments(
    query: Mapping[str, str],
    content_type: str,
    body: bytes,
    *,
    whole: Callable[[str], Any] = str,
    most_fields: int = 2_000,
) -> Arguments:
    """The arguments of a call; `content_type` is the text of that header, "" when there is none.

    A token in the query or in JSON is left out: Slack takes it from the header or from a form.
    Whole numbers in JSON become what `whole` makes of their digits (it may raise ValueError); a
    form has at most `most_fields` fields. Raises MethodError for a body that is not what it says.
    """
    values: dict[str, Any] = {name: value for name, value in query.items() if name != "token"}
    found = Arguments(values)
    kind, charset = kind_and_charset(content_type)
    if charset is not None and charset not in _CHARSETS:
        raise MethodError("invalid_charset")
    if not kind:
        if body:
            raise MethodError("missing_post_type")
    elif kind == "application/json":
        if charset is None:
            found.warnings.append("missing_charset")
        values |= _json_object(body, whole)
    elif kind == _FORM:
        if charset is not None:
            found.warnings.append("superfluous_charset")
        values |= _form(body, most_fields)
        token = values.get("token")
        found.token = token if isinstance(token, str) else None
    elif body:
        raise MethodError("invalid_post_type")
    values.pop("token", None)
    return found


def kind_and_charset(header: str) -> tuple[str, str | None]:
    """The media type in a Content-Type header, in small letters, and its charset if it has one."""
    kind, *rest = header.lower().split(";")
    for part in rest:
        name, _, value = part.partition("=")
        if name.strip() == "charset":
            return kind.strip(), value.strip().strip('"')
    return kind.strip(), None


def _json_object(body: bytes, whole: Callable[[str], Any]) -> dict[str, Any]:
    if not body.strip():
        return {}
    value = _loaded(body, whole, "invalid_json")
    if not isinstance(value, dict):
        raise MethodError("json_not_object")
    return {name: inner for name, inner in value.items() if inner is not None}


def _loaded(text: str | bytes, whole: Callable[[str], Any], code: str) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_constant=str, parse_int=whole)
    except (ValueError, RecursionError) as error:
        raise MethodError(code) from error


def _form(body: bytes, most_fields: int) -> dict[str, str]:
    try:
        text = body.decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=most_fields))
    except ValueError as error:
        raise MethodError("invalid_form_data") from error
