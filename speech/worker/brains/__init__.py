"""Brains that are no runner: an OpenAI-compatible endpoint, an endpoint asked once a turn, a prompt with a model.

`served` lets one of them sit in the call as if it were a runner that dialled in: the same frames, the same rules for
turns, interruptions and losses. `replies` asks it.
"""
