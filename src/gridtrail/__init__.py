"""Gridtrail: the self-hosted system for Slack Enterprise audit logs and anomalies."""

__version__ = "0.1.0"
