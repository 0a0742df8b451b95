"""The settings file, and the stack that is up on this machine."""
