"""Answers that tell of an account as a whole, and of who is there."""
