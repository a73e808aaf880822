"""Content: one file a reason, its cases beside it."""
