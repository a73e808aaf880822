"""Events out to files for other tools."""
