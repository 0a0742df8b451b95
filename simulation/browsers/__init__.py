"""Callers in a browser: they ask for a token, join a room with it, once or more often, and leave."""
