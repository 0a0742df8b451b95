"""When an attempt's end is followed by another attempt."""

from collections.abc import Callable

import pytest

from ringline.calls.model.call import Attempt, Call, Evidence, State
from ringline.calls.model.events import (
    AgentSeen,
    Answered,
    Claimed,
    DialDeferred,
    DialNotSent,
    DialRefused,
    DialWithoutAgent,
    DialWithoutLivekit,
    EndAsked,
    Event,
    FoundOver,
    LegJoined,
    LegLeft,
)
from ringline.calls.model.reasons import Category, EndReason
from ringline.calls.model.results import Effect, Moved, Unmoved
from ringline.calls.model.retries import NEVER_AGAIN, RetryPolicy
from ringline.calls.model.timing import DEFERRAL_COUNTS_S, DEFERRAL_DELAYS_S, DEFERRALS_IN_PLACE, DEFERRED_FOR_S
from ringline.calls.rules.lifecycle import apply
from ringline.calls.views.call_view import call_view
from ringline.runtime.clock import iso
from tests.builders import a_call, at

THREE_TIMES = RetryPolicy(3, on=("USER_BUSY", "no_answer"), delays_s=(60, 300))


def moved(call: Call, *events: Event) -> Call:
    for event in events:
        result = apply(call, event)
        assert isinstance(result, Moved), result
        call = result.call
    return call


def busy(attempt: int, seconds: float) -> DialRefused:
    return DialRefused(at(seconds), attempt, 486, "Busy Here", "resource_exhausted", "busy")


def full(attempt: int, seconds: float) -> DialDeferred:
    return DialDeferred(at(seconds), attempt, 503, "CPS limit exceeded", "failed_precondition", "limit", 2)


def test_an_end_that_the_policy_names_is_followed_by_another_attempt() -> None:
    waiting = moved(a_call(State.DIALING, retry=THREE_TIMES), busy(1, 2))
    assert (waiting.state, waiting.eligible_at, waiting.due_at) == (State.QUEUED, at(62), at(62))
    assert (waiting.end_reason, waiting.ended_at, waiting.holds_slot) == (None, None, False)
    assert waiting.attempts == (Attempt(1, at(1), at(2), EndReason.USER_BUSY, None, 486),)
    over = moved(waiting, Claimed(at(63)), busy(2, 64), Claimed(at(400)), busy(3, 401))
    assert (over.state, over.end_reason, over.ended_at) == (State.NOT_CONNECTED, EndReason.USER_BUSY, at(401))
    assert [attempt.dialed_at for attempt in over.attempts] == [at(1), at(63)]
    assert over.attempt_number == 3


def test_the_waits_are_the_policys_and_the_last_one_holds_for_all_that_follow() -> None:
    policy = RetryPolicy(5, on=("USER_BUSY",), delays_s=(10, 20))
    assert [policy.delay_s(EndReason.USER_BUSY, attempts) for attempts in range(1, 6)] == [10, 20, 20, 20, None]


def test_a_policy_names_reasons_and_categories() -> None:
    assert THREE_TIMES.delay_s(EndReason.USER_DID_NOT_PICK_UP, 1) == 60, "by its category"
    assert THREE_TIMES.delay_s(EndReason.SIP_FAILED_TRUNK, 1) is None


@pytest.mark.parametrize("reason", sorted(NEVER_AGAIN))
def test_no_policy_overrules_a_decision(reason: EndReason) -> None:
    everything = RetryPolicy(9, on=tuple(each.value for each in Category), delays_s=(1,))
    assert everything.delay_s(reason, 1) is None


