"""How good is it: measured on simulated organizations with labels, and on one's own log without."""
