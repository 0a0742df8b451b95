"""Property: whatever comes in whatever order, a runner is never sent what it cannot read, no two runners are there at
once, no order is spoken, no word before the answer or after the end, and every conversation ends."""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from unpod._protocol import parse_bridge_event

from speech.bridge.model import frames
from speech.bridge.model.actions import (
    Action,
    AskForBrain,
    CloseBridge,
    Done,
    EndOfReply,
    HangUp,
    PassOver,
    Report,
    Say,
    SendFrame,
    Speak,
    Transfer,
)
from speech.bridge.model.events import (
    Answered,
    Assigned,
    BrainAnswered,
    CallOver,
    EndWished,
    HangUpRefused,
    Measured,
    NoRunner,
    NoSuchCall,
    RunnerClosed,
    RunnerDialled,
    RunnerFrame,
    SpeechPlayed,
    TransferEnded,
    Unreachable,
    UserInterrupted,
    UserSaid,
    UserSilent,
    Wait,
)
from tests.unit.speech.conversations import Told, of

TEXTS = st.sampled_from(
    ["Hello.", "", "  ", "__filler:One moment.", "__filler:", "__recording_pause:x", "__later", "\ud83d"]
)
JOBS = st.sampled_from(["j1", "j2", "j3"])
VERBS = st.one_of(
    st.builds(lambda text: {"event": "agent.text.delta", "text": text}, st.sampled_from(["a ", "b ", ""])),
    st.just({"event": "agent.text.end"}),
    st.builds(lambda text: {"event": "agent.say", "text": text}, TEXTS),
    st.builds(
        lambda target, mode: {"event": "agent.transfer", "target": target, "mode": mode},
        st.sampled_from(["+15550111", "nobody", ""]),
        st.sampled_from(["cold", "warm", 7]),
    ),
    st.builds(lambda reason: {"event": "agent.end_call", "reason": reason}, st.sampled_from(["done", "silence"])),
    st.sampled_from([{"event": "hello"}, {"event": "agent.merge"}, {"event": "agent.fly"}, {}, [], None, 3]),
)
LONGEST_END_MS = 24 * 3600 * 1000


