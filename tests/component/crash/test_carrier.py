"""The function that hears the carrier, struck at each of its steps: where the dialer waits for the answer, and where
the carrier's word is the only one. A carrier tells again what was not taken, or never."""

from copy import replace
from typing import Any

import pytest

from ringline.calls.model.call import AnswerFrom, State
from ringline.calls.model.reasons import EndReason
from tests.component.crash.rig.acts import end_is_asked_and_livekit_not, nothing
from tests.component.crash.rig.phones import RINGS_S, Callee
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Act, Scenario, strike_at_every_step
from tests.component.crash.rig.world import World
from tests.component.one_table import LocalAws

_R = EndReason
TALKED = {_R.USER_HUNG_UP_IN_CALL}

WAITS, LEAVES = AnswerFrom.DIALER, AnswerFrom.CARRIER
"""Whether the dialer waits for the answer, or leaves it to the carrier to tell of it."""


def dialed(
    dialer: AnswerFrom,
    *callees: Callee,
    carrier_first: bool = False,
    carrier_repeats: bool = True,
    agents: bool = True,
    **fields: Any,
) -> Act:
    def prepare(world: World) -> None:
        world.answer_from, world.carrier_is_first, world.carrier_repeats = dialer, carrier_first, carrier_repeats
        world.phones.carrier_speaks, world.phones.agents_come = True, agents
        world.phones.callees = list(callees) or [Callee.ANSWERS]
        world.create(**fields)

    return prepare


def agent_is_late(world: World) -> None:
    dialed(LEAVES, agents=False, agent_first=False)(world)
    world.phones.after(8, lambda: world.phones.agent_joins(world.call().room_name or ""))


def hangs_up_soon_after_the_answer(world: World) -> None:
    dialed(LEAVES)(world)
    world.phones.after(RINGS_S + 1.5, world.phones.hang_up)


def dialer_died(world: World) -> None:
    dialed(WAITS, Callee.BUSY)(world)
    world.strike("dial_next", Trouble.KILLED, "dial")
    world.pass_until(lambda: bool(world.phones.rang))


def canceled_and_livekit_not_told(world: World) -> None:
    """Before the carrier has told that it rings: whoever hears that puts the phone out."""
    dialed(LEAVES)(world)
    world.pass_until(lambda: bool(world.phones.rang))
    end_is_asked_and_livekit_not(world)


def canceled_ringing_and_livekit_not_told(world: World) -> None:
    dialed(LEAVES)(world)
    world.pass_until(world.is_there(State.RINGING))
    end_is_asked_and_livekit_not(world)


def forwarded(dialer: AnswerFrom, **fields: Any) -> Act:
    def prepare(world: World) -> None:
        dialed(dialer, **fields)(world)
        # Told again it still comes before the answer.
        world.phones.after(1, lambda: world.phones.carrier_says("forwarded"))

    return prepare


def talks(dialer: AnswerFrom) -> Act:
    def prepare(world: World) -> None:
        dialed(dialer)(world)
        world.phones.callees_hang_up = False
        world.pass_until(world.is_there(State.ACTIVE))

    return prepare


def hangs_up_and_livekits_word_is_lost(world: World) -> None:
    world.phones.hang_up()
    world.phones.hooks.clear()


def livekit_does_not_notice(world: World) -> None:
    world.phones.fall_silent()


def it_was_told(what: str) -> Act:
    def look(world: World) -> None:
        assert getattr(world.call().carrier, what)

    return look


def rang_once_in_each_dial(world: World) -> None:
    assert (world.call().deferrals, world.call().attempt) == (1, 2)
    assert len(world.phones.rang) == 1


def conversation_began_with_the_answer(world: World) -> None:
    call = world.call()
    assert call.answered_at is not None and call.dialed_at is not None
    assert call.answered_at - call.dialed_at < 10_000


rings = Scenario(
    "it rings",
    "receive_sip_event",
    dialed(WAITS),
    (TALKED,),
    hearing="call.ringing",
    steps=frozenset({"PutItem"}),
    calls=1,
    also=it_was_told("rang_at"),
)
answered = replace(
    rings,
    name="answered, the agent is there",
    prepare=dialed(LEAVES),
    hearing="call.answered",
    steps=frozenset({"list_participants", "PutItem"}),
    also=conversation_began_with_the_answer,
)
busy = replace(
    rings,
    name="busy before LiveKit says so, the dialer waits",
    prepare=dialed(WAITS, Callee.BUSY, carrier_first=True),
    reasons=({_R.USER_HUNG_UP_RINGING},),
    hearing="call.failed",
    also=nothing,
)
voicemail = replace(
    rings,
    name="forwarded to voicemail, the dialer waits",
    prepare=forwarded(WAITS),
    reasons=({_R.VOICEMAIL_DETECTED_PRECONNECT},),
    hearing="call.forwarded",
    steps=frozenset({"PutItem", "delete_room"}),
    also=it_was_told("to_voicemail"),
)
ended = replace(
    rings,
    name="ended, and LiveKit's word is lost, the dialer waits",
    prepare=talks(WAITS),
    act=hangs_up_and_livekits_word_is_lost,
    hearing="call.ended",
    steps=frozenset({"PutItem", "SendMessage"}),
    also=it_was_told("ended_at"),
)


