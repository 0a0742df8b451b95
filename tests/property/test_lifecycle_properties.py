"""Whatever happens to a call, in whatever order and however often: the rules of its life hold."""

from copy import replace
from itertools import pairwise
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from local.aws.event_filter import passes, read_patterns
from local.aws.template import read_template
from local.tools.places import TEMPLATE
from ringline.calls.model.call import AnswerFrom, Call, State, VoicemailPolicy
from ringline.calls.model.events import (
    AgentAwaited,
    AgentCame,
    AgentHangsUp,
    AgentJoined,
    AgentLeft,
    AgentReady,
    AgentSeen,
    AgentWantedBack,
    Answered,
    CapSet,
    CarrierEnded,
    CarrierFailed,
    CarrierForwarded,
    CarrierRang,
    Claimed,
    ContentErased,
    DialDeferred,
    DialNotSent,
    DialRefused,
    DialWithoutAgent,
    DialWithoutLivekit,
    DispatchedAgain,
    DtmfAsked,
    DtmfSent,
    EndAsked,
    Event,
    FellBack,
    FoundOver,
    GivenUp,
    LegJoined,
    LegLeft,
    ListenerJoined,
    ListenerLeft,
    OtherLeft,
    OthersTalk,
    RecordingPaused,
    RecordingResumed,
    RecordingSeen,
    RoomFinished,
    RunnerGiven,
    SeenWaiting,
    SilenceHeard,
    SpeechLost,
    TranscriptKept,
    Transferred,
    UserSpoke,
    VoicemailHeard,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Effect, Moved
from ringline.calls.model.retries import NEVER_AGAIN, WORDS, RetryPolicy
from ringline.calls.model.transfers.transfer import AskedBy, Target, TargetKind, Transfer, TransferMode
from ringline.calls.model.transfers.transfer_events import (
    TransferAsked,
    TransferBegun,
    TransferCompleted,
    TransferFailed,
    TransferJoined,
    TransferRang,
)
from ringline.calls.rules.kept_rules import without_number
from ringline.calls.rules.lifecycle import apply
from ringline.calls.stream.measures import measures_of
from ringline.calls.tables.records import call_from_item, call_to_item, released
from ringline.calls.views.payload import news
from ringline.calls.views.relay import Change, calls_to_record, rooms_to_close
from ringline.calls.views.transfer_news import transfer_news
from tests.builders import NOW, a_call

_sids = st.sampled_from(["PA_1", "PA_2", "PA_3"])
_reasons = st.sampled_from(["CLIENT_INITIATED", "ROOM_DELETED", "USER_REJECTED", "DUPLICATE_IDENTITY", "FUTURE", None])
_statuses = st.sampled_from(["dialing", "ringing", "active", "hangup", None])
_attempts = st.integers(1, 3)
ERASED_NUMBER = "+15550100200"
_moments = st.integers(0, 7_200_000).map(lambda later: NOW + later)

_words = st.none() | st.sampled_from(["CPS limit exceeded", "normal clearing", "ü"])
_codes = st.none() | st.integers(100, 799)
_senses = st.lists(st.sampled_from(["user_spoke", "silence", "voicemail", "smell"]), max_size=3).map(tuple)

_people = st.sampled_from(["listener_1", "listener_2"])
_tones = st.sampled_from(["dtmf_1", "dtmf_2"])
_transfer_ids = st.sampled_from(["transfer_1", "transfer_2"])
_targets = st.sampled_from([Target(TargetKind.NUMBER, "+15550100888"), Target(TargetKind.AGENT, "sales")])
_transfers = st.builds(
    Transfer,
    transfer_id=_transfer_ids,
    dial=_attempts,
    target=_targets,
    mode=st.sampled_from(TransferMode),
    asked_by=st.sampled_from(AskedBy),
    requested_at=_moments,
    warm_handoff_ms=st.sampled_from([None, 0, 4000]),
    fallback=st.lists(_targets, max_size=2).map(tuple),
    ends_call=st.booleans(),
)

EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Claimed, _moments, st.none() | st.sampled_from(AnswerFrom)),
    st.builds(LegJoined, _moments, _attempts, _sids),
    st.builds(
        Answered,
        _moments,
        _attempts,
        st.none() | _sids,
        st.just("SCL_1"),
        st.none() | st.builds(AgentSeen, _sids, _moments),
    ),
    st.builds(AgentJoined, _moments, _attempts, _sids),
    st.builds(AgentLeft, _moments, _attempts, _sids, _reasons),
    st.builds(DispatchedAgain, _moments, _attempts),
    st.builds(RunnerGiven, _moments, _attempts, st.sampled_from(["bot#1", "bot#2"])),
    st.builds(FellBack, _moments, _attempts),
    st.builds(SpeechLost, _moments, _attempts, st.integers(1, 3)),
    st.builds(AgentWantedBack, _moments, _attempts),
    st.builds(OthersTalk, _moments, _attempts),
    st.builds(OtherLeft, _moments, _attempts),
    st.builds(LegLeft, _moments, _attempts, _sids, _reasons, _statuses),
    st.builds(RoomFinished, _moments, _attempts),
    st.builds(
        DialRefused,
        _moments,
        _attempts,
        st.none() | st.integers(300, 699),
        st.none() | st.text(max_size=9),
        st.just("x"),
        st.just(""),
    ),
    st.builds(DialNotSent, _moments, _attempts, st.just("why"), st.just("unavailable"), st.none() | st.integers(1, 9)),
    st.builds(DialWithoutLivekit, _moments, _attempts, st.just("why"), st.just("unavailable"), _moments),
    st.builds(AgentAwaited, _moments, _attempts),
    st.builds(AgentCame, _moments, _attempts),
    st.builds(DialWithoutAgent, _moments, _attempts, _moments, _moments),
    st.builds(
        DialDeferred,
        _moments,
        _attempts,
        st.sampled_from([None, 503]),
        st.none(),
        st.none(),
        st.just("full"),
        st.just(2),
    ),
    st.builds(EndAsked, _moments, st.sampled_from([EndReason.API_HUNG_UP, EndReason.EXPIRED_IN_QUEUE])),
    st.builds(EndAsked, _moments, st.sampled_from(EndReason), _attempts),
    st.builds(GivenUp, _moments, _attempts),
    st.builds(FoundOver, _moments, _attempts),
    st.builds(SeenWaiting, _moments),
    st.builds(CarrierRang, _moments, _attempts),
    st.builds(CarrierForwarded, _moments, _attempts, _words, st.booleans()),
    st.builds(CarrierFailed, _moments, _attempts, _codes, _words, _words),
    st.builds(CarrierEnded, _moments, _attempts, _words),
    st.builds(AgentReady, _moments, _attempts, _senses),
    st.builds(UserSpoke, _moments, _attempts),
    st.builds(SilenceHeard, _moments, _attempts, st.floats(0, 86_400)),
    st.builds(VoicemailHeard, _moments, _attempts, _words),
    st.builds(AgentHangsUp, _moments, _attempts, st.sampled_from(EndReason), _words),
    st.builds(Transferred, _moments, _attempts, _words, st.booleans(), st.booleans()),
    st.builds(ContentErased, _moments, st.none() | st.just(ERASED_NUMBER)),
    st.builds(TranscriptKept, _moments, _attempts, st.integers(0, 9999), st.sampled_from(["table", "bucket"])),
    st.builds(
        RecordingSeen,
        _moments,
        _attempts,
        st.sampled_from(["EG_1", "EG_2"]),
        st.sampled_from(["started", "ended", "failed"]),
        _words,
        # Whole quarters, as a table that knows no binary fractions keeps them; not 0 (see test_records).
        st.none() | st.integers(1, 400_000).map(lambda quarters: quarters / 4),
        _words,
    ),
    st.builds(RecordingPaused, _moments, _attempts, _words),
    st.builds(RecordingResumed, _moments, _attempts),
    st.builds(ListenerJoined, _moments, _attempts, _people, st.sampled_from(["listen", "barge"])),
    st.builds(ListenerLeft, _moments, _attempts, _people),
    st.builds(DtmfAsked, _moments, _attempts, _tones),
    st.builds(DtmfSent, _moments, _attempts, _tones, _words),
    st.builds(CapSet, _moments, _attempts, st.sampled_from(["agent#sales", "pipe#pipe_1"])),
    st.builds(TransferAsked, _moments, _attempts, _transfers),
    st.builds(TransferBegun, _moments, _attempts, _transfer_ids),
    st.builds(TransferRang, _moments, _attempts, _transfer_ids),
    st.builds(TransferJoined, _moments, _attempts, _transfer_ids, st.none() | _sids),
    st.builds(TransferCompleted, _moments, _attempts, _transfer_ids),
    st.builds(TransferFailed, _moments, _attempts, _transfer_ids, st.sampled_from(EndReason).map(str), _codes),
)
ALSO_AFTER_THE_END = (TranscriptKept, RecordingSeen, ListenerLeft, ContentErased)

