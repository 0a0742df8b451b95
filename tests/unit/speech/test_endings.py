"""The end: after the last words, once, with its reason; and calls that are handed over."""

from copy import replace
from typing import Any

import pytest

from speech.bridge.model.actions import CloseBridge, Done, HangUp, Report, Say, Speak, Transfer
from speech.bridge.model.events import (
    Answered,
    CallOver,
    EndWished,
    OtherSideLeft,
    TransferEnded,
    UserInterrupted,
)
from tests.unit.speech.conversations import CALL, Told, frames, of, talking

NUMBER = "+15550111"


# ---------------------------------------------------------------- told


def test_the_agent_is_told_why_its_call_ended_before_the_bridge_closes() -> None:
    told = talking()
    turn = told.says("Bye.")
    wanted = told.tell(CallOver("USER_HUNG_UP_IN_CALL", "completed"))
    assert frames(wanted, "state")[-1] == {
        "event": "state",
        "state": "idle",
        "turn_id": turn,
        "end_reason": "USER_HUNG_UP_IN_CALL",
        "status": "completed",
        "call_id": "SCL_1",
    }
    assert of(CloseBridge, wanted) == [CloseBridge(1, 1000)]
    assert wanted[-1] == Done("USER_HUNG_UP_IN_CALL", "completed")
    assert frames(told.all, "error") == []


def test_what_was_said_is_reported_before_it_is_asked_why_the_call_ended_and_once() -> None:
    told = talking(replace(CALL, can_report=("transcript",)))
    told.says("Bye.")
    (reported,) = of(Report, told.tell(OtherSideLeft()))
    assert reported.event["final"] and [turn["content"] for turn in reported.event["turns"]] == ["Bye."]
    assert of(Report, told.tell(CallOver("AGENT_HUNG_UP_VOICEMAIL_DETECTED", "completed"))) == []


def test_words_that_are_understood_after_the_other_side_has_left_are_reported_too() -> None:
    told = talking(replace(CALL, can_report=("transcript",)))
    told.tell(OtherSideLeft())
    told.says("Bye.")
    (reported,) = of(Report, told.tell(CallOver("USER_HUNG_UP_IN_CALL", "completed")))
    assert [turn["content"] for turn in reported.event["turns"]] == ["Bye."]


def test_a_call_that_nobody_answered_ends_in_the_same_way() -> None:
    told = Told()
    told.arrive()
    told.runner("agent.say", text="Hello.")
    wanted = told.tell(CallOver("VOICEMAIL_DETECTED_PRECONNECT", "failed"))
    assert frames(wanted, "state")[-1]["end_reason"] == "VOICEMAIL_DETECTED_PRECONNECT"
    assert of(Say, wanted) == []


def test_an_error_is_told_only_when_it_is_over_and_after_the_reason() -> None:
    told = talking()
    wanted = told.tell(CallOver("CONNECTION_LOST", "completed", error="the media connection broke"))
    (error,) = frames(wanted, "error")
    assert (error["code"], error["message"]) == ("CONNECTION_LOST", "the media connection broke")
    sent = [frame for frame in wanted if isinstance(frame, CloseBridge) or hasattr(frame, "text")]
    assert [getattr(each, "text", "")[:16] for each in sent] == ['{"event":"state"', '{"event":"error"', ""]


def test_a_call_is_over_once() -> None:
    told = talking()
    told.tell(CallOver("USER_HUNG_UP_IN_CALL", "completed"))
    assert told.tell(CallOver("API_HUNG_UP", "completed")) == []
    assert told.after(600_000) == []


# ---------------------------------------------------------------- the agent hangs up


def test_the_agent_hangs_up_after_its_last_words_were_heard() -> None:
    told = talking()
    turn = told.says("Thank you, bye.")
    told.runner("agent.text.delta", text="Good")
    assert of(HangUp, told.runner("agent.end_call", reason="goodbye")) == []
    assert of(Speak, told.runner("agent.text.delta", text="bye.")) == [Speak(turn, "bye.")]
    assert of(HangUp, told.runner("agent.text.end")) == []
    wanted = told.played(turn)
    assert of(Report, wanted) == [Report({"type": "hang_up", "reason": "goodbye"})]
    assert of(HangUp, wanted) == [HangUp("goodbye")]


def test_an_agent_that_says_nothing_more_hangs_up_at_once() -> None:
    told = talking()
    assert of(HangUp, told.runner("agent.end_call", reason="done")) == [HangUp("done")]


def test_an_agent_that_hangs_up_in_a_turn_may_still_begin_its_last_words() -> None:
    told = talking()
    turn = told.says("Bye.")
    assert of(HangUp, told.runner("agent.end_call", reason="done")) == []
    told.after(1_000)
    told.replies("Bye!")
    assert of(HangUp, told.played(turn)) == []
    assert of(HangUp, told.after(1_000)) == [HangUp("done")]


