"""Builders: a call in any state, with only what a test cares about spelled out, and what events make of it."""

from copy import replace
from typing import Any

from ringline.calls.model.call import AgentReports, Call, CarrierWords, State
from ringline.calls.model.events import Event
from ringline.calls.model.results import Moved, Unmoved
from ringline.calls.model.transfers.transfer import AskedBy, Target, TargetKind, Transfer, TransferMode
from ringline.calls.rules.lifecycle import apply

ACCOUNT = "acc_1"
NOW = 1_795_224_871_000
"""A moment in 2026, in milliseconds. Tests count from it."""


def at(seconds: float) -> int:
    """The moment so many seconds after NOW."""
    return NOW + round(seconds * 1000)


def a_call(state: State = State.QUEUED, **fields: Any) -> Call:
    """A call as it stands in that state after an ordinary life: dialled at 1 s, answered at 6 s with its agent
    there."""
    known: dict[str, Any] = {
        "account_id": ACCOUNT,
        "call_id": "call_01JD5Z0000000000000000000A",
        "state": state,
        "pipe_id": "PIPE_1",
        "agent_id": "AGENT_1",
        "from_number": "+15550100000",
        "to_number": "+15550100200",
        "ring_timeout_s": 30,
        "max_call_duration_s": 600,
        "created_at": NOW,
        "eligible_at": NOW,
    }
    if state is not State.QUEUED:
        known |= {"attempt": 1, "dialed_at": at(1), "due_at": at(21), "version": 2}
    if state in {State.ACTIVE, State.LAST_WORDS, State.ENDED}:
        known |= {
            "answered_at": at(6),
            "active_at": at(6),
            "agent_joined_at": at(2),
            "leg_sid": "PA_leg",
            "sip_call_id": "SCL_1",
            "agent_sid": "PA_agent",
            "version": 3,
        }
    if state.is_terminal:
        known |= {"ended_at": at(60), "due_at": None}
    return Call(**known | fields)


def an_answered_call(**fields: Any) -> Call:
    """A call whose phone was answered and whose agent is not there yet."""
    return a_call(State.DIALING, **{"answered_at": at(6), "leg_sid": "PA_leg", "version": 3} | fields)


def a_transfer(asked_at: int = NOW, **fields: Any) -> Transfer:
    """A warm transfer to a number, as it is when it is asked for."""
    known: dict[str, Any] = {
        "transfer_id": "transfer_1",
        "dial": 1,
        "target": Target(TargetKind.NUMBER, "+15550100888"),
        "mode": TransferMode.WARM,
        "asked_by": AskedBy.API,
        "requested_at": asked_at,
        "warm_handoff_ms": 0,
    }
    return Transfer(**known | fields)


def told_by_the_carrier(call: Call, **words: Any) -> Call:
    """The call with these words of its carrier besides those it has."""
    carrier: CarrierWords = replace(call.carrier, **words)
    return replace(call, carrier=carrier)


def told_by_the_agent(call: Call, **words: Any) -> Call:
    """The call with these reports of its agent besides those it has."""
    reports: AgentReports = replace(call.reports, **words)
    return replace(call, reports=reports)


def moved(call: Call, event: Event) -> Call:
    """The call after an event that must move it."""
    result = apply(call, event)
    assert isinstance(result, Moved), result
    assert result.call.version == call.version + 1
    return result.call


def unmoved(call: Call, event: Event) -> Unmoved:
    """Why an event that must change nothing does not."""
    result = apply(call, event)
    assert isinstance(result, Unmoved), result
    return result


def after(call: Call, *events: Event) -> Call:
    """The call after events each of which must move it."""
    for event in events:
        call = moved(call, event)
    return call
