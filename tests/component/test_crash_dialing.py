"""The dialer struck at each of its steps."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ringline.calls.reasons import EndReason
from tests.builders import at
from tests.component.crashing import Trouble
from tests.component.crashing_phones import Callee
from tests.component.crashing_promises import Act, Scenario, strike_at_every_step
from tests.component.crashing_world import World
from tests.component.one_table import LocalAws

_R = EndReason

TALKED = {_R.USER_HUNG_UP_IN_CALL}


def calls(*callees: Callee, how_many: int = 1, lines: int = 1, agents: bool = True, **fields: Any) -> Act:
    def prepare(world: World) -> None:
        world.phones.callees, world.phones.agents_come = list(callees), agents
        world.set_lines(lines)
        for _ in range(how_many):
            world.create(**fields)

    return prepare


def canceled_while_it_rings(world: World) -> None:
    world.create()
    world.phones.after(2, world.hang_up)


def expires_unheard(world: World) -> None:
    world.create(expires_at=datetime.fromtimestamp(at(5) / 1000, UTC).isoformat())
    world.lose("doorbells")
    world.clock.move(6)
    world.ring()


dial = Scenario("it is answered", "dial_next", calls(Callee.ANSWERS), (TALKED,), steps=frozenset({"dial", "PutItem"}))

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
        prepare=calls(Callee.NO_ROOM, Callee.ANSWERS),
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
        prepare=calls(Callee.ANSWERS, agents=False),
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
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_dialer_in_trouble_keeps_the_promises(local: LocalAws, scenario: Scenario, trouble: Trouble) -> None:
    assert strike_at_every_step(local, scenario, trouble)
