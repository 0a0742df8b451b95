"""Who speaks when: words wait for the answer, replies belong to turns by their order, nobody hears what was cut."""

import json
from copy import replace
from typing import Any

import pytest

from speech.bridge.kept_turns import kept_turns
from speech.bridge.model.actions import (
    EndOfReply,
    Note,
    PauseRecording,
    Report,
    ResumeRecording,
    Say,
    SendFrame,
    Speak,
    StopSpeaking,
)
from speech.bridge.model.events import (
    Answered,
    CallOver,
    Measured,
    MessageCame,
    TonesSent,
    UserInterrupted,
    UserSaid,
    UserSilent,
    UserSpoke,
    VoicemailHeard,
)
from speech.bridge.model.letters import Letters, in_whole_letters
from speech.bridge.rules.speaking import FILLER_AFTER_MS
from tests.unit.speech.conversations import CALL, Told, frames, of, states, talking

SMILE = "\U0001f600"
FIRST, SECOND = "\ud83d", "\ude00"
"""Letters that come in halves, as JSON may have them."""


def test_what_is_said_before_the_answer_is_held_and_then_said_in_its_order() -> None:
    told = Told()
    told.arrive()
    held = [*told.runner("agent.say", text="Hello."), *told.replies("I am ", "Bot.")]
    assert [*of(Say, held), *of(Speak, held)] == []
    spoken = told.tell(Answered())
    assert spoken[:4] == [Say(1, "Hello."), Speak(2, "I am "), Speak(2, "Bot."), EndOfReply(2)]


def test_the_answer_may_come_before_the_runner() -> None:
    told = Told()
    told.tell(Answered())
    told.arrive()
    assert of(Say, told.runner("agent.say", text="Hello.")) == [Say(1, "Hello.")]


def test_replies_belong_to_turns_in_their_order() -> None:
    told = talking()
    first, second = told.says("one"), told.says("two")
    assert of(Speak, told.replies("re one")) == [Speak(first, "re one")]
    assert of(Speak, told.replies("re two")) == [Speak(second, "re two")]


def test_the_language_goes_where_the_sdk_looks_for_it() -> None:
    told = talking()
    (frame,) = frames(told.tell(UserSaid(1, "नमस्ते", "hi")), "user.text")
    assert frame["extra"] == {"language": "hi"}


def test_an_empty_reply_ends_its_turn() -> None:
    told = talking()
    turn = told.says("hm")
    assert told.replies() == [EndOfReply(turn), *of(SendFrame, told.all[-1:])]


def test_a_turn_without_words_is_no_turn() -> None:
    told = talking()
    assert told.tell(UserSaid(1, " ")) == [EndOfReply(1)]


def test_words_that_nobody_asked_for_are_spoken() -> None:
    told = talking()
    (speak,) = of(Speak, told.replies("By the way."))
    assert speak.text == "By the way."


def test_barge_in_tells_what_was_heard_and_drops_the_rest_of_the_reply() -> None:
    told = talking()
    turn = told.says("Tell me a story.")
    told.runner("agent.text.delta", text="Once upon a time ")
    wanted = told.tell(UserInterrupted("Once upon"))
    assert frames(wanted, "user.interrupted") == [
        {"event": "user.interrupted", "turn_id": turn, "heard_prefix": "Once upon"}
    ]
    assert states(wanted) == ["interrupted", "listening"]
    stop = told.says("Stop.")
    late = told.replies("there was a king")
    assert [*of(Speak, late), *of(EndOfReply, late)] == []
    assert of(Speak, told.replies("Fine.")) == [Speak(stop, "Fine.")]


def test_barge_in_after_the_reply_was_complete_drops_nothing_of_the_next() -> None:
    told = talking()
    told.says("Tell me a story.")
    told.replies("Once upon a time.")
    told.tell(UserInterrupted("Once"))
    stop = told.says("Stop.")
    assert of(Speak, told.replies("Fine.")) == [Speak(stop, "Fine.")]


def test_another_runner_is_told_what_was_heard_and_not_what_was_said() -> None:
    told = talking()
    told.says("Tell me two stories.")
    told.replies("Once upon a time.")
    told.runner("agent.say", text="And another one.")
    told.tell(UserInterrupted("Once"))
    told.closes(1006)
    told.assign("SCL_1.1.2")
    turns = frames(told.arrive("SCL_1.1.2"), "call.started")[0]["metadata"]["data"]["turns"]
    assert [turn["content"] for turn in turns] == ["Tell me two stories.", "Once"]


