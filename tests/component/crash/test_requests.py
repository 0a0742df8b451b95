"""The API's functions struck at each of their steps, under an SDK that sends a request again when its answer is
missing: calls are created, canceled and hung up."""

from copy import replace
from datetime import UTC, datetime

import pytest

from ringline.calls.model.reasons import EndReason
from tests.builders import at
from tests.component.crash.rig.acts import canceled_while_it_rings, nothing, one_talks, one_talks_and_one_waits
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Scenario, strike_at_every_step
from tests.component.crash.rig.world import World
from tests.component.one_table import LocalAws

_R = EndReason
TALKED = {_R.USER_HUNG_UP_IN_CALL}


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(at(seconds) / 1000, UTC).isoformat()


def one_for_later(world: World) -> None:
    world.create(scheduled_at=moment(300))


def one_row_of_what_was_asked(world: World) -> None:
    """The call names its own. What a process left that died before its call was accepted is of no call."""
    (call,) = world.table.calls.values()
    rows = [item["sk"] for item in world.table.items() if item["pk"].endswith("#ASKED")]
    assert [sk for sk in rows if sk.startswith(call.call_id)] == [f"{call.call_id}#{call.asked_key}"]
    assert len(rows) <= 2


create = Scenario(
    "with a key",
    "create_call",
    nothing,
    (TALKED,),
    act=lambda world: world.create(key="once"),
    steps=frozenset({"TransactWriteItems", "SendMessage"}),
    calls=1,
)
# Without a key a repeated request may be another call: none of them may be lost.
unkeyed = replace(create, name="without a key", act=lambda world: world.create(), calls=None)
cancel = Scenario(
    "a call that waits for a line",
    "manage",
    one_talks_and_one_waits,
    (TALKED, {_R.CALL_CANCELED}),
    act=lambda world: world.hang_up(world.accepted[1]),
    steps=frozenset({"TransactWriteItems"}),
    calls=2,
)

SCENARIOS = [
    replace(create, loses_reads=True),
    unkeyed,
    replace(
        create,
        name="for later",
        act=lambda world: world.create(key="once", scheduled_at=moment(100)),
    ),
    replace(
        create,
        name="with long instructions",
        act=lambda world: world.create(key="once", instructions="Be kind." * 900, data={"customer": "C1"}),
        steps=frozenset({"PutItem", "TransactWriteItems", "SendMessage"}),
        also=one_row_of_what_was_asked,
    ),
    replace(
        unkeyed,
        name="with long data, without a key",
        act=lambda world: world.create(data={"history": ["called before"] * 500}, metadata={"note": "x" * 600}),
    ),
    replace(
        create,
        name="while the line is taken",
        prepare=one_talks,
        act=lambda world: world.create(key="once"),
        steps=frozenset({"TransactWriteItems"}),
        calls=2,
    ),
    replace(
        create,
        name="that will expire in the queue",
        prepare=one_talks,
        act=lambda world: world.create(key="once", expires_at=moment(40)),
        reasons=(TALKED, {_R.EXPIRED_IN_QUEUE}),
        steps=frozenset({"TransactWriteItems"}),
        calls=2,
    ),
    cancel,
    replace(
        cancel,
        name="a call for later",
        prepare=one_for_later,
        act=lambda world: world.hang_up(),
        reasons=({_R.CALL_CANCELED},),
        calls=1,
    ),
    replace(
        cancel,
        name="a call that rings",
        prepare=canceled_while_it_rings,
        act=nothing,
        reasons=({_R.CALL_CANCELED},),
        steps=frozenset({"PutItem", "delete_room"}),
        calls=1,
    ),
    replace(
        cancel,
        name="a conversation with another call waiting",
        prepare=one_talks_and_one_waits,
        act=lambda world: world.hang_up(),
        reasons=({_R.API_HUNG_UP}, TALKED),
        loses_reads=True,
        steps=frozenset({"PutItem", "delete_room", "TransactWriteItems", "SendMessage"}),
    ),
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_request_in_trouble_keeps_the_promises(local: LocalAws, scenario: Scenario, trouble: Trouble) -> None:
    assert strike_at_every_step(local, scenario, trouble)
