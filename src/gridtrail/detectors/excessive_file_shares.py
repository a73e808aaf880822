"""excessive_file_shares: more files given away than this person, the peers and the organization do.

Counted in points, for people and apps: a file shared in a conversation is one point, however many
conversations it goes to; a public link to it is three, sharing it with another organization five.
Whether a share went outside is known where the event's details say so; Slack documents no such key
for `file_shared`, so that is seen for some events only. Method: SCIENCE B.0 and B.1.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from gridtrail.detect.contract import day_events
from gridtrail.detect.count_detector import CountDetector
from gridtrail.detect.counting import Counting
from gridtrail.detect.details import details_of

SHARES = ("file_shared", "canvas_shared", "list_shared")
PUBLIC = "file_public_link_created"
ACTIONS = (*SHARES, PUBLIC)
POINTS = {"shared": 1, "public": 3, "outside": 5}
OUTSIDE = (
    '"is_ext_shared":true',
    '"external_organization_id":"',
    '"external_user_id":"',
    '"external_user_email":"',
)
"""Keys of details (slack/details-keys.json) that tell of another organization."""


def _points() -> ir.Table:
    """A row for each point; points of one file and kind are the same whenever it is done again."""
    rows = day_events.filter(
        day_events.action.isin(ACTIONS)
        & day_events.subject.notnull()
        & day_events.entity_id.notnull()
    )
    told = details_of(*SHARES)
    told = told.filter(ibis.or_(*(told.details.contains(mark) for mark in OUTSIDE)))
    seen = rows.left_join(told, [rows.event_id == told.details_id, rows["at"] == told.details_at])
    kind = ibis.cases(
        (seen.action == PUBLIC, "public"), (seen.details_id.notnull(), "outside"), else_="shared"
    )
    kinds = seen.mutate(kind=kind)
    parts = []
    for point in range(1, max(POINTS.values()) + 1):
        worth = [name for name, points in POINTS.items() if points >= point]
        chosen = kinds.filter(kinds.kind.isin(worth))
        parts.append(
            chosen.select(
                "subject", "subject_type", "actor_id", "at", "event_id", "action",
                item=chosen.kind + ibis.literal(f" {point} ") + chosen.entity_id,
            )
        )  # fmt: skip
    return ibis.union(*parts)


DETECTOR = CountDetector(
    counting=Counting(
        metric="excessive_file_shares",
        items=_points(),
        floors={600: 15, 3600: 30, 86_400: 60},
        share=0.04,
    ),
    things="points of files given away",
    seen_in=ACTIONS,
    needs=("file_shared",),
    proxy="A file is one point, a public link three, another organization five.",
    fidelity="audit",
)
