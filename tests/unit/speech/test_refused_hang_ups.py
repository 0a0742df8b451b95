"""A hang-up that the control plane refuses: the conversation goes on as if nobody had hung up."""

import pytest

from speech.bridge.model.actions import (
    AskForBrain,
    CloseBridge,
    Done,
    EndOfReply,
    HangUp,
    PauseRecording,
    Report,
    Say,
    SendFrame,
    Speak,
    StopSpeaking,
    Transfer,
)
from speech.bridge.model.events import Answered, CallOver, EndWished, HangUpRefused, SpeechPlayed
from speech.bridge.rules.seeking import HANDSHAKE_MS, MOST_LOSSES_IN_A_ROW, PAUSES_MS, STEADY_MS, UNKNOWN_CALL
from tests.unit.speech.conversations import Told, of, talking

NUMBER = "+15550111"


def silent_and_refused() -> Told:
    told = talking()
    assert of(HangUp, told.tell(EndWished("silence"))) == [HangUp("silence")]
    told.tell(HangUpRefused())
    return told


def test_an_agent_whose_hang_up_was_refused_speaks_on() -> None:
    told = silent_and_refused()
    assert not told.conversation.is_ending
    assert told.after(600_000) == [], "no end is presumed"
    turn = told.says("Hello?")
    assert of(Speak, told.replies("Nobody picks up.")) == [Speak(turn, "Nobody picks up.")]
    assert told.asked()[1:] == [], "the runner is still there"


def test_after_a_refused_hang_up_the_next_one_ends_the_call_for_its_own_reason() -> None:
    told = silent_and_refused()
    (say,) = of(Say, told.runner("agent.say", text="Goodbye."))
    assert of(HangUp, told.runner("agent.end_call", reason="goodbye")) == [], "its last words are waited for"
    assert of(HangUp, told.played(say.turn)) == [HangUp("goodbye")]
    assert of(Done, told.after(15_000)) == [Done("AGENT_HUNG_UP", "completed")]


def test_what_is_said_after_a_hang_up_is_answered_once_it_is_refused() -> None:
    told = talking()
    told.tell(EndWished("silence"))
    turn = told.says("I am still here.")
    assert told.frames("user.text") == []
    told.tell(HangUpRefused())
    assert [frame["text"] for frame in told.frames("user.text")] == ["I am still here."]
    assert of(Speak, told.replies("Good.")) == [Speak(turn, "Good.")]


@pytest.mark.parametrize("code", [1000, 1006])
def test_a_runner_that_left_with_its_hang_up_is_missed_once_that_is_refused(code: int) -> None:
    told = talking()
    told.runner("agent.end_call", reason="silence")
    told.closes(code)
    assert of(AskForBrain, told.tell(HangUpRefused())) == [AskForBrain(2, "lost")]
    told.assign("SCL_1.1.2")
    told.arrive("SCL_1.1.2")
    assert told.frames("call.started")[-1]["metadata"]["resumed"] is False, "nobody has said anything yet"
    assert of(Say, told.runner("agent.say", text="I am back."))


def test_a_runner_that_is_looked_for_in_vain_after_a_refused_hang_up_has_failed() -> None:
    told = talking()
    told.runner("agent.end_call", reason="silence")
    told.closes(1006)
    told.tell(HangUpRefused())
    assert of(HangUp, told.after(5_000)) == [HangUp("agent_failed")]


def test_a_runner_that_has_dialled_and_not_greeted_is_waited_for_after_a_refused_hang_up() -> None:
    told = talking()
    told.closes(1006)
    told.assign("SCL_1.1.2")
    told.dial("SCL_1.1.2")
    told.tell(EndWished("silence"))
    told.tell(HangUpRefused())
    assert of(AskForBrain, told.after(HANDSHAKE_MS + PAUSES_MS[1] - 1)) == []
    assert of(AskForBrain, told.after(1)) == [AskForBrain(3, "lost")]


def test_an_answer_that_came_after_a_hang_up_counts_once_that_is_refused() -> None:
    told = Told()
    told.assign()
    told.arrive()
    told.tell(EndWished("silence"))
    told.tell(Answered())
    told.tell(HangUpRefused())
    assert of(Say, told.runner("agent.say", text="Hello."))


def test_a_refusal_of_what_nobody_wished_changes_nothing() -> None:
    told = talking()
    assert told.tell(HangUpRefused()) == []
    told.tell(EndWished("silence"))
    told.tell(HangUpRefused())
    assert of(SendFrame, told.tell(HangUpRefused())) == []
    told.tell(EndWished("silence"))
    told.tell(CallOver("AGENT_HUNG_UP_SILENCE_DETECTED", "completed"))
    assert told.tell(HangUpRefused()) == []


# ---------------------------------------------------------------- the runner leaves with it


