"""Whoever carries a transfer out, and whoever is asked for one, struck at each of their steps: the target is called
once at most, nobody is left alone with nobody, and each transfer comes to its end."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.transfers.transfer import Transfer, TransferState
from ringline.calls.rules.transfers.due import settled_by
from tests.component.crash.rig.phones import Callee
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Act, Scenario, strike_at_every_step
from tests.component.crash.rig.world import World
from tests.component.one_table import LocalAws

_R = EndReason
WARM: dict[str, Any] = {
    "to": {"type": "sip", "config": {"number": "+15550100201"}},
    "mode": "warm",
    "warm_handoff_ms": 2000,
}
_TALKS_ON_S = 200
"""For longer than two runs of the sweep are apart."""
COLD: dict[str, Any] = {"to": {"type": "sip", "config": {"number": "+15550100201"}}}
TO_SALES: dict[str, Any] = {"to": {"type": "agent", "config": {"agent_id": "sales"}}}
EITHER = ({_R.CALL_TRANSFERRED, _R.USER_HUNG_UP_IN_CALL},)
"""How a call ends that was handed over, or was not because whoever did it died."""


def talks(*callees: Callee) -> Act:
    def prepare(world: World) -> None:
        world.phones.callees = [Callee.ANSWERS, *callees]
        world.create()
        world.pass_until(world.is_there(State.ACTIVE))

    return prepare


def talks_with_a_target_that_nobody_told_of(world: World) -> None:
    """Whoever had called it is dead, and it is time for a look."""
    world.phones.callees_hang_up = False
    talks(Callee.ANSWERS)(world)
    died = world.strike("carry_out_transfer", Trouble.KILLED, "dial")
    world.transfer(**WARM)
    world.pass_until(lambda: died.is_dead)
    due_at = settled_by(world.call(), world.call().transfers[-1])
    world.phones.after((due_at - world.clock.now) / 1000 - 1, lambda: None)
    world.pass_until(lambda: world.clock.now >= due_at - 1_000)
    world.phones.after(_TALKS_ON_S, world.phones.hang_up)


def asks(body: dict[str, Any]) -> Act:
    return lambda world: world.transfer(**body)


def each_is_over(also: Callable[[Transfer], bool] = lambda _transfer: True) -> Act:
    def look(world: World) -> None:
        transfers = world.call().transfers
        assert transfers, "it was asked for"
        assert not any(transfer.is_under_way for transfer in transfers)
        assert all(also(transfer) for transfer in transfers)

    return look


def failed(transfer: Transfer) -> bool:
    return transfer.state is TransferState.FAILED and transfer.reason is not None


warm = Scenario(
    "a number is called into the call",
    "carry_out_transfer",
    talks(Callee.ANSWERS),
    EITHER,
    act=asks(WARM),
    steps=frozenset({"PutItem", "dial", "dial's answer", "remove_participant"}),
    calls=1,
    rings=2,
    also=each_is_over(),
)
SCENARIOS = [
    replace(warm, loses_reads=True),
    replace(
        warm,
        name="the number is busy",
        prepare=talks(Callee.BUSY),
        reasons=({_R.USER_HUNG_UP_IN_CALL},),
        steps=frozenset({"PutItem", "dial", "dial's answer"}),
        also=each_is_over(failed),
    ),
    replace(
        warm,
        name="the number is busy, and another follows",
        prepare=talks(Callee.BUSY, Callee.ANSWERS),
        act=asks(WARM | {"fallback": [{"type": "sip", "config": {"number": "+15550100202"}}]}),
        steps=frozenset({"PutItem", "dial", "SendMessage"}),
        rings=3,
    ),
    replace(
        warm,
        name="the number is busy, and then the call is to end",
        prepare=talks(Callee.BUSY),
        act=asks(WARM | {"fallback": "end"}),
        reasons=({_R.API_HUNG_UP},),
        steps=frozenset({"PutItem", "dial", "delete_room"}),
        also=each_is_over(failed),
    ),
    replace(
        warm,
        name="the phone is sent away",
        prepare=talks(),
        act=asks(COLD),
        steps=frozenset({"PutItem", "refer"}),
        rings=1,
    ),
    replace(
        warm,
        name="another agent is sent",
        prepare=talks(),
        act=asks(TO_SALES),
        reasons=({_R.USER_HUNG_UP_IN_CALL},),
        steps=frozenset({"PutItem", "create_dispatch", "remove_participant"}),
        rings=1,
    ),
    replace(
        warm,
        name="a look settles what became of a target",
        function="sweep",
        prepare=talks_with_a_target_that_nobody_told_of,
        act=lambda _world: None,
        steps=frozenset({"PutItem", "list_participants"}),
    ),
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_who_carries_a_transfer_out_keeps_the_promises_in_trouble(
    local: LocalAws, scenario: Scenario, trouble: Trouble
) -> None:
    assert strike_at_every_step(local, scenario, trouble)


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("body", [WARM, COLD, TO_SALES], ids=["warm", "cold", "agent"])
def test_who_is_asked_for_a_transfer_keeps_the_promises_in_trouble(
    local: LocalAws, body: dict[str, Any], trouble: Trouble
) -> None:
    asked = Scenario(
        "a transfer is asked for",
        "manage",
        talks(Callee.ANSWERS),
        EITHER,
        act=asks(body),
        hearing="/transfers",
        steps=frozenset({"PutItem", "SendMessage"}),
        calls=1,
        rings=2,
        also=each_is_over(),
    )
    assert strike_at_every_step(local, asked, trouble)
