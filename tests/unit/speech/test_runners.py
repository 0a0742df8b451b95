"""A runner is asked for, dials in, is greeted, and is lost; at most one is there."""

from copy import replace

import pytest

from speech.bridge.model.actions import (
    AskForBrain,
    CloseBridge,
    Done,
    EndOfReply,
    HangUp,
    PassOver,
    Report,
    Say,
    SendFrame,
    ServeBrain,
    Speak,
)
from speech.bridge.model.events import (
    Answered,
    Assigned,
    BrainAnswered,
    CallOver,
    NoRunner,
    NoSuchCall,
    RunnerDialled,
    RunnerFrame,
    Served,
    Unreachable,
    UserInterrupted,
    Wait,
)
from speech.bridge.rules.seeking import PAUSES_MS
from tests.unit.speech.conversations import CALL, Told, frames, of, talking


def test_a_brain_is_asked_for_at_once() -> None:
    assert Told().all == [AskForBrain(1, "join")]


def test_the_handshake_waits_for_nothing() -> None:
    told = Told()
    assert of(SendFrame, told.dial()) == []
    wanted = told.runner("hello", supported_events=["state"], supported_verbs=["agent.say"])
    assert [frame["event"] for frame in map(told_frame, of(SendFrame, wanted))] == ["hello.ack", "call.started"]
    assert of(Report, wanted) == [Report({"type": "ready", "can_report": ["user_spoke", "transcript"]})]


def told_frame(action: SendFrame) -> dict[str, object]:
    (frame,) = [*frames([action], "hello.ack"), *frames([action], "call.started")]
    return frame


def test_a_runner_may_dial_before_its_assignment_is_heard_of() -> None:
    told = Told()
    told.arrive()
    told.assign()
    assert [*of(CloseBridge, told.all), *of(PassOver, told.all)] == []
    assert of(AskForBrain, told.after(60_000)) == []


def test_a_second_runner_is_sent_away_while_one_is_there() -> None:
    told = talking()
    assert told.tell(RunnerDialled(9, "SCL_1.1.2", "bot#2"))[0] == CloseBridge(9, 4009)
    assert told.tell(RunnerFrame(9, '{"event": "agent.say", "text": "me too"}')) == []


def test_a_runner_that_does_not_dial_is_asked_about_after_its_time() -> None:
    told = Told()
    told.assign()
    assert told.after(1_999) == []
    assert told.after(1) == [AskForBrain(2, "no_dial")]


def test_a_runner_that_may_still_dial_is_waited_for() -> None:
    told = Told()
    told.assign()
    told.after(2_000)
    told.answer(Wait(3.0))
    assert told.after(2_999) == []
    assert told.after(1) == [AskForBrain(3, "no_dial")]


def test_a_runner_that_was_passed_over_is_refused_and_the_next_one_is_let_in() -> None:
    told = Told()
    told.assign("SCL_1.1.1")
    told.after(2_000)
    assert told.assign("SCL_1.1.2") == [PassOver("SCL_1.1.1")]
    assert told.dial("SCL_1.1.1") == [CloseBridge(1, 4003)]
    assert frames(told.arrive("SCL_1.1.2"), "hello.ack")[0]["job_id"] == "SCL_1.1.2"


def test_a_job_that_was_given_on_behind_our_back_is_void_once_a_later_one_is_known() -> None:
    # Its first runner refused, the second was asked, and nobody told of it: that one dials when a third has the call.
    told = Told()
    told.assign("SCL_1.1.1")
    told.after(2_000)
    told.assign("SCL_1.1.3")
    assert told.dial("SCL_1.1.2") == [CloseBridge(1, 4003)]
    assert frames(told.arrive("SCL_1.1.3"), "hello.ack")[0]["job_id"] == "SCL_1.1.3"


def test_a_runner_that_dials_while_the_call_is_given_to_another_has_to_go() -> None:
    told = Told()
    told.assign("SCL_1.1.1")
    told.after(2_000)
    told.arrive("SCL_1.1.1")
    told.runner("agent.say", text="Hello from the first.")
    assert told.assign("SCL_1.1.2") == [PassOver("SCL_1.1.1"), CloseBridge(1, 1000)]
    told.arrive("SCL_1.1.2")
    told.runner("agent.say", text="Hello from the second.")
    assert [say.text for say in of(Say, told.tell(Answered()))] == ["Hello from the second."]


