"""Runners and brains: who thinks for an agent that our speech worker speaks for, how runners connect, and which of them
gets a call."""
