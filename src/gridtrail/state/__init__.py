"""The database of what is small and changes: findings, verdicts, people, tokens, allow list."""
