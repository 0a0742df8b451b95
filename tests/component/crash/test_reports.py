"""The function that hears the agents, struck at each of its steps. An agent tells again what was not answered, and
what it was answered is kept."""

from collections.abc import Mapping
from copy import replace

import pytest

from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.transcripts import Transcript, Transcripts, Turn
from ringline.runtime import aws
from tests.component.crash.rig.acts import nothing, one_is_over, one_talks, one_talks_and_one_waits
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Act, Scenario, strike_at_every_step
from tests.component.crash.rig.stage import ROUTED
from tests.component.crash.rig.world import World
from tests.component.one_table import RECORDS_BUCKET, LocalAws

_R = EndReason
TALKED = {_R.USER_HUNG_UP_IN_CALL}

READY = {"type": "ready", "can_report": ["user_spoke", "voicemail"]}
SPOKE = {"type": "user_spoke"}
VOICEMAIL = {"type": "voicemail", "why": "beep"}
GOODBYE = {"type": "hang_up", "reason": "goodbye"}
FEW, MANY = (tuple(Turn("agent", f"sentence {number}") for number in range(turns)) for turns in (3, 900))
USED = {"tokens": 12}
SOON_MS = 15_000
"""How long an agent may wait for the end that it asked for, its own repeat and one more look included."""


def words(turns: tuple[Turn, ...]) -> dict[str, object]:
    said = [{"role": turn.role, "content": turn.content} for turn in turns]
    return {"type": "transcript", "turns": said, "summary": "A talk.", "usage": USED}


def tells(*reports: Mapping[str, object]) -> Act:
    return lambda world: world.agent_tells(*reports)


def message_may_be_left(world: World) -> None:
    world.create(voicemail_policy="leave_message")
    world.pass_until(world.is_there(State.ACTIVE))


def message_was_left(world: World) -> None:
    message_may_be_left(world)
    world.agent_tells(VOICEMAIL)


def caller_talks(world: World) -> None:
    world.phones.ring_in(ROUTED)
    world.pass_until(world.is_there(State.ACTIVE))


def agent_hangs_up_while_it_rings(world: World) -> None:
    world.create()
    world.phones.after(2, lambda: world.agent_tells(GOODBYE))


def agent_hands_over_and_goes(world: World) -> None:
    world.agent_tells({"type": "transfer", "to": "+15550100300"})
    world.phones.agent_leaves()
    world.phones.after(20, world.phones.hang_up)


def what_it_said_is_known(world: World) -> None:
    reports = world.call().reports
    assert (reports.ready_at, reports.user_spoke_at) > (0, 0)
    assert reports.can_report == ("user_spoke", "voicemail")


def voicemail_is_known(world: World) -> None:
    assert world.call().reports.voicemail_why == "beep"


def words_are_kept(turns: tuple[Turn, ...], place: str) -> Act:
    def look(world: World) -> None:
        call = world.call()
        assert (call.transcript_turns, call.transcript_kept) == (len(turns), place)
        kept = Transcripts(world.aws.dynamodb, world.aws.table_name, aws.s3, RECORDS_BUCKET).read(call)
        assert kept == Transcript(turns, "A talk.", USED)

    return look


def goodbye_was_soon(world: World) -> None:
    call = world.call()
    assert call.reports.hung_up_for == "goodbye"
    over_at, asked_at = world.phones.over_at[call.room_name or ""], call.end_asked_at
    assert asked_at is not None and over_at - asked_at <= SOON_MS, "the sweep had to hang up"


report = Scenario(
    "it is ready and hears somebody",
    "receive_agent_event",
    one_talks,
    (TALKED,),
    act=tells(READY, SPOKE),
    steps=frozenset({"PutItem"}),
    calls=1,
    also=what_it_said_is_known,
)
hang_up = replace(
    report,
    name="it hangs up, and another call waits",
    prepare=one_talks_and_one_waits,
    act=tells(GOODBYE),
    reasons=({_R.AGENT_HUNG_UP}, TALKED),
    steps=frozenset({"PutItem", "delete_room", "TransactWriteItems", "SendMessage"}),
    calls=2,
    also=goodbye_was_soon,
)
transcript = replace(
    report,
    name="the transcript comes after the end",
    prepare=one_is_over,
    act=tells(words(FEW)),
    steps=frozenset({"UpdateItem", "PutItem"}),
    also=words_are_kept(FEW, "table"),
)

SCENARIOS = [
    replace(report, loses_reads=True),
    replace(
        report,
        name="a voicemail, and the policy is to hang up",
        act=tells(VOICEMAIL),
        reasons=({_R.AGENT_HUNG_UP_VOICEMAIL_DETECTED},),
        steps=frozenset({"PutItem", "delete_room", "TransactWriteItems"}),
        also=voicemail_is_known,
    ),
    replace(
        report,
        name="a voicemail, and the policy is to leave a message",
        prepare=message_may_be_left,
        act=tells(VOICEMAIL),
        reasons=({_R.AGENT_HUNG_UP_VOICEMAIL_DETECTED},),
        also=voicemail_is_known,
    ),
    replace(
        hang_up,
        name="it hangs up after its message",
        prepare=message_was_left,
        act=tells({"type": "hang_up", "reason": "voicemail"}),
        reasons=({_R.AGENT_HUNG_UP_VOICEMAIL_DETECTED},),
        steps=frozenset({"PutItem", "delete_room", "TransactWriteItems"}),
        calls=1,
        also=voicemail_is_known,
    ),
    replace(hang_up, loses_reads=True),
    replace(
        hang_up,
        name="it hangs up while the phone rings",
        prepare=agent_hangs_up_while_it_rings,
        act=nothing,
        reasons=({_R.AGENT_HUNG_UP},),
        steps=frozenset({"PutItem", "delete_room"}),
        calls=1,
    ),
    replace(
        hang_up,
        name="it hangs up on a caller",
        prepare=caller_talks,
        reasons=({_R.AGENT_HUNG_UP},),
        steps=frozenset({"PutItem", "delete_room"}),
        calls=1,
    ),
    replace(
        hang_up,
        name="its last words and its hang-up come in one",
        act=tells(words(FEW), GOODBYE),
        steps=frozenset({"UpdateItem", "PutItem", "delete_room", "TransactWriteItems", "SendMessage"}),
        also=words_are_kept(FEW, "table"),
    ),
    replace(transcript, loses_reads=True),
    replace(
        transcript,
        name="a long transcript comes after the end",
        act=tells(words(MANY)),
        steps=frozenset({"PutObject", "UpdateItem", "PutItem"}),
        also=words_are_kept(MANY, "bucket"),
    ),
    replace(
        report,
        name="it hands the call over and goes, later the leg leaves",
        act=agent_hands_over_and_goes,
        reasons=({_R.CALL_TRANSFERRED},),
        also=nothing,
    ),
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_who_hears_agents_keeps_the_promises_in_trouble(local: LocalAws, scenario: Scenario, trouble: Trouble) -> None:
    assert strike_at_every_step(local, scenario, trouble)