def test_an_agent_without_an_adapter_hangs_up_after_what_it_said() -> None:
    told = talking()
    told.says("Bye.")
    (say,) = of(Say, told.runner("agent.say", text="Goodbye."))
    told.runner("agent.end_call", reason="done")
    assert of(HangUp, told.played(say.turn)) == [HangUp("done")]


def test_last_words_that_are_interrupted_are_the_end() -> None:
    told = talking()
    told.runner("agent.say", text="Goodbye, and thank you for calling.")
    told.runner("agent.end_call", reason="done")
    assert of(HangUp, told.tell(UserInterrupted("Goodbye"))) == [HangUp("done")]


def test_words_held_until_the_answer_are_heard_before_the_end() -> None:
    told = Told()
    told.arrive()
    (*_,) = told.runner("agent.say", text="Wrong number, sorry.")
    told.runner("agent.end_call", reason="wrong_number")
    told.closes(1000)
    assert of(HangUp, told.after(60_000)) == []
    (say,) = of(Say, told.tell(Answered()))
    assert of(HangUp, told.played(say.turn)) == [HangUp("wrong_number")]


def test_a_voice_that_never_says_what_was_heard_does_not_keep_the_call() -> None:
    told = talking()
    told.runner("agent.say", text="x" * 100)
    told.runner("agent.end_call", reason="done")
    assert of(HangUp, told.after(15_000 + 100 * 120 - 1)) == []
    assert of(HangUp, told.after(1)) == [HangUp("done")]


def test_words_that_still_come_make_the_wait_for_the_last_one_longer() -> None:
    told = talking()
    told.says("Tell me everything, then bye.")
    told.runner("agent.text.delta", text="Once ")
    told.runner("agent.end_call", reason="done")
    for _ in range(5):
        assert of(HangUp, told.after(14_000)) == []
        told.runner("agent.text.delta", text="more ")
    assert of(HangUp, told.after(30_000)) == [HangUp("done")]


def test_an_end_that_nobody_tells_of_is_presumed() -> None:
    told = talking()
    told.runner("agent.end_call", reason="silence_timeout")
    assert of(Done, told.after(14_999)) == []
    assert of(Done, told.after(1)) == [Done("AGENT_HUNG_UP_SILENCE_DETECTED", "completed")]
    assert told.frames("state")[-1]["end_reason"] == "AGENT_HUNG_UP_SILENCE_DETECTED"


def test_the_first_reason_counts() -> None:
    told = talking()
    told.runner("agent.say", text="Bye.")
    told.runner("agent.end_call", reason="first")
    told.runner("agent.end_call", reason="second")
    told.tell(EndWished("third"))
    told.played(1)
    assert of(HangUp, told.all) == [HangUp("first")]


def test_the_voice_may_end_the_call_too() -> None:
    told = talking()
    told.runner("agent.say", text="Are you still there?")
    assert of(HangUp, told.tell(EndWished("silence"))) == []
    assert of(HangUp, told.played(1)) == [HangUp("silence")]


def test_a_runner_that_is_gone_after_it_ended_the_call_is_not_missed() -> None:
    told = talking()
    told.runner("agent.say", text="Goodbye.")
    told.runner("agent.end_call", reason="completed")
    told.closes(1006)
    assert len(told.asked()) == 1
    assert of(HangUp, told.played(1)) == [HangUp("completed")]


def test_what_is_said_into_the_end_is_kept_and_not_answered() -> None:
    told = talking()
    told.runner("agent.say", text="Goodbye.")
    told.runner("agent.end_call", reason="completed")
    told.says("Bye!")
    assert told.frames("user.text") == []
    (report,) = of(Report, told.tell(CallOver("AGENT_HUNG_UP", "completed")))
    assert [turn["content"] for turn in report.event["turns"]] == ["Goodbye.", "Bye!"]


# ---------------------------------------------------------------- the agent hands over


def results(told: Told) -> list[Any]:
    return [frame["transfer_result"] for frame in told.frames("state") if "transfer_result" in frame]


def reports(told: Told) -> list[Any]:
    return [report.event["status"] for report in of(Report, told.all) if report.event["type"] == "transfer"]


