"""Handing an answered call over to another number."""

from livekit.protocol.models import DisconnectReason

from local.phones.kernel.twirp import bridge_error, not_found
from local.phones.rooms.participant import CALL_STATUS, LegStatus
from local.phones.rooms.room import Room


def hand_over(room: Room | None, identity: str) -> None:
    """The REFER is accepted: the leg leaves as if its phone had hung up. Raises TwirpError where that cannot be."""
    participant = room.participants.get(identity) if room is not None else None
    if room is None or participant is None or not participant.is_leg:
        raise not_found("participant")
    if not participant.is_answered_leg:
        raise bridge_error("failed_precondition", "can't transfer a call that is not active")
    room.change(participant, {CALL_STATUS: LegStatus.HANGUP})
    room.remove(participant, DisconnectReason.CLIENT_INITIATED)