@pytest.mark.parametrize("code", [1000, 1006])
def test_a_runner_that_leaves_after_its_hang_up_was_refused_is_missed_as_one_that_left_before(code: int) -> None:
    told = talking()
    told.runner("agent.end_call", reason="silence")
    told.tell(HangUpRefused())
    assert of(AskForBrain, told.closes(code)) == [AskForBrain(2, "lost")]
    assert of(CloseBridge, told.dial("SCL_1.1.1")) == [CloseBridge(2, UNKNOWN_CALL)], "its job is another's now"
    told.assign("SCL_1.1.2")
    told.arrive("SCL_1.1.2")
    assert of(Say, told.runner("agent.say", text="I am back."))
    told.after(60_000)
    assert of(HangUp, told.all) == [HangUp("silence")], "nobody has ended the call by leaving"


def test_a_runner_that_goes_on_after_its_hang_up_was_refused_may_leave_later() -> None:
    told = talking()
    told.runner("agent.end_call", reason="silence")
    told.tell(HangUpRefused())
    (say,) = of(Say, told.runner("agent.say", text="Goodbye."))
    told.played(say.turn)
    assert of(AskForBrain, told.closes(1000)) == []
    assert of(HangUp, told.after(1_000)) == [HangUp("agent_left")]


def test_a_runner_that_leaves_after_the_voices_hang_up_was_refused_has_ended_the_call() -> None:
    told = silent_and_refused()
    told.closes(1000)
    assert of(HangUp, told.after(1_000)) == [HangUp("agent_left")]


def test_a_runner_that_wished_the_end_beside_the_voice_leaves_for_that_wish() -> None:
    told = talking()
    told.tell(EndWished("silence"))
    told.runner("agent.end_call", reason="silence_timeout")
    assert of(HangUp, told.tell(HangUpRefused())) == [], "both wishes are one, and refused"
    assert of(AskForBrain, told.closes(1000)) == [AskForBrain(2, "lost")]


@pytest.mark.parametrize("closes_first", [True, False])
def test_runners_that_stay_long_may_hang_up_in_vain_as_often_as_they_like(closes_first: bool) -> None:
    told = talking()
    for number in range(2, MOST_LOSSES_IN_A_ROW + 3):
        told.after(STEADY_MS)
        told.runner("agent.end_call", reason="silence")
        if closes_first:
            told.closes(1000)
        told.tell(HangUpRefused())
        if not closes_first:
            told.closes(1000)
        told.assign(f"SCL_1.1.{number}")
        told.arrive(f"SCL_1.1.{number}")
    assert {each.reason for each in of(HangUp, told.all)} == {"silence"}


def test_runners_that_hang_up_in_vain_as_soon_as_they_come_are_a_broken_agent() -> None:
    told = talking()
    for number in range(2, MOST_LOSSES_IN_A_ROW + 2):
        told.runner("agent.end_call", reason="silence")
        told.closes(1000)
        told.tell(HangUpRefused())
        if number <= MOST_LOSSES_IN_A_ROW:
            told.assign(f"SCL_1.1.{number}")
            told.arrive(f"SCL_1.1.{number}")
    assert of(HangUp, told.all)[-1] == HangUp("agent_failed")


# ---------------------------------------------------------------- another reason for the end


def test_an_end_for_another_reason_holds_where_the_first_is_refused() -> None:
    told = talking()
    told.tell(EndWished("silence"))
    told.tell(EndWished("failed: speech"))
    told.tell(EndWished("agent_failed"))
    assert of(HangUp, told.tell(HangUpRefused())) == [HangUp("failed: speech")]
    assert told.conversation.is_ending
    assert of(Done, told.after(15_000)) == [Done("AGENT_FAILED", "completed")]


def test_an_end_for_another_reason_holds_also_where_the_first_waited_for_last_words() -> None:
    told = talking()
    (say,) = of(Say, told.runner("agent.say", text="Are you still there?"))
    told.tell(EndWished("silence"))
    told.runner("agent.end_call", reason="done")
    assert of(HangUp, told.played(say.turn)) == [HangUp("silence")]
    assert of(HangUp, told.tell(HangUpRefused())) == [HangUp("done")]
    assert told.asked()[1:] == []


def test_an_end_for_the_same_reason_is_refused_with_the_first() -> None:
    told = talking()
    told.tell(EndWished("silence"))
    told.tell(EndWished("silence_timeout"))
    assert of(HangUp, told.tell(HangUpRefused())) == []
    assert not told.conversation.is_ending


def test_an_end_for_another_reason_is_forgotten_once_it_has_held() -> None:
    told = talking()
    told.tell(EndWished("silence"))
    told.tell(EndWished("idle"))
    assert of(HangUp, told.tell(HangUpRefused())) == [HangUp("idle")]
    assert of(HangUp, told.tell(HangUpRefused())) == []
    assert of(HangUp, told.after(600_000)) == []
    turn = told.says("Hello?")
    assert of(Speak, told.replies("Yes.")) == [Speak(turn, "Yes.")]


def test_nobody_is_looked_for_in_a_call_that_ends_for_another_reason() -> None:
    told = talking()
    told.tell(EndWished("silence"))
    told.tell(EndWished("failed: speech"))
    told.closes(1006)
    wanted = told.tell(HangUpRefused())
    assert (of(AskForBrain, wanted), of(HangUp, wanted)) == ([], [HangUp("failed: speech")])


