"""Anomalies to findings: join, aggregate, add context, score."""