@pytest.mark.parametrize(
    ("numbers", "prefixes", "target", "why"),
    [
        (None, None, NUMBER, None),
        ((NUMBER,), None, NUMBER, None),
        ((), ("+1555",), NUMBER, None),
        ((), (), NUMBER, "not_allowed"),
        ((), None, NUMBER, "not_allowed"),
        (None, (), NUMBER, "not_allowed"),
        (("+15550112",), ("+44",), NUMBER, "not_allowed"),
        (None, None, "5550111", "not_a_number"),
        (None, None, "+15550111;phone-context=evil", "not_a_number"),
        (None, None, "", "no_target"),
    ],
)
def test_an_agent_hands_over_only_to_whom_the_call_allows(
    numbers: tuple[str, ...] | None, prefixes: tuple[str, ...] | None, target: str, why: str | None
) -> None:
    told = talking(replace(CALL, transfer_numbers=numbers, transfer_prefixes=prefixes))
    told.runner("agent.transfer", target=target)
    if why is None:
        assert of(Transfer, told.all) == [Transfer("number", target, "cold", "")]
    else:
        assert of(Transfer, told.all) == []
        assert results(told) == [{"target": target, "result": "refused", "why": why}]


@pytest.mark.parametrize(("kind", "target"), [("agent", "sales"), ("human", "queue-1")])
def test_the_lists_bind_numbers_only(kind: str, target: str) -> None:
    told = talking(replace(CALL, transfer_numbers=()))
    told.runner("agent.transfer", transfer_type=kind, target=target, mode="warm", announcement="One moment.")
    assert of(Transfer, told.all) == [Transfer(kind, target, "warm", "One moment.")]


@pytest.mark.parametrize("field", [{"transfer_type": "fax"}, {"mode": "hot"}])
def test_a_transfer_of_a_kind_that_is_not_known_is_refused(field: dict[str, str]) -> None:
    told = talking()
    told.runner("agent.transfer", target=NUMBER, **field)
    assert of(Transfer, told.all) == []
    assert results(told)[0]["result"] == "refused"


def test_a_call_is_handed_over_after_the_words_before_it_were_heard() -> None:
    told = talking()
    turn = told.says("A human, please.")
    told.runner("agent.text.delta", text="I will connect you.")
    told.runner("agent.transfer", target=NUMBER)
    told.runner("agent.text.end")
    assert of(Transfer, told.all) == []
    assert len(of(Transfer, told.played(turn))) == 1


def test_a_call_is_handed_over_once_at_a_time() -> None:
    told = talking()
    told.runner("agent.transfer", target=NUMBER)
    told.runner("agent.transfer", target="+15550112")
    assert len(of(Transfer, told.all)) == 1
    assert results(told) == [{"target": "+15550112", "result": "refused", "why": "already_transferring"}]


def test_a_transfer_that_fails_is_told_and_the_call_goes_on() -> None:
    told = talking()
    told.runner("agent.transfer", target=NUMBER)
    told.tell(TransferEnded(done=False, why="busy"))
    assert results(told) == [{"target": NUMBER, "result": "failed", "why": "busy"}]
    assert reports(told) == [], "whoever carried it out knows"
    turn = told.says("Hello?")
    assert of(Speak, told.replies("Nobody picks up."))
    told.played(turn)
    told.runner("agent.transfer", target=NUMBER)
    assert len(of(Transfer, told.all)) == 2


def test_a_cold_transfer_that_is_done_ends_the_call_by_the_word_of_the_control_plane() -> None:
    told = talking()
    told.runner("agent.transfer", target=NUMBER)
    told.tell(TransferEnded(done=True))
    assert results(told) == [{"target": NUMBER, "result": "completed", "why": None}]
    assert reports(told) == []
    assert told.tell(CallOver("CALL_TRANSFERRED", "completed"))[-1] == Done("CALL_TRANSFERRED", "completed")
    assert of(HangUp, told.all) == []


@pytest.mark.parametrize(("mode", "within_ms", "status"), [("cold", 5_000, "completed"), ("warm", 0, "active")])
def test_a_transfer_that_is_done_ends_the_agents_part(mode: str, within_ms: int, status: str) -> None:
    told = talking()
    told.runner("agent.transfer", target=NUMBER, mode=mode)
    told.tell(TransferEnded(done=True))
    assert reports(told) == (["completed"] if mode == "warm" else []), "the agent says when it has handed over"
    assert of(Done, told.after(within_ms)) == [Done("CALL_TRANSFERRED", status)]


def test_an_agent_that_ends_the_call_after_its_transfer_does_not_cut_it_off() -> None:
    told = talking()
    told.runner("agent.transfer", target=NUMBER)
    told.runner("agent.end_call", reason="transferred")
    told.closes(1000)
    assert of(HangUp, told.after(60_000)) == []
    assert of(HangUp, told.tell(TransferEnded(done=False, why="no_answer"))) == [HangUp("transferred")]


def test_nobody_is_handed_over_before_the_answer() -> None:
    told = Told()
    told.arrive()
    told.runner("agent.transfer", target=NUMBER)
    told.tell(Answered())
    assert of(Transfer, told.all) == []
    assert results(told) == [{"target": NUMBER, "result": "refused", "why": "not_answered"}]
