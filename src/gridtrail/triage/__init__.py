"""Anomalies of one actor become one finding: joined, scored, explained, kept.

run.triage       anomalies in the lake -> findings in the store
finding.Finding  the one JSON shape of a finding
store            FindingStore, list_findings: findings with their status, verdict and notes
"""
