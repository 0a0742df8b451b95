"""A ticket: what a browser's call will be, from the moment its token is made until it is used. Pure.

There is no call before its caller is there. Nothing that lists or counts calls sees a token that is never used, no line
is held for it, and its ticket is removed by its time to live.
"""

from copy import replace
from dataclasses import dataclass
from typing import Any

from ringline.calls.model.call import Call, Direction, State, may_record, web_identity
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import FIRST_LOOK_S, RING_TIMEOUT_S, WEB_JOINING_S, WEB_TOKEN_VALID_S, ms
from ringline.routing.resolve import Route, sound_of, told_of, voice_profile_of


@dataclass(frozen=True, slots=True)
class Ticket:
    """`call` is the call as it will be, but for the moments of its beginning."""

    call: Call
    valid_until: int

    def is_over(self, now: int) -> bool:
        return now > self.valid_until + ms(WEB_JOINING_S)


def a_ticket(account_id: str, call_id: str, route: Route, now: int, **asked: Any) -> Ticket:
    """A ticket for a call through that route. `asked` are further fields of the call, as its customer gave them."""
    fallback = route.fallback
    call = Call(
        account_id=account_id,
        call_id=call_id,
        direction=Direction.WEB,
        state=State.RINGING,
        pipe_id=route.pipe_id,
        agent_id=route.agent_id,
        brain=route.brain,
        fallback_agent_id=None if fallback is None else fallback.agent_id,
        fallback_brain=None if fallback is None else fallback.brain_of_ours,
        fallback_number=route.fallback_number,
        fallback_trunk_id=route.trunk_id,
        fallback_voice_profile_id=None if fallback is None else voice_profile_of(fallback),
        fallback_voice=None if fallback is None else told_of(sound_of(None, fallback)),
        voice_profile_id=route.voice_profile_id,
        voice=route.voice,
        caller_identity=web_identity(call_id),
        ring_timeout_s=route.ring_timeout_s or RING_TIMEOUT_S,
        max_call_duration_s=route.max_call_duration_s,
        agent_join_timeout_s=route.agent_join_timeout_s,
        recording=route.recording,
        webhook_url=route.webhook_url,
        transfer_allowed_numbers=route.transfer_allowed_numbers,
        transfer_allowed_prefixes=route.transfer_allowed_prefixes,
        attempt=1,
        created_at=now,
        eligible_at=now,
    )
    call = replace(call, **asked)
    is_recorded = may_record(call.recording_consent, is_wanted=call.recording)
    return Ticket(replace(call, recording=is_recorded), now + ms(WEB_TOKEN_VALID_S))


def begun(ticket: Ticket, at: int, leg_sid: str) -> Call:
    """The call whose caller has joined at that moment: it waits for its agent."""
    return replace(
        ticket.call,
        created_at=at,
        eligible_at=at,
        dialed_at=at,
        due_at=at + ms(FIRST_LOOK_S),
        leg_sid=leg_sid,
    )


def turned_away(call: Call, reason: EndReason) -> Call:
    """The call of somebody for whom there was no line."""
    at = call.created_at
    return replace(call, state=State.NOT_CONNECTED, end_reason=reason, ended_at=at, due_at=at)
