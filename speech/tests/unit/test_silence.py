"""When silence is asked into, and when it ends the call."""

from speech.worker.calls.silence import SilenceStep, SilenceWatch


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
