"""A call as an item of the table."""

from dataclasses import replace

import pytest

from ringline.calls.model.call import (
    AgentReports,
    AnswerFrom,
    Call,
    CarrierWords,
    Direction,
    Evidence,
    Note,
    Recording,
    State,
    VoicemailPolicy,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.records import call_from_item, call_to_item, released
from tests.builders import a_call, an_answered_call, at

RICH = a_call(
    State.ENDED,
    direction=Direction.INBOUND,
    instructions="Be kind.",
    data={"customer": "C1", "score": 1.5, "tags": ["a", 1, None], "deep": {"yes": True}},
    metadata={"batch": 7},
    scheduled_at=at(0),
    expires_at=at(900),
    eligible_at=at(5),
    end_asked_at=at(50),
    end_asked_reason=EndReason.API_HUNG_UP,
    end_reason=EndReason.API_HUNG_UP,
    evidence=Evidence(
        sip_code=486,
        sip_status="Busy Here",
        twirp_code="resource_exhausted",
        twirp_message="busy",
        disconnect_reason="USER_REJECTED",
        last_call_status="ringing",
        leg_left_at=at(50),
        left_leg_sid="PA_leg",
        room_finished_at=at(51),
        over_since=at(52),
    ),
    notes=(Note(at(1), "dial_1_not_sent: no response from servers"), Note(at(9), "leg_rejoined")),
)


TOLD = a_call(
    State.ACTIVE,
    answer_from=AnswerFrom.CARRIER,
    voicemail_policy=VoicemailPolicy.LEAVE_MESSAGE,
    voicemail_greeting_s=12.5,
    recording=True,
    brain="runner",
    runner_id="bot#1",
    transfer_allowed_numbers=(),
    transfer_allowed_prefixes=("+1415",),
    carrier=CarrierWords(at(2), at(3), "+15550100999", True, at(4), at(59), "normal clearing", True),
    reports=AgentReports(
        at(2),
        ("user_spoke", "silence"),
        at(7),
        at(20),
        at(8),
        "a beep",
        "no use",
        at(30),
        "+15550100888",
        True,
        silence_told_at=at(25),
        silence_is_dated=True,
    ),
    recorded=Recording("EG_1", "ended", "acc_1/call_1/1.ogg", 51.25, None),
    transcript_turns=12,
    transcript_kept="bucket",
)
HEARD_NOTHING = a_call(
    State.ENDED, reports=AgentReports(ready_at=at(2)), recorded=Recording("EG_1", "failed", error="aborted")
)

FALLEN_BACK = a_call(State.RINGING, agent_id="desk", dispatches=3, fallback_dispatch=2)

SUCCEEDED = a_call(State.ACTIVE, agent_sid="PA_3", agent_identity="agent-AJ_3", former_agent_sids=("PA_1", "PA_2"))

MISSED = a_call(
    State.ACTIVE, agent_left_at=at(30), handed_over_at=at(30), other_left_at=at(50), other_may_come_back=True
)


@pytest.mark.parametrize(
    "call",
    [
        *(a_call(state) for state in State),
        an_answered_call(),
        RICH,
        TOLD,
        HEARD_NOTHING,
        SUCCEEDED,
        FALLEN_BACK,
        MISSED,
    ],
    ids=lambda c: c.state,
)
def test_a_call_comes_back_from_the_table_as_it_went_in(call: Call) -> None:
    assert call_from_item(call_to_item(call)) == call


def test_only_calls_with_a_deadline_stand_in_the_due_index() -> None:
    assert "due_shard" in call_to_item(a_call(State.ACTIVE))
    assert "due_shard" not in call_to_item(a_call(State.ENDED))
    assert "due_shard" not in call_to_item(a_call(State.QUEUED))


def test_an_ordinary_call_fits_in_one_write_unit() -> None:
    call = a_call(
        State.ENDED,
        account_id="acc_01KAJ1V7M2E5",
        pipe_id="PIPE_01KAJ1V7M2E5X4T9Q8ZK3N6B0C",
        agent_id="support-agent",
        trunk_id="ST_x8wKtw5fWVBu",
        data={"customer_id": "C-1042"},
        leg_sid="PA_kZaciGvChzwr",
        agent_sid="PA_62AExP9SeU5a",
        agent_identity="agent-AJ_62AExP9SeU5a",
        sip_call_id="SCL_HejkGtkQEvs7",
        end_reason=EndReason.USER_HUNG_UP_IN_CALL,
        evidence=Evidence(disconnect_reason="CLIENT_INITIATED", last_call_status="hangup", leg_left_at=at(60)),
    )
    item = call_to_item(call)
    # DynamoDB counts each name and each value; a number takes about half its digits.
    size = sum(len(name) + len(str(next(iter(value.values())))) for name, value in item.items())
    assert size < 1024


def test_a_recording_of_no_length_keeps_its_length() -> None:
    call = a_call(State.ENDED, recorded=Recording("EG_1", "ended", "acc_1/call_1/1.ogg", 0.0))
    assert call_from_item(call_to_item(call)) == call


def test_what_a_later_version_wrote_does_not_keep_this_one_from_reading() -> None:
    """Functions are updated one by one, and sometimes back."""
    item = call_to_item(TOLD)
    for part in ("carrier", "reports", "recorded"):
        item[part]["M"]["mood"] = {"S": "of a later version"}
    assert call_from_item(item) == TOLD


@pytest.mark.parametrize(
    ("runner_id", "next_runner_id", "is_given_back"),
    [
        ("bot#1", None, True),
        ("bot#1", "bot#2", True),
        ("bot#1", "bot#1", False),
        (None, "bot#1", False),
    ],
)
def test_a_caller_who_holds_no_line_gives_back_their_runners_place(
    runner_id: str | None, next_runner_id: str | None, is_given_back: bool
) -> None:
    """Whoever waits for one is rung for."""
    before = a_call(State.ACTIVE, direction=Direction.INBOUND, runner_id=runner_id)
    assert not before.holds_slot
    assert released(before, replace(before, runner_id=next_runner_id)) is is_given_back
    assert released(before, replace(before, state=State.ENDED)) is (runner_id is not None)
