"""Sigma rules and their cases; what they mean as relations over the lake; the linter."""
