"""What an address is, what a user agent is."""
