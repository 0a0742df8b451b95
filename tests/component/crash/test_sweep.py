"""The sweep struck at each of its steps, each time while it mends something else that got lost."""

from copy import replace
from datetime import UTC, datetime

import pytest

from ringline.calls.model.call import AnswerFrom, State
from ringline.calls.model.reasons import EndReason
from tests.builders import at
from tests.component.crash.rig.acts import end_is_asked_and_livekit_not, hangs_up_and_nobody_tells, one_talks
from tests.component.crash.rig.phones import Callee
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Act, Scenario, strike_at_every_step
from tests.component.crash.rig.world import World
from tests.component.one_table import LocalAws

# Of what a killed run had in hand some was never begun.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")

_R = EndReason
TALKED = {_R.USER_HUNG_UP_IN_CALL}


def doorbell_lost(world: World) -> None:
    world.create()
    world.lose("doorbells")


def dialer_died(callee: Callee, after: str, *, agents: bool = True) -> Act:
    def prepare(world: World) -> None:
        world.phones.callees, world.phones.agents_come = [callee], agents
        world.create(agent_first=agents)
        world.strike("dial_next", Trouble.KILLED, after)
        world.drain()

    return prepare


def dialer_died_while_it_waited_for_the_agent(world: World) -> None:
    world.phones.dispatches_dropped = 1
    dialer_died(Callee.ANSWERS, "PutItem")(world)


def hang_up_lost(world: World) -> None:
    one_talks(world)
    hangs_up_and_nobody_tells(world)


def hang_up_asked_and_livekit_not(world: World) -> None:
    one_talks(world)
    end_is_asked_and_livekit_not(world)


def one_expires_behind_another(world: World) -> None:
    one_talks(world)
    world.create(expires_at=datetime.fromtimestamp(at(30) / 1000, UTC).isoformat())


def talks_too_long(world: World) -> None:
    world.phones.callees_hang_up = False
    world.create(max_call_duration_s=30)
    world.pass_until(world.is_there(State.ACTIVE))
    # Somebody was to look at it then.
    world.lose("looks")


def agent_left(world: World) -> None:
    world.phones.callees_hang_up = False
    one_talks(world)
    world.phones.agent_leaves()


def carrier_never_says_that_it_is_answered(world: World) -> None:
    world.answer_from = AnswerFrom.CARRIER
    world.create()


def only_the_carrier_knows_that_it_ended(world: World) -> None:
    world.phones.callees_hang_up, world.phones.carrier_speaks = False, True
    one_talks(world)
    world.phones.vanish()


def room_left_open(world: World) -> None:
    world.create()
    world.settle()
    world.phones.leg_strays_in(world.call().room_name or "", world.call().leg_identity)
    world.phones.hooks.clear()
    world.clock.move(121)


def delivery_overdue(world: World) -> None:
    world.receiver_answers = [500, 200]
    world.create()
    world.pass_until(lambda: len(world.posts) == 1)
    world.lose("deliveries")
    world.clock.move(70)


def much_at_once(world: World) -> None:
    """One talks too long, one rings with its dialer dead, one expires behind them."""
    world.set_lines(2)
    talks_too_long(world)
    world.phones.callees_hang_up = True
    world.create()
    world.strike("dial_next", Trouble.KILLED, "dial")
    world.drain()
    world.create(expires_at=datetime.fromtimestamp(at(30) / 1000, UTC).isoformat())


adopt = Scenario(
    "a conversation whose dialer died while it rang",
    "sweep",
    dialer_died(Callee.ANSWERS, "dial"),
    (TALKED,),
    hearing="Scheduled Event",
    steps=frozenset({"list_participants", "PutItem"}),
    calls=1,
)
settle = replace(
    adopt,
    name="a phone that rang out after its dialer died",
    prepare=dialer_died(Callee.RINGS_OUT, "dial"),
    reasons=({_R.USER_DID_NOT_PICK_UP},),
    steps=frozenset({"delete_room", "TransactWriteItems"}),
)

SCENARIOS = [
    replace(adopt, name="a doorbell lost", prepare=doorbell_lost, steps=frozenset({"SendMessage"})),
    adopt,
    settle,
    replace(
        settle,
        name="a call whose dialer died before it dialled",
        prepare=dialer_died(Callee.ANSWERS, "TransactWriteItems"),
        reasons=({_R.DIAL_STATE_UNKNOWN},),
    ),
    replace(
        settle,
        name="a call whose dialer died while it waited for the agent",
        prepare=dialer_died_while_it_waited_for_the_agent,
        steps=frozenset({"delete_room", "TransactWriteItems", "SendMessage"}),
        reasons=({_R.USER_HUNG_UP_IN_CALL},),
    ),
    replace(
        settle,
        name="an answered call that no agent joined",
        prepare=dialer_died(Callee.ANSWERS, "PutItem", agents=False),
        reasons=({_R.AGENT_DID_NOT_JOIN},),
        steps=frozenset({"list_participants", "PutItem", "delete_room", "TransactWriteItems"}),
    ),
    replace(settle, name="a hang-up nobody told of", prepare=hang_up_lost, reasons=({_R.IDLE_TIMEOUT},)),
    replace(
        settle,
        name="an end that was asked for and LiveKit not told",
        prepare=hang_up_asked_and_livekit_not,
        reasons=({_R.API_HUNG_UP},),
    ),
    replace(
        settle,
        name="an expiry in the queue",
        prepare=one_expires_behind_another,
        reasons=(TALKED, {_R.EXPIRED_IN_QUEUE}),
        steps=frozenset({"TransactWriteItems"}),
        calls=2,
    ),
    replace(
        settle,
        name="a conversation beyond its limit",
        prepare=talks_too_long,
        reasons=({_R.MAX_DURATION_REACHED},),
        steps=frozenset({"PutItem", "delete_room", "TransactWriteItems"}),
    ),
    replace(
        adopt,
        name="a look out of turn at a caller whose agent left",
        prepare=agent_left,
        reasons=({_R.AGENT_FAILED},),
        hearing="Records",
        steps=frozenset({"list_participants", "PutItem", "delete_room", "TransactWriteItems"}),
    ),
    replace(
        adopt,
        name="a conversation that the carrier was to tell of and did not",
        prepare=carrier_never_says_that_it_is_answered,
    ),
    replace(
        adopt,
        name="a look out of turn at a call that only the carrier knows to be over",
        prepare=only_the_carrier_knows_that_it_ended,
        hearing="Records",
        steps=frozenset({"list_participants", "PutItem", "delete_room", "TransactWriteItems"}),
    ),
    replace(adopt, name="a room left open", prepare=room_left_open, steps=frozenset({"delete_room"})),
    replace(adopt, name="a delivery overdue", prepare=delivery_overdue, steps=frozenset({"UpdateItem", "SendMessage"})),
    replace(
        settle,
        name="much at once",
        prepare=much_at_once,
        reasons=({_R.MAX_DURATION_REACHED}, TALKED, {_R.EXPIRED_IN_QUEUE}),
        calls=3,
        loses_reads=True,
    ),
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_sweep_in_trouble_keeps_the_promises(local: LocalAws, scenario: Scenario, trouble: Trouble) -> None:
    assert strike_at_every_step(local, scenario, trouble)
