"""unexpected_credential_testing: an app tries more tokens than it and other apps ever do.

Mostly taken over from Slack: testing a credential (`auth.test`) leaves nothing in the audit log.
What is visible are tokens that an app has fetched, refreshed or made; many of them in a short time
are the proxy. Where the log has none of them, this detector is blind and only Slack's own events
with this reason are there. Method: SCIENCE B.1.
"""

from __future__ import annotations

from gridtrail.detect.count_detector import CountDetector, acts
from gridtrail.detect.counting import Counting

ACTIONS = (
    "external_auth_oauth2_token_fetched",
    "external_auth_oauth2_token_refreshed",
    "seamless_auth_team_token_created",
    "seamless_auth_user_token_created",
)
DETECTOR = CountDetector(
    counting=Counting(
        metric="unexpected_credential_testing",
        items=acts(ACTIONS, "app"),
        floors={600: 20, 3600: 40, 86_400: 100},
        share=0.01,
    ),
    things="tokens fetched or made",
    seen_in=ACTIONS,
    needs=("|".join(ACTIONS),),
    proxy="Tests of a token itself are in no audit log.",
)