def told_once(scenario: Scenario, name: str, *callees: Callee) -> Scenario:
    """What the carrier tells once and never again may be lost; the call all the same ends as it must."""
    prepare = dialed(LEAVES, *callees, carrier_first=True, carrier_repeats=False)
    return replace(scenario, name=name, prepare=prepare, also=nothing)


SCENARIOS = [
    replace(rings, loses_reads=True),
    replace(rings, name="it rings, nobody waits", prepare=dialed(LEAVES)),
    replace(
        answered,
        name="answered before LiveKit says so, the dialer waits",
        prepare=dialed(WAITS, carrier_first=True),
    ),
    replace(answered, loses_reads=True),
    told_once(answered, "answered, told once"),
    replace(
        answered,
        name="answered, the agent comes later",
        prepare=agent_is_late,
        steps=frozenset({"PutItem", "SendMessage"}),
    ),
    replace(
        answered,
        name="answered, no agent comes",
        prepare=dialed(LEAVES, agents=False, agent_first=False),
        reasons=({_R.AGENT_DID_NOT_JOIN},),
        steps=frozenset({"PutItem", "SendMessage"}),
    ),
    replace(
        answered,
        name="answered, with a short limit",
        prepare=dialed(LEAVES, max_call_duration_s=30),
        reasons=({_R.MAX_DURATION_REACHED},),
        steps=frozenset({"PutItem", "SendMessage"}),
    ),
    replace(
        answered,
        name="answered, and its end was asked for",
        prepare=canceled_ringing_and_livekit_not_told,
        reasons=({_R.CALL_CANCELED},),
        steps=frozenset({"list_participants", "PutItem", "delete_room"}),
    ),
    replace(
        rings,
        name="rings, and its end was asked for",
        prepare=canceled_and_livekit_not_told,
        reasons=({_R.CALL_CANCELED},),
        steps=frozenset({"PutItem", "delete_room"}),
        also=nothing,
    ),
    busy,
    replace(busy, name="busy after LiveKit said so, the dialer waits", prepare=dialed(WAITS, Callee.BUSY)),
    replace(busy, name="busy, and the dialer died", prepare=dialer_died, steps=frozenset({"PutItem", "SendMessage"})),
    replace(
        busy,
        name="busy before LiveKit says so, nobody waits",
        prepare=dialed(LEAVES, Callee.BUSY, carrier_first=True),
        steps=frozenset({"TransactWriteItems", "delete_room"}),
        loses_reads=True,
        also=it_was_told("failed_at"),
    ),
    replace(
        busy,
        name="busy after LiveKit said so, nobody waits",
        prepare=dialed(LEAVES, Callee.BUSY),
        steps=frozenset({"TransactWriteItems", "delete_room"}),
    ),
    replace(told_once(busy, "busy, told once", Callee.BUSY), steps=frozenset({"TransactWriteItems", "delete_room"})),
    replace(
        busy,
        name="no channel free at first, nobody waits",
        prepare=dialed(LEAVES, Callee.CARRIER_FULL, Callee.ANSWERS, carrier_first=True),
        reasons=(TALKED,),
        steps=frozenset({"TransactWriteItems", "delete_room", "UpdateItem", "SendMessage"}),
        also=rang_once_in_each_dial,
    ),
    voicemail,
    replace(voicemail, name="forwarded to voicemail, nobody waits", prepare=forwarded(LEAVES)),
    replace(
        voicemail,
        name="forwarded to voicemail, where a message may be left",
        prepare=forwarded(WAITS, voicemail_policy="leave_message"),
        reasons=({_R.AGENT_HUNG_UP_VOICEMAIL_DETECTED},),
        steps=frozenset({"PutItem"}),
    ),
    replace(ended, loses_reads=True),
    replace(ended, name="ended, and LiveKit's word is lost, nobody waits", prepare=talks(LEAVES)),
    replace(ended, name="ended, and LiveKit does not notice", act=livekit_does_not_notice),
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_who_hears_the_carrier_keeps_the_promises_in_trouble(
    local: LocalAws, scenario: Scenario, trouble: Trouble
) -> None:
    assert strike_at_every_step(local, scenario, trouble)


def test_who_had_the_agent_and_hung_up_before_the_answer_was_told_again_hung_up_in_the_call(local: LocalAws) -> None:
    gone = replace(answered, name="answered, and gone", prepare=hangs_up_soon_after_the_answer)
    assert strike_at_every_step(local, gone, Trouble.KILLED)
