"""One file a command: parses, calls a room, prints."""
