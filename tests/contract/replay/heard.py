"""A trace, reduced to what the product takes in of it: the webhooks that its own reader makes something of, what a dial
means, and who was seen in the room. Worlds that speak to the product in its own words can be compared with recordings
so far, and by the same rules as the phone network."""

import json
from typing import Any

from ringline.calls.model.livekit_event import LivekitEvent, What
from ringline.calls.model.outcomes import Connected, DialOutcome, Placed
from ringline.telephony.dial_errors import from_twirp
from ringline.telephony.hook import read
from tests.contract.replay.trace_calls import as_raised

type Event = dict[str, Any]
type Trace = dict[str, Any]

DIAL = "CreateSIPParticipant"
_HEARD = {What.JOINED, What.LEFT, What.ROOM_FINISHED}


def as_heard(trace: Trace) -> Trace:
    """The trace without all that the product makes nothing of."""
    events = [heard for event in trace["events"] if (heard := _heard(event, trace)) is not None]
    return {"scenario": trace["scenario"], "events": events}


def _heard(event: Event, trace: Trace) -> Event | None:
    match event:
        case {"kind": "webhook", "body": body, "t": at_s}:
            return a_hook(at_s, read(json.dumps(body).encode()))
        case {"kind": "participants", "now": people, "t": at_s}:
            return seen(at_s, {who: (each["sid"], each["callStatus"]) for who, each in people.items()})
        case {"kind": "api_answer", "method": "CreateSIPParticipant", "t": at_s}:
            return _dial_answered(event, at_s, trace)
        case {"kind": "end" | "check"} if "caller_still_up" not in event:
            return event
    return None


def _dial_answered(event: Event, at_s: float, trace: Trace) -> Event:
    if "ok" not in event:
        told = an_answer(at_s, from_twirp(*as_raised(event)))
        if "code" not in event:
            # One client kept the text of the error alone.
            told = told | {"outcome": {"message": told["outcome"]["message"]}}
        return told
    asked = [each for each in trace["events"] if each["kind"] == "api_request" and each.get("method") == DIAL]
    if asked and not asked[-1].get("wait", True):
        return an_answer(at_s, Placed())
    return an_answer(at_s, Connected(event["ok"]["participantId"], event["ok"]["sipCallId"]))


def a_hook(at_s: float, event: LivekitEvent) -> Event | None:
    """A webhook as the product reads it; None for one that it makes nothing of."""
    if event.what not in _HEARD:
        return None
    body: Event = {"event": event.what.value}
    if event.what is not What.ROOM_FINISHED:
        body["participant"] = {
            "sid": event.sid,
            "identity": event.identity,
            "kind": event.kind.value,
            "disconnectReason": event.disconnect_reason,
            "status": event.call_status,
            "by_rule": event.rule_id is not None,
            "sip_call_id": event.sip_call_id,
            "our_number": event.our_number,
            "their_number": event.their_number,
        }
    return {"t": at_s, "kind": "webhook", "content_type": "application/webhook+json", "body": body}


def an_answer(at_s: float, outcome: DialOutcome) -> Event:
    """What whoever dialled learns."""
    names: tuple[str, ...] = type(outcome).__match_args__
    told: Event = {"type": type(outcome).__name__} | {name: getattr(outcome, name) for name in names}
    return {"t": at_s, "kind": "api_answer", "method": DIAL, "outcome": told}


def seen(at_s: float, people: dict[str, tuple[str, str | None]]) -> Event:
    """Who is in the room at that moment: sid and call status of each, by identity."""
    now = {who: {"sid": sid, "callStatus": status} for who, (sid, status) in people.items()}
    return {"t": at_s, "kind": "participants", "now": now}
