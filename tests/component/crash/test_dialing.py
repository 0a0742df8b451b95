"""The dialer struck at each of its steps."""

from copy import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ringline.calls.capacity.counters import Kind
from ringline.calls.model.call import AnswerFrom
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.limits.counters import Counters
from ringline.routing.store import RoutingStore
from tests.builders import at
from tests.component.crash.rig.acts import canceled_while_it_rings
from tests.component.crash.rig.phones import Callee
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Act, Scenario, strike_at_every_step
from tests.component.crash.rig.stage import ROUTED
from tests.component.crash.rig.world import ACCOUNT, World
from tests.component.one_table import LocalAws

_R = EndReason

TALKED = {_R.USER_HUNG_UP_IN_CALL}
UNTOLD = {_R.DIAL_STATE_UNKNOWN}
"""How a call may end whose dialer died with the carrier's word that it is full: LiveKit's webhook of a leg that was
refused at once says USER_REJECTED, as of a phone that is busy."""


def calls(*callees: Callee, how_many: int = 1, lines: int = 1, agents: bool = True, **fields: Any) -> Act:
    def prepare(world: World) -> None:
        world.phones.callees, world.phones.agents_come = list(callees), agents
        world.set_lines(lines)
        for _ in range(how_many):
            world.create(**fields)

    return prepare


def agents_are_missing(prepare: Act, *, dispatches: int = 0, come_after_s: float = 0.5) -> Act:
    """So many dispatches find no worker, and the agents of the others come later than usual."""

    def prepared(world: World) -> None:
        world.phones.dispatches_dropped, world.phones.agents_take_s = dispatches, come_after_s
        prepare(world)

    return prepared


def capped(prepare: Act, from_pool: bool = False) -> Act:
    """There are lines enough, and agent, pipe and number have one call at once. Or the pipe has a pool of one number,
    and each dial of it is counted."""

    def prepared(world: World) -> None:
        table = world.aws.dynamodb, world.aws.table_name
        counters = Counters(*table, world.clock)
        for kind, of in ((Kind.AGENT, "front-desk"), (Kind.PIPE, "PIPE_1"), (Kind.NUMBER, ROUTED)):
            counters.set_cap(ACCOUNT, kind, of, 1)
        if from_pool:
            routing = RoutingStore(*table)
            pipe = routing.pipe(ACCOUNT, "PIPE_1")
            assert pipe is not None
            routing.put_pipe(ACCOUNT, replace(pipe, caller_ids=(ROUTED,), caller_id_policy="least_used"))
        prepare(world)

    return prepared


def never_counted_at_the_end(world: World) -> None:
    rows = [item for item in world.table.items() if item["pk"].endswith("#CAPS")]
    assert rows and not any(row.get("in_use", 0) for row in rows)
    assert all(call.counters for call in world.table.calls.values())


def never_an_agent(world: World) -> None:
    calls(Callee.ANSWERS, agents=False, expires_at=datetime.fromtimestamp(at(30) / 1000, UTC).isoformat())(world)


def canceled_while_it_waits_for_its_agent(world: World) -> None:
    calls(Callee.ANSWERS, agents=False)(world)
    world.phones.after(4, world.hang_up)


def carrier_tells(prepare: Act) -> Act:
    """The dialer does not wait for the answer."""

    def prepared(world: World) -> None:
        world.phones.carrier_speaks = True
        carrier_stays_silent(prepare)(world)

    return prepared


def carrier_stays_silent(prepare: Act) -> Act:
    """Nobody waits for the answer, and nobody tells of it."""

    def prepared(world: World) -> None:
        world.answer_from = AnswerFrom.CARRIER
        prepare(world)

    return prepared


def expires_unheard(world: World) -> None:
    world.create(expires_at=datetime.fromtimestamp(at(5) / 1000, UTC).isoformat())
    world.lose("doorbells")
    world.clock.move(6)
    world.ring()


def found_by_the_first_sweep(world: World) -> None:
    call = world.call()
    if call.answered_at is not None and call.dialed_at is not None:
        assert call.answered_at - call.dialed_at < 65_000


dial = Scenario("it is answered", "dial_next", calls(Callee.ANSWERS), (TALKED,), steps=frozenset({"dial", "PutItem"}))

awaited = replace(
    dial,
    name="its agent is missing at first",
    prepare=agents_are_missing(calls(Callee.ANSWERS), dispatches=1),
    steps=frozenset({"create_room", "PutItem", "UpdateItem", "TransactWriteItems", "SendMessage", "delete_room"}),
)
"""Two writes tell of the wait: that it waits, and that the agent rests. Its dialer never comes to the INVITE."""

told = replace(dial, name="the carrier tells that it is answered", prepare=carrier_tells(calls(Callee.ANSWERS)))
told = replace(told, steps=frozenset({"create_room", "dial"}))

