"""A ticket: what a browser's call will be, from the moment its token is made until it is used. Pure.

There is no call before its caller is there. Nothing that lists or counts calls sees a token that is never used, no line
is held for it, and its ticket is removed by its time to live.
"""

from copy import replace
from dataclasses import dataclass
from typing import Any

from ringline.calls.model.call import Call, Direction, State, web_identity
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import FIRST_LOOK_S, RING_TIMEOUT_S, ms
from ringline.routing.resolve import Route

VALID_S = 60
"""How long a token may be used. The SDK's documentation says so."""

JOINING_S = 15
"""LiveKit tells of a participant once its sound can flow, which may be seconds after it used its token."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """`call` is the call as it will be, but for the moments of its beginning."""

    call: Call
    valid_until: int

    def is_over(self, now: int) -> bool:
        return now > self.valid_until + ms(JOINING_S)


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
        voice_profile_id=route.voice_profile_id,
        voice=route.voice,
        caller_identity=web_identity(call_id),
        ring_timeout_s=route.ring_timeout_s or RING_TIMEOUT_S,
        max_call_duration_s=route.max_call_duration_s,
        agent_join_timeout_s=route.agent_join_timeout_s,
        recording=route.recording,
        transfer_allowed_numbers=route.transfer_allowed_numbers,
        transfer_allowed_prefixes=route.transfer_allowed_prefixes,
        attempt=1,
        created_at=now,
        eligible_at=now,
    )
    return Ticket(replace(call, **asked), now + ms(VALID_S))


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
    return replace(call, state=State.NOT_CONNECTED, due_at=None, end_reason=reason, ended_at=call.created_at)