POLICIES = st.none() | st.builds(
    RetryPolicy,
    st.integers(1, 4),
    st.lists(st.sampled_from(sorted(WORDS)), min_size=1).map(tuple),
    st.lists(st.integers(0, 3600), min_size=1, max_size=3).map(tuple),
)
_RELAY = read_template(TEMPLATE)["Resources"]["RelayCallChangesFunction"]["Properties"]
RELAYED = read_patterns(_RELAY["Events"]["Changes"]["Properties"]["FilterCriteria"])

LIVES = st.builds(
    lambda policy, voicemail, events: (a_call(State.QUEUED, retry=policy, voicemail_policy=voicemail), events),
    POLICIES,
    st.none() | st.sampled_from(VoicemailPolicy),
    st.lists(EVENTS, max_size=30),
)


def lives(call: Call, events: list[Event]) -> list[Call]:
    """The call after each event that moved it."""
    life = [call]
    for event in events:
        result = apply(life[-1], event)
        if isinstance(result, Moved):
            life.append(result.call)
    return life


def without_what_comes_later(call: Call) -> Call:
    """The call but for its transcript, its recording and when its listeners left, told of after its end."""
    return replace(call, version=0, transcript_turns=0, transcript_kept=None, recorded=None, listeners=())


def without_what_was_said(call: Call) -> Call:
    """The call but for what may be erased after its end, with ``ERASED_NUMBER`` or without."""
    return without_number(
        replace(
            call, content_erased_at=None, instructions=None, data={}, metadata={}, recorded=None, former_recordings=()
        ),
        ERASED_NUMBER,
    )