class AnyOrder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.told = Told()
        self.live: int | None = None
        self.dialled = 0
        self.greeted: set[int] = set()
        self.passed_over: set[str] = set()
        self.refused_jobs: set[str] = set()
        self.turns: list[int] = []
        self.is_answered = False
        self.is_transferring = False
        self.hang_ups = 0
        self.done: Done | None = None
        self.look(self.told.all)

    # ------------------------------------------------------------ what is looked at

    def look(self, actions: list[Action]) -> None:
        for action in actions:
            assert self.done is None or isinstance(action, CloseBridge), f"{action} after the end"
            match action:
                case SendFrame(bridge=bridge, text=text):
                    self.look_at_frame(bridge, text)
                case CloseBridge(bridge=bridge):
                    self.live = None if bridge == self.live else self.live
                case PassOver(job_id=job_id):
                    self.passed_over.add(job_id)
                case Speak(text=text) | Say(text=text):
                    assert self.is_answered and not self.hang_ups
                    assert text and not text.startswith("__")
                case Transfer(target=target):
                    assert self.is_answered and not self.is_transferring and target == "+15550111"
                    self.is_transferring = True
                case HangUp():
                    self.hang_ups += 1
                    assert self.hang_ups == 1
                case Done():
                    self.done = action

    def look_at_frame(self, bridge: int, text: str) -> None:
        assert bridge == self.live, "a frame for a runner that is not there"
        read = parse_bridge_event(text)
        assert not frames.is_too_long(text)
        if bridge not in self.greeted:
            assert read.event == "hello.ack"
            self.greeted.add(bridge)
        else:
            assert read.event in frames.EVENTS
            assert read.event != "error"

    def tell(self, event: Any) -> None:
        self.look(self.told.tell(event))

    # ------------------------------------------------------------ what may come

    @rule(job_id=JOBS)
    def dials(self, job_id: str) -> None:
        """The hub lets in only what it must: nobody while one is there, nobody who was passed over."""
        if self.live is not None or job_id in self.passed_over:
            return
        self.dialled += 1
        self.live = self.dialled
        self.tell(RunnerDialled(self.dialled, job_id, "w"))

    @precondition(lambda self: self.live is not None)
    @rule()
    def greets(self) -> None:
        self.tell(RunnerFrame(self.live or 0, json.dumps({"event": "hello", "supported_events": ["state"]})))

    @precondition(lambda self: self.live is not None)
    @rule(verb=VERBS)
    def speaks(self, verb: Any) -> None:
        self.tell(RunnerFrame(self.live or 0, json.dumps(verb)))

    @rule(verb=VERBS)
    def an_old_frame_comes(self, verb: Any) -> None:
        self.tell(RunnerFrame((self.live or self.dialled + 1) - 1, json.dumps(verb)))

    @precondition(lambda self: self.live is not None)
    @rule(code=st.sampled_from([1000, 1001, 1006, 1009, 1011]))
    def closes(self, code: int) -> None:
        bridge, self.live = self.live, None
        self.tell(RunnerClosed(bridge or 0, code))

    @rule(
        answer=st.one_of(
            st.builds(Assigned, JOBS, st.just("w"), st.just(2.0)),
            st.just(Wait(1.0)),
            st.just(NoRunner("no_runner", 0.0)),
            st.just(Unreachable("TimeoutError")),
        ),
        behind=st.sampled_from([0, 0, 0, 1]),
    )
    def brain_answers(self, answer: Any, behind: int) -> None:
        self.tell(BrainAnswered(self.told.asked()[-1].request - behind, answer))

    @rule(is_rare=st.integers(0, 9))
    def call_is_gone(self, is_rare: int) -> None:
        if is_rare == 0:
            self.tell(BrainAnswered(self.told.asked()[-1].request, NoSuchCall("gone")))

    @rule()
    def answers(self) -> None:
        self.is_answered = True
        self.tell(Answered())

    @rule(text=st.sampled_from(["Hello?", "", "Yes."]))
    def user_says(self, text: str) -> None:
        turn = self.told.conversation.next_turn()
        self.turns.append(turn)
        self.tell(UserSaid(turn, text))

    @rule(heard=st.sampled_from([None, "", "a "]))
    def user_interrupts(self, heard: str | None) -> None:
        self.tell(UserInterrupted(heard))

    @rule(turn=st.integers(1, 12))
    def played(self, turn: int) -> None:
        self.tell(SpeechPlayed(turn))

    @rule(event=st.sampled_from([UserSilent(8.0), Measured(1.5, 2.5, 3.5)]))
    def something_is_measured(self, event: Any) -> None:
        self.tell(event)

    @precondition(lambda self: self.is_transferring)
    @rule(done=st.booleans())
    def transfer_ends(self, done: bool) -> None:
        self.is_transferring = False
        self.tell(TransferEnded(done))

    @precondition(lambda self: self.hang_ups)
    @rule()
    def hang_up_is_refused(self) -> None:
        self.hang_ups = 0
        self.tell(HangUpRefused())

    @rule(is_rare=st.integers(0, 9), reason=st.sampled_from(["silence", "failed: speech"]))
    def voice_wants_the_end(self, is_rare: int, reason: str) -> None:
        if is_rare == 0:
            self.tell(EndWished(reason))

    @rule(ms=st.sampled_from([0, 150, 500, 1_200, 5_000, 20_000]))
    def time_passes(self, ms: int) -> None:
        self.look(self.told.after(ms))

    # ------------------------------------------------------------ how it ends

    @invariant()
    def requests_are_counted(self) -> None:
        asked = of(AskForBrain, self.told.all)
        assert [each.request for each in asked] == list(range(1, len(asked) + 1))

    @invariant()
    def every_turn_is_closed_once_at_most_while_it_is_open(self) -> None:
        closed = [each.turn for each in of(EndOfReply, self.told.all) if each.turn in self.turns]
        assert len(closed) == len(set(closed))

    def teardown(self) -> None:
        """Once the agent or nobody has ended it, time alone ends it; a call that goes on ends when it is told."""
        if self.hang_ups and self.done is None:
            self.look(self.told.after(LONGEST_END_MS))
            assert self.done is not None
        if self.live is None and self.done is None and not self.is_transferring:
            self.is_answered = True
            self.tell(Answered())
            for _ in range(1_000):
                if self.done is None:
                    self.look(self.told.after(100_000))
            assert self.done is not None, "a call without a runner goes on for ever"
        if self.done is None:
            self.tell(CallOver("USER_HUNG_UP_IN_CALL", "completed"))
        assert self.done is not None
        assert self.live is None
        finals = [each for each in of(Report, self.told.all) if each.event["type"] == "transcript"]
        has_begun = any(each.event["type"] == "ready" for each in of(Report, self.told.all))
        assert len(finals) == 1 or not (finals or has_begun)


AnyOrder.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestAnyOrder = AnyOrder.TestCase