def test_who_speaks_into_a_filler_has_heard_nothing_of_the_reply() -> None:
    told = talking(replace(CALL, can_report=("transcript",)))
    told.runner("agent.say", text="__filler:One moment.")
    told.says("Tell me a story.")
    told.after(FILLER_AFTER_MS)
    assert [say.filler for say in of(Say, told.all)] == [True]
    told.replies("Once upon a time.")
    told.runner("agent.say", text="And another one.")
    (frame,) = frames(told.tell(UserInterrupted("One mo")), "user.interrupted")
    assert frame["heard_prefix"] == ""
    told.tell(CallOver("USER_HUNG_UP_IN_CALL", "completed"))
    (report,) = [report.event for report in of(Report, told.all) if report.event["type"] == "transcript"]
    assert [turn["content"] for turn in report["turns"]] == ["Tell me a story."]


def test_an_interruption_while_no_runner_is_there_leaves_the_next_turn_to_be_answered() -> None:
    told = talking()
    told.says("One.")
    told.replies("A long reply.")
    told.closes(1006)
    told.says("Two.")
    told.tell(UserInterrupted("A long"))
    told.assign("SCL_1.1.2")
    told.arrive("SCL_1.1.2")
    assert [speak.text for speak in of(Speak, told.replies("Re two."))] == ["Re two."]


def test_a_turn_without_a_word_is_given_up_after_its_time() -> None:
    told = talking()
    turn = told.says("Anybody?")
    assert told.after(19_999) == []
    assert told.after(1)[:2] == [Note("turn given up", {"replied": False}), EndOfReply(turn)]
    following = told.says("Hello?")
    assert of(Speak, told.replies("Here.")) == [Speak(following, "Here.")]


def test_a_reply_that_streams_for_long_is_not_given_up() -> None:
    told = talking()
    turn = told.says("Sing.")
    for _ in range(5):
        told.after(15_000)
        assert of(Speak, told.runner("agent.text.delta", text="la ")) == [Speak(turn, "la ")]


def test_a_slow_reply_is_heard_though_its_turn_was_given_up() -> None:
    told = talking()
    told.says("Think hard.")
    told.after(25_000)
    assert [speak.text for speak in of(Speak, told.replies("Forty-two."))] == ["Forty-two."]


def test_the_agent_stops_its_own_speech() -> None:
    told = talking()
    told.runner("agent.say", text="A long announcement.")
    assert of(StopSpeaking, told.runner("agent.text.end")) == [StopSpeaking()]
    assert of(StopSpeaking, told.runner("agent.text.end")) == []


# ---------------------------------------------------------------- orders in agent.say


def test_recording_is_paused_and_resumed() -> None:
    told = talking()
    paused = Report({"type": "recording", "do": "pause", "reason": "card number"})
    assert told.runner("agent.say", text="__recording_pause:card number") == [PauseRecording("card number"), paused]
    unexplained = Report({"type": "recording", "do": "pause", "reason": None})
    assert told.runner("agent.say", text="__recording_pause:") == [PauseRecording(""), unexplained]
    resumed = Report({"type": "recording", "do": "resume"})
    assert told.runner("agent.say", text="__recording_resume") == [ResumeRecording(), resumed]


def test_a_message_from_outside_reaches_the_runner_as_what_else_stands_in_a_state() -> None:
    told = talking()
    message = {"message_id": "msg_1", "text": "Be brief", "data": {}}
    (sent,) = of(SendFrame, told.tell(MessageCame(message)))
    frame = json.loads(sent.text)
    assert (frame["event"], frame["message"]) == ("state", message)


def test_tones_that_were_sent_are_told_of() -> None:
    told = talking()
    assert told.tell(TonesSent("dtmf_1")) == [Report({"type": "dtmf", "dtmf_id": "dtmf_1", "error": None})]


def test_an_order_of_a_later_sdk_is_not_spoken() -> None:
    told = talking()
    assert told.runner("agent.say", text="__volume:7") == [
        Note("frame ignored", {"what": "unknown order in agent.say"})
    ]


@pytest.mark.parametrize("text", ["__Hello__ there", "__", "_filler:x", "__note__: this"])
def test_words_that_merely_begin_like_an_order_are_spoken(text: str) -> None:
    assert of(Say, talking().runner("agent.say", text=text)) == [Say(1, text)]


def test_a_filler_is_said_once_a_turn_and_is_no_part_of_the_talk() -> None:
    told = talking()
    told.runner("agent.say", text="__filler:One moment.")
    told.says("What time is it?")
    assert told.after(1_199) == []
    (filler,) = of(Say, told.after(1))
    assert (filler.text, filler.filler) == ("One moment.", True)
    told.played(filler.turn)
    assert of(Say, told.after(10_000)) == []
    told.replies("Noon.")
    transcript = told.tell(CallOver("USER_HUNG_UP_IN_CALL", "completed"))
    (report,) = of(Report, transcript)
    assert [turn["content"] for turn in report.event["turns"]] == ["What time is it?", "Noon."]


