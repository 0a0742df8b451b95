"""Every recorded trace, told to a call as it was recorded, ends that call as it should; so does each in another order,
told twice, or told without its dialer."""

import json
from collections.abc import Mapping
from copy import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from ringline.calls.model.call import Call, State
from ringline.calls.model.reasons import EndReason as R
from tests.contract.replay.trace_calls import TracedCall, traced

TRACES = Path(__file__).parents[1] / "traces"
NAMES = sorted(path.stem for path in TRACES.glob("*.json"))


class End(NamedTuple):
    state: State
    reason: R | None
    sip_code: int | None
    was_answered: bool


def conversation(reason: R) -> End:
    return End(State.ENDED, reason, None, True)


def nobody_spoke(reason: R) -> End:
    return End(State.NOT_CONNECTED, reason, None, True)


def no_answer(reason: R, sip_code: int | None = None) -> End:
    return End(State.NOT_CONNECTED, reason, sip_code, False)


CANCELED = End(State.CANCELED, R.CALL_CANCELED, None, False)
CANCELED_BEFORE_THE_AGENT_CAME = CANCELED._replace(was_answered=True)


class Ends(NamedTuple):
    """How a trace's call ends; the other fields say where it ends otherwise. Most recordings have no agent in them."""

    as_recorded: End
    with_an_agent: End | None = None
    without_record: End | None = None
    without_dialer: End | None = None


HANGS_UP = Ends(
    nobody_spoke(R.AGENT_DID_NOT_JOIN),
    with_an_agent=conversation(R.USER_HUNG_UP_IN_CALL),
    without_dialer=conversation(R.USER_HUNG_UP_IN_CALL),
)
WE_HANG_UP = Ends(
    CANCELED_BEFORE_THE_AGENT_CAME,
    with_an_agent=conversation(R.API_HUNG_UP),
    without_record=nobody_spoke(R.AGENT_DID_NOT_JOIN),
    without_dialer=conversation(R.AGENT_HUNG_UP),
)
WE_HANG_UP_ON_A_CONVERSATION = Ends(
    conversation(R.API_HUNG_UP),
    without_record=conversation(R.AGENT_HUNG_UP),
    without_dialer=conversation(R.AGENT_HUNG_UP),
)
WE_CANCEL = Ends(
    CANCELED,
    without_record=no_answer(R.AGENT_HUNG_UP),
    without_dialer=no_answer(R.AGENT_HUNG_UP),
)
UNKNOWN = no_answer(R.DIAL_STATE_UNKNOWN)
DECLINED = no_answer(R.USER_HUNG_UP_RINGING)

ENDS: Mapping[str, Ends | None] = {
    "404-not-waiting": Ends(UNKNOWN),
    "480-brief-ring": Ends(
        no_answer(R.VOICEMAIL_DETECTED_PRECONNECT, 480), without_dialer=no_answer(R.VOICEMAIL_DETECTED_PRECONNECT)
    ),
    "answered-callee-hangs-up": HANGS_UP,
    "answered-delete-room": WE_HANG_UP,
    "answered-early-media": HANGS_UP,
    "answered-forwarded-181": HANGS_UP,
    "answered-max-duration": Ends(
        nobody_spoke(R.MAX_DURATION_REACHED),
        with_an_agent=conversation(R.MAX_DURATION_REACHED),
        without_dialer=conversation(R.MAX_DURATION_REACHED),
    ),
    "answered-not-waiting": HANGS_UP,
    "answered-remove-participant": WE_HANG_UP,
    "busy-after-ringing": Ends(no_answer(R.USER_HUNG_UP_RINGING, 486), without_dialer=DECLINED),
    "busy-at-once": Ends(no_answer(R.USER_BUSY, 486), without_dialer=UNKNOWN),
    "decline-after-ringing": Ends(no_answer(R.USER_HUNG_UP_RINGING, 603), without_dialer=DECLINED),
    "delete-room-while-ringing": WE_CANCEL,
    "dialer-connection-dropped": HANGS_UP,
    "dispatch-without-worker": Ends(UNKNOWN),
    # Two dials of one attempt, which our dialer never makes: the first is told that its call timed out, after 3 s.
    "duplicate-identity-while-ringing": Ends(
        no_answer(R.AGENT_HUNG_UP), without_dialer=conversation(R.USER_HUNG_UP_IN_CALL)
    ),
    "inbound-answered-agent-leaves": Ends(conversation(R.USER_HUNG_UP_IN_CALL)),
    "inbound-answered-caller-hangs-up": Ends(conversation(R.USER_HUNG_UP_IN_CALL)),
    "inbound-answered-delete-room": Ends(conversation(R.API_HUNG_UP), without_record=conversation(R.AGENT_HUNG_UP)),
    "inbound-caller-cancels": Ends(DECLINED),
    "inbound-no-agent": Ends(no_answer(R.AGENT_DID_NOT_JOIN)),
    "inbound-unknown-number": None,
    "outbound-agent-first": Ends(conversation(R.USER_HUNG_UP_IN_CALL)),
    "outbound-agent-leaves": WE_HANG_UP_ON_A_CONVERSATION,
    "outbound-busy-with-agent": Ends(no_answer(R.USER_HUNG_UP_RINGING, 486), without_dialer=DECLINED),
    "remove-participant-while-ringing": WE_CANCEL,
    "ring-timeout": Ends(no_answer(R.USER_DID_NOT_PICK_UP)),
    "ring-timeout-not-waiting": Ends(no_answer(R.USER_DID_NOT_PICK_UP)),
    "silent-carrier": Ends(no_answer(R.SIP_FAILED_TRUNK), without_dialer=UNKNOWN),
    "sip-302": Ends(no_answer(R.SIP_FAILED_WRONG_NUMBER, 302), without_dialer=no_answer(R.SIP_FAILED_TRUNK)),
    "sip-403": Ends(no_answer(R.SIP_FAILED_NUMBER_BLOCKED, 403), without_dialer=UNKNOWN),
    "sip-404": Ends(no_answer(R.SIP_FAILED_WRONG_NUMBER, 404), without_dialer=UNKNOWN),
    "sip-407": Ends(no_answer(R.SIP_FAILED_TRUNK), without_dialer=UNKNOWN),
    "sip-408": Ends(no_answer(R.USER_DID_NOT_PICK_UP, 408), without_dialer=no_answer(R.VOICEMAIL_DETECTED_PRECONNECT)),
    "sip-484": Ends(no_answer(R.SIP_FAILED_WRONG_NUMBER, 484), without_dialer=UNKNOWN),
    "sip-488": Ends(no_answer(R.SIP_FAILED_TRUNK, 488), without_dialer=UNKNOWN),
    "sip-500": Ends(no_answer(R.SIP_FAILED_TRUNK, 500), without_dialer=no_answer(R.SIP_FAILED_TRUNK)),
    "sip-503": Ends(no_answer(R.SIP_FAILED_TRUNK, 503), without_dialer=no_answer(R.SIP_FAILED_TRUNK)),
    "sip-607": Ends(no_answer(R.SIP_FAILED_NUMBER_BLOCKED, 607), without_dialer=UNKNOWN),
    "worker-crashes": WE_HANG_UP_ON_A_CONVERSATION,
    "worker-leaves": WE_HANG_UP_ON_A_CONVERSATION,
    "worker-stays": Ends(conversation(R.USER_HUNG_UP_IN_CALL)),
}


