"""Delta tables: append exactly once, read, compact, retain, verify."""
