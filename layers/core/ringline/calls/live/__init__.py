"""What is done to a conversation from outside while it goes on: its recording is paused, its agent is told something,
somebody listens."""
