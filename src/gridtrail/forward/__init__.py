"""Sending on everything new: events, anomalies and findings to other systems, none lost."""
