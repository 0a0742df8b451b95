"""Callers from browsers: the function that receives them, struck at each of its steps."""

from dataclasses import replace

import pytest

from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from ringline.calls.web.store import Tickets
from ringline.calls.web.ticket import a_ticket
from ringline.routing.store import RoutingStore
from ringline.routing.web import WebRouting
from tests.component.crash.rig.acts import nothing, one_talks
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Scenario, strike_at_every_step
from tests.component.crash.rig.world import ACCOUNT, World
from tests.component.one_table import LocalAws

# Of what a killed run of the sweep had in hand some was never begun.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")

_R = EndReason
CALL = "call_01JD5Z000000000000000000WB"


def joins(world: World) -> None:
    """A browser joins with the token that was made for it."""
    dynamodb, table = world.aws.dynamodb, world.aws.table_name
    route = WebRouting(RoutingStore(dynamodb, table)).resolve(ACCOUNT, "PIPE_1")
    assert route is not None
    ticket = a_ticket(ACCOUNT, CALL, route, world.clock.now)
    Tickets(dynamodb, table).put(ticket)
    world.phones.browser_joins(ticket.call.room_name or "", ticket.call.leg_identity)


def joins_and_livekit_says_so_twice(world: World) -> None:
    joins(world)
    world.phones.hooks.put_again()


def talks(world: World) -> None:
    joins(world)
    world.pass_until(world.is_there(State.ACTIVE))


def leaves(world: World) -> None:
    world.phones.hang_up()


arrival = Scenario(
    "a browser joins",
    "receive_livekit_event",
    nothing,
    ({_R.USER_HUNG_UP_IN_CALL},),
    act=joins,
    hearing="participant_joined",
    steps=frozenset(
        {"TransactWriteItems", "SendMessage", "create_dispatch", "update_participant", "list_participants"}
    ),
    calls=1,
)

SCENARIOS = [
    replace(arrival, loses_reads=True),
    replace(arrival, name="a browser joins, and LiveKit says so twice", act=joins_and_livekit_says_so_twice),
    replace(
        arrival,
        name="a browser joins while all lines are taken",
        prepare=one_talks,
        reasons=({_R.USER_HUNG_UP_IN_CALL}, {_R.NO_LINE_FREE}),
        steps=frozenset({"TransactWriteItems", "delete_room"}),
        calls=2,
    ),
    replace(arrival, name="a browser leaves", prepare=talks, act=leaves, hearing="participant_left", steps=frozenset()),
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_who_receives_browsers_keeps_the_promises_in_trouble(
    local: LocalAws, scenario: Scenario, trouble: Trouble
) -> None:
    assert strike_at_every_step(local, scenario, trouble)
