"""potential_spam: more of what disturbs others than this person and the organization ever do.

A proxy: Slack counts calls of an API, the audit log shows only what some of them leave behind.
Each kind is counted by itself, and `api_call_method` names the method that makes such events;
messages posted in the ordinary way are in no audit log. Method: SCIENCE B.1.
"""

from __future__ import annotations

import ibis

from gridtrail.detect.count_detector import CountDetector, acts
from gridtrail.detect.counting import Counting

SHOWN = {
    "functions.workflows.publish": ("workflow_published", "workflow_v2_published"),
    "conversations.inviteShared": (
        "external_shared_channel_invite_sent",
        "external_shared_channel_invite_created",
        "connect_dm_invite_generated",
    ),
    "conversations.create": ("public_channel_created", "private_channel_created"),
    "chat.postMessage": (
        "private_message_forwarded",
        "slack_ai_mcp_message_sent",
        "mcp_slack_send_message_tool_called",
        "mcp_slack_schedule_message_tool_called",
    ),
}
"""Methods of Slack's API and the actions that show their use."""

ACTIONS = tuple(action for actions in SHOWN.values() for action in actions)
_rows = acts(ACTIONS, "user")
_methods = ibis.cases(*((_rows.action.isin(actions), name) for name, actions in SHOWN.items()))

DETECTOR = CountDetector(
    counting=Counting(
        metric="potential_spam",
        items=_rows.mutate(lane=_methods),
        floors={600: 10, 3600: 20, 86_400: 40},
        share=0.01,
    ),
    things="acts that disturb others",
    seen_in=ACTIONS,
    needs=("|".join(ACTIONS),),
    proxy="The log shows workflows, channels, invitations and forwarded messages, not posts.",
    methods={name: name for name in SHOWN},
)
