"""What follows from what in one call with a runner. Pure: events and the time come in, actions go out.

Time is a number of milliseconds since 1970, and never runs backwards.
"""

from speech.bridge.model import frames
from speech.bridge.model.actions import (
    Action,
    CloseBridge,
    Done,
    EndOfReply,
    Note,
    PauseRecording,
    Report,
    ResumeRecording,
    Say,
    Speak,
    StopSpeaking,
    Transfer,
)
from speech.bridge.model.call import CallFacts
from speech.bridge.model.events import (
    Answered,
    BrainAnswered,
    CallOver,
    EndWished,
    Event,
    Measured,
    RunnerClosed,
    RunnerDialled,
    RunnerFrame,
    SpeechPlayed,
    Tick,
    TransferEnded,
    UserInterrupted,
    UserSaid,
    UserSilent,
    UserSpoke,
)
from speech.bridge.rules.ending import Ending
from speech.bridge.rules.seeking import NORMAL, UNKNOWN_CALL, Change, Seeking
from speech.bridge.rules.steps import Steps, Timer
from speech.bridge.rules.talk import TURN_LIMIT_MS, Talk, Turn
from speech.bridge.rules.telling import Telling
from speech.bridge.rules.transfers import refusal

FILLER_AFTER_MS = 1_200
"""How long a brain may think before its filler is said."""

_OF_SEEKING = (Timer.DIAL, Timer.AGAIN, Timer.HELLO, Timer.REDIAL, Timer.GRACE)


