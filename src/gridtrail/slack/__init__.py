"""Slack's words: event model, action catalogue, anomaly reasons. Imports nothing of ours."""
