"""Handing an answered call over to another number."""

from livekit.protocol.models import DisconnectReason

from local.phones.kernel.pace import Pace
from local.phones.kernel.twirp import as_error, not_found
from local.phones.model import legs, timings
from local.phones.model.legs import LegStatus
from local.phones.numbers.callees import Callee
from local.phones.rooms.participant import CALL_STATUS, Participant
from local.phones.rooms.room import Room


def hand_over(room: Room | None, identity: str) -> None:
    """The REFER is accepted: the leg leaves as if its phone had hung up. Raises TwirpError where that cannot be."""
    there, leg = _active_leg(room, identity)
    there.change(leg, {CALL_STATUS: LegStatus.HANGUP})
    there.remove(leg, DisconnectReason.CLIENT_INITIATED)


async def refer(room: Room | None, identity: str, callee: Callee, pace: Pace, within_s: float) -> None:
    """The far end calls whom it is referred to, and leaves when that one has picked up. Raises TwirpError."""
    _active_leg(room, identity)
    await _reach(callee, pace, within_s)
    hand_over(room, identity)


def _active_leg(room: Room | None, identity: str) -> tuple[Room, Participant]:
    participant = room.participants.get(identity) if room is not None else None
    if room is None or participant is None or not participant.is_leg:
        raise not_found("participant")
    if not participant.is_answered_leg:
        raise as_error(legs.NOT_ACTIVE)
    return room, participant


async def _reach(callee: Callee, pace: Pace, within_s: float) -> None:
    after_s, failure = legs.referred(callee.fate(has_credentials=False), within_s)
    await pace.sleep(timings.REFER_S + after_s)
    if failure is not None:
        raise as_error(failure)