class Conversation:
    """`begin` once, then `handle` for each event; both return what is to be done, in order. After `Done` nothing but
    late dials is heard of, and those are refused."""

    def __init__(self, call: CallFacts) -> None:
        self._call = call
        self._steps = Steps()
        self._talk = Talk()
        self._seeking = Seeking(self._steps)
        self._ending = Ending(self._steps, self._talk)
        self._telling = Telling(call, self._steps, self._talk, self._seeking)
        self._held: list[Action] | None = []
        """Speech that waits for the answer; None once both sides hear."""
        self._filler = ""
        self._somebody_spoke = False
        self._was_ready = False
        self._is_over = False
        self._now_ms = 0

    def begin(self, now_ms: int) -> list[Action]:
        self._now_ms = now_ms
        self._seeking.begin(now_ms)
        return self._steps.take()

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
            case TransferEnded():
                self._transfer_ended(event)
            case EndWished(reason=reason):
                self._end(reason)
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
                self._answered()
            case UserSpoke():
                self._report_user_spoke()
            case UserSaid():
                self._user_said(event)
            case UserInterrupted(heard_prefix=heard_prefix):
                self._interrupted(heard_prefix)
            case SpeechPlayed(turn=turn):
                self._talk.heard(turn)
            case UserSilent(silent_s=silent_s):
                self._somebody_spoke = False
                self._steps.do(Report({"type": "silence", "silent_s": silent_s}))

    def _runner_side(self, event: RunnerDialled | RunnerClosed | BrainAnswered) -> None:
        match event:
            case RunnerDialled():
                if self._ending.is_wanted:
                    self._steps.do(CloseBridge(event.bridge, UNKNOWN_CALL))
                    return
                change = self._seeking.dialled(event, self._now_ms)
            case RunnerClosed():
                if self._ending.is_wanted:
                    self._seeking.left(event)
                    self._nothing_more_comes()
                    return
                change = self._seeking.closed(event, self._now_ms)
            case BrainAnswered():
                change = self._seeking.answered(event, self._now_ms)
        self._changed(change)

    def _changed(self, change: Change | None) -> None:
        match change:
            case Change.LOST | Change.ARRIVED:
                self._runner_lost()
            case Change.LEFT:
                self._nothing_more_comes()
                self._end("agent_left")
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
            self._give_up_turn()
        elif timer is Timer.FILLER:
            self._say_filler()
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
        else:
            self._obey(said)

    def _obey(self, said: frames.RunnerSays) -> None:
        self._seeking.was_useful()
        match said:
            case frames.TextDelta(text=text):
                self._reply(text)
            case frames.TextEnd():
                self._end_reply()
            case frames.SayText(text=text):
                if text.strip() and not self._ending.is_done:
                    self._speak(Say(self._talk.say(text, self._now_ms), text))
            case frames.SetFiller(text=text):
                self._filler = text
            case frames.RecordingPause(reason=reason):
                self._steps.do(PauseRecording(reason))
            case frames.RecordingResume():
                self._steps.do(ResumeRecording())
            case frames.TransferVerb():
                self._transfer(said)
            case frames.EndCall(reason=reason):
                self._end(reason)

    def _greet(self, hello: frames.Hello) -> None:
        if self._seeking.is_here:
            self._steps.do(Note("second hello ignored"))
        elif not self._telling.greet(hello, self._now_ms):
            self._give_up()
        else:
            if not self._was_ready:
                self._was_ready = True
                self._steps.do(Report({"type": "ready", "can_report": [*self._call.can_report]}))
            self._telling.turns(self._now_ms)

    def _give_up(self) -> None:
        """There is no brain for this call."""
        self._seeking.stop()
        self._runner_lost()
        self._ending.now("agent_failed")

    def _runner_lost(self) -> None:
        held = self._held is not None
        for number in self._talk.lost(unspoken=held):
            if not held:
                self._steps.do(EndOfReply(number))
        if held:
            self._held = []
        self._filler = ""
        self._steps.stop(Timer.TURN, Timer.FILLER)
        self._ending.runner_lost()

    def _nothing_more_comes(self) -> None:
        """The runner has ended the call and is gone: what it left open is complete."""
        for number in self._talk.drop_open():
            self._speak(EndOfReply(number))
        self._ending.no_more_words()
        self._steps.stop(Timer.TURN, Timer.FILLER)
        self._seeking.stop()

    # ------------------------------------------------------------ turns

    def _user_said(self, said: UserSaid) -> None:
        if not said.text.strip():
            self._steps.do(EndOfReply(said.turn))
            return
        self._report_user_spoke()
        self._talk.ask(said.turn, said.text, said.language, said.at_ms or self._now_ms)
        if self._ending.is_wanted:
            self._talk.never_mind(said.turn)
            self._steps.do(EndOfReply(said.turn))
            return
        self._telling.turns(self._now_ms)

    def _reply(self, text: str) -> None:
        if not text or self._ending.is_done:
            return
        turn = self._talk.reply(text, self._now_ms)
        if turn is not None:
            self._speak(Speak(turn, text))

    def _end_reply(self) -> None:
        turn = self._talk.end_reply(self._now_ms)
        if turn is None:
            self._interrupt_by_agent()
        elif not turn.interrupted:
            self._speak(EndOfReply(turn.number))

    def _interrupt_by_agent(self) -> None:
        """No turn is open: this is `session.interrupt()`, which stops what is being said."""
        if self._held is not None:
            self._held = []
            self._talk.silenced()
        elif not self._talk.is_all_heard:
            self._talk.silenced()
            self._steps.do(StopSpeaking())

    def _interrupted(self, heard_prefix: str | None) -> None:
        if self._held is not None:
            return
        self._talk.interrupted(heard_prefix)
        self._telling.interrupted(heard_prefix)

    def _give_up_turn(self) -> None:
        turn = self._talk.end_reply(self._now_ms)
        if turn is not None and not turn.interrupted:
            self._steps.do(Note("turn given up", {"replied": turn.replied}))
            self._speak(EndOfReply(turn.number))

    def _say_filler(self) -> None:
        turn = self._talk.current
        if turn is not None and self._wants_filler(turn):
            turn.filled = True
            self._speak(Say(self._talk.say(self._filler, self._now_ms, filler=True), self._filler, filler=True))

    def _wants_filler(self, turn: Turn) -> bool:
        thinks = turn.sent and not turn.replied and not turn.interrupted and not turn.filled
        may_speak = self._held is None and not self._ending.is_wanted
        return bool(self._filler) and thinks and may_speak and self._talk.is_all_heard

    def _speak(self, action: Speak | EndOfReply | Say) -> None:
        if self._held is None:
            self._steps.do(action)
        else:
            self._held.append(action)

    def _answered(self) -> None:
        if self._held is not None:
            self._steps.do(*self._held)
            self._held = None

    # ------------------------------------------------------------ the end

    def _end(self, reason: str) -> None:
        self._seeking.stop()
        self._ending.want(reason, self._now_ms)

    def _transfer(self, asked: frames.TransferVerb) -> None:
        why = "not_answered" if self._held is not None else refusal(asked, self._call)
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
        if "transcript" in self._call.can_report:
            self._steps.do(Report({"type": "transcript", "turns": self._talk.transcript(), "final": True}))
        self._steps.do(Done(end_reason, status))

    def _settle(self) -> None:
        """What follows from where the talk now stands: the end that waited for it, the timers, the state."""
        self._ending.proceed(self._now_ms, is_held=self._held is not None)
        turn = self._talk.current
        if turn is None or not turn.sent:
            self._steps.stop(Timer.TURN, Timer.FILLER)
        else:
            self._steps.set(Timer.TURN, turn.since_ms + TURN_LIMIT_MS)
            if self._wants_filler(turn):
                self._steps.set(Timer.FILLER, max(turn.since_ms + FILLER_AFTER_MS, self._now_ms + 1))
            else:
                self._steps.stop(Timer.FILLER)
        self._telling.state(self._state_now(turn))

    def _state_now(self, turn: Turn | None) -> str:
        if self._held is not None:
            return "idle"
        if not self._talk.is_all_heard:
            return "speaking"
        return "thinking" if turn is not None and turn.sent and not turn.interrupted else "listening"

    def _report_user_spoke(self) -> None:
        if not self._somebody_spoke:
            self._somebody_spoke = True
            self._steps.do(Report({"type": "user_spoke"}))