SCENARIOS = [
    replace(dial, loses_reads=True),
    replace(
        dial,
        name="it is busy",
        prepare=calls(Callee.BUSY),
        reasons=({_R.USER_HUNG_UP_RINGING},),
        steps=frozenset({"dial"}),
    ),
    replace(
        dial,
        name="it rings out",
        prepare=calls(Callee.RINGS_OUT),
        reasons=({_R.USER_DID_NOT_PICK_UP},),
        steps=frozenset({"dial"}),
    ),
    replace(
        dial,
        name="LiveKit has no SIP server at first",
        prepare=calls(Callee.NOT_REACHED, Callee.ANSWERS),
        reasons=(TALKED,),
        steps=frozenset({"dial", "SendMessage", "delete_room"}),
        loses_reads=True,
    ),
    replace(
        dial,
        name="the carrier has no channel free at first",
        reasons=(TALKED | UNTOLD,),
        prepare=calls(Callee.CARRIER_FULL, Callee.ANSWERS),
        steps=frozenset({"dial", "SendMessage", "delete_room"}),
    ),
    replace(
        dial,
        name="it is busy, and tried again",
        prepare=calls(Callee.BUSY, Callee.ANSWERS, retry={"max_attempts": 2, "on": ["no_answer"], "delays_s": [60]}),
        steps=frozenset({"dial", "SendMessage", "TransactWriteItems"}),
        rings=2,
    ),
    replace(
        dial,
        name="no agent comes",
        prepare=calls(Callee.ANSWERS, agents=False, agent_first=False),
        reasons=({_R.AGENT_DID_NOT_JOIN},),
        steps=frozenset({"dial", "PutItem", "delete_room"}),
    ),
    replace(
        dial,
        name="two calls side by side",
        prepare=calls(Callee.ANSWERS, how_many=2, lines=2),
        reasons=(TALKED,),
    ),
    replace(
        dial,
        name="it is canceled while it rings",
        prepare=canceled_while_it_rings,
        reasons=({_R.CALL_CANCELED},),
        steps=frozenset({"dial"}),
    ),
    replace(
        dial,
        name="it has expired",
        prepare=expires_unheard,
        reasons=({_R.EXPIRED_IN_QUEUE},),
        steps=frozenset({"TransactWriteItems"}),
    ),
    replace(awaited, loses_reads=True),
    replace(
        awaited,
        name="its agent comes late",
        prepare=agents_are_missing(calls(Callee.ANSWERS), come_after_s=4),
        steps=frozenset({"create_room", "PutItem", "dial"}),
    ),
    replace(
        awaited,
        name="the agent of two calls is missing at first",
        prepare=agents_are_missing(calls(Callee.ANSWERS, how_many=2), dispatches=1),
    ),
    replace(
        awaited,
        name="its agent never comes",
        prepare=never_an_agent,
        # Where its first dialer died before the dial nobody knows that there is no agent.
        reasons=({_R.NO_AGENT_AVAILABLE, _R.EXPIRED_IN_QUEUE},),
    ),
    replace(
        awaited,
        name="it is canceled while it waits for its agent",
        prepare=canceled_while_it_waits_for_its_agent,
        reasons=({_R.CALL_CANCELED},),
        steps=frozenset({"create_room", "PutItem", "delete_room"}),
    ),
    replace(
        dial,
        name="two calls of an agent, a pipe and a number that take one at a time",
        prepare=capped(calls(Callee.ANSWERS, how_many=2, lines=2)),
        also=never_counted_at_the_end,
    ),
    replace(
        dial,
        name="the carrier has no channel free at first for a call from a pool",
        reasons=(TALKED | UNTOLD,),
        prepare=capped(calls(Callee.CARRIER_FULL, Callee.ANSWERS), from_pool=True),
        steps=frozenset({"dial", "SendMessage", "delete_room"}),
        also=never_counted_at_the_end,
    ),
    replace(told, loses_reads=True),
    replace(
        told,
        name="nobody tells that it is answered",
        # Its outcome is not overdue before the second sweep.
        prepare=carrier_stays_silent(calls(Callee.ANSWERS, ring_timeout_s=60)),
        also=found_by_the_first_sweep,
    ),
    replace(
        told,
        name="the carrier tells that it is busy",
        prepare=carrier_tells(calls(Callee.BUSY)),
        reasons=({_R.USER_HUNG_UP_RINGING},),
    ),
    replace(
        told,
        name="nobody tells that it is busy",
        prepare=carrier_stays_silent(calls(Callee.BUSY)),
        reasons=({_R.USER_HUNG_UP_RINGING},),
    ),
    replace(
        told,
        name="the carrier tells that it rings out",
        prepare=carrier_tells(calls(Callee.RINGS_OUT)),
        reasons=({_R.USER_DID_NOT_PICK_UP},),
    ),
    replace(
        told,
        name="the carrier would tell, and LiveKit has no SIP server at first",
        prepare=carrier_tells(calls(Callee.NOT_REACHED, Callee.ANSWERS)),
        steps=frozenset({"dial", "SendMessage", "delete_room"}),
    ),
    replace(
        told,
        name="the carrier tells that it has no channel free at first",
        prepare=carrier_tells(calls(Callee.CARRIER_FULL, Callee.ANSWERS)),
    ),
    replace(
        told,
        name="the carrier tells that it is answered, and no agent comes",
        prepare=carrier_tells(calls(Callee.ANSWERS, agents=False, agent_first=False)),
        reasons=({_R.AGENT_DID_NOT_JOIN},),
    ),
    replace(
        told,
        name="the carrier tells of two calls side by side",
        prepare=carrier_tells(calls(Callee.ANSWERS, how_many=2, lines=2)),
    ),
    replace(
        told,
        name="the carrier would tell, and it is canceled while it rings",
        prepare=carrier_tells(canceled_while_it_rings),
        reasons=({_R.CALL_CANCELED},),
    ),
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_dialer_in_trouble_keeps_the_promises(local: LocalAws, scenario: Scenario, trouble: Trouble) -> None:
    assert strike_at_every_step(local, scenario, trouble)
