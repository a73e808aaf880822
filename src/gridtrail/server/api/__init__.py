"""Slack's Audit Logs API, and what of its Web API clients of it call, served from the lake."""
