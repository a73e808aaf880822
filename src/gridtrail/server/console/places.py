"""Every page and form of the console, with who may use it: the one table of them."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from gridtrail.server.console import (
    address,
    allow,
    allow_new,
    allow_slack,
    api_tokens,
    app,
    automatic,
    deciding,
    detections,
    detector,
    detectors,
    event,
    exporting,
    file,
    finding,
    finding_trail,
    findings,
    health,
    logs,
    oidc,
    outgoing,
    people,
    person,
    query,
    responses,
    rule,
    rules,
    session,
    settings_page,
    sign_out,
    sign_out_several,
    signin,
    thresholds,
    welcome,
)
from gridtrail.server.console.assets import asset_response
from gridtrail.server.console.guard import Place, endpoint
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.visit import Visit
from gridtrail.server.roles import (
    DECIDE,
    EXPORT,
    OPEN,
    PEOPLE,
    READ_FINDINGS,
    READ_LOGS,
    RESPOND,
    SIGNED_IN,
    TUNE,
)


async def home(visit: Visit) -> Response:
    """The first page."""
    return visit.go(visit.link("/findings"))


async def assets(visit: Visit) -> Response:
    """A file of the console's own."""
    return asset_response(visit.request.path_params["name"])


async def nowhere(_visit: Visit) -> Response:
    """There is no such page."""
    raise NotHere("There is no page at this address: choose one from the menu.")


NOWHERE = Place("GET", "/{anything}", SIGNED_IN, nowhere)
"""What answers a browser that asks for an address without a page."""

PLACES = (
    Place("GET", "/", SIGNED_IN, home),
    Place("GET", "/assets/{name}", OPEN, assets),
    Place("GET", "/signin", OPEN, signin.show),
    Place("POST", "/signin", OPEN, signin.sign_in),
    Place("GET", "/signin/openid", OPEN, oidc.leave),
    Place("GET", "/signin/openid/back", OPEN, oidc.come_back),
    Place("POST", "/signout", SIGNED_IN, signin.sign_out),
    Place("GET", "/welcome", OPEN, welcome.show),
    Place("POST", "/welcome", OPEN, welcome.set_password),
    Place("GET", "/findings", READ_FINDINGS, findings.show),
    Place("GET", "/findings/list", READ_FINDINGS, findings.refresh, live=True),
    Place("GET", "/findings/{finding_id}", READ_FINDINGS, finding.show),
    Place("POST", "/findings/{finding_id}", DECIDE, deciding.decide),
    Place("POST", "/findings/{finding_id}/triage", DECIDE, deciding.triage),
    Place("GET", "/findings/{finding_id}/responses", READ_FINDINGS, finding.refresh, live=True),
    Place("GET", "/findings/{finding_id}/trail", READ_FINDINGS, finding_trail.show),
    Place("GET", "/logs", READ_LOGS, logs.show),
    Place("GET", "/logs/actions", READ_LOGS, logs.actions),
    Place("GET", "/logs/histogram", READ_LOGS, logs.chart),
    Place("GET", "/logs/export", EXPORT, exporting.export),
    Place("GET", "/event", READ_LOGS, event.show),
    Place("GET", "/event/around", READ_LOGS, event.around),
    Place("GET", "/detections", READ_LOGS, detections.show),
    Place("GET", "/person", READ_LOGS, person.show),
    Place("GET", "/address", READ_LOGS, address.show),
    Place("GET", "/session", READ_LOGS, session.show),
    Place("GET", "/file", READ_LOGS, file.show),
    Place("GET", "/app", READ_LOGS, app.show),
    Place("GET", "/slack/signout", RESPOND, sign_out.show),
    Place("GET", "/slack/signout/confirm", RESPOND, sign_out.confirm),
    Place("POST", "/slack/signout", RESPOND, sign_out.do),
    Place("GET", "/slack/signout/several", RESPOND, sign_out_several.show),
    Place("GET", "/slack/signout/several/confirm", RESPOND, sign_out_several.confirm),
    Place("POST", "/slack/signout/several", RESPOND, sign_out_several.do),
    Place("GET", "/responses", READ_LOGS, responses.show),
    Place("GET", "/responses/list", READ_LOGS, responses.refresh_list, live=True),
    Place("GET", "/responses/automatic", READ_LOGS, automatic.show),
    Place("POST", "/responses/automatic", RESPOND, automatic.release),
    Place("GET", "/responses/{response_id}", READ_LOGS, responses.show_one),
    Place("GET", "/responses/{response_id}/now", READ_LOGS, responses.refresh, live=True),
    Place("POST", "/responses/{response_id}", RESPOND, responses.decide),
    Place("GET", "/allow", READ_LOGS, allow.show),
    Place("GET", "/allow/new", TUNE, allow_new.show),
    Place("POST", "/allow", TUNE, allow_new.add),
    Place("GET", "/allow/slack", TUNE, allow_slack.show),
    Place("POST", "/allow/slack", TUNE, allow_slack.bring),
    Place("GET", "/allow/{entry_id}", READ_LOGS, allow.show_one),
    Place("POST", "/allow/{entry_id}", TUNE, allow.remove),
    Place("GET", "/detectors", READ_LOGS, detectors.show),
    Place("GET", "/detectors/{name}", READ_LOGS, detector.show),
    Place("POST", "/detectors/{name}/preview", TUNE, detector.preview),
    Place("POST", "/detectors/{name}/threshold", TUNE, thresholds.put),
    Place("POST", "/detectors/{name}/threshold/end", TUNE, thresholds.revert),
    Place("GET", "/rules", READ_LOGS, rules.show),
    Place("GET", "/rules/{name}", READ_LOGS, rule.show),
    Place("POST", "/rules/{name}/backtest", TUNE, rule.try_it),
    Place("GET", "/query", READ_LOGS, query.show),
    Place("POST", "/query", READ_LOGS, query.run),
    Place("POST", "/query/export", EXPORT, query.export),
    Place("POST", "/query/saved", READ_LOGS, query.save),
    Place("POST", "/query/saved/{query_id}", READ_LOGS, query.delete),
    Place("GET", "/status", READ_FINDINGS, health.show),
    Place("GET", "/outgoing", READ_LOGS, outgoing.show),
    Place("POST", "/outgoing", TUNE, outgoing.resend),
    Place("GET", "/people", PEOPLE, people.show),
    Place("POST", "/people", PEOPLE, people.add),
    Place("POST", "/people/{account_id}", PEOPLE, people.change),
    Place("GET", "/tokens", PEOPLE, api_tokens.show),
    Place("POST", "/tokens", PEOPLE, api_tokens.add),
    Place("POST", "/tokens/{token_id}", PEOPLE, api_tokens.revoke),
    Place("GET", "/settings", TUNE, settings_page.show),
)


def router() -> APIRouter:
    """The routes of all places, each guarded."""
    made = APIRouter()
    for place in PLACES:
        made.add_api_route(
            place.path, endpoint(place), methods=[place.method], include_in_schema=False
        )
    return made
