"""Routes of what a customer sets up: pipes, agents, voices, keys; and what is out of scope, in one table."""
