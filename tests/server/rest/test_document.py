"""The OpenAPI document is what the API does; no route of it is without a guard."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig

from gridtrail.server.app import create_app
from gridtrail.server.console.places import PLACES
from gridtrail.server.rest.document import DOCUMENT, RESOURCES, document, guarded
from gridtrail.server.rest.routing import CHANGES, PREFIX, READS, Guarded
from gridtrail.settings import Settings

load_all_checks()

EXAMPLES = 6
OPERATIONS = [(m.upper(), path) for path, item in document()["paths"].items() for m in item]


def _filled(path: str) -> str:
    return path.replace(PREFIX, "").replace("{", "").replace("}", "")


def test_every_route_is_guarded_and_in_the_document() -> None:
    """All routes of all resources need a token, and the document has each of them."""
    routes = [route for one in RESOURCES for route in one.router.routes]
    assert all(isinstance(route, Guarded) for route in routes)
    known = [(method, r.path_format) for r in guarded() for method in r.methods or ()]
    assert sorted(known) == sorted(OPERATIONS)
    for method, path in OPERATIONS:
        operation = document()["paths"][path][method.lower()]
        (needs,) = operation["security"]
        assert needs["token"] in ([READS], [CHANGES])
        assert (method == "GET") or needs["token"] == [CHANGES], path


def _routes(place: Path) -> list[Any]:
    """All routes of the application."""
    found = []
    pending = list(create_app(Settings(data=place))._app.routes)  # type: ignore[attr-defined]
    while pending:
        route = pending.pop()
        inside = getattr(route, "original_router", None)
        if inside is None:
            found.append(route)
        else:
            pending += inside.routes
    return found


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_nobody_gets_in_without_the_right_token(api: Any, method: str, path: str) -> None:
    """No token, a wrong one and one without the scope are refused before anything is looked at."""
    address = _filled(path)
    for header in ({}, {"authorization": "Basic eDp5"}, {"authorization": "Bearer gtp-wrong"}):
        refused = api.client.request(method, PREFIX + address, headers=header, content=b"{")
        assert refused.status_code == 401, header
        assert refused.headers["www-authenticate"] == "Bearer"
        assert refused.json()["error"] in ("missing_authentication", "invalid_authentication")
    needs = document()["paths"][path][method.lower()]["security"][0]["token"]
    lacking = api.changes if needs == [READS] else api.reads
    refused = api.call(method, address, token=lacking, content=b"{")
    assert (refused.status_code, refused.json()["error"]) == (403, "missing_scope")


def test_the_document_says_what_everything_is() -> None:
    """Each operation has a summary, each parameter and field of an answer a description."""
    made = document()
    assert made["openapi"].startswith("3.1")
    for path, item in made["paths"].items():
        for operation in item.values():
            assert operation["summary"], path
            for parameter in operation.get("parameters", []):
                assert parameter["in"] == "path" or parameter.get("description"), parameter
    for name, shape in made["components"]["schemas"].items():
        assert shape["description"], name
        for field, value in shape.get("properties", {}).items():
            told = value.get("description") or "$ref" in value or "$ref" in str(value.get("items"))
            assert told or "const" in str(value) or "enum" in value, (name, field)


def test_the_handbook_names_every_operation() -> None:
    """docs/api.md has each method and path, and none that there is not."""
    page = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
    told = re.findall(r"`(GET|POST|PATCH|DELETE) (/\S*?)`", page)
    assert sorted((m, PREFIX + path) for m, path in set(told)) == sorted(OPERATIONS)


def test_the_application_is_made_of_these_doors(tmp_path: Any) -> None:
    """Every route is the console's, the API's, the audit API's or one that is open on purpose."""
    paths = {(m, r.path) for r in _routes(tmp_path) for m in getattr(r, "methods", None) or ("",)}
    ours = {(method, str(r.path)) for r in guarded() for method in r.methods or ()}
    console = {(place.method, place.path) for place in PLACES}
    audit = {("GET", f"/audit/v1/{name}") for name in ("logs", "actions", "schemas")}
    audit |= {("POST", "/audit/v1/logs"), ("GET", "/api/{method}"), ("POST", "/api/{method}")}
    opened = {("GET", p) for p in ("/health", "/ready", "/metrics", DOCUMENT)}
    opened |= {("HEAD", p) for p in ("/health", "/ready", DOCUMENT)}
    nowhere = {("", f"{PREFIX}/{{anything:any_text}}")}
    assert paths == ours | console | audit | opened | nowhere


def test_the_document_needs_no_token(api: Any) -> None:
    """A program can read it before it has one."""
    found = api.client.get(DOCUMENT)
    assert found.status_code == 200
    assert found.json() == document()


def test_other_addresses_and_methods_are_refused_in_the_same_shape(api: Any) -> None:
    """404 with where to look, 405 with the methods there are."""
    for method, path in (("GET", "/nonsense"), ("POST", "/findings/x/y/z"), ("GET", "/")):
        refused = api.call(method, path)
        assert (refused.status_code, refused.json()["error"]) == (404, "not_found"), path
        assert DOCUMENT in refused.json()["message"]
    for method, path, allowed in (
        ("POST", "/findings", "GET"),
        ("PUT", "/findings/F0", "GET, PATCH"),
        ("TRACE", "/events/x", "GET"),
        ("DELETE", "/openapi.json", "GET, HEAD"),
    ):
        refused = api.call(method, path)
        assert (refused.status_code, refused.headers["allow"]) == (405, allowed)
        assert refused.json()["error"] == "method_not_allowed"


CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            # what a schema cannot say (a day that no month has, a cursor) is refused with 400,
            # and what is risky or there already with 409
            "positive_data_acceptance": {
                "expected-statuses": ["2xx", "400", "404", "409"],
            },
        }
    }
)


def _takes_something(method: str, path: str) -> bool:
    operation = document()["paths"][path][method.lower()]
    queried = any(one["in"] == "query" for one in operation.get("parameters", []))
    return queried or "requestBody" in operation


def _check(api: Any, method: str, path: str, mode: GenerationMode) -> None:
    made = deepcopy(document())
    needs = made["paths"][path][method.lower()]["security"][0]["token"]
    if mode is GenerationMode.NEGATIVE:  # what is wrong is to be the data, not the token
        del made["paths"][path][method.lower()]["security"]
    operation = schemathesis.openapi.from_dict(made, config=CONFIG)[path][method]
    token = api.reads if needs == [READS] else api.changes

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        case.headers["Authorization"] = f"Bearer {token}"
        case.call_and_validate(base_url=api.url, timeout=120)

    check()


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_what_fits_the_document_is_answered_as_it_says(api: Any, method: str, path: str) -> None:
    """No failure, the statuses and the shapes of the document, and nothing without a token."""
    _check(api, method, path, GenerationMode.POSITIVE)


@pytest.mark.parametrize(("method", "path"), [one for one in OPERATIONS if _takes_something(*one)])
def test_what_does_not_fit_the_document_is_refused(api: Any, method: str, path: str) -> None:
    """Whatever parameter or field is wrong: a refusal of the document's shape, never a failure."""
    _check(api, method, path, GenerationMode.NEGATIVE)