# ---------------------------------------------------------------- what the runner did meanwhile


def silent() -> Told:
    told = talking()
    told.tell(EndWished("silence"))
    return told


def test_what_a_runner_did_after_a_hang_up_is_done_once_that_is_refused_and_in_its_order() -> None:
    told = silent()
    told.runner("agent.say", text="__recording_pause:card")
    told.runner("agent.say", text="Your card's number, please.")
    told.runner("agent.fly")
    told.runner("agent.transfer", target="nobody")
    assert [*of(PauseRecording, told.all), *of(Say, told.all)] == []
    wanted = told.tell(HangUpRefused())
    first, second = (each for each in wanted if isinstance(each, PauseRecording | Say))
    assert (first, isinstance(second, Say)) == (PauseRecording("card"), True)
    assert {"type": "recording", "do": "pause", "reason": "card"} in [each.event for each in of(Report, wanted)]
    assert told.frames("state")[-2]["transfer_result"]["why"] == "not_a_number"
    assert told.tell(HangUpRefused()) == [], "and once"


def test_a_runner_that_hands_over_after_a_hang_up_hands_over_once_that_is_refused() -> None:
    told = silent()
    told.runner("agent.transfer", target=NUMBER)
    told.runner("agent.end_call", reason="transferred")
    wanted = told.tell(HangUpRefused())
    assert (of(Transfer, wanted), of(HangUp, wanted)) == ([Transfer("number", NUMBER, "cold", "")], [])


def test_a_runner_that_ends_the_call_after_a_hang_up_ends_it_once_that_is_refused() -> None:
    told = silent()
    told.runner("agent.say", text="Goodbye.")
    told.runner("agent.end_call", reason="done")
    wanted = told.tell(HangUpRefused())
    assert of(HangUp, wanted) == [], "its last words are heard first"
    (say,) = of(Say, wanted)
    assert of(HangUp, told.played(say.turn)) == [HangUp("done")]


def test_a_runner_that_ends_the_call_after_a_hang_up_and_leaves_is_not_missed() -> None:
    told = silent()
    told.runner("agent.end_call", reason="done")
    told.closes(1000)
    wanted = told.tell(HangUpRefused())
    assert (of(AskForBrain, wanted), of(HangUp, wanted)) == ([], [HangUp("done")])


def test_a_reply_goes_on_where_the_hang_up_came_into_it() -> None:
    told = talking()
    turn = told.says("Tell me everything.")
    told.runner("agent.text.delta", text="Once ")
    told.tell(EndWished("silence"))
    told.after(15_000 + 5 * 120)
    assert of(HangUp, told.all) == [HangUp("silence")]
    told.replies("upon ", "a time.")
    wanted = told.tell(HangUpRefused())
    assert of(Speak, wanted) == [Speak(turn, "upon "), Speak(turn, "a time.")]
    assert of(EndOfReply, wanted) == [EndOfReply(turn)]


def test_words_of_a_runners_own_accord_after_a_hang_up_are_no_reply_to_what_it_was_not_told() -> None:
    told = silent()
    turn = told.says("I am still here.")
    told.replies("Nobody picks up.")
    told.runner("agent.text.end")
    wanted = told.tell(HangUpRefused())
    (spoken,) = of(Speak, wanted)
    assert (spoken.text, spoken.turn == turn) == ("Nobody picks up.", False)
    assert len(of(StopSpeaking, wanted)) == 1, "the second end is an interruption by the agent itself"
    assert [frame["text"] for frame in told.frames("user.text")] == ["I am still here."]
    assert of(Speak, told.replies("Good.")) == [Speak(turn, "Good.")]


def test_what_was_said_before_the_runner_left_after_a_hang_up_is_asked_of_the_next() -> None:
    told = silent()
    told.says("I am still here.")
    told.closes(1006)
    told.tell(HangUpRefused())
    told.assign("SCL_1.1.2")
    told.arrive("SCL_1.1.2")
    assert [frame["text"] for frame in told.frames("user.text")] == ["I am still here."]


def test_what_a_runner_did_after_a_hang_up_that_is_not_refused_is_not_done() -> None:
    told = silent()
    told.runner("agent.say", text="Hello?")
    told.runner("agent.say", text="__recording_pause")
    told.tell(CallOver("AGENT_HUNG_UP_SILENCE_DETECTED", "completed"))
    assert [*of(Say, told.all), *of(PauseRecording, told.all)] == []


def test_a_runner_that_never_stops_talking_after_a_hang_up_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.bridge.rules.meanwhile.MOST_KEPT", 3)
    told = silent()
    for number in range(5):
        told.runner("agent.say", text=f"{number}")
    assert [each.text for each in of(Say, told.tell(HangUpRefused()))] == ["0", "1", "2"]
    for turn in [each.turn for each in of(Say, told.all)]:
        told.tell(SpeechPlayed(turn))
    assert not told.conversation.is_ending
