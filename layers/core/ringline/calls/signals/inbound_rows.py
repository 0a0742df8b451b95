"""The row of a call that rings in, as its caller, its number and what runs there make it."""

from copy import replace
from typing import Any

from ringline.calls.model.call import Call, Direction, Note, State
from ringline.calls.model.livekit_event import LivekitEvent
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import FIRST_LOOK_S, RING_TIMEOUT_S
from ringline.routing.numbers import NotANumber, read_number
from ringline.routing.records import MAX_CALL_DURATION_S
from ringline.routing.resolve import Route, sound_of, told_of, voice_profile_of
from ringline.runtime.ids import new_id


def _as_read(told: str | None, country: str | None) -> str | None:
    """Who calls, in E.164 where that can be told for certain, or else in the trunk's words."""
    try:
        return None if told is None else read_number(told, country)
    except NotANumber:
        return told


def row_of(
    seen: LivekitEvent, account_id: str, number: str | None, route: Route | None, at: int, country: str | None
) -> Call:
    """The row of a call that rings in: `ringing`, or over where its number leads nowhere."""
    if route is None:
        state: dict[str, Any] = {
            "state": State.NOT_CONNECTED,
            "end_reason": EndReason.NUMBER_NOT_ROUTED,
            "ended_at": at,
            "due_at": at,
        }
    else:
        # Whoever takes the caller in the end: only the trunk of the dialled number may show that number.
        trunk_id = None if route.dialed is None else route.dialed.trunk_id
        state = {"state": State.RINGING, "due_at": at + FIRST_LOOK_S * 1000, "fallback_trunk_id": trunk_id}
    return Call(
        account_id=account_id,
        call_id=new_id("call"),
        direction=Direction.INBOUND,
        from_number=_as_read(seen.their_number, country),
        to_number=number,
        inbound_room=seen.room_name,
        caller_identity=seen.identity,
        attempt=1,
        created_at=at,
        eligible_at=at,
        dialed_at=at,
        leg_sid=seen.sid,
        sip_call_id=seen.sip_call_id,
        **_of_route(route),
        **state,
    )


def taken_by(call: Call, route: Route) -> Call:
    """The caller as one whom this route takes."""
    return replace(call, **_of_route(route))


def noted_on_arrival(call: Call, what: str) -> Call:
    return replace(call, notes=(*call.notes, Note(call.created_at, f"dial_{call.attempt}_{what}")))


def turned_away(call: Call, reason: EndReason) -> Call:
    """The caller as one whom nobody takes."""
    at = call.created_at
    return replace(call, state=State.NOT_CONNECTED, end_reason=reason, ended_at=at, due_at=at)


def _of_route(route: Route | None) -> dict[str, Any]:
    """What a call takes over from the route that its caller is put on."""
    if route is None:
        return {"ring_timeout_s": RING_TIMEOUT_S, "max_call_duration_s": MAX_CALL_DURATION_S}
    fallback = route.fallback
    return {
        "pipe_id": route.pipe_id,
        "agent_id": route.agent_id,
        "brain": route.brain,
        "fallback_agent_id": None if fallback is None else fallback.agent_id,
        "fallback_brain": None if fallback is None else fallback.brain_of_ours,
        "fallback_number": route.fallback_number,
        "fallback_voice_profile_id": None if fallback is None else voice_profile_of(fallback),
        "fallback_voice": None if fallback is None else told_of(sound_of(None, fallback)),
        "voice_profile_id": route.voice_profile_id,
        "voice": route.voice,
        "ring_timeout_s": route.ring_timeout_s or RING_TIMEOUT_S,
        "max_call_duration_s": route.max_call_duration_s,
        "agent_join_timeout_s": route.agent_join_timeout_s,
        "recording": route.recording,
        "webhook_url": route.webhook_url,
        "transfer_allowed_numbers": route.transfer_allowed_numbers,
        "transfer_allowed_prefixes": route.transfer_allowed_prefixes,
    }
