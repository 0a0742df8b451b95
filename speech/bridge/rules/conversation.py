"""What follows from what in one call with a runner. Pure: events and the time come in, actions go out.

Time is a number of milliseconds since 1970, and never runs backwards.
"""

from typing import Any

from speech.bridge.model import frames
from speech.bridge.model.actions import (
    Action,
    CloseBridge,
    Done,
    Note,
    PauseRecording,
    ResumeRecording,
    Transfer,
)
from speech.bridge.model.call import CallFacts
from speech.bridge.model.events import (
    Answered,
    BrainAnswered,
    CallOver,
    EndWished,
    Event,
    HangUpRefused,
    Measured,
    MessageCame,
    OtherSideLeft,
    RunnerClosed,
    RunnerDialled,
    RunnerFrame,
    SpeechPlayed,
    Tick,
    TonesSent,
    TransferEnded,
    UserInterrupted,
    UserSaid,
    UserSilent,
    UserSpoke,
    VoicemailHeard,
)
from speech.bridge.model.letters import Letters, in_whole_letters
from speech.bridge.rules.ending import Ending
from speech.bridge.rules.meanwhile import Meanwhile
from speech.bridge.rules.reports import Reports
from speech.bridge.rules.seeking import HANDSHAKE_MS, NORMAL, UNKNOWN_CALL, Change, Seeking
from speech.bridge.rules.speaking import Speaking
from speech.bridge.rules.steps import Steps, Timer
from speech.bridge.rules.talk import Talk
from speech.bridge.rules.telling import Telling
from speech.bridge.rules.transfers import refusal

_OF_SEEKING = (Timer.DIAL, Timer.AGAIN, Timer.HELLO, Timer.REDIAL, Timer.GRACE)


