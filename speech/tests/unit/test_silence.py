"""When silence is asked into, and when it ends the call."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from livekit.agents import llm

from speech.worker.calls.silence import SilenceStep, SilenceWatch
from speech.worker.calls.voice import SessionVoice


def test_silence_is_asked_into_and_then_ends_the_call() -> None:
    watch = SilenceWatch(ask_s=15, end_s=10)
    watch.quiet(100)
    assert watch.step(114.9) is None
    assert watch.step(115) is SilenceStep.ASK
    watch.sound()
    assert watch.step(200) is None
    watch.quiet(201)
    assert watch.step(210.9) is None
    assert watch.step(211) is SilenceStep.END
    assert watch.silent_s(211) == 111


def test_the_question_is_no_voice_but_an_answer_to_it_begins_anew() -> None:
    watch = SilenceWatch(ask_s=15, end_s=10)
    watch.quiet(0)
    assert watch.step(15) is SilenceStep.ASK
    watch.somebody_spoke()
    watch.quiet(20)
    assert watch.step(30) is None
    assert watch.step(35) is SilenceStep.ASK
    assert watch.silent_s(35) == 15


def test_nothing_is_due_while_somebody_speaks() -> None:
    watch = SilenceWatch(ask_s=15, end_s=10)
    assert watch.due_in(1000) is None
    watch.quiet(1000)
    assert watch.due_in(1003) == 12
    watch.sound()
    assert watch.due_in(2000) is None


def test_each_step_is_told_once() -> None:
    watch = SilenceWatch(ask_s=15, end_s=10)
    watch.quiet(0)
    assert watch.step(20) is SilenceStep.ASK
    assert watch.step(20) is None


class _Handle:
    """A speech of the session's, which ends when it is interrupted."""

    interrupted = False

    def __init__(self, heard: str) -> None:
        self.chat_items = [llm.ChatMessage(role="assistant", content=[heard])]
        self._callback: Callable[[Any], None] = lambda _: None

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self._callback = callback

    def interrupt(self, *, force: bool) -> None:
        assert force
        if not self.interrupted:
            self.interrupted = True
            self._callback(self)


def test_who_speaks_into_the_question_has_heard_nothing_of_the_reply_behind_it() -> None:
    session, driver = SimpleNamespace(said=[]), SimpleNamespace(told=[])

    def say(_words: object) -> _Handle:
        session.said.append(_Handle("Are you still"))
        return cast(_Handle, session.said[-1])

    session.say, driver.interrupted = say, driver.told.append
    nobody: Any = None
    voice = SessionVoice(cast(Any, session), nobody, nobody, lambda: 0)
    voice.bind(cast(Any, driver))
    voice.say_for_itself("Are you still there?")
    voice.speak(1, "It is ten.")
    session.said[0].interrupt(force=True)
    assert driver.told == [""]
