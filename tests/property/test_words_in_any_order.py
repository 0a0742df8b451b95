"""Dialer, LiveKit, carrier and agent tell of one attempt, each in its own time: a call ends once and, where several
tell of the same fate, for the same reason whoever is heard first."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringline.calls.model.call import AnswerFrom, Call, State, VoicemailPolicy
from ringline.calls.model.events import (
    AgentHangsUp,
    AgentReady,
    AgentSeen,
    Answered,
    CarrierEnded,
    CarrierFailed,
    CarrierForwarded,
    CarrierRang,
    DialDeferred,
    DialNotSent,
    DialRefused,
    DialWithoutLivekit,
    EndAsked,
    Event,
    FoundOver,
    LegLeft,
    RoomFinished,
    SilenceHeard,
    Transferred,
    UserSpoke,
    VoicemailHeard,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Moved
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.rules.lifecycle import apply
from ringline.telephony.carriers.refusals import refusal_in
from tests.builders import a_call, at

R = EndReason
AGENT = AgentSeen("PA_agent", at(1.5))


def leg(seconds: float, reason: str, status: str) -> LegLeft:
    return LegLeft(at(seconds), 1, "PA_leg", reason, status)


def refused(seconds: float, code: int | None, text: str) -> DialRefused:
    if code is None:
        return DialRefused(at(seconds), 1, None, None, "canceled", "sip request timed out")
    return DialRefused(at(seconds), 1, code, text, "a_code_of_livekits", "INVITE failed")


def failed(seconds: float, code: int | None, text: str | None = None) -> CarrierFailed:
    return CarrierFailed(at(seconds), 1, code, text, "the carrier's words", refusal_in(code, text))


RANG = CarrierRang(at(1.6), 1)
ANSWER = Answered(at(6), 1, "PA_leg", "SCL_1", AGENT)
SAME_ANSWER = Answered(at(6.1), 1, "PA_leg", "SCL_1", AGENT)
LIMIT = "CPS limit exceeded"


@dataclass(frozen=True)
class Fate:
    """What becomes of one attempt, dialled at 1 s. `last` are words that follow from the others, or come so much later
    that these were heard by then."""

    name: str
    reason: EndReason
    leg: tuple[Event, ...]
    dialer: tuple[Event, ...]
    carrier: tuple[Event, ...]
    first: tuple[Event, ...] = ()

    def told(self, mode: AnswerFrom) -> list[tuple[Event, ...]]:
        """Every order in which the words may be heard. Where the carrier speaks, no dialer does."""
        later = [*self.leg, *self.carrier, *(self.dialer if mode is AnswerFrom.DIALER else ())]
        return [(*before, *after) for before in permutations(self.first) for after in permutations(later)]


FATES = [
    Fate(
        "busy",
        R.USER_BUSY,
        (leg(1.4, "USER_REJECTED", "dialing"),),
        (refused(1.42, 486, "Busy Here"),),
        (failed(1.39, 486, "Busy Here"),),
    ),
    Fate(
        "no such number",
        R.SIP_FAILED_WRONG_NUMBER,
        (leg(1.8, "USER_UNAVAILABLE", "dialing"),),
        (refused(1.82, 404, "Not Found"),),
        (failed(1.79, 404, "Not Found"),),
    ),
    Fate(
        "declined after ringing",
        R.USER_HUNG_UP_RINGING,
        (leg(9, "USER_REJECTED", "ringing"),),
        (refused(9.02, 603, "Decline"),),
        (RANG, failed(8.99, 603, "Decline")),
    ),
    Fate(
        "unavailable after a brief ring",
        R.VOICEMAIL_DETECTED_PRECONNECT,
        (leg(9, "USER_UNAVAILABLE", "ringing"),),
        (refused(9.02, 480, "Temporarily Unavailable"),),
        (RANG, failed(8.99, 480, "Temporarily Unavailable")),
    ),
    Fate(
        "rang out",
        R.USER_DID_NOT_PICK_UP,
        (leg(31, "USER_UNAVAILABLE", "ringing"),),
        (refused(31.02, None, ""),),
        (RANG, failed(31.01, 487, "Request Terminated")),
    ),
    Fate(
        "rang out, and the carrier knows no code",
        R.USER_DID_NOT_PICK_UP,
        (leg(31, "USER_UNAVAILABLE", "ringing"),),
        (refused(31.02, None, ""),),
        (RANG, failed(31.01, None)),
    ),
    Fate(
        "room closed while it rang",
        R.AGENT_HUNG_UP,
        (leg(9, "ROOM_DELETED", "ringing"),),
        (refused(9.02, None, ""),),
        (RANG, failed(9.01, 487, "Request Terminated")),
    ),
    Fate(
        "answered, and the user hangs up at once",
        R.USER_HUNG_UP_IN_CALL,
        (leg(6.5, "CLIENT_INITIATED", "hangup"),),
        (ANSWER,),
        (RANG, SAME_ANSWER, CarrierEnded(at(6.5), 1, "normal clearing")),
    ),
    Fate(
        "answered, and the user hangs up",
        R.USER_HUNG_UP_IN_CALL,
        (leg(60, "CLIENT_INITIATED", "hangup"),),
        (ANSWER,),
        (CarrierEnded(at(60), 1, "normal clearing"),),
        first=(RANG, SAME_ANSWER, UserSpoke(at(7), 1)),
    ),
    Fate(
        "answered by a voicemail that the agent hears",
        R.AGENT_HUNG_UP_VOICEMAIL_DETECTED,
        (leg(9.2, "ROOM_DELETED", "active"),),
        (ANSWER,),
        (CarrierEnded(at(9.2), 1, "normal clearing"),),
        first=(RANG, SAME_ANSWER, VoicemailHeard(at(9), 1, "a beep")),
    ),
    Fate(
        "answered by a greeting in which nobody speaks",
        R.AGENT_HUNG_UP_VOICEMAIL_DETECTED,
        (leg(14, "CLIENT_INITIATED", "hangup"),),
        (ANSWER,),
        (CarrierEnded(at(14), 1, "normal clearing"),),
        first=(RANG, SAME_ANSWER, AgentReady(at(2), 1, ("user_spoke",))),
    ),
    Fate(
        "answered, and the agent hangs up",
        R.AGENT_HUNG_UP,
        (leg(20.2, "ROOM_DELETED", "active"),),
        (ANSWER,),
        (CarrierEnded(at(20.2), 1, "normal clearing"),),
        first=(SAME_ANSWER, UserSpoke(at(7), 1), AgentHangsUp(at(20), 1, R.AGENT_HUNG_UP, "bye")),
    ),
    Fate(
        "handed over",
        R.CALL_TRANSFERRED,
        (leg(20.2, "CLIENT_INITIATED", "hangup"),),
        (ANSWER,),
        (CarrierEnded(at(20.2), 1, "normal clearing"),),
        first=(SAME_ANSWER, UserSpoke(at(7), 1), Transferred(at(20), 1, "+15550100888", False)),
    ),
]


def dialing(mode: AnswerFrom, **fields: object) -> Call:
    return a_call(State.DIALING, **{"answer_from": mode} | fields)


def heard(call: Call, words: tuple[Event, ...]) -> Call:
    for word in words:
        result = apply(call, word)
        call = result.call if isinstance(result, Moved) else call
    return call


def looked_after(call: Call) -> Call:
    """The call once somebody has looked whether anything of it is alive."""
    return heard(call, (FoundOver(at(75), 1),))


def _fates() -> Iterator[object]:
    for fate in FATES:
        for mode in AnswerFrom:
            yield pytest.param(fate, mode, id=f"{fate.name}-{mode}")


@pytest.mark.parametrize(("fate", "mode"), list(_fates()))
def test_a_fate_has_one_reason_whoever_is_heard_first(fate: Fate, mode: AnswerFrom) -> None:
    for words in fate.told(mode):
        call = looked_after(heard(dialing(mode), words))
        assert call.end_reason is fate.reason, [type(word).__name__ for word in words]
        assert heard(call, words) == call, "and hearing it all again changes nothing"


@pytest.mark.parametrize("fate", FATES, ids=lambda fate: fate.name)
def test_a_fate_of_which_the_dialer_cannot_tell_any_more_is_settled_for_the_same_reason(fate: Fate) -> None:
    """Its dialer died: leg, carrier and agent tell, and the look behind them."""
    for words in fate.told(AnswerFrom.CARRIER):
        call = looked_after(heard(dialing(AnswerFrom.DIALER), words))
        assert call.end_reason is fate.reason, [type(word).__name__ for word in words]


@pytest.mark.parametrize("mode", AnswerFrom)
def test_a_carrier_at_its_limit_defers_the_call_once_whoever_is_heard_first(mode: AnswerFrom) -> None:
    carrier_full = DialDeferred(at(1.42), 1, 503, LIMIT, "failed_precondition", "INVITE failed", 2)
    words: list[Event] = [failed(1.39, 503, LIMIT), leg(1.4, "CLIENT_INITIATED", "dialing")]
    if mode is AnswerFrom.DIALER:
        words.append(carrier_full)
    for order in permutations(words):
        call = heard(heard(dialing(mode), order), order)
        assert (call.state, call.deferrals, call.attempts) == (State.QUEUED, 1, ())


# --- whatever is said, lost, doubled and contradicted ----------------------------------------------------------------

_seconds = st.integers(1_000, 90_000).map(lambda ms: at(ms / 1000))
_codes = st.sampled_from([None, 404, 480, 486, 487, 503, 603])
_texts = st.sampled_from([None, LIMIT, "Decline"])
_agents = st.none() | st.just(AGENT)

OUTCOMES: st.SearchStrategy[Event] = st.one_of(
    st.builds(Answered, _seconds, st.just(1), st.just("PA_leg"), st.just("SCL_1"), _agents),
    st.builds(DialRefused, _seconds, st.just(1), _codes, _texts, st.just("canceled"), st.just("sip request timed out")),
    st.builds(DialNotSent, _seconds, st.just(1), st.just("no response"), st.just("unavailable"), st.just(2)),
    st.builds(DialWithoutLivekit, _seconds, st.just(1), st.just("no response"), st.just("unavailable"), st.just(at(9))),
    st.builds(DialDeferred, _seconds, st.just(1), st.just(503), st.just(LIMIT), st.none(), st.just(""), st.just(2)),
)
OTHERS: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        LegLeft,
        _seconds,
        st.just(1),
        st.just("PA_leg"),
        st.sampled_from(["CLIENT_INITIATED", "ROOM_DELETED", "USER_REJECTED", "USER_UNAVAILABLE", "SIGNAL_CLOSE"]),
        st.sampled_from(["dialing", "ringing", "active", "hangup"]),
    ),
    st.builds(CarrierRang, _seconds, st.just(1)),
    st.builds(CarrierForwarded, _seconds, st.just(1), st.none(), st.booleans()),
    st.builds(Answered, _seconds, st.just(1), st.none() | st.just("PA_leg"), st.none(), _agents),
    st.builds(CarrierFailed, _seconds, st.just(1), _codes, _texts, st.none()),
    st.builds(CarrierEnded, _seconds, st.just(1), st.none()),
    st.builds(AgentReady, _seconds, st.just(1), st.sampled_from([(), ("user_spoke",)])),
    st.builds(UserSpoke, _seconds, st.just(1)),
    st.builds(SilenceHeard, _seconds, st.just(1), st.floats(0, 20)),
    st.builds(VoicemailHeard, _seconds, st.just(1), st.none()),
    st.builds(AgentHangsUp, _seconds, st.just(1), st.sampled_from([R.AGENT_HUNG_UP, R.AGENT_FAILED]), st.none()),
    st.builds(Transferred, _seconds, st.just(1), st.none(), st.booleans()),
    st.builds(RoomFinished, _seconds, st.just(1)),
    st.builds(EndAsked, _seconds, st.just(R.API_HUNG_UP)),
)


@st.composite
def _told(draw: st.DrawFn, outcomes: st.SearchStrategy[Event] = OUTCOMES) -> tuple[Event, ...]:
    """One outcome at most of the dialer's, others as they come, some of them told again, all in any order."""
    said = [*draw(st.lists(outcomes, max_size=1)), *draw(st.lists(OTHERS, max_size=10))]
    again = draw(st.lists(st.sampled_from(said), max_size=4)) if said else []
    return tuple(draw(st.permutations(said + again)))


