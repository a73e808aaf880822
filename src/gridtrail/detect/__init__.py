"""The machinery of detection: contract, profiles, thresholds, batch and incremental run."""
