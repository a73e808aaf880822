"""search_volume: more searches than this person and the organization ever do; off by default
(setting `detect.off`): it learns, and what it finds is listed as silenced.

Slack took this reason back on 2025-05-02. A search in the app is in no audit log; those of agents
(Slack's MCP tools) and of the log itself are. Where the log has none of them the detector is blind
and only Slack's own old events with this reason are there. Method: SCIENCE B.1.
"""

from __future__ import annotations

from gridtrail.detect.count_detector import CountDetector, acts
from gridtrail.detect.counting import Counting

ACTIONS = (
    "mcp_slack_search_public_tool_called",
    "mcp_slack_search_public_and_private_tool_called",
    "mcp_slack_search_channels_tool_called",
    "mcp_slack_search_users_tool_called",
    "audit_logs_records_searched",
    "audit_logs_records_searched_anomaly",
)
DETECTOR = CountDetector(
    counting=Counting(
        metric="search_volume",
        items=acts(ACTIONS, "user"),
        floors={600: 30, 3600: 60, 86_400: 120},
        share=0.01,
    ),
    things="searches",
    seen_in=ACTIONS,
    needs=("|".join(ACTIONS),),
    proxy="The log shows searches by agents and those of the audit log, not those in the app.",
)
