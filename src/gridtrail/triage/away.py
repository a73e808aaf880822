"""Whether much was taken over a network that is new to the person.

Volume alone is mostly harmless, and so is a new network; both at once are a journey, or a stranger
who holds the person's session and whose network no detector found odd enough. The person's
networks of the thirty days before say which it can be; an exact address says little, since those
of homes and telephones change.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gridtrail.enrich.dimensions import address_book
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings
from gridtrail.triage.anomaly import Anomaly
from gridtrail.triage.surroundings import PAST_DAYS, Window
from gridtrail.triage.usual import attributed_sql
from gridtrail.triage.words import number, quoted, shown

FEWEST_DAYS = 5
"""Active days of the person before which nothing is new yet."""

_DAYS = "triage_away"


def away(
    lake: Lake,
    window: Window,
    anomalies: Sequence[Anomaly],
    settings: Settings,
    fine: Collection[str],
) -> str:
    """Over which network much was taken that the person had not used in PAST_DAYS before, in words;
    "" when it is none such, or something else is unusual too, or it is not about one person.

    `fine` are addresses that are known to be the organization's or the person's.
    """
    people = {one.raised.actor for one in anomalies}
    actor = window.actor
    if people != {actor} or actor is None or any(one.raised.is_app for one in anomalies):
        return ""
    if any(one.raised.stages != {"volume"} for one in anomalies):
        return ""
    used = sorted({one.ip for one in anomalies if one.ip and one.ip not in fine})
    if not used:
        return ""
    known, days = _before(lake, window, actor)
    if days < FEWEST_DAYS:
        return ""
    book = address_book(settings.enrich)
    networks = {fact.network for fact in book.facts_many(known)}
    for fact in book.facts_many(used):
        if fact.network and fact.network not in networks:
            name = quoted(fact.asn_name or fact.network)
            where = f"{name} ({shown(fact.country)})" if fact.country else name
            return (
                f"much was taken over {where}, a network that this person had not used in the "
                f"{PAST_DAYS} days before, {number(days, 'day')} of which they were active"
            )
    return ""


def _before(lake: Lake, window: Window, actor: str) -> tuple[list[str], int]:
    """The addresses that the person used before the finding's first day, and on how many days."""
    latest = window.first_midnight - 1
    lake.events_view(_DAYS, org=window.org, oldest=window.past, latest=latest)
    rows = lake.engine.rows(
        f"SELECT DISTINCT ip, date_create // 86400 AS d FROM ({attributed_sql(_DAYS)}) "
        "WHERE own AND actor_id = ? AND ip IS NOT NULL AND action <> 'anomaly'",
        [actor],
    ).to_pylist()
    return sorted({row["ip"] for row in rows}), len({row["d"] for row in rows})
