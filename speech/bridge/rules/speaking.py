"""What the voice is given to speak. It is held until both sides hear each other, and only then given, in its order."""

from speech.bridge.model.actions import EndOfReply, Note, Say, Speak, StopSpeaking
from speech.bridge.rules.steps import Steps, Timer
from speech.bridge.rules.talk import TURN_LIMIT_MS, Talk, Turn

FILLER_AFTER_MS = 1_200
"""How long a brain may think before its filler is said."""


class Speaking:
    def __init__(self, steps: Steps, talk: Talk) -> None:
        self._steps = steps
        self._talk = talk
        self._held: list[Speak | EndOfReply | Say] | None = []
        self.filler = ""
        """What the runner wants said while it thinks for long."""

    @property
    def is_held(self) -> bool:
        """The call is not answered yet."""
        return self._held is not None

    def answered(self) -> None:
        if self._held is not None:
            self._steps.do(*self._held)
            self._held = None

    # ------------------------------------------------------------ words

    def say(self, text: str, now_ms: int) -> None:
        if text.strip():
            self._give(Say(self._talk.say(text, now_ms), text))

    def reply(self, text: str, now_ms: int) -> None:
        turn = self._talk.reply(text, now_ms) if text else None
        if turn is not None:
            self._give(Speak(turn, text))

    def end_reply(self, now_ms: int) -> None:
        """Where no turn is open this is `session.interrupt()`, which stops what is being said."""
        turn = self._talk.end_reply(now_ms)
        if turn is not None:
            self._close(turn)
        elif self._held is not None:
            self._held = []
            self._talk.forget_unspoken()
        elif not self._talk.is_all_heard:
            self._talk.silenced()
            self._steps.do(StopSpeaking())

    def give_up_turn(self, now_ms: int) -> None:
        turn = self._talk.end_reply(now_ms)
        if turn is not None:
            self._steps.do(Note("turn given up", {"replied": turn.replied}))
            self._close(turn)

    def never_mind(self, turn: int) -> None:
        """No reply comes to it."""
        self._give(EndOfReply(turn))

    def _close(self, turn: Turn) -> None:
        if not turn.interrupted:
            self._give(EndOfReply(turn.number))

    def _give(self, words: Speak | EndOfReply | Say) -> None:
        if self._held is None:
            self._steps.do(words)
        else:
            self._held.append(words)

    # ------------------------------------------------------------ the runner goes

    def runner_lost(self) -> None:
        """Another will come: what was held is forgotten, as that one has words of its own."""
        self.filler = ""
        if self._held is not None:
            self._held = []
            self._talk.forget_unspoken()
        for number in self._talk.lost():
            self._give(EndOfReply(number))

    def nothing_more_comes(self) -> None:
        """The runner has done its part and is gone: what it left open is complete."""
        self.filler = ""
        for number in self._talk.drop_open():
            self._give(EndOfReply(number))

    # ------------------------------------------------------------ time

    def settle(self, now_ms: int, *, may_fill: bool) -> None:
        """Sets the timers of the turn that the runner is at."""
        turn = self._talk.current
        self._steps.stop(Timer.TURN, Timer.FILLER)
        if turn is None or not turn.sent:
            return
        self._steps.set(Timer.TURN, turn.since_ms + TURN_LIMIT_MS)
        if may_fill and self._wants_filler(turn):
            self._steps.set(Timer.FILLER, max(turn.since_ms + FILLER_AFTER_MS, now_ms))

    def fill(self, now_ms: int) -> None:
        turn = self._talk.current
        if turn is not None and self._wants_filler(turn):
            turn.filled = True
            self._give(Say(self._talk.say(self.filler, now_ms, filler=True), self.filler, filler=True))

    def _wants_filler(self, turn: Turn) -> bool:
        thinks = not turn.replied and not turn.interrupted and not turn.filled
        return bool(self.filler) and thinks and not self.is_held and self._talk.is_all_heard

    @property
    def state(self) -> str:
        """In the SDK's words."""
        turn = self._talk.current
        if self.is_held:
            return "idle"
        if not self._talk.is_all_heard:
            return "speaking"
        return "thinking" if turn is not None and turn.sent and not turn.interrupted else "listening"
