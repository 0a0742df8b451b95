"""The sandbox's agents tell the product about their calls, as its API expects it."""

import json
from datetime import datetime

import pytest
from livekit.api import ServerError
from livekit.protocol import room as room_messages

from tests.contract.phones.phone_network import (
    AGENT_NAME,
    ANSWERS,
    ROOM,
    STAYS_ON,
    Lab,
    dial,
    finished,
    in_a_lab,
    leavers,
    open_room,
)

TOKEN = "a-token-of-the-call"


async def call(lab: Lab, number: str, *, reports: bool = True) -> None:
    """Opens a room whose agent is told of the call as the product tells it, and dials."""
    told = {
        "call_id": "c-1",
        "to_number": number,
        "token": TOKEN,
        "agent_events_url": f"{lab.product.url}/v1/calls/c-1/agent-events" if reports else None,
    }
    await open_room(lab, agent=AGENT_NAME, agent_metadata=json.dumps(told))
    await dial(lab, number)


async def close_room(lab: Lab) -> None:
    """What the product does when an agent asks for the end."""
    await lab.livekit.room.delete_room(room_messages.DeleteRoomRequest(room=ROOM))


@in_a_lab()
async def test_an_agent_tells_that_it_is_ready_then_that_the_caller_spoke_and_at_the_end_what_was_said(
    lab: Lab,
) -> None:
    await call(lab, ANSWERS)
    await lab.product.until(lambda product: "usage" in product.told())
    assert lab.product.told() == ["ready", "user_spoke", "transcript", "usage"]
    ready, spoke, transcript, usage = lab.product.agent_events
    assert ready["can_report"] == ["user_spoke", "silence", "voicemail", "transcript"]
    phone = (await lab.calls())[0]
    assert datetime.fromisoformat(ready["at"]).timestamp() < phone["answered_at"]
    assert phone["answered_at"] < datetime.fromisoformat(spoke["at"]).timestamp() < phone["ended_at"]
    assert [turn["role"] for turn in transcript["turns"]] == ["agent", "user", "agent", "user"]
    assert all(turn["content"] for turn in transcript["turns"])
    times = [datetime.fromisoformat(turn["timestamp"]) for turn in transcript["turns"]]
    assert times == sorted(times)
    assert usage["usage"]["llm_prompt_tokens"] > 0
    paths = {(each.path, each.headers["Authorization"]) for each in lab.product.posted}
    assert paths == {("/v1/calls/c-1/agent-events", f"Bearer {TOKEN}")}


@in_a_lab()
async def test_the_transcript_comes_within_a_second_after_the_caller_left(lab: Lab) -> None:
    await call(lab, ANSWERS)
    await lab.product.until(lambda product: "transcript" in product.told())
    left = next(hook for hook in lab.recorder.hooks if hook.event == "participant_left")
    assert 0 < lab.product.posted[-1].at_s - left.at_s < 1


@in_a_lab()
async def test_an_agent_that_was_not_told_where_to_report_tells_nothing(lab: Lab) -> None:
    await call(lab, ANSWERS, reports=False)
    await finished(lab)
    assert lab.product.posted == []
    assert leavers(lab.recorder) == {"SIP": "CLIENT_INITIATED", "AGENT": "CLIENT_INITIATED"}


@in_a_lab()
async def test_an_agent_may_keep_silent_though_it_was_told_where(lab: Lab) -> None:
    await call(lab, "+15550100212")
    await finished(lab)
    assert lab.product.posted == []


@in_a_lab()
async def test_a_report_that_fails_comes_again_and_those_behind_it_wait(lab: Lab) -> None:
    lab.product.statuses += [503, 500]
    await call(lab, ANSWERS)
    await lab.product.until(lambda product: "usage" in product.told())
    assert lab.product.told() == ["ready", "ready", "ready", "user_spoke", "transcript", "usage"]
    assert len({each.body for each in lab.product.posted[:3]}) == 1


@in_a_lab()
async def test_a_report_that_is_refused_is_not_repeated_and_does_no_harm(lab: Lab) -> None:
    lab.product.statuses += [401] * 9
    await call(lab, ANSWERS)
    await lab.product.until(lambda product: "usage" in product.told())
    assert lab.product.told() == ["ready", "user_spoke", "transcript", "usage"]
    assert (await lab.calls())[0]["ended_by"] == "callee"


@in_a_lab()
async def test_on_a_voicemail_nobody_speaks_to_an_agent_that_hears(lab: Lab) -> None:
    await call(lab, "+15550100210")
    await lab.product.until(lambda product: "usage" in product.told())
    assert lab.product.told() == ["ready", "transcript", "usage"]
    assert {turn["role"] for turn in lab.product.agent_events[1]["turns"]} == {"agent"}
    phone = (await lab.calls())[0]
    assert phone["ended_by"] == "callee"
    assert phone["ended_at"] - phone["answered_at"] == pytest.approx(8 * 0.1, abs=0.3)