def ends_as(before: Call, after: Call) -> bool:
    """Whether what came behind the end changed nothing of it; an erasure takes what was said, and no more."""
    kept = without_what_comes_later(before), without_what_comes_later(after)
    if after.content_erased_at is not None:
        kept = without_what_was_said(kept[0]), without_what_was_said(kept[1])
    return kept[0] == kept[1]


def test_the_events_drawn_here_are_all_there_are() -> None:
    # Which class a strategy builds is known to Hypothesis alone, which shows it in no public attribute.
    branches = EVENTS.original_strategies  # type: ignore[attr-defined]
    drawn = {branch.wrapped_strategy.target for branch in branches}
    assert drawn == set(get_args(Event.__value__))


@settings(max_examples=400)
@given(LIVES)
def test_a_call_ends_once_with_one_reason_and_keeps_nothing_afterwards(told: tuple[Call, list[Event]]) -> None:
    life = lives(*told)
    for before, after in pairwise(life):
        assert after.version == before.version + 1
        if before.state.is_terminal:
            assert ends_as(before, after)
        assert after.state.is_terminal == (after.end_reason is not None) == (after.ended_at is not None)
    last = life[-1]
    if last.state.is_terminal:
        assert last.end_is_untold, "its end stands in the due index until somebody has announced it"
        assert not last.holds_slot
        assert (last.state is State.ENDED) == (last.active_at is not None)