def _call_of(name: str) -> TracedCall | None:
    return traced(name, json.loads((TRACES / f"{name}.json").read_text()))


def _end(call: Call) -> End:
    return End(call.state, call.end_reason, call.evidence.sip_code, call.answered_at is not None)


def _stories(name: str) -> dict[str, TracedCall]:
    """A trace's call with this and that missing or added, by the field of `Ends` that says how it ends then."""
    call = _call_of(name)
    if call is None:
        return {}
    return {
        "as_recorded": call,
        "with_an_agent": call.with_an_agent,
        "without_record": call.without_record,
        "without_dialer": call.without_dialer,
    }


def _seen(stories: Mapping[str, TracedCall]) -> dict[str, End]:
    return {story: _end(call.ends()) for story, call in stories.items()}


def _expected(name: str) -> dict[str, End]:
    ends = ENDS[name]
    if ends is None:
        return {}
    return {story: end or ends.as_recorded for story, end in ends._asdict().items()}


def test_the_table_has_a_row_for_each_trace() -> None:
    assert sorted(ENDS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_trace_ends_its_call_for_the_right_reason(name: str) -> None:
    assert _seen(_stories(name)) == _expected(name)


@pytest.mark.parametrize("name", NAMES)
def test_it_does_not_matter_whether_the_dialer_or_the_leg_speaks_first(name: str) -> None:
    swapped = {story: call.with_the_dialer_and_the_leg_swapped for story, call in _stories(name).items()}
    assert _seen(swapped) == _expected(name)


@pytest.mark.parametrize("name", NAMES)
def test_webhooks_that_come_twice_or_after_the_end_change_nothing(name: str) -> None:
    told_twice = {story: call.with_every_webhook_twice for story, call in _stories(name).items()}
    assert _seen(told_twice) == _expected(name)


def test_swapping_changes_the_order_of_most_outbound_traces() -> None:
    calls = [call for name in NAMES if (call := _call_of(name)) is not None]
    swapped = [call for call in calls if call.with_the_dialer_and_the_leg_swapped.steps != call.steps]
    assert len(swapped) >= 25


CALLERS = [name for name in NAMES if name.startswith("inbound-") and ENDS[name] is not None]


@pytest.mark.parametrize("name", CALLERS)
def test_the_call_of_a_caller_is_the_one_that_its_leg_arrived_as(name: str) -> None:
    told = _call_of(name)
    assert told is not None
    call = told.ends()
    assert (call.from_number, call.to_number) == ("+15550107777", "+15550109999")
    assert call.room_name is not None and call.room_name.startswith("in_+15550107777_")
    assert call.leg_identity == "sip_+15550107777"


def test_a_caller_whose_leaving_is_told_before_their_coming_has_given_up_all_the_same() -> None:
    told = _call_of("inbound-caller-cancels")
    assert told is not None
    assert _end(replace(told, steps=tuple(reversed(told.steps))).ends()) == DECLINED
