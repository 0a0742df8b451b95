"""What is run by hand and prints what it saw: the worker against a LiveKit server, and what a call costs."""