class Conversation:
    """`begin` once, then `handle` for each event; both return what is to be done, in order. After `Done` nothing but
    late dials is heard of, and those are refused."""

    def __init__(self, call: CallFacts) -> None:
        self._call = call
        self._steps = Steps()
        self._talk = Talk()
        self._speaking = Speaking(self._steps, self._talk)
        self._seeking = Seeking(self._steps)
        self._ending = Ending(self._steps, self._talk)
        self._meanwhile = Meanwhile()
        self._telling = Telling(call, self._steps, self._talk, self._seeking)
        self._letters = Letters()
        self._reports = Reports(call, self._steps, self._talk)
        self._was_answered = False
        self._is_over = False
        self._now_ms = 0

    def begin(self, now_ms: int) -> list[Action]:
        self._now_ms = now_ms
        self._talk.resume(self._call.turns, now_ms)
        self._seeking.begin(now_ms)
        return self._steps.take()

    def turns_to_keep(self) -> list[dict[str, Any]]:
        """What is to be kept outside of this process: should it be lost, another goes on from there."""
        return self._talk.turns_to_keep()

    @property
    def is_ending(self) -> bool:
        """The agent's part is over, or is to be after its last words."""
        return self._ending.is_wanted

    @property
    def has_heard(self) -> bool:
        """Whether the other side has said anything to this agent."""
        return self._talk.has_heard

    @property
    def turns_changed(self) -> int:
        """How often `turns_to_keep` has changed."""
        return self._talk.changes

    def next_turn(self) -> int:
        """A number for the next turn of the other side."""
        return self._talk.next_number()

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        self._now_ms = max(now_ms, self._now_ms)
        if self._is_over:
            if isinstance(event, RunnerDialled):
                self._steps.do(CloseBridge(event.bridge, UNKNOWN_CALL))
            return self._steps.take()
        while not self._is_over and (timer := self._steps.next_due(self._now_ms)) is not None:
            self._due(timer)
        if not self._is_over:
            self._take(event)
        if not self._is_over:
            self._settle()
        return self._steps.take()

    # ------------------------------------------------------------ events

    def _take(self, event: Event) -> None:
        match event:
            case RunnerDialled() | RunnerClosed() | BrainAnswered():
                self._runner_side(event)
            case RunnerFrame(bridge=bridge, text=text):
                if bridge == self._seeking.bridge:
                    self._runner_says(frames.read_frame(text))
            case TransferEnded() | EndWished() | HangUpRefused():
                self._parting(event)
            case OtherSideLeft(is_final=is_final):
                self._reports.transcript(is_final=is_final)
            case CallOver(end_reason=end_reason, status=status, error=error):
                self._finish(end_reason, status, error)
            case Measured():
                self._telling.measured(event)
            case Tick():
                pass
            case _:
                self._voice_side(event)

    def _voice_side(self, event: Event) -> None:
        match event:
            case Answered():
                # What was held back for the answer is not said to somebody whom the agent has hung up on.
                self._was_answered = True
                if not self._ending.is_done:
                    self._speaking.answered()
            case UserSpoke():
                self._reports.user_spoke()
            case UserSaid():
                self._user_said(event)
            case UserInterrupted(heard_prefix=heard_prefix):
                self._interrupted(heard_prefix)
            case SpeechPlayed(turn=turn):
                self._talk.heard(turn)
            case _:
                self._noticed(event)

    def _noticed(self, event: Event) -> None:
        """What changes nothing about who speaks, and is passed on."""
        match event:
            case MessageCame(message=message):
                self._telling.message(message)
            case TonesSent():
                self._reports.tones(event)
            case UserSilent(silent_s=silent_s):
                self._reports.silence(silent_s)
            case VoicemailHeard(why=why):
                self._reports.voicemail(why)
                self._telling.voicemail(why)

    def _runner_side(self, event: RunnerDialled | RunnerClosed | BrainAnswered) -> None:
        if self._ending.is_wanted:
            self._runner_side_of_the_end(event)
            return
        match event:
            case RunnerDialled():
                self._changed(self._seeking.dialled(event, self._now_ms))
            case RunnerClosed(bridge=bridge) if self._meanwhile.is_leaving(bridge):
                if self._seeking.left(event, self._now_ms):
                    self._changed(self._seeking.look_for_another(self._now_ms))
            case RunnerClosed():
                self._changed(self._seeking.closed(event, self._now_ms))
            case BrainAnswered():
                self._changed(self._seeking.answered(event, self._now_ms))

    def _runner_side_of_the_end(self, event: RunnerDialled | RunnerClosed | BrainAnswered) -> None:
        """The call is ending: nobody is missed, and nobody else is let in. What was open at the hang-up stays so: it
        may be refused, and then the next runner answers."""
        if isinstance(event, RunnerDialled):
            self._steps.do(CloseBridge(event.bridge, UNKNOWN_CALL))
        elif isinstance(event, RunnerClosed):
            was_there = self._seeking.left(event, self._now_ms)
            if was_there and not self._ending.has_hung_up:
                self._nothing_more_comes()

    def _changed(self, change: Change | None) -> None:
        match change:
            case Change.LOST | Change.ARRIVED:
                self._letters.end()
                self._runner_lost()
            case Change.LEFT:
                self._nothing_more_comes()
                self._end("agent_left")
            case Change.FAILED if not (self._reports.was_ready or self._call.is_outbound):
                # It waits outside of a caller's room until it has a brain. Another may have the caller by now, and
                # where none has, the control plane knows how long they ring.
                self._steps.do(Note("no brain for a caller"))
                self._finish(None, None, None)
            case Change.FAILED:
                self._give_up()
            case Change.CALL_GONE:
                self._finish(None, None, None)
            case None:
                pass

    def _due(self, timer: Timer) -> None:
        if timer in _OF_SEEKING:
            self._changed(self._seeking.due(timer, self._now_ms))
        elif timer is Timer.TURN:
            self._speaking.give_up_turn(self._now_ms)
        elif timer is Timer.FILLER:
            self._speaking.fill(self._now_ms)
        elif timer is Timer.OVER:
            self._finish(self._ending.presumed_reason, self._ending.presumed_status, None)
        else:
            self._ending.due(timer)

    # ------------------------------------------------------------ the runner

    def _runner_says(self, said: frames.RunnerSays) -> None:
        if isinstance(said, frames.Hello):
            self._greet(said)
        elif not self._seeking.is_here:
            self._steps.do(Note("frame before hello"))
        elif isinstance(said, frames.Unserved):
            self._steps.do(Note("frame ignored", {"what": said.what}))
        elif self._ending.has_hung_up:
            self._keep(said)
        elif not self._ending.is_done:
            self._meanwhile.runner_goes_on()
            self._obey(said)

    def _keep(self, said: frames.RunnerSays) -> None:
        """Another wish for the end that is on its way to be refused is refused with it."""
        if isinstance(said, frames.EndCall) and not self._ending.is_another(said.reason):
            self._meanwhile.wished(self._seeking.bridge)
        else:
            self._meanwhile.keep(said)

    def _obey(self, said: frames.RunnerSays) -> None:
        self._seeking.was_useful()
        match said:
            case frames.TextDelta(text=text):
                self._speaking.reply(self._letters.whole(text), self._now_ms)
            case frames.TextEnd():
                self._letters.end()
                self._speaking.end_reply(self._now_ms)
            case frames.SayText(text=text):
                self._speaking.say(in_whole_letters(text), self._now_ms)
            case frames.SetFiller(text=text):
                self._speaking.filler = in_whole_letters(text)
            case frames.RecordingPause(reason=reason):
                self._steps.do(PauseRecording(reason))
                self._reports.recording_pauses(reason)
            case frames.RecordingResume():
                self._steps.do(ResumeRecording())
                self._reports.recording_resumes()
            case frames.TransferVerb():
                self._transfer(said)
            case frames.EndCall(reason=reason):
                self._meanwhile.wished(self._seeking.bridge)
                self._end(reason)

    def _greet(self, hello: frames.Hello) -> None:
        if self._seeking.is_here:
            self._steps.do(Note("second hello ignored"))
        elif not self._telling.greet(hello, self._now_ms):
            self._give_up()
        else:
            self._reports.ready()
            self._telling.turns(self._now_ms)

    def _give_up(self) -> None:
        """There is no brain for this call."""
        self._seeking.stop()
        self._runner_lost()
        self._ending.now("agent_failed")

    def _runner_lost(self) -> None:
        self._speaking.runner_lost()
        self._ending.runner_lost()

    def _nothing_more_comes(self) -> None:
        self._speaking.nothing_more_comes()
        self._ending.no_more_words()
        self._seeking.stop()

    # ------------------------------------------------------------ turns

    def _user_said(self, said: UserSaid) -> None:
        if not said.text.strip():
            self._speaking.never_mind(said.turn)
            return
        self._reports.user_spoke()
        self._talk.ask(said.turn, said.text, said.language, said.at_ms or self._now_ms)
        if not self._ending.is_wanted:
            self._telling.turns(self._now_ms)
        elif not self._ending.has_hung_up:
            self._talk.never_mind(said.turn)
            self._speaking.never_mind(said.turn)
        # What is said after the hang-up waits: should it be refused, the agent answers.

    def _interrupted(self, heard_prefix: str | None) -> None:
        if not self._speaking.is_held:
            self._telling.interrupted(self._talk.interrupted(heard_prefix))

    # ------------------------------------------------------------ the end

    def _parting(self, event: TransferEnded | EndWished | HangUpRefused) -> None:
        match event:
            case TransferEnded():
                self._transfer_ended(event)
            case EndWished(reason=reason):
                self._end(reason)
            case HangUpRefused():
                self._go_on()

    def _end(self, reason: str) -> None:
        self._seeking.stop()
        self._ending.want(reason, self._now_ms)

    def _go_on(self) -> None:
        """The hang-up was refused. While the call was ending nobody was sought, no runner that left was missed, and
        what it said was only kept. It may have wished the end for another reason."""
        if not self._ending.take_back():
            return
        self._steps.do(Note("the hang-up was refused"))
        if self._was_answered:
            self._speaking.answered()
        for said in self._meanwhile.refused():
            self._obey(said)
        if self._ending.is_wanted:
            if self._seeking.bridge is None:
                self._nothing_more_comes()
        elif self._seeking.bridge is None:
            self._changed(self._seeking.look_for_another(self._now_ms))
        elif self._seeking.is_here:
            self._telling.turns(self._now_ms)
        else:
            self._steps.set(Timer.HELLO, self._now_ms + HANDSHAKE_MS)

    def _transfer(self, asked: frames.TransferVerb) -> None:
        why = "not_answered" if self._speaking.is_held else refusal(asked, self._call)
        why = why or self._ending.transfer_refusal
        if why is not None:
            self._telling.transfer(asked.target, "refused", why)
            return
        self._ending.want_transfer(Transfer(asked.kind, asked.target, asked.mode, asked.announcement), self._now_ms)

    def _transfer_ended(self, ended: TransferEnded) -> None:
        transfer = self._ending.transfer_ended(ended.done, self._now_ms)
        if transfer is not None:
            self._telling.transfer(transfer.target, "completed" if ended.done else "failed", ended.why)

    def _finish(self, end_reason: str | None, status: str | None, error: str | None) -> None:
        self._is_over = True
        self._steps.stop_all()
        self._telling.over(end_reason, status, error)
        if self._seeking.bridge is not None:
            self._steps.do(CloseBridge(self._seeking.bridge, NORMAL))
        self._reports.transcript()
        self._steps.do(Done(end_reason, status))

    def _settle(self) -> None:
        """What follows from where the talk now stands: the end that waited for it, the timers, the state."""
        self._ending.proceed(self._now_ms, is_held=self._speaking.is_held)
        self._speaking.settle(self._now_ms, may_fill=not self._ending.is_wanted)
        self._telling.state(self._speaking.state)
