"""What waiting calls wait for, all together."""

from typing import Any

from ringline.calls.tables.agent_rests import AgentRest
from ringline.calls.tables.livekit_rest import Rest
from ringline.calls.tables.paces import Pace
from ringline.calls.tables.store import Gate, QueueEntry
from ringline.calls.views.queue_place import BlockedBy
from ringline.calls.views.waiting import Full, Standing, blocks, next_start_at

NOW = 1_000_000


def entry(call_id: str, eligible_at: int = NOW, **fields: Any) -> QueueEntry:
    return QueueEntry(eligible_at=eligible_at, call_id=call_id, **fields)


def standing(**fields: Any) -> Standing:
    known: dict[str, Any] = {"gate": Gate(0, 2), "livekit": Rest(), "paces": {None: Pace(0, 0)}, "rests": {}}
    return Standing(**known | fields)


def test_lines_are_given_in_the_order_of_the_queue() -> None:
    found = blocks([entry(f"call_{n}") for n in range(5)], standing(), NOW)
    assert [(each.what, each.calls) for each in found] == [(BlockedBy.CALLS_BEFORE, 3), (BlockedBy.NOTHING, 2)]


def test_calls_that_are_stopped_take_no_line_from_those_behind_them() -> None:
    rests = {"asleep": AgentRest(next_at=NOW + 5000)}
    entries = [entry("call_1", agent_id="asleep"), entry("call_2", agent_id="awake"), entry("call_3", agent_id="awake")]
    found = {each.what: each for each in blocks(entries, standing(rests=rests), NOW)}
    assert (found[BlockedBy.AGENT].calls, found[BlockedBy.AGENT].until) == (1, NOW + 5000)
    assert found[BlockedBy.AGENT].names == {"asleep"}
    assert found[BlockedBy.NOTHING].calls == 2


def test_what_has_no_room_is_named_and_nobody_knows_for_how_long() -> None:
    full = {"call_1": Full(BlockedBy.GATE, "busy")}
    (block,) = blocks([entry("call_1")], standing(full=full), NOW)
    assert (block.names, block.until) == ({"busy"}, None)
    assert next_start_at([entry("call_1")], standing(full=full), NOW) is None
    assert next_start_at([entry("call_1"), entry("call_2")], standing(full=full), NOW) == NOW


def test_a_limit_of_livekits_requests_holds_up_whoever_could_go_and_tells_until_when() -> None:
    held = standing(livekits_turn_at=NOW + 4000)
    (block,) = blocks([entry("call_1"), entry("call_2")], held, NOW)
    assert (block.what, block.calls, block.until) == (BlockedBy.LIVEKIT_PACE, 2, NOW + 4000)
    assert next_start_at([entry("call_1")], held, NOW) == NOW + 4000
    near = standing(livekits_turn_at=NOW + 900)
    assert [each.what for each in blocks([entry("call_1")], near, NOW)] == [BlockedBy.NOTHING]


def test_the_next_start_is_the_first_of_all_moments() -> None:
    paces = {None: Pace(NOW + 9000, 1000), "ST_2": Pace(NOW + 3000, 1000)}
    entries = [entry("call_1"), entry("call_2", trunk_id="ST_2"), entry("call_3", NOW + 2000, trunk_id="ST_2")]
    assert next_start_at(entries, standing(paces=paces), NOW) == NOW + 3000


def test_with_no_line_free_calls_are_supposed_to_last_as_long_as_so_far() -> None:
    full_gate = Gate(2, 2, line_ms=40_000, line_ends=4)
    assert next_start_at([entry("call_1")], standing(gate=full_gate), NOW) == NOW + 5000
    assert next_start_at([entry("call_1")], standing(gate=Gate(2, 2)), NOW) is None
    assert next_start_at([entry("call_1")], standing(gate=Gate(0, 0, 40_000, 4)), NOW) is None, "it is paused"


def test_nobody_waits() -> None:
    assert blocks([], standing(), NOW) == []
    assert next_start_at([], standing(), NOW) is None
