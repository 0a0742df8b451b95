"""A worker's agent: whom it follows out of a room."""

from local.phones.model.reasons import LeftFor

FOLLOWED = frozenset({LeftFor.CLIENT_INITIATED, LeftFor.ROOM_DELETED, LeftFor.USER_REJECTED})
"""Disconnect reasons of the other side after which LiveKit's agents leave by themselves. They stay for somebody who was
merely not reached: someone may dial again."""


def follows(reason: str, *, is_alone: bool) -> bool:
    """Whether an agent leaves because somebody has left for that reason. It does not while another one is there."""
    return is_alone and reason in FOLLOWED