def test_where_nobody_is_free_it_is_asked_again_when_told() -> None:
    told = Told()
    told.answer(NoRunner("no_runner", 1.0))
    assert told.after(1_000) == [AskForBrain(2, "join")]


def test_an_answer_to_an_older_request_means_nothing() -> None:
    told = Told()
    told.answer(NoRunner("no_runner", 1.0))
    told.after(1_000)
    assert told.tell(BrainAnswered(1, Assigned("SCL_1.1.1", "w", 2.0))) == []
    assert of(AskForBrain, told.after(5_000)) == []


def test_a_control_plane_that_is_not_reached_is_asked_again() -> None:
    told = Told()
    told.answer(Unreachable("TimeoutError"))
    assert of(AskForBrain, told.after(1_000)) == [AskForBrain(2, "join")]


def test_a_brain_that_is_no_runner_is_served_and_talks_as_one() -> None:
    told = Told()
    brain = Served("prompt", {"instructions": "Be kind."})
    assert told.answer(brain) == [ServeBrain(brain)]
    told.bridge = -2
    told.arrive("prompt-1")
    told.tell(Answered())
    assert of(Say, told.runner("agent.say", text="Hello.")) == [Say(1, "Hello.")]


def test_a_call_that_is_gone_ends_the_conversation() -> None:
    told = Told()
    assert of(Done, told.answer(NoSuchCall("call_is_over"))) == [Done(None, None)]


def test_no_runner_at_all_ends_the_call_after_a_minute() -> None:
    told = Told()
    told.answer(NoRunner("no_runner", 1.0))
    wanted = []
    for _ in range(70):
        wanted += told.after(1_000)
        if of(AskForBrain, wanted[-1:]):
            told.answer(NoRunner("no_runner", 1.0))
    assert of(HangUp, told.all) == [HangUp("agent_failed")]


@pytest.mark.parametrize("direction", ["inbound", "web"])
def test_a_worker_that_gets_no_runner_for_a_caller_leaves_without_a_word(direction: str) -> None:
    """It has not come into the room, and another one may talk with the caller by then."""
    told = Told(replace(CALL, direction=direction))
    wanted = []
    for _ in range(70):
        told.answer(NoRunner("no_runner", 1.0))
        wanted += told.after(1_000)
        if of(Done, wanted):
            break
    assert of(Done, wanted) == [Done(None, None)]
    assert [*of(HangUp, told.all), *of(Report, told.all)] == []


def test_a_caller_whose_runner_is_lost_for_good_is_let_go() -> None:
    told = talking(replace(CALL, direction="inbound"))
    told.closes(1006)
    told.answer(NoRunner("no_runner", 60.0))
    assert of(HangUp, told.after(5_000)) == [HangUp("agent_failed")]


# ---------------------------------------------------------------- losing one


@pytest.mark.parametrize("code", [1006, 1009, 1011, 1012])
def test_a_runner_that_is_lost_is_followed_by_another_that_knows_the_talk(code: int) -> None:
    told = talking()
    told.says("Where is it?")
    told.replies("On its", " way.")
    told.says("When?")
    assert told.closes(code)[:2] == [PassOver("SCL_1.1.1"), AskForBrain(2, "lost")]
    told.assign("SCL_1.1.2")
    started = frames(told.arrive("SCL_1.1.2"), "call.started")[0]["metadata"]
    assert started["resumed"] is True
    assert started["data"]["turns"] == [
        {"role": "user", "content": "Where is it?"},
        {"role": "agent", "content": "On its way."},
    ]
    assert [frame["text"] for frame in told.frames("user.text")] == ["Where is it?", "When?", "When?"]


def test_a_runner_that_is_lost_in_the_very_first_turn_is_followed_by_one_that_knows_it() -> None:
    told = talking()
    told.says("Where is it?")
    told.closes(1006)
    told.assign("SCL_1.1.2")
    came = told.arrive("SCL_1.1.2")
    started = frames(came, "call.started")[0]["metadata"]
    assert (started["resumed"], started["data"]["turns"]) == (True, [])
    assert [frame["text"] for frame in frames(came, "user.text")] == ["Where is it?"]


