"""Answers of the API that refuse a request: `{"error": CODE, "message": SENTENCE}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from gridtrail.errors import WrongUse
from gridtrail.export.values import json_text
from gridtrail.server.api.refusals import json_bytes

_SHOWN = 80  # characters of a stranger's text in a message


class Error(BaseModel):
    """Why a request was refused."""

    model_config = ConfigDict(extra="forbid")

    error: str = Field(description="A stable word for programs, such as `not_found`.")
    message: str = Field(description="One sentence for people, which ends with the next step.")
    parameter: str | None = Field(
        default=None, description="The parameter or the field that is wrong, where there is one."
    )
    reasons: list[str] | None = Field(
        default=None, description="With `risky`: why, one sentence each."
    )


class Refused(WrongUse):
    """A request of the API cannot be answered: `status` is HTTP's, `code` the word for programs."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.more = more

    def response(self) -> Response:
        """The answer; a stranger's invisible characters in it are escaped."""
        body = {"error": self.code, "message": str(self), **self.more}
        return json_bytes(json_text(body).encode(), status=self.status, headers=self.headers)


def not_found(what: str, key: str, next_step: str) -> Refused:
    """There is no such thing, or it is another organization's."""
    return Refused(404, "not_found", f"There is no {what} {shown(key)}: {next_step}.")


def invalid(errors: Sequence[Any]) -> Refused:
    """What pydantic said of a query or a body; the first mistake is told."""
    first = errors[0]
    # a path, a query, a header or a body; then the field, and its place in a list
    names = [str(part) for part in first["loc"][1:]]
    where = ".".join(names)
    if first["type"] == "extra_forbidden":
        message = f"There is no {'field' if first['loc'][0] == 'body' else 'parameter'} "
        message += f"{shown(where)}: see /api/v1/openapi.json for those there are."
        return Refused(422, "unknown_parameter", message, parameter=where[:_SHOWN])
    said = first["msg"].removeprefix("Value error, ").rstrip(".")
    what = shown(where) if where else "The body"
    message = f"{what} is not as it must be ({said}): correct it."
    return Refused(422, "invalid_parameter", message, parameter=where[:_SHOWN] or None)


def shown(text: str) -> str:
    """A stranger's text for a message: quoted, and cut where it is long."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