CALLS = st.builds(
    dialing, st.sampled_from(AnswerFrom), voicemail_policy=st.none() | st.sampled_from(VoicemailPolicy)
)  # fmt: skip
_FORWARD = {State.QUEUED: 0, State.DIALING: 1, State.RINGING: 2, State.ACTIVE: 3}


def lives(call: Call, words: tuple[Event, ...]) -> Iterator[Call]:
    yield call
    for word in words:
        result = apply(call, word)
        if isinstance(result, Moved):
            call = result.call
            yield call


@settings(max_examples=500)
@given(CALLS, _told())
def test_a_call_goes_forward_and_ends_once(call: Call, words: tuple[Event, ...]) -> None:
    for before, after in pairwise(lives(call, words)):
        assert not before.state.is_terminal
        if after.state is State.QUEUED:
            assert (after.deferrals, after.unsent) in {(1, 0), (0, 1), (0, 0)}, "nothing rang"
        elif not after.state.is_terminal:
            assert _FORWARD[after.state] >= _FORWARD[before.state]


@settings(max_examples=500)
@given(CALLS, _told())
def test_what_is_said_of_a_call_that_is_over_changes_nothing(call: Call, words: tuple[Event, ...]) -> None:
    over = next((each for each in lives(call, words) if each.state.is_terminal), None)
    if over is not None:
        assert heard(over, words) == over


def _rang(call: Call) -> bool:
    return call.carrier.rang_at is not None or call.evidence.last_call_status in {"ringing", "active", "hangup"}


@settings(max_examples=500)
@given(CALLS, _told())
def test_a_phone_that_rang_is_not_dialled_again_unasked(call: Call, words: tuple[Event, ...]) -> None:
    for before, after in pairwise(lives(call, words)):
        if after.state is State.QUEUED:
            assert not _rang(before), before
            assert before.answered_at is None, before


@settings(max_examples=400)
@given(CALLS, _told(), st.sampled_from(EndReason))
def test_a_policy_tries_again_only_after_an_end_that_it_names(
    call: Call, words: tuple[Event, ...], named: EndReason
) -> None:
    asked = dialing(call.answer_from or AnswerFrom.DIALER, retry=RetryPolicy(2, on=(named.value,), delays_s=(60,)))
    for before, after in pairwise(lives(asked, words)):
        if after.attempts != before.attempts:
            assert [attempt.end_reason for attempt in after.attempts] == [named]
            assert before.end_asked_reason not in {R.API_HUNG_UP, R.CALL_CANCELED}