def test_the_lost_runners_token_opens_nothing_any_more() -> None:
    told = talking()
    told.closes(1006)
    assert of(CloseBridge, told.dial("SCL_1.1.1")) == [CloseBridge(2, 4003)]


def test_a_reply_that_breaks_off_is_asked_for_again_under_another_number() -> None:
    told = talking()
    turn = told.says("How much?")
    told.runner("agent.text.delta", text="It costs")
    assert EndOfReply(turn) in told.closes(1006)
    told.assign("SCL_1.1.2")
    started = frames(told.arrive("SCL_1.1.2"), "call.started")[0]["metadata"]["data"]
    assert [each["content"] for each in started["turns"]] == ["How much?", "It costs"]
    assert [frame["text"] for frame in told.frames("user.text")] == ["How much?", "How much?"]
    (again,) = of(Speak, told.replies("Five."))
    assert again.text == "Five."
    assert again.turn != turn


def test_what_is_said_while_no_runner_is_there_is_sent_to_the_next_one() -> None:
    told = talking()
    told.closes(1006)
    told.says("Hello?")
    told.says("Anybody?")
    told.assign("SCL_1.1.2")
    assert [frame["text"] for frame in frames(told.arrive("SCL_1.1.2"), "user.text")] == ["Hello?", "Anybody?"]


def test_what_was_unanswered_when_somebody_spoke_into_it_is_answered_by_the_next_runner() -> None:
    """The voice has dropped the reply that it waited for: one under the same number would not be heard."""
    told = talking()
    first = told.says("How much?")
    told.closes(1006)
    told.tell(UserInterrupted(""))
    told.says("Hello?")
    told.assign("SCL_1.1.2")
    assert [frame["text"] for frame in frames(told.arrive("SCL_1.1.2"), "user.text")] == ["How much?", "Hello?"]
    (reply,) = of(Speak, told.replies("Five."))
    assert reply.turn != first
    assert [line["content"] for line in told.conversation.turns_to_keep()] == ["How much?", "Hello?", "Five."]


def test_a_call_without_a_runner_ends_as_failed_after_the_grace() -> None:
    told = talking()
    told.closes(1006)
    told.answer(NoRunner("no_runner", 60.0))
    assert of(HangUp, told.after(4_999)) == []
    wanted = told.after(1)
    assert wanted == [Report({"type": "hang_up", "reason": "agent_failed"}), HangUp("agent_failed")]


def test_before_the_answer_a_lost_runners_words_are_forgotten() -> None:
    told = Told()
    told.arrive()
    told.runner("agent.say", text="Hello from the first.")
    told.closes(1006)
    told.assign("SCL_1.1.2")
    started = frames(told.arrive("SCL_1.1.2"), "call.started")[0]["metadata"]
    assert started["resumed"] is False
    told.runner("agent.say", text="Hello from the second.")
    assert [say.text for say in of(Say, told.tell(Answered()))] == ["Hello from the second."]


def test_an_entrypoint_that_raises_three_times_loses_the_call_once() -> None:
    told = talking()
    for pause_ms in (200, 400):
        told.closes(1000)
        assert told.after(pause_ms) == []
        told.arrive()
    assert told.closes(1000)[:2] == [PassOver("SCL_1.1.1"), AskForBrain(2, "lost")]
    assert len(told.asked()) == 2


@pytest.mark.parametrize(("stays_ms", "says", "asked"), [(900, "Hello.", 2), (1_000, "Hello.", 1), (60_000, "", 2)])
def test_the_third_entrypoint_of_a_job_has_raised_if_it_did_nothing_or_was_over_at_once(
    stays_ms: int, says: str, asked: int
) -> None:
    told = talking()
    for pause_ms in (200, 400):
        told.closes(1000)
        told.after(pause_ms)
        told.arrive()
    if says:
        told.runner("agent.say", text=says)
    told.after(stays_ms)
    told.closes(1000)
    assert len(told.asked()) == asked


def test_a_runner_that_dials_again_gets_the_unanswered_turn_again() -> None:
    told = talking()
    told.says("Are you there?")
    told.closes(1000)
    told.after(200)
    assert [frame["text"] for frame in frames(told.arrive(), "user.text")] == ["Are you there?"]


