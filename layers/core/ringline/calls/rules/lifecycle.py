"""The lifecycle: one table, one pure function. Everything that moves a call goes through `apply`.

An event either moves the call (`Moved`, with what must be done about it) or changes nothing and says why (`Unmoved`):
late, duplicate and out-of-order events are normal, not errors. Where the table has no entry, the event means nothing
in that state.
"""

from copy import replace
from typing import Any

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import (
    CapSet,
    EndAsked,
    Event,
    FoundOver,
    GivenUp,
    LegJoined,
    ListenerJoined,
    RoomFinished,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM, LOOK_AGAIN, REMOVE_LISTENER, Moved, Result, Rule, Unmoved
from ringline.calls.rules.agent_rules import OF_THE_AGENT
from ringline.calls.rules.carrier_rules import OF_THE_CARRIER, OF_THE_CARRIER_IN_CALL
from ringline.calls.rules.dial_rules import OF_THE_DIAL, OF_THE_QUEUE
from ringline.calls.rules.ending import (
    as_far_as_known,
    asked,
    changed,
    last_sign_of,
    over,
    with_agent_that_reported,
    without_agent,
)
from ringline.calls.rules.kept_rules import AT_ANY_TIME, IN_FLIGHT
from ringline.calls.rules.last_words import OF_LAST_WORDS, in_its_state
from ringline.calls.rules.leg_rules import OF_THE_LEG, OF_THE_LEG_IN_CALL
from ringline.calls.rules.presence_rules import OF_AN_AGENTS_PRESENCE, OF_AN_AGENTS_PRESENCE_IN_CALL
from ringline.calls.rules.transfers.steps import OF_TRANSFERS
from ringline.calls.rules.verdict import end_reason

OF_A_LATER_RELEASE = "of_a_later_release"
"""A call that a later release has brought to where this one does not know what is to become of it."""


def apply(call: Call, event: Event) -> Result:
    """The call after the event, or why the event changes nothing."""
    if not call.is_understood:
        return Unmoved(OF_A_LATER_RELEASE)
    # A leg of an attempt that is over rings for nobody.
    too_late = END_ROOM if isinstance(event, LegJoined) else frozenset()
    if isinstance(event, ListenerJoined):
        # The next caller may come into the same room.
        too_late = REMOVE_LISTENER
    attempt = getattr(event, "attempt", None)
    if attempt is not None and attempt != call.attempt:
        return Unmoved("stale_attempt", too_late)
    call = in_its_state(call)
    rule = TRANSITIONS.get((call.state, type(event)))
    if rule is not None:
        return rule(call, event)
    if call.state.is_terminal:
        return Unmoved("call_is_over", too_late)
    return Unmoved(f"{_words(event)}_means_nothing_while_{call.state}", too_late)


def _words(event: Event) -> str:
    name = type(event).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _end_asked(call: Call, event: EndAsked) -> Result:
    if event.reason in {EndReason.EXPIRED_IN_QUEUE, EndReason.NO_AGENT_AVAILABLE}:
        return Unmoved("left_the_queue")
    if event.reason is EndReason.AGENT_DID_NOT_JOIN and call.active_at is not None:
        return Unmoved("agent_joined")
    if event.reason in {EndReason.AGENT_FAILED, EndReason.CALL_TRANSFERRED} and call.agent_left_at is None:
        return Unmoved("agent_took_over")
    if call.end_asked_at is None:
        return Moved(changed(asked(call, event.at, event.reason)), END_ROOM)
    if event.reason is EndReason.API_HUNG_UP and call.retry is not None:
        # This attempt ends for another reason already; its customer wants no further one.
        return Moved(changed(call, retry=None), END_ROOM)
    return Unmoved("end_was_asked", END_ROOM)


def _room_finished(call: Call, event: RoomFinished) -> Result:
    """A room that closed takes its legs along. If their leaving was lost, the sweep draws the conclusion a little
    later, because the events of one room may arrive in any order and the leg's own word says more."""
    if call.evidence.room_finished_at is not None or call.evidence.leg_left_at is not None:
        return Unmoved("room_finished_after_its_leg")
    return Moved(changed(call, evidence=replace(call.evidence, room_finished_at=event.at)), LOOK_AGAIN)


def _given_up(call: Call, event: GivenUp) -> Result:
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked", END_ROOM)
    over_since = last_sign_of(call) or event.at
    reason = end_reason(as_far_as_known(call, event.at), over_since)
    known = with_agent_that_reported(replace(call, evidence=replace(call.evidence, over_since=over_since)))
    return Moved(changed(known, end_asked_at=event.at, end_asked_reason=reason), END_ROOM)


def _found_over(call: Call, event: FoundOver) -> Result:
    if call.awaits_agent_since is not None:
        # Its dialer died before the INVITE: nobody was rung.
        return without_agent(call, event.at, call.awaits_agent_since, event.at)
    known = as_far_as_known(call, event.at)
    return Moved(over(known, last_sign_of(call) or event.at), END_ROOM)


def _versioned(step: Rule) -> Rule:
    """The rule of what is told of a transfer: the step does not know what else a change of a call is."""

    def rule(call: Call, event: Any) -> Result:
        result = step(call, event)
        return result if isinstance(result, Unmoved) else Moved(changed(result.call), result.effects)

    return rule


def _cap_set(call: Call, event: CapSet) -> Result:
    if event.counter in call.counters:
        return Unmoved("counts_already")
    return Moved(changed(call, counters=(*call.counters, event.counter)))


_IN_FLIGHT: dict[type, Rule] = {
    CapSet: _cap_set,
    **AT_ANY_TIME,
    **OF_THE_AGENT,
    **IN_FLIGHT,
    EndAsked: _end_asked,
    GivenUp: _given_up,
    RoomFinished: _room_finished,
    FoundOver: _found_over,
}
_BEFORE_ACTIVE = _IN_FLIGHT | OF_THE_CARRIER | OF_THE_LEG | OF_AN_AGENTS_PRESENCE | OF_THE_DIAL
_TRANSFERS = {event: _versioned(step) for event, step in OF_TRANSFERS.items()}
_IN_CALL = _IN_FLIGHT | OF_THE_CARRIER_IN_CALL | OF_THE_LEG_IN_CALL | OF_AN_AGENTS_PRESENCE_IN_CALL | _TRANSFERS

_RULES: dict[State, dict[type, Rule]] = {
    State.QUEUED: AT_ANY_TIME | OF_THE_QUEUE,
    State.DIALING: _BEFORE_ACTIVE,
    State.RINGING: _BEFORE_ACTIVE,
    State.ACTIVE: _IN_CALL,
    State.LAST_WORDS: _IN_CALL | OF_LAST_WORDS,
    State.ENDED: AT_ANY_TIME,
    State.NOT_CONNECTED: AT_ANY_TIME,
    State.CANCELED: AT_ANY_TIME,
}

TRANSITIONS: dict[tuple[State, type], Rule] = {
    (state, event): rule for state, rules in _RULES.items() for event, rule in rules.items()
}