@settings(max_examples=400)
@given(LIVES)
def test_a_call_that_is_not_over_waits_or_has_a_deadline(told: tuple[Call, list[Event]]) -> None:
    for call in lives(*told):
        if call.in_flight:
            assert call.due_at is not None
            assert call.attempt > 0
            assert call.holds_slot
        assert (call.state is State.ACTIVE) <= (call.answered_at is not None and call.agent_sid is not None)
        assert (call.state is State.ACTIVE) <= (call.active_at is not None)


@settings(max_examples=400)
@given(LIVES)
def test_an_agent_whose_leaving_was_heard_of_never_joins(told: tuple[Call, list[Event]]) -> None:
    call, events = told
    gone: set[tuple[int, str]] = set()
    for event in events:
        result = apply(call, event)
        if isinstance(event, AgentLeft) and isinstance(result, Moved):
            gone.add((event.attempt, event.sid))
        if isinstance(event, AgentJoined) and (event.attempt, event.sid) in gone:
            assert not isinstance(result, Moved)
        call = result.call if isinstance(result, Moved) else call


@settings(max_examples=400)
@given(LIVES)
def test_the_agent_that_talks_is_never_removed(told: tuple[Call, list[Event]]) -> None:
    call, events = told
    for event in events:
        result = apply(call, event)
        if Effect.REMOVE_AGENT in result.effects:
            assert isinstance(event, AgentJoined)
            assert call.agent_left_at is None
            assert call.agent_sid not in {None, event.sid}
        call = result.call if isinstance(result, Moved) else call


@settings(max_examples=400)
@given(LIVES)
def test_every_change_that_anything_follows_starts_the_relay(told: tuple[Call, list[Event]]) -> None:
    """The event source's filter keeps away what means nothing, and never an end."""
    life = lives(*told)
    assert starts_the_relay(None, life[0])
    for before, after in pairwise(life):
        change = Change("1", before, after)
        follows = [
            *news(before, after),
            *transfer_news(before, after),
            *measures_of(change),
            *rooms_to_close([change]),
            *calls_to_record([change]),
            *([after] if released(before, after) else []),
        ]
        assert starts_the_relay(before, after) or not follows, (before.state, after.state, follows)
        if after.state.is_terminal:
            assert starts_the_relay(before, after)


def starts_the_relay(before: Call | None, after: Call) -> bool:
    images = {"NewImage": call_to_item(after)} | ({} if before is None else {"OldImage": call_to_item(before)})
    return passes({"dynamodb": images}, RELAYED)


@settings(max_examples=200)
@given(LIVES)
def test_every_state_a_call_can_reach_survives_the_table(told: tuple[Call, list[Event]]) -> None:
    for call in lives(*told):
        assert call_from_item(call_to_item(call)) == call


@settings(max_examples=300)
@given(LIVES, st.data())
def test_events_told_twice_end_the_call_the_same_way(told: tuple[Call, list[Event]], data: st.DataObject) -> None:
    call, events = told
    once = lives(call, events)[-1]
    if not once.state.is_terminal:
        return
    again = lives(once, data.draw(st.permutations(events)))
    assert all(ends_as(once, each) for each in again)
    told_before_the_end: list[Event] = [event for event in events if not isinstance(event, ALSO_AFTER_THE_END)]
    assert lives(once, told_before_the_end) == [once]


@settings(max_examples=400)
@given(LIVES)
def test_a_retry_policy_is_kept_to_and_nobodys_decision_overruled(told: tuple[Call, list[Event]]) -> None:
    call, events = told
    for before, after in pairwise(lives(call, events)):
        if len(after.attempts) == len(before.attempts):
            continue
        assert call.retry is not None
        assert len(after.attempts) == len(before.attempts) + 1 < call.retry.max_attempts
        assert (before.in_flight, after.state) == (True, State.QUEUED)
        assert after.attempts[-1].end_reason not in NEVER_AGAIN
        assert (after.attempts[-1].dial, after.due_at) == (before.attempt, after.eligible_at)
        assert (after.answered_at, after.active_at, after.leg_sid, after.end_asked_reason) == (None,) * 4
