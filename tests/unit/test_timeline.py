"""A call's life as its record tells it."""

from typing import Any

from ringline.calls.call import Call, Evidence, State
from ringline.calls.events import Claimed, DialDeferred, DialNotSent, DialRefused, EndAsked
from ringline.calls.lifecycle import Moved, apply
from ringline.calls.reasons import EndReason
from ringline.calls.retries import RetryPolicy
from ringline.calls.timeline import timeline
from ringline.runtime.clock import iso
from tests.builders import a_call, at


def after(call: Call, *events: Any) -> Call:
    for event in events:
        moved = apply(call, event)
        assert isinstance(moved, Moved)
        call = moved.call
    return call


def test_an_ordinary_call_is_told_from_its_acceptance_to_its_end() -> None:
    left = Evidence(disconnect_reason="CLIENT_INITIATED", leg_left_at=at(59))
    told = timeline(a_call(State.ENDED, evidence=left))
    assert [moment["what"] for moment in told] == [
        "accepted",
        "dialed",
        "agent_joined",
        "answered",
        "leg_left",
        "ended",
    ]
    assert told[1] == {"at": iso(at(1)), "what": "dialed", "attempt": 1, "dial": 1}


def test_each_dial_is_told_with_what_became_of_it() -> None:
    call = after(
        a_call(State.QUEUED, retry=RetryPolicy(2, on=("USER_BUSY",), delays_s=(60,))),
        Claimed(at(1)),
        DialNotSent(at(2), 1, "no response from servers", "unavailable", 2),
        Claimed(at(4)),
        DialDeferred(at(5), 2, 503, "CPS limit exceeded", "failed_precondition", "INVITE failed", 2),
        Claimed(at(7)),
        DialRefused(at(8), 3, 486, "Busy Here", "resource_exhausted", "busy"),
        Claimed(at(68)),
        DialRefused(at(69), 4, 486, "Busy Here", "resource_exhausted", "busy"),
    )
    told = [(moment["what"], moment.get("dial"), moment.get("attempt")) for moment in timeline(call)]
    assert told == [
        ("accepted", None, None),
        ("not_sent", 1, None),
        ("deferred", 2, None),
        ("dialed", 3, 1),
        ("attempt_ended", 3, 1),
        ("dialed", 4, 2),
        ("ended", 4, 2),
    ]
    assert timeline(call)[2]["why"] == "CPS limit exceeded"
    assert timeline(call)[4] | {"at": ""} == {
        "at": "", "what": "attempt_ended", "attempt": 1, "dial": 3, "reason": "USER_BUSY", "sip_code": 486,
    }  # fmt: skip


def test_who_asked_for_the_end_is_told_before_the_end() -> None:
    told = timeline(after(a_call(State.QUEUED), EndAsked(at(9), EndReason.API_HUNG_UP)))
    assert [moment["what"] for moment in told] == ["accepted", "end_asked", "ended"]
