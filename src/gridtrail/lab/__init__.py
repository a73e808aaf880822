"""Measuring detection: calibration, quality on simulated organizations, what-if."""