def test_a_call_that_was_answered_is_tried_again_with_nothing_left_of_its_answer() -> None:
    policy = RetryPolicy(2, on=("USER_HUNG_UP_IN_CALL",), delays_s=(5,))
    waiting = moved(a_call(State.ACTIVE, retry=policy), LegLeft(at(9), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    assert waiting.state is State.QUEUED
    assert (waiting.answered_at, waiting.active_at, waiting.leg_sid, waiting.agent_sid) == (None,) * 4
    assert waiting.attempts[0].answered_at == at(6)
    again = moved(waiting, Claimed(at(15)), Answered(at(16), 2, "PA_new", "SCL_2", AgentSeen("PA_other", at(15))))
    assert (again.state, again.evidence, again.attempt) == (State.ACTIVE, Evidence(), 2)


def test_late_words_about_an_attempt_that_is_over_change_nothing() -> None:
    waiting = moved(a_call(State.DIALING, retry=THREE_TIMES), busy(1, 2))
    for late in (
        LegLeft(at(3), 1, "PA_leg", "USER_REJECTED", "ringing"),
        FoundOver(at(3), 1),
        busy(1, 3),
        EndAsked(at(3), EndReason.MAX_DURATION_REACHED, 1),
    ):
        assert isinstance(apply(waiting, late), Unmoved)
    second = moved(waiting, Claimed(at(63)))
    assert apply(second, FoundOver(at(64), 1)) == Unmoved("stale_attempt")


def test_a_leg_of_an_attempt_that_is_over_has_its_room_closed() -> None:
    waiting = moved(a_call(State.DIALING, retry=THREE_TIMES), busy(1, 2))
    assert apply(waiting, LegJoined(at(3), 1, "PA_leg")).effects == {Effect.END_ROOM}


def test_a_hang_up_ends_the_retrying_even_when_the_attempt_ends_for_another_reason() -> None:
    policy = RetryPolicy(3, on=("AGENT_DID_NOT_JOIN",), delays_s=(5,))
    ending = moved(a_call(State.DIALING, retry=policy), EndAsked(at(16), EndReason.AGENT_DID_NOT_JOIN, 1))
    over = moved(ending, EndAsked(at(16.1), EndReason.API_HUNG_UP), FoundOver(at(17), 1))
    assert (over.state, over.end_reason) == (State.NOT_CONNECTED, EndReason.AGENT_DID_NOT_JOIN)
    canceled = moved(
        moved(a_call(State.DIALING, retry=THREE_TIMES), busy(1, 2)), EndAsked(at(9), EndReason.API_HUNG_UP)
    )
    assert (canceled.state, canceled.end_reason) == (State.CANCELED, EndReason.CALL_CANCELED)


def test_an_attempt_that_could_only_come_after_the_expiry_is_not_waited_for() -> None:
    over = moved(a_call(State.DIALING, retry=THREE_TIMES, expires_at=at(61)), busy(1, 2))
    assert (over.state, over.end_reason) == (State.NOT_CONNECTED, EndReason.USER_BUSY)


def test_dials_that_never_rang_are_no_attempts() -> None:
    unsent = moved(a_call(State.DIALING, retry=THREE_TIMES), DialNotSent(at(2), 1, "no servers", "unavailable", 2))
    assert (unsent.attempts, unsent.unsent, unsent.attempt_number) == ((), 1, 0)
    waiting = moved(unsent, Claimed(at(5)), busy(2, 6))
    assert (len(waiting.attempts), waiting.unsent, waiting.eligible_at) == (1, 0, at(66)), "the first wait: one attempt"


def test_a_carrier_without_room_defers_the_call_in_its_place_and_uses_up_nothing() -> None:
    call = a_call(State.DIALING, eligible_at=at(0), retry=THREE_TIMES)
    deferred = moved(call, full(1, 2))
    assert (deferred.state, deferred.eligible_at, deferred.due_at) == (State.QUEUED, at(0), at(4))
    assert (deferred.attempts, deferred.unsent, deferred.deferrals) == ((), 0, 1)
    assert deferred.notes[-1].what == "dial_1_deferred: CPS limit exceeded"
    assert deferred.evidence.sip_code == 503


def test_a_call_that_is_deferred_again_and_again_lets_others_pass() -> None:
    call = a_call(State.DIALING, eligible_at=at(0))
    for dial in range(1, DEFERRALS_IN_PLACE + 1):
        call = moved(call, full(dial, 2 * dial), Claimed(at(2 * dial + 1)))
    pushed_back = moved(call, full(call.attempt, 9))
    assert pushed_back.eligible_at == at(9 + DEFERRAL_DELAYS_S[0])


def deferred_every(pause_s: int, call: Call, until: int) -> Call:
    """The call, being dialled, after a carrier had no room for it at once, and again after each such pause."""
    seconds = 2
    while call.state is State.DIALING and seconds <= until:
        call = moved(call, full(call.attempt, seconds))
        seconds += pause_s
        if call.state is State.QUEUED:
            call = moved(call, Claimed(at(seconds - 1)))
    return call


def test_a_carrier_without_room_for_a_whole_day_has_none() -> None:
    assert deferred_every(600, a_call(State.DIALING), DEFERRED_FOR_S - 600).state is State.DIALING
    over = deferred_every(600, a_call(State.DIALING), DEFERRED_FOR_S + 2)
    assert (over.state, over.end_reason) == (State.NOT_CONNECTED, EndReason.SIP_FAILED_CAPACITY)


def away(attempt: int, seconds: float) -> DialWithoutLivekit:
    return DialWithoutLivekit(at(seconds), attempt, "no response from servers", "unavailable", at(seconds + 2))


@pytest.mark.parametrize("refused", [full, away])
def test_a_call_that_waited_for_a_line_all_day_is_deferred_again_and_not_over(refused: Callable[..., Event]) -> None:
    dialed = moved(a_call(State.DIALING), refused(1, 2), Claimed(at(2 * DEFERRED_FOR_S)))
    again = moved(dialed, refused(2, 2 * DEFERRED_FOR_S + 1))
    assert again.state is State.QUEUED
    assert moved(again, Claimed(at(2 * DEFERRED_FOR_S + 4))).state is State.DIALING


def test_the_wait_for_room_goes_on_where_a_call_was_put_back_for_want_of_its_agent_meanwhile() -> None:
    """Or a call whose carrier has no room for it, and whose agent comes every other time, would wait for ever."""
    call, seconds = a_call(State.DIALING), 2.0
    while call.state is State.DIALING and seconds < 2 * DEFERRED_FOR_S:
        missed = DialWithoutAgent(at(seconds), call.attempt, at(seconds), at(seconds + 30))
        call = moved(call, missed, Claimed(at(seconds + 60)))
        call = moved(call, full(call.attempt, seconds + 70))
        seconds += 1200
        if call.state is State.QUEUED:
            call = moved(call, Claimed(at(seconds - 1)))
    assert call.end_reason is EndReason.SIP_FAILED_CAPACITY


def test_a_call_for_which_there_is_never_room_is_over_however_rarely_it_is_dialled() -> None:
    pause_s = 2 * DEFERRAL_COUNTS_S
    over = deferred_every(pause_s, a_call(State.DIALING), 3 * DEFERRED_FOR_S)
    assert over.end_reason is EndReason.SIP_FAILED_CAPACITY
    assert over.ended_at == at(2 + pause_s * DEFERRED_FOR_S / DEFERRAL_COUNTS_S)


def test_a_call_that_the_release_before_deferred_a_day_ago_is_not_over() -> None:
    dialing = a_call(State.DIALING, deferrals=1, deferred_since=at(-DEFERRED_FOR_S))
    assert moved(dialing, full(1, 2)).state is State.QUEUED


def test_the_next_attempt_begins_its_wait_for_room_anew() -> None:
    waiting = moved(a_call(State.DIALING, retry=THREE_TIMES), full(1, 2), Claimed(at(5)), busy(2, 6))
    assert (waiting.deferrals, waiting.deferred_since, waiting.deferred_at) == (0, None, None)


def test_a_canceled_call_is_not_deferred() -> None:
    asked = moved(a_call(State.DIALING), EndAsked(at(2), EndReason.API_HUNG_UP))
    assert moved(asked, full(1, 3)).state is State.CANCELED


def test_a_call_that_is_dialled_for_a_day_stays_a_small_record() -> None:
    call = a_call(State.DIALING)
    for dial in range(1, 200):
        call = moved(call, full(dial, 30 * dial), Claimed(at(30 * dial + 20)))
    assert len(call.notes) == 20
    assert call.notes[0].what.startswith("dial_1_")
    assert call.notes[-1].what.startswith("dial_199_")


def test_each_attempt_is_shown_with_its_end_and_the_present_one_without() -> None:
    waiting = moved(a_call(State.DIALING, retry=THREE_TIMES), busy(1, 2))
    assert [(row["attempt"], row["end_reason"], row["sip_code"]) for row in call_view(waiting)["attempts"]] == [
        (1, "USER_BUSY", 486)
    ]
    assert (call_view(waiting)["attempt"], call_view(waiting)["status"]) == (1, "pending")
    ringing = call_view(moved(waiting, Claimed(at(63))))
    assert [(row["attempt"], row["ended_at"]) for row in ringing["attempts"]] == [(1, iso(at(2))), (2, None)]
