"""Callers: the function that receives them, and the sweep that looks after those whom it left alone, struck at each of
their steps."""

from copy import replace

import pytest

from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from tests.component.crash.rig.acts import nothing, one_talks
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Act, Scenario, strike_at_every_step
from tests.component.crash.rig.stage import NOBODYS, ROUTED, UNROUTED
from tests.component.crash.rig.world import World
from tests.component.one_table import LocalAws

# Of what a killed run of the sweep had in hand some was never begun.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")

_R = EndReason
LAST_LOOKS_MS = 2_500
TALKED = {_R.USER_HUNG_UP_IN_CALL}


def rings(number: str) -> Act:
    return lambda world: world.phones.ring_in(number)


def rings_and_livekit_says_so_twice(world: World) -> None:
    world.phones.ring_in(ROUTED)
    world.phones.hooks.put_again()


def no_agent_comes(world: World) -> None:
    world.phones.agents_come = False


def dispatch_fails(world: World) -> None:
    world.phones.dispatches_fail = 1


def agent_was_not_dispatched(world: World) -> None:
    dispatch_fails(world)
    world.phones.ring_in(ROUTED)
    world.drain()


def rings_for_nobody(world: World) -> None:
    no_agent_comes(world)
    world.phones.ring_in(ROUTED)
    world.drain()


def nobody_came_in_time(world: World) -> None:
    """The caller's patience is at its end: the next look is the last."""
    rings_for_nobody(world)
    patience_ends_at = world.clock.now + world.call().ring_timeout_s * 1000
    world.pass_until(lambda: world.clock.now > patience_ends_at - LAST_LOOKS_MS)


def agent_is_expected(world: World) -> None:
    rings_for_nobody(world)
    (name,) = world.phones.rooms
    world.phones.after(10, lambda: world.phones.agent_joins(name))


def nobody_has_room_for_it(world: World) -> None:
    """The first dispatch is dropped."""
    world.phones.dispatches_dropped = 1


def agent_was_dropped(world: World) -> None:
    nobody_has_room_for_it(world)
    world.phones.ring_in(ROUTED)
    world.drain()


def agent_is_slow(world: World) -> None:
    """Another one is sent before the first has come, and the second joins while it talks."""
    world.phones.agents_take_s = 3.5
    world.phones.ring_in(ROUTED)
    world.pass_until(world.is_there(State.ACTIVE))


def one_was_put_out(world: World) -> None:
    assert len(world.phones.removed) == 1


def talks(world: World) -> None:
    world.phones.ring_in(ROUTED)
    world.pass_until(world.is_there(State.ACTIVE))


def hangs_up(world: World) -> None:
    world.phones.hang_up()


def gives_up_before_anybody_heard_of_it(world: World) -> None:
    """Of its coming nobody is told: its going is the first that is heard."""
    world.phones.ring_in(ROUTED)
    world.phones.hooks.clear()
    world.phones.hang_up()


def who_rang_whom_is_known(world: World) -> None:
    call = world.call()
    assert (call.direction, call.to_number, call.attempt) == ("inbound", ROUTED, 1)


def nobody_was_sent(world: World) -> None:
    assert not any(name.startswith("in_") for name in world.phones.dispatched)


arrival = Scenario(
    "a caller arrives",
    "receive_livekit_event",
    nothing,
    (TALKED,),
    act=rings(ROUTED),
    hearing="participant_joined",
    steps=frozenset({"TransactWriteItems", "SendMessage", "create_dispatch", "list_participants"}),
    calls=1,
    also=who_rang_whom_is_known,
)
turned_away = replace(
    arrival,
    name="a caller of a number that leads to nobody",
    act=rings(UNROUTED),
    reasons=({_R.NUMBER_NOT_ROUTED},),
    steps=frozenset({"TransactWriteItems", "delete_room"}),
    also=nobody_was_sent,
)
joining = replace(
    arrival,
    name="the agent takes the call",
    prepare=agent_is_expected,
    act=nothing,
    hearing="AGENT",
    steps=frozenset({"PutItem"}),
)
leaving = replace(
    arrival,
    name="the caller hangs up",
    prepare=talks,
    act=hangs_up,
    hearing="participant_left",
    steps=frozenset({"PutItem"}),
)
look = replace(
    arrival,
    name="a look at a caller whose agent was not dispatched",
    function="sweep",
    prepare=agent_was_not_dispatched,
    # Where this look dies the next comes with the end of the caller's patience.
    reasons=({_R.USER_HUNG_UP_IN_CALL, _R.AGENT_DID_NOT_JOIN},),
    act=nothing,
    hearing="Records",
    steps=frozenset({"list_dispatch", "create_dispatch", "list_participants"}),
)

look_for_a_dropped_one = replace(
    look,
    name="a look at a caller for whose agent no worker had room",
    prepare=agent_was_dropped,
    steps=frozenset({"PutItem", "list_dispatch", "create_dispatch", "SendMessage"}),
)
second_agent = replace(
    arrival,
    name="a second agent joins",
    prepare=agent_is_slow,
    act=nothing,
    hearing="AGENT",
    steps=frozenset({"list_participants", "update_participant", "remove_participant"}),
    also=one_was_put_out,
)

SCENARIOS = [
    replace(look_for_a_dropped_one, loses_reads=True),
    replace(second_agent, loses_reads=True),
    replace(arrival, loses_reads=True),
    replace(arrival, name="a caller arrives while all lines are taken", prepare=one_talks, calls=2, also=nothing),
    replace(arrival, name="a caller arrives, and LiveKit says so twice", act=rings_and_livekit_says_so_twice),
    replace(
        arrival,
        name="a caller arrives, and the dispatch fails",
        prepare=dispatch_fails,
        # Where the function dies before it, it is the look's dispatch that fails.
        reasons=({_R.USER_HUNG_UP_IN_CALL, _R.AGENT_DID_NOT_JOIN},),
        steps=frozenset({"TransactWriteItems", "SendMessage", "create_dispatch"}),
    ),
    replace(
        arrival,
        name="a caller arrives, and no agent comes",
        prepare=no_agent_comes,
        reasons=({_R.AGENT_DID_NOT_JOIN},),
    ),
    replace(turned_away, loses_reads=True),
    replace(
        turned_away,
        name="a caller of a number that is nobody's",
        act=rings(NOBODYS),
        steps=frozenset({"list_dispatch", "delete_room"}),
        loses_reads=True,
        calls=0,
    ),
    replace(joining, loses_reads=True),
    leaving,
    replace(
        leaving,
        name="the caller gives up before an agent comes",
        prepare=rings_for_nobody,
        reasons=({_R.USER_HUNG_UP_RINGING},),
    ),
    replace(
        leaving,
        name="the caller gave up before anybody heard of it",
        prepare=nothing,
        act=gives_up_before_anybody_heard_of_it,
        reasons=({_R.USER_HUNG_UP_RINGING},),
        steps=frozenset({"TransactWriteItems", "PutItem"}),
    ),
    replace(look, loses_reads=True),
    replace(
        look,
        name="a look at a caller to whom nobody came",
        prepare=nobody_came_in_time,
        reasons=({_R.AGENT_DID_NOT_JOIN},),
        steps=frozenset({"PutItem", "delete_room"}),
    ),
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_who_receives_callers_keeps_the_promises_in_trouble(
    local: LocalAws, scenario: Scenario, trouble: Trouble
) -> None:
    assert strike_at_every_step(local, scenario, trouble)
