"""Arguments of a Web API call, in every form that Slack's clients send them.

They come in the query string, a form or a JSON object; lists as arrays, as JSON in text, or joined
by commas; booleans as true, 1 or "true"; numbers as numbers or text; null as not given.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from gridtrail.sandbox.refusals import MethodError

_CHARSETS = ("utf-8", "utf8", "iso-8859-1")
_FORM = "application/x-www-form-urlencoded"
_MAX_FIELDS = 2_000


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
    try:
        value = json.loads(text, parse_float=str, parse_constant=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise MethodError("invalid_array_arg") from error
    if not isinstance(value, list):
        raise MethodError("invalid_array_arg")
    return value


def read_arguments(query: Mapping[str, str], content_type: str, body: bytes) -> Arguments:
    """The arguments of a call. Raises MethodError for a body that is not what it says."""
    values: dict[str, Any] = {name: value for name, value in query.items() if name != "token"}
    found = Arguments(values)
    kind, charset = _content_type(content_type)
    if charset is not None and charset not in _CHARSETS:
        raise MethodError("invalid_charset")
    if not kind:
        if body:
            raise MethodError("missing_post_type")
    elif kind == "application/json":
        if charset is None:
            found.warnings.append("missing_charset")
        values |= _json_object(body)
    elif kind == _FORM:
        if charset is not None:
            found.warnings.append("superfluous_charset")
        values |= _form(body)
        token = values.get("token")
        found.token = token if isinstance(token, str) else None
    elif body:
        raise MethodError("invalid_post_type")
    values.pop("token", None)
    return found


def _content_type(header: str) -> tuple[str, str | None]:
    kind, *rest = header.lower().split(";")
    for part in rest:
        name, _, value = part.partition("=")
        if name.strip() == "charset":
            return kind.strip(), value.strip().strip('"')
    return kind.strip(), None


def _json_object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        value = json.loads(body, parse_float=str, parse_constant=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise MethodError("invalid_json") from error
    if not isinstance(value, dict):
        raise MethodError("json_not_object")
    return {name: inner for name, inner in value.items() if inner is not None}


def _form(body: bytes) -> dict[str, str]:
    try:
        text = body.decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError as error:
        raise MethodError("invalid_form_data") from error
