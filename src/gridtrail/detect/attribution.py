"""Who an event belongs to, and whose client its context is.

The context of an event is not always the client of its actor. A person's profile is taught only by
their own session: not by events of apps (`context.app`), bots, invitations and removals by others
(`user_channel_join` then carries the inviter's or kicker's context), and not by API clients
(SCIENCE 1, "Attribution trap"; slack/api.md 2). Who fails to sign in has shown nothing but a name:
a guesser's network and client must neither become usual for the people whose names are tried nor be
said to be theirs. Rules judge those events.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

READS = {
    "action": "string",
    "actor_type": "string",
    "actor_id": "string",
    "actor_email": "string",
    "ip": "string",
    "app_id": "string",
    "details": "string",
}
"""Columns that `attributed` needs, with their types."""

NO_PERSON = ("USLACKUSER", "USLACKSECURITY")
"""Slack's placeholders for "no actor" and "Slack Security" (slack/api.md 2)."""

BY_ANYBODY = "user_login_failed"
"""The action that anybody can cause in anybody's name."""

BY_ANOTHER = ('"type":"INVITED"', '"type":"KICKED"', '"inviter":{', '"kicker":{')
"""What details without spaces hold when somebody else acted; in a name quotes are escaped."""


def attributed(events: ir.Table) -> ir.Table:
    """`events` (with READS) and four columns more.

    `subject` is who is judged: the app an event was made through, else the actor; `subject_type`
    is `user` for people and `app` for apps, bots and Slack itself; `foreign` says that the context
    is (or may be) somebody else's client; `own` that it is the person's own.
    """
    by_app = events.app_id.notnull()
    bot = events.actor_email.fill_null("").startswith("botuser-")
    details = events.details.fill_null("")
    by_another = ibis.or_(*(details.contains(mark) for mark in BY_ANOTHER))
    foreign = (events.action == "user_channel_join") & by_another
    foreign |= events.action == BY_ANYBODY
    person = (events.actor_type.fill_null("user") == "user") & ~events.actor_id.isin(NO_PERSON)
    return events.mutate(
        subject=ibis.coalesce(events.app_id, events.actor_id),
        subject_type=ibis.ifelse(by_app | ~person | bot, "app", "user"),
        foreign=foreign,
        own=person & ~by_app & ~bot & ~foreign & events.ip.notnull(),
    )
