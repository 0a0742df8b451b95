"""Conversations whose agent has left: the hook that tells of it and the looks that follow, struck at each of their
steps."""

from copy import replace

import pytest

from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from tests.component.crash.rig.acts import nothing, one_talks
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Scenario, strike_at_every_step
from tests.component.crash.rig.world import World
from tests.component.one_table import LocalAws

pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")

_R = EndReason
STAYS_S = 30


def agent_brings_somebody_in(world: World) -> None:
    """The callee stays until the colleague is gone."""
    world.phones.callees_hang_up = False
    one_talks(world)
    (name,) = world.phones.rooms
    world.phones.colleague_joins(name)
    world.drain()


def agent_leaves(world: World) -> None:
    world.phones.agent_leaves()


def agent_leaves_and_the_colleague_stays(world: World) -> None:
    agent_leaves(world)
    world.phones.after(STAYS_S, world.phones.colleague_leaves)


def they_talk_without_the_agent(world: World) -> None:
    agent_brings_somebody_in(world)
    agent_leaves_and_the_colleague_stays(world)
    world.drain()


def colleague_has_left(world: World) -> None:
    they_talk_without_the_agent(world)
    world.pass_until(lambda: world.call().handed_over_at is not None)
    world.phones.colleague_leaves()
    world.drain()


def nobody_took_over(world: World) -> None:
    world.phones.callees_hang_up = False
    one_talks(world)
    agent_leaves(world)
    world.drain()


def it_was_handed_over(world: World) -> None:
    assert world.call().state is State.ENDED
    assert world.call().handed_over_at is not None


leaving = Scenario(
    "the agent leaves whom it has brought together",
    "receive_livekit_event",
    agent_brings_somebody_in,
    ({_R.CALL_TRANSFERRED},),
    act=agent_leaves_and_the_colleague_stays,
    hearing="AGENT",
    steps=frozenset({"PutItem", "SendMessage"}),
    also=it_was_handed_over,
)
look = replace(
    leaving,
    name="a look at whom the agent has brought together",
    function="sweep",
    prepare=they_talk_without_the_agent,
    act=nothing,
    hearing="Records",
    steps=frozenset({"list_rooms", "list_participants", "PutItem"}),
)

SCENARIOS = [
    leaving,
    replace(look, loses_reads=True),
    replace(
        look,
        name="a look at whom the colleague has left alone",
        prepare=colleague_has_left,
        steps=frozenset({"list_participants", "PutItem", "delete_room"}),
    ),
    replace(
        look,
        name="a look at whom the agent has left alone",
        prepare=nobody_took_over,
        reasons=({_R.AGENT_FAILED},),
        steps=frozenset({"list_participants", "PutItem", "delete_room"}),
        also=nothing,
    ),
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_who_looks_after_callers_without_agents_keeps_the_promises_in_trouble(
    local: LocalAws, scenario: Scenario, trouble: Trouble
) -> None:
    assert strike_at_every_step(local, scenario, trouble)
