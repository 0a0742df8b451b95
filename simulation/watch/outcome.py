"""What only the end of a world can show: that all calls are over, and for their true reasons."""

from typing import TYPE_CHECKING

from ringline.calls.model.call import Call
from ringline.runtime.table import GATE_SK, gate_pk
from simulation.watch.true_reasons import true_reasons

if TYPE_CHECKING:
    from simulation.watch.watch import Watch


def all_is_over(watch: "Watch") -> None:
    """Every call ended once and was announced; nothing is left of any: no line, no place, no phone, no room."""
    for key in watch.calls:
        call = watch.call(key)
        if not call.state.is_terminal:
            watch.fail("lost", f"{call.call_id} is {call.state} for ever")
        elif watch.ended[key] != 1:
            watch.fail("ended_twice", f"{call.call_id} ended {watch.ended[key]} times")
        elif len(watch.announced.get(key, ())) != 1:
            watch.fail("not_announced", f"{call.call_id}: {len(watch.announced.get(key, ()))} deliveries of its end")
    for account_id, held in sorted(watch.holding.items()):
        gate = watch.table.item(gate_pk(account_id), GATE_SK)
        if held or (gate is not None and gate["in_use"]["N"] != "0"):
            watch.fail("slot_leaked", f"{account_id}: {held} lines held at the end")
    if watch.places:
        watch.fail("left_in_queue", f"{sorted(watch.places)} at the end")
    up = [leg for legs in watch.legs_up.values() for leg in legs]
    if up:
        watch.fail("phone_rings_on", f"{up[0].call.call_id} is {up[0].phone} at the end")
    if watch.phones.rooms:
        watch.fail("room_left_open", f"{sorted(watch.phones.rooms)} at the end")


def ends_are_true(watch: "Watch") -> None:
    """In a world in which nothing went wrong every call ended for the reason its callees, agent and policy gave."""
    for key in watch.calls:
        _ended_truly(watch, watch.call(key))


def _ended_truly(watch: "Watch", call: Call) -> None:
    expected = true_reasons(watch.phones.plan_of(call), watch.plan)
    if expected is not None and call.end_reason not in expected:
        watch.fail("wrong_reason", f"{call.call_id} ended {call.end_reason} and not {sorted(expected)}")
