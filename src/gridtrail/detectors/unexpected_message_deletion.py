"""unexpected_message_deletion: more messages deleted than this person and the others ever do.

A proxy: of deletions the audit log shows `message_tombstoned` (a message is hidden where replies
or an integration need its place), not what Slack sees of the API. Method: SCIENCE B.0, B.1.
"""

from __future__ import annotations

from gridtrail.detect.count_detector import CountDetector, acts
from gridtrail.detect.counting import Counting

ACTIONS = ("message_tombstoned",)
DETECTOR = CountDetector(
    counting=Counting(
        metric="unexpected_message_deletion",
        items=acts(ACTIONS, "user"),
        floors={600: 15, 3600: 30, 86_400: 60},
        share=0.02,
    ),
    things="messages deleted",
    seen_in=ACTIONS,
    needs=ACTIONS,
    proxy="The log shows only deletions that leave a tombstone.",
)
