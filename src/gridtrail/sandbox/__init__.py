"""A simulated Enterprise organization with labelled attacks and traps."""
