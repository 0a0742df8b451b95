"""The functions that hear of what happened, struck at each of their steps: LiveKit's webhooks, the table's stream, the
queue of deliveries. Each is handed the same event again until it took it."""

from copy import replace

import pytest

from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from ringline.webhooks.model.delivery import DeliveryStatus
from tests.component.crash.rig.acts import nothing, one_is_over, one_talks, one_talks_and_one_waits
from tests.component.crash.rig.phones import Callee
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Scenario, strike_at_every_step
from tests.component.crash.rig.world import World
from tests.component.one_table import LocalAws

_R = EndReason
TALKED = {_R.USER_HUNG_UP_IN_CALL}


def two_talk(world: World) -> None:
    world.set_lines(2)
    world.create()
    world.create()
    world.pass_until(world.is_there(State.ACTIVE, calls=2))


def one_talks_on(world: World) -> None:
    world.phones.callees_hang_up = False
    one_talks(world)


def agent_is_late(world: World) -> None:
    """The dialer recorded the answer and died: only LiveKit tells of the agent."""
    world.phones.agents_come = False
    world.create(agent_first=False)
    world.strike("dial_next", Trouble.KILLED, "PutItem")
    world.pass_until(lambda: world.call().answered_at is not None)


def nobody_knows_the_carriers_word(world: World) -> None:
    world.phones.callees = [Callee.BUSY]
    world.create()
    world.strike("dial_next", Trouble.KILLED, "dial")
    world.pass_until(world.is_there(State.DIALING))


def agent_comes(world: World) -> None:
    (name,) = world.phones.rooms
    world.phones.agent_joins(name)


def only_the_room_is_told_of(world: World) -> None:
    (name,) = world.phones.rooms
    world.phones.delete(name)
    world.phones.hooks.lose_next()


def invite_overtakes_the_end(world: World) -> None:
    world.phones.leg_strays_in(world.call().room_name or "", world.call().leg_identity)


def hang_up(world: World) -> None:
    world.phones.hang_up()


def nobody_answers_twice(world: World) -> None:
    world.receiver_answers = [500, 503, 200]
    one_talks(world)


def endpoint_is_gone(world: World) -> None:
    world.receiver_answers = [410]
    one_talks(world)


hook = Scenario(
    "hook: the callee hangs up and another call waits",
    "receive_livekit_event",
    one_talks_and_one_waits,
    (TALKED,),
    act=hang_up,
    hearing="participant_left",
    steps=frozenset({"TransactWriteItems", "SendMessage"}),
)
relay = Scenario(
    "stream: a conversation ends and another call waits",
    "relay_call_changes",
    one_talks_and_one_waits,
    (TALKED,),
    act=hang_up,
    hearing="USER_HUNG_UP_IN_CALL",
    steps=frozenset({"Query", "SendMessage", "delete_room"}),
)
delivery = Scenario(
    "delivery: it is taken",
    "deliver_webhook",
    one_talks,
    (TALKED,),
    act=hang_up,
    steps=frozenset({"POST", "PutItem"}),
)

SCENARIOS = [
    replace(hook, loses_reads=True),
    replace(
        hook,
        name="hook: the agent comes late",
        prepare=agent_is_late,
        act=agent_comes,
        hearing="AGENT",
        steps=frozenset({"PutItem"}),
    ),
    replace(
        hook,
        name="hook: the agent leaves the caller alone",
        prepare=one_talks_on,
        act=lambda world: world.phones.agent_leaves(),
        reasons=({_R.AGENT_FAILED},),
        hearing="AGENT",
        steps=frozenset({"PutItem"}),
    ),
    replace(
        hook,
        name="hook: the leg leaves unanswered and its dialer is dead",
        prepare=nobody_knows_the_carriers_word,
        act=nothing,
        reasons=({_R.USER_HUNG_UP_RINGING},),
        steps=frozenset({"PutItem"}),
    ),
    replace(
        hook,
        name="hook: the room is finished and nothing else told",
        prepare=one_talks_on,
        act=only_the_room_is_told_of,
        reasons=({_R.IDLE_TIMEOUT},),
        hearing="room_finished",
        steps=frozenset({"PutItem"}),
    ),
    replace(
        hook,
        name="hook: a leg joins for a call that is over",
        prepare=one_is_over,
        act=invite_overtakes_the_end,
        hearing="participant_joined",
        steps=frozenset({"delete_room"}),
    ),
    replace(relay, loses_reads=True),
    replace(
        relay,
        name="stream: two conversations end at once",
        prepare=two_talk,
        steps=frozenset({"Query", "SendMessage", "delete_room"}),
    ),
    replace(
        relay,
        name="stream: a waiting call is canceled",
        act=lambda world: world.hang_up(world.accepted[1]),
        reasons=(TALKED, {_R.CALL_CANCELED}),
        hearing="CALL_CANCELED",
        steps=frozenset({"Query", "SendMessage"}),
    ),
    replace(delivery, loses_reads=True),
    replace(
        delivery,
        name="delivery: it is taken the third time",
        prepare=nobody_answers_twice,
        steps=frozenset({"POST", "PutItem", "SendMessage"}),
    ),
    replace(
        delivery,
        name="delivery: its endpoint is gone",
        prepare=endpoint_is_gone,
        steps=frozenset({"POST", "UpdateItem", "PutItem"}),
        deliveries=frozenset({DeliveryStatus.GAVE_UP}),
    ),
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_listener_in_trouble_keeps_the_promises(local: LocalAws, scenario: Scenario, trouble: Trouble) -> None:
    assert strike_at_every_step(local, scenario, trouble)
