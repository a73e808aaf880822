"""Slack's error codes for what Gridtrail calls, as sentences that say what to do next.

The codes are those of the facts reference, sections 5 to 7. Four kinds, by what the caller may
take for done:

    Refused           Slack said no, and nothing was done (WrongUse)
    RefusedSettings   the same, because of the token or its rights (BadSettings)
    NotReached        the call never arrived: nothing was done (RetryLater)
    Unclear           no answer that says so: it may have been done (RetryLater)
"""

from __future__ import annotations

from gridtrail.errors import BadSettings, RetryLater, WrongUse


class Refused(WrongUse):
    """Slack refused with `code`; nothing was done."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RefusedSettings(BadSettings):
    """Slack refused with `code` because of the token or its rights; nothing was done."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotReached(RetryLater):
    """The call never arrived at Slack, or was turned away before it was read."""


class Unclear(RetryLater):
    """It is not known whether Slack did it: look before you do it again."""


_NEW_TOKEN = "make a new token and set respond.token."  # noqa: S105 - a sentence
_INSTALL = (
    "install the app on the Enterprise organization (not on a workspace) as an Org Owner, and set "
    "respond.token."
)
_OWNER = "take a token that an Org Owner or Admin made."

_SETTINGS = {
    "not_authed": "Slack got no token: set respond.token (GRIDTRAIL_RESPOND__TOKEN).",
    "invalid_auth": f"Slack does not know the token: {_NEW_TOKEN}",
    "account_inactive": f"The token's owner or app was removed: {_NEW_TOKEN}",
    "token_expired": f"The token has expired: {_NEW_TOKEN}",
    "token_revoked": f"The token was revoked: {_NEW_TOKEN}",
    "not_allowed_token_type": "Slack wants a user token here: set respond.token to an xoxp- token.",
    "no_permission": f"The token may not do this: {_OWNER}",
    "access_denied": f"Slack denies the token access: {_OWNER}",
    "admin_unauthorized": f"The token's owner may not administer this: {_OWNER}",
    "not_an_admin": f"The token's owner is no admin of the organization: {_OWNER}",
    "restricted_action": "A setting of the organization restricts this to other roles: have an Org "
    "Owner make the token.",
    "session_reset_not_allowed": "The token's owner may not end sessions: have an Org Owner make "
    "the token.",
    "feature_not_enabled": f"Slack does not offer this to the token's workspace: {_INSTALL}",
    "not_an_enterprise": f"The token belongs to a workspace, not to the organization: {_INSTALL}",
    "enterprise_is_restricted": f"The method does not work with this token's organization: "
    f"{_INSTALL}",
    "org_login_required": "The workspace is being moved to an organization: try again when Slack "
    "says that the move is done.",
    "team_access_not_granted": f"The token was not given access to this workspace: {_INSTALL}",
    "two_factor_setup_required": "The token's owner has to set up two-factor authentication: do "
    "so, then try again.",
    "ekm_access_denied": "The organization's key management denies access: ask its administrators "
    "to allow it.",
    "accesslimited": "Slack limits access from here: allow this machine's address for the app.",
    "unknown_method": "Slack knows no such method for this token: check respond.base_url, and that "
    "the organization is on an Enterprise plan.",
    "method_deprecated": "Slack no longer offers this method: update Gridtrail.",
    "deprecated_endpoint": "Slack no longer offers this method: update Gridtrail.",
    "endpoint_unavailable": "Slack does not offer the anomaly allow list to this organization: ask "
    "Slack's support to enable it.",
    "unsupported_action_describe": "Slack does not let the token read the allow list: give its app "
    "the scope admin.",
    "unsupported_action_put": "Slack does not let the token write the allow list: give its app the "
    "scope admin.",
}
_WRONG = {
    "user_not_found": "Slack knows no such user in the organization: check the id.",
    "missing_user": "Slack wants a user with the workspace: name the user.",
    "missing_team": "Slack wants a workspace with the user: report this with the command you gave.",
    "team_not_found": "Slack knows no such workspace or organization: check respond.org.",
    "team_added_to_org": "The workspace is being moved to an organization: try again later.",
    "bots_not_allowed": "That is a bot: it has no sessions; revoke its app's token in Slack.",
    "cannot_reset_bot": "That is a bot, which cannot be signed out: revoke its app's token in "
    "Slack.",
    "cannot_reset_primary_owner": "That is the primary owner, whom nobody else can sign out: ask "
    "the primary owner to do so.",
    "cannot_invalidate_primary_owner": "That is the primary owner, whose sessions nobody else can "
    "end: ask the primary owner to do so.",
    "no_active_sessions": "There are no active sessions: nothing is left to end.",
    "session_not_found": "There is no such active session: list the sessions again, it may have "
    "ended.",
    "session_invalidation_failed": "Slack could not end the session: try again, or sign the user "
    "out everywhere.",
    "user_session_reset_failed": "Slack could not end the user's sessions: try again, or end them "
    "one by one.",
    "failed_for_some_users": "Slack could not do it for all of them: its bulk event in the log "
    "names those it failed for.",
    "invalid_cursor": "Slack no longer knows the place in the list: list again.",
    "invalid_field_or_data": "Slack refuses an entry of the allow list: check its ranges (IPv4 "
    "only) and ASNs.",
    "unable_to_process_post_request": "Slack could not take the allow list: try again.",
    "invalid_arguments": "Slack refuses what it was given: check the ids and values.",
}
_UNCLEAR = ("fatal_error", "internal_error", "request_timeout", "service_unavailable")
"""Slack says of these that part of it may have been done."""

KNOWN = (*_SETTINGS, *_WRONG, *_UNCLEAR, "missing_scope")
"""Codes with a sentence of their own."""


def refusal(
    code: str, *, method: str, needed: str = "", provided: str = ""
) -> Refused | RefusedSettings | Unclear:
    """The error for what Slack said of `method`; `needed` and `provided` are scopes."""
    if code == "missing_scope":
        has = f" (it has {provided})" if provided else ""
        return RefusedSettings(
            code,
            f"The token lacks the scope {needed or 'that ' + method + ' needs'}{has}: add it to "
            "the app, install the app again, and set respond.token.",
        )
    if code in _UNCLEAR:
        return Unclear(
            f"Slack failed inside ({code}), and may have done it all the same: look at what Slack "
            "logs of it before you try again."
        )
    if code in _SETTINGS:
        return RefusedSettings(code, _SETTINGS[code])
    if code in _WRONG:
        return Refused(code, _WRONG[code])
    return Refused(
        code, f"Slack refuses {method} with {code[:80]!r}: look that up on Slack's page of it."
    )
