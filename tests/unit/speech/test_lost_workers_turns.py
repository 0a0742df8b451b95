"""What was said is kept outside of the process that heard it, and another one goes on from there."""

import json
from copy import replace

from speech.bridge.kept_turns import MOST_KEPT_BYTES, kept_turns
from speech.bridge.model.call import CallFacts
from speech.bridge.model.events import UserInterrupted
from tests.unit.speech.conversations import CALL, Told, frames, talking


def successor_of(told: Told) -> CallFacts:
    """The call as the next speech worker is dispatched to it."""
    turns = json.loads(kept_turns(told.conversation.turns_to_keep()))
    metadata = {"call_id": CALL.call_id, "agent_id": CALL.agent_id, "resumed": True, "turns": turns}
    return CallFacts.of_dispatch(metadata)


def started(told: Told) -> dict[str, object]:
    (frame,) = told.frames("call.started")
    metadata: dict[str, object] = frame["metadata"]
    return metadata


def said_before(told: Told) -> list[tuple[str, str]]:
    data = started(told)["data"]
    assert isinstance(data, dict)
    return [(turn["role"], turn["content"]) for turn in data.get("turns", [])]


def test_the_successor_of_a_lost_worker_knows_what_was_said_and_asks_the_open_turn_again() -> None:
    lost = talking()
    lost.says("Hello?")
    lost.replies("Good ", "morning.")
    lost.says("How much is it?")
    lost.runner("agent.text.delta", text="It is")
    successor = talking(successor_of(lost))
    assert started(successor)["resumed"] is True
    assert said_before(successor) == [("user", "Hello?"), ("agent", "Good morning.")]
    assert [frame["text"] for frame in successor.frames("user.text")] == ["How much is it?"]
    successor.replies("Ten.")
    successor.says("Thanks.")
    turns = successor.conversation.turns_to_keep()
    assert [(turn["content"], turn.get("open", False)) for turn in turns] == [
        ("Hello?", False), ("Good morning.", False), ("How much is it?", False), ("Ten.", False), ("Thanks.", True),
    ]  # fmt: skip


def test_what_was_not_heard_of_a_reply_is_not_kept() -> None:
    lost = talking()
    lost.says("Hello?")
    lost.runner("agent.text.delta", text="Good morning to you.")
    lost.tell(UserInterrupted("Good mor"))
    lost.runner("agent.text.end")
    assert said_before(talking(successor_of(lost))) == [("user", "Hello?"), ("agent", "Good mor")]


def test_a_call_that_begins_has_no_turns() -> None:
    assert (said_before(talking()), talking().conversation.turns_to_keep()) == ([], [])
    assert CallFacts.of_dispatch({"call_id": "c", "turns": [{"role": "user"}, "?", None]}).turns == ()


def test_a_long_talk_keeps_its_last_turns() -> None:
    turns = [{"role": "user", "content": f"{number} {'ä' * 400}", "at": number} for number in range(100)]
    kept = kept_turns(turns)
    assert len(kept.encode()) <= MOST_KEPT_BYTES
    last = json.loads(kept)
    assert last == turns[-len(last) :] and len(last) > 10
    assert kept_turns([]) == "[]"


def test_the_transcript_of_a_resumed_call_is_that_of_all_of_it() -> None:
    lost = talking()
    lost.says("Hello?")
    lost.replies("Good morning.")
    successor = talking(replace(successor_of(lost), can_report=("transcript",)))
    kept = [turn["content"] for turn in successor.conversation.turns_to_keep()]
    assert kept == ["Hello?", "Good morning."]
    assert frames(successor.all, "user.text") == []


def test_a_question_whose_reply_broke_off_with_its_runner_stays_open_and_the_pieces_are_left_out() -> None:
    lost = talking()
    lost.says("How much is it?")
    for number in range(2, 4):
        lost.runner("agent.text.delta", text=f"It is {number}")
        lost.closes(1006)
        lost.assign(f"SCL_1.1.{number}")
        lost.arrive(f"SCL_1.1.{number}")
    successor = talking(successor_of(lost))
    assert said_before(successor) == []
    assert [frame["text"] for frame in successor.frames("user.text")] == ["How much is it?"]
    lost.replies("It is ten.")
    kept = [(turn["content"], turn.get("open", False)) for turn in lost.conversation.turns_to_keep()]
    assert kept == [("How much is it?", False), ("It is 2", False), ("It is 3", False), ("It is ten.", False)]