@pytest.mark.parametrize("code", [1000, 1001])
def test_a_runner_that_closes_and_does_not_dial_again_has_ended_the_call(code: int) -> None:
    told = talking()
    assert of(HangUp, told.closes(code)) == []
    assert of(HangUp, told.after(1_000)) == [HangUp("agent_left")]
    assert len(told.asked()) == 1


def test_runners_that_come_and_go_without_end_are_one_failure() -> None:
    told = talking()
    for number in range(2, 20):
        told.closes(1006)
        if of(HangUp, told.all):
            break
        told.assign(f"SCL_1.1.{number}")
        told.arrive(f"SCL_1.1.{number}")
    assert of(HangUp, told.all) == [HangUp("agent_failed")]
    assert len(told.asked()) < 10


def test_after_each_runner_that_is_lost_in_a_row_the_next_one_is_asked_for_later() -> None:
    """What a customer's agent lacks for a second or two may be there again by then."""
    told = talking()
    for number, pause_ms in enumerate(PAUSES_MS, 2):
        asked = of(AskForBrain, told.closes(1006))
        if pause_ms:
            assert asked == []
            assert of(AskForBrain, told.after(pause_ms - 1)) == []
            asked = of(AskForBrain, told.after(1))
        assert asked == [AskForBrain(number, "lost")]
        told.assign(f"SCL_1.1.{number}")
        told.arrive(f"SCL_1.1.{number}")
    assert of(HangUp, told.closes(1006)) == [HangUp("agent_failed")]


def test_a_runner_that_dials_while_the_next_one_is_not_asked_for_yet_is_let_in() -> None:
    told = talking()
    told.closes(1006)
    told.assign("SCL_1.1.2")
    told.arrive("SCL_1.1.2")
    told.closes(1006)
    assert told.frames("call.started")[2:] == []
    told.arrive("SCL_1.1.3")
    assert len(told.frames("call.started")) == 3
    assert of(AskForBrain, told.after(PAUSES_MS[1])) == []


def test_a_runner_that_stayed_for_long_begins_the_count_anew() -> None:
    told = talking()
    for number in range(2, 20):
        told.after(30_000)
        told.closes(1006)
        told.assign(f"SCL_1.1.{number}")
        told.arrive(f"SCL_1.1.{number}")
    assert of(HangUp, told.all) == []


def test_a_runner_that_says_no_hello_is_lost() -> None:
    told = Told()
    told.dial()
    assert told.after(10_000)[:3] == [CloseBridge(1, 1000), PassOver("SCL_1.1.1"), AskForBrain(2, "lost")]


def test_a_call_whose_own_data_fits_into_no_frame_fails() -> None:
    told = Told(replace(CALL, data={"book": "x" * 2**20}))
    told.dial()
    wanted = told.runner("hello")
    assert of(SendFrame, wanted) == []
    assert of(HangUp, wanted) == [HangUp("agent_failed")]


def test_after_the_end_every_dial_is_refused() -> None:
    told = talking()
    told.tell(CallOver("USER_HUNG_UP_IN_CALL", "completed"))
    assert told.dial() == [CloseBridge(2, 4003)]
    assert told.runner("hello") == []


@pytest.mark.parametrize(
    "frame",
    ["", "[]", "7", "nothing", '{"event": "agent.fly"}', '{"event": 7}', '{"event": "agent.say"}', "[" * 100_000],
)
def test_a_frame_that_cannot_be_read_changes_nothing(frame: str) -> None:
    told = talking()
    told.tell(RunnerFrame(told.bridge, frame))
    told.says("Hello?")
    assert of(Speak, told.replies("Still here.")) == [Speak(1, "Still here.")]


@pytest.mark.parametrize(
    "event", ["agent.dispatch", "agent.add_participant", "agent.remove_participant", "agent.merge", "hello"]
)
def test_verbs_that_no_method_of_the_sdk_sends_change_nothing(event: str) -> None:
    told = talking()
    wanted = told.runner(event, agent_id="another", participant_id="p", source_session_id="SCL_2")
    assert [type(action).__name__ for action in wanted] == ["Note"]


def test_a_runner_that_had_to_go_and_whose_follower_does_not_come_is_missed_no_longer_than_any_other() -> None:
    told = talking()
    told.closes(1006)
    told.dial("SCL_1.1.2")
    told.runner("hello")
    told.assign("SCL_1.1.3")
    assert of(HangUp, told.after(5_000)) == [HangUp("agent_failed")]
