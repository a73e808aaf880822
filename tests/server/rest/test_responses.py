"""Responses of the API."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from gridtrail.respond.responses import Response
from gridtrail.server.rest.responses import ResponseShape


def test_the_command_line_gives_the_same_responses(api: Any) -> None:
    """`responses --format json` and the API give equal JSON; another organization's are not."""
    state = api.get("/responses")["responses"][0]["state"]  # another test may have decided
    found = api.get("/responses", state=state)["responses"]
    assert found == api.cli("responses", "--org", "E0ACME", "--state", state)
    assert [one["org"] for one in found] == ["E0ACME"]
    assert (
        set(found[0]) == {one.name for one in fields(Response)} == set(ResponseShape.model_fields)
    )
    whole = api.get(f"/responses/{found[0]['id']}")
    steps = whole.pop("steps")
    assert whole == found[0]
    assert (steps[0]["what"], steps[0]["by"]) == ("asked", whole["asked_by"])
    assert steps[0]["at"] == whole["asked_at"]
    assert api.get("/responses", user="W0NOBODY", finding="x\0")["responses"] == []


def test_another_organizations_response_is_not_there(api: Any) -> None:
    """A state that there is not is refused, too."""
    theirs = api.call("GET", "/responses", token=api.other).json()["responses"][0]
    assert api.call("GET", f"/responses/{theirs['id']}").status_code == 404
    assert api.call("GET", "/responses", params={"state": "done"}).status_code == 422