def test_an_agent_that_answers_in_time_needs_no_filler() -> None:
    told = talking()
    told.runner("agent.say", text="__filler:One moment.")
    told.says("What time is it?")
    told.after(1_000)
    told.runner("agent.text.delta", text="Noon")
    assert of(Say, told.after(5_000)) == []


def test_an_empty_filler_takes_it_back() -> None:
    told = talking()
    told.runner("agent.say", text="__filler:One moment.")
    told.runner("agent.say", text="__filler:")
    told.says("What time is it?")
    assert of(Say, told.after(5_000)) == []


# ---------------------------------------------------------------- what is told


def test_the_agent_sees_the_state_of_the_talk() -> None:
    told = talking()
    turn = told.says("Hello.")
    told.replies("Hi.")
    told.played(turn)
    assert states(told.all) == ["listening", "thinking", "speaking", "listening"]


def test_a_reply_counts_as_heard_only_when_it_is_complete() -> None:
    told = talking()
    turn = told.says("Hello.")
    told.runner("agent.text.delta", text="Hi ")
    assert states(told.played(turn)) == []


def test_the_first_word_and_the_first_after_a_silence_are_reported() -> None:
    told = talking()
    told.tell(UserSpoke())
    told.says("Hello.")
    told.says("Hello?")
    told.tell(UserSilent(8.0))
    told.tell(UserSpoke())
    reported: list[Any] = [report.event for report in of(Report, told.all)]
    assert reported[1:] == [{"type": "user_spoke"}, {"type": "silence", "silent_s": 8.0}, {"type": "user_spoke"}]


def test_the_transcript_has_the_times_of_the_turns() -> None:
    told = talking()
    told.tell(UserSaid(1, "Hello.", at_ms=999_000))
    told.after(500)
    told.replies("Hi.")
    (report,) = of(Report, told.tell(CallOver("USER_HUNG_UP_IN_CALL", "completed")))
    assert report.event == {
        "type": "transcript",
        "turns": [
            {"role": "user", "content": "Hello.", "timestamp": 999_000},
            {"role": "agent", "content": "Hi.", "timestamp": 1_000_500},
        ],
        "final": True,
    }


@pytest.mark.parametrize("measured_ms", [12.5, 12.4, 12])
def test_times_are_told_in_whole_milliseconds(measured_ms: float) -> None:
    told = talking()
    assert frames(told.tell(Measured(ttfa_ms=measured_ms)), "metric") == [
        {"event": "metric", "turns": 0, "ttfa_ms": 12}
    ]


def test_a_voicemail_is_reported_with_what_shows_it_and_its_agent_is_told() -> None:
    told = talking()
    wanted = told.tell(VoicemailHeard("a tone of 1000 Hz after a greeting"))
    assert of(Report, wanted) == [Report({"type": "voicemail", "why": "a tone of 1000 Hz after a greeting"})]
    (frame,) = frames(wanted, "state")
    assert frame["voicemail"] == {"why": "a tone of 1000 Hz after a greeting"}


# ---------------------------------------------------------------- letters in halves


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (["Hi ", FIRST, SECOND], ["Hi ", "", SMILE]),
        ([f"Hi {FIRST}", f"{SECOND}!"], ["Hi ", f"{SMILE}!"]),
        ([FIRST, "no"], ["", "\ufffdno"]),
        ([SECOND, "no"], ["\ufffd", "no"]),
        ([SMILE, "é"], [SMILE, "é"]),
    ],
    ids=["apart", "beside others", "a first one alone", "a second one alone", "whole ones"],
)
def test_a_letter_that_comes_in_halves_is_whole(pieces: list[str], whole: list[str]) -> None:
    letters = Letters()
    assert [letters.whole(piece) for piece in pieces] == whole


def test_a_half_at_the_end_is_nothing_to_the_next_text() -> None:
    letters = Letters()
    assert letters.whole(f"Hi{FIRST}") == "Hi"
    letters.end()
    assert letters.whole("there") == "there"


def test_a_text_at_once_has_whole_letters() -> None:
    assert in_whole_letters(f"a{FIRST}{SECOND}b{FIRST}") == f"a{SMILE}b\ufffd"


def test_a_reply_in_halves_is_spoken_and_kept_in_whole_letters() -> None:
    told = talking()
    told.says("Hello?")
    spoken = "".join(action.text for action in of(Speak, told.replies("Hi ", FIRST, SECOND)))
    assert spoken == f"Hi {SMILE}"
    assert SMILE in kept_turns(told.conversation.turns_to_keep())
