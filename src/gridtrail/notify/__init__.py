"""Telling people and programs what was found: a durable outbox, and the channels out of it."""