@in_a_lab()
async def test_an_agent_that_says_voicemail_leaves_the_rest_to_the_product(lab: Lab) -> None:
    await call(lab, "+15550100211")
    await lab.product.until(lambda product: "voicemail" in product.told())
    await close_room(lab)
    await lab.product.until(lambda product: "usage" in product.told())
    assert lab.product.told() == ["ready", "voicemail", "transcript", "usage"]
    assert leavers(lab.recorder) == {"SIP": "ROOM_DELETED", "AGENT": "ROOM_DELETED"}


@in_a_lab()
async def test_an_agent_leaves_its_message_on_a_voicemail_where_the_policy_says_so(lab: Lab) -> None:
    lab.product.policy = "leave_message"
    await call(lab, "+15550100211")
    await lab.product.until(lambda product: "hang_up" in product.told())
    heard, hung_up = (each for each in lab.product.posted if each.events[0]["type"] in ("voicemail", "hang_up"))
    assert hung_up.at_s - heard.at_s == pytest.approx(3, abs=0.8)
    assert hung_up.json["reason"].startswith("voicemail")


@in_a_lab()
async def test_an_agent_that_heard_nobody_says_how_long_and_has_the_call_ended(lab: Lab) -> None:
    await call(lab, "+15550100213")
    await lab.product.until(lambda product: "hang_up" in product.told())
    _, silence, hung_up = lab.product.agent_events
    assert (silence["type"], silence["silent_s"], hung_up["reason"]) == ("silence", 4.0, "silence_timeout")


@pytest.mark.parametrize(
    "case", [("+15550100214", "the caller said goodbye"), ("+15550100216", "error: "), ("+15550100217", "idle")]
)
@in_a_lab()
async def test_an_agent_has_the_call_ended_in_its_own_words(lab: Lab, case: tuple[str, str]) -> None:
    number, words = case
    await call(lab, number)
    await lab.product.until(lambda product: "hang_up" in product.told())
    assert lab.product.agent_events[-1]["reason"].startswith(words)
    assert "room_finished" not in lab.recorder.events(ROOM)


@in_a_lab()
async def test_an_agent_whom_nobody_hears_hangs_up_itself(lab: Lab) -> None:
    await call(lab, "+15550100214", reports=False)
    await finished(lab)
    assert leavers(lab.recorder) == {"SIP": "ROOM_DELETED", "AGENT": "ROOM_DELETED"}


@in_a_lab()
async def test_an_agent_tells_of_a_transfer_before_and_after_it(lab: Lab) -> None:
    await call(lab, "+15550100215")
    await lab.product.until(lambda product: "usage" in product.told())
    told = [(event["status"], event["to"]) for event in lab.product.agent_events if event["type"] == "transfer"]
    assert told == [("started", "+15550100999"), ("completed", "+15550100999")]
    left = next(hook.body["participant"] for hook in lab.recorder.hooks if hook.event == "participant_left")
    assert (left["disconnectReason"], left["attributes"]["sip.callStatus"]) == ("CLIENT_INITIATED", "hangup")
    assert (await lab.control("GET", "requests"))["requests"]["TransferSIPParticipant"] == 1


@in_a_lab()
async def test_a_transcript_may_be_long(lab: Lab) -> None:
    await call(lab, "+15550100218")
    await lab.product.until(lambda product: "usage" in product.told())
    transcript = next(event for event in lab.product.agent_events if event["type"] == "transcript")
    assert len(transcript["turns"]) == 2000
    assert len(lab.product.posted[-1].body) > 400_000


@in_a_lab()
async def test_a_late_agent_hears_the_caller_once_it_is_there(lab: Lab) -> None:
    await call(lab, "+15550100331")
    await lab.product.until(lambda product: "usage" in product.told())
    assert lab.product.told() == ["ready", "user_spoke", "transcript", "usage"]
    joined = next(hook for hook in lab.recorder.hooks if hook.body.get("participant", {}).get("kind") == "AGENT")
    assert lab.product.posted[1].at_s > joined.at_s


@in_a_lab()
async def test_an_agent_of_a_call_that_nobody_answered_has_nothing_to_write_down(lab: Lab) -> None:
    with pytest.raises(ServerError):
        await call(lab, "+15550102486")
    await finished(lab)
    assert lab.product.told() == ["ready"]


@in_a_lab()
async def test_a_script_from_json_may_report_otherwise(lab: Lab) -> None:
    script = {"deed": "ask_hang_up", "after_s": 1, "words": "max_duration", "can_report": ["voicemail"]}
    await lab.control("PUT", f"numbers/{STAYS_ON}", json={"agent": script})
    await call(lab, STAYS_ON)
    await lab.product.until(lambda product: "hang_up" in product.told())
    assert lab.product.told() == ["ready", "hang_up"]
    assert lab.product.agent_events[0]["can_report"] == ["voicemail"]


@in_a_lab()
async def test_the_answer_about_a_room_may_be_unreadable_though_the_room_is_made(lab: Lab) -> None:
    with pytest.raises(Exception, match="parsing message") as caught:
        await call(lab, "+15550100230")
    assert type(caught.value).__name__ == "DecodeError"
    listed = await lab.livekit.room.list_rooms(room_messages.ListRoomsRequest(names=[ROOM]))
    assert [each.name for each in listed.rooms] == [ROOM]
    assert await lab.calls() == []
