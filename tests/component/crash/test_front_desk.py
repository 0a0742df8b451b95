"""Lines that are kept for callers, overflows and servers that decide about callers: the function that receives callers,
struck at each of its steps."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Act, Scenario, strike_at_every_step
from tests.component.crash.rig.stage import DECIDED, OVERFLOWING, ROUTED
from tests.component.crash.rig.world import World
from tests.component.one_table import LocalAws

# Of what a killed run of the sweep had in hand some was never begun.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")

_R = EndReason
TALKED = {_R.USER_HUNG_UP_IN_CALL}
AWAY = {_R.NO_AGENT_AVAILABLE}


def rings(number: str) -> Act:
    return lambda world: world.phones.ring_in(number)


def callers_hold_lines(world: World) -> None:
    world.reserve_lines(1)


def one_has_the_line(world: World) -> None:
    """The only line there is."""
    callers_hold_lines(world)
    world.phones.ring_in(ROUTED)
    world.pass_until(world.is_there(State.ACTIVE))


def the_server_says(decision: dict[str, Any] | None) -> Act:
    def prepare(world: World) -> None:
        world.decision = decision

    return prepare


def was_asked_once_at_most(world: World) -> None:
    assert set(Counter(world.questions).values()) <= {1}, "the server was asked again"
    decided = [note.what for note in world.call().notes if "decision" in note.what or "rejected" in note.what]
    assert len(decided) == 1, decided


def was_taken_by(agent_id: str) -> Act:
    def look(world: World) -> None:
        was_asked_once_at_most(world)
        assert world.call().agent_id in {agent_id, "front-desk"}

    return look


def was_passed_on_once(world: World) -> None:
    call = world.call(1)
    assert call.agent_id == "sales" and not call.takes_line
    assert len([note for note in call.notes if note.what.endswith("overflow")]) == 1


arrival = Scenario(
    "a caller takes a line that is kept",
    "receive_livekit_event",
    callers_hold_lines,
    (TALKED,),
    act=rings(ROUTED),
    hearing="participant_joined",
    steps=frozenset({"TransactWriteItems", "SendMessage", "create_dispatch"}),
    calls=1,
)
decided = replace(
    arrival,
    name="a server takes the caller",
    prepare=the_server_says({"decision": "accept"}),
    # Whoever dies with the answer leaves the caller to the number, which rejects.
    reasons=({*TALKED, _R.CALL_CANCELED},),
    act=rings(DECIDED),
    steps=frozenset({"PutItem", "question", "TransactWriteItems", "create_dispatch"}),
    also=was_asked_once_at_most,
)
rejected = replace(
    decided,
    name="a server rejects the caller",
    prepare=the_server_says({"decision": "reject"}),
    reasons=({_R.CALL_CANCELED},),
    steps=frozenset({"PutItem", "question", "TransactWriteItems", "delete_room"}),
)

SCENARIOS = [
    replace(arrival, loses_reads=True),
    replace(
        arrival,
        name="a caller comes when the only line is taken",
        prepare=one_has_the_line,
        reasons=(TALKED, AWAY | TALKED),
        steps=frozenset({"TransactWriteItems", "delete_room"}),
        calls=2,
    ),
    replace(
        arrival,
        name="a caller who has the line hangs up",
        prepare=one_has_the_line,
        act=lambda world: world.phones.hang_up(),
        hearing="participant_left",
        steps=frozenset({"TransactWriteItems"}),
    ),
    replace(
        arrival,
        name="a caller is passed on",
        prepare=one_has_the_line,
        act=rings(OVERFLOWING),
        steps=frozenset({"TransactWriteItems", "create_dispatch"}),
        calls=2,
        also=was_passed_on_once,
    ),
    decided,
    replace(
        decided,
        name="a server sends the caller to another agent",
        prepare=the_server_says({"decision": "accept", "agent_id": "sales"}),
        also=was_taken_by("sales"),
    ),
    rejected,
    replace(
        rejected,
        name="a server does not answer, and the number rejects",
        prepare=the_server_says(None),
    ),
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_who_receives_callers_at_the_desk_keeps_the_promises_in_trouble(
    local: LocalAws, scenario: Scenario, trouble: Trouble
) -> None:
    assert strike_at_every_step(local, scenario, trouble)
