"""The web console: pages made by the server, for people."""
