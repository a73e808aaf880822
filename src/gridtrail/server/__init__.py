"""Doors over HTTP: Slack's own API and, later, ours and the console."""
