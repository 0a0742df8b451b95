"""Strikes a function at each of its steps, one after the other, and looks whether the promises are kept all the same:
every accepted call ends once with one reason, its line is given back, nobody's place in the queue is left over, each
attempt rings once, and one `call_end` reaches the customer."""

import json
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass

from ringline.calls.model.call import Direction, State
from ringline.calls.model.reasons import EndReason
from ringline.webhooks.model.delivery import DeliveryStatus
from tests.component.crash.rig.places import look_at_the_caps, look_at_the_lists, look_at_the_places
from tests.component.crash.rig.process import READS, Invocation, Trouble
from tests.component.crash.rig.stage import a_world
from tests.component.crash.rig.world import World
from tests.component.one_table import LocalAws

_HOLDING = {State.DIALING, State.RINGING, State.ACTIVE}
_NOTHING_RANG = {EndReason.DIAL_STATE_UNKNOWN, EndReason.INTERNAL_ERROR}
"""How a call may end that never rang: its dialer died, and nothing could tell whether it dialled; or what it had to do
before the dial failed."""

type Act = Callable[[World], object]

OWED_WITHIN_MS = 90_000
"""How long after the end of its leg a call may count as alive, whatever got lost: a run of the sweep and a bit. Where
it is the sweep that is struck, twice that."""


def _nothing(_world: World) -> None: ...


@dataclass(frozen=True)
class Scenario:
    """`prepare` leads up to the moment when the function is struck; `act` makes its invocation happen, unless time
    alone does. The invocation is the next one whose event has `hearing` in it.

    `reasons`: how the calls may end, in the order of their acceptance, the last for all that follow; one that never
    rang may also end so that nothing is known of it. `also` looks at what else must be true in the end. `steps` are
    what the function is known to do outside, so that a scenario that misses its aim fails.
    """

    name: str
    function: str
    prepare: Act
    reasons: tuple[set[EndReason], ...]
    act: Act = _nothing
    hearing: str = ""
    steps: frozenset[str] = frozenset()
    loses_reads: bool = False
    """Whether answers of reads are lost, too: at least once for each function, for each of them takes its time."""
    calls: int | None = None
    also: Act = _nothing
    rings: int = 1
    in_shards: bool = False
    """Whether what is due and who waits is listed in shards."""
    deliveries: frozenset[DeliveryStatus] = frozenset({DeliveryStatus.DELIVERED})

    def __str__(self) -> str:
        return self.name


def strike_at_every_step(aws: LocalAws, scenario: Scenario, trouble: Trouble) -> list[str]:
    """Plays the scenario undisturbed, and then with trouble at each of the function's steps. Returns these steps. Fails
    where a promise is not kept."""
    steps = play(aws, scenario, None, 0).steps
    assert scenario.steps <= set(steps), f"it never came to {scenario.steps - set(steps)}"
    loses_reads = trouble is Trouble.ANSWER_LOST and scenario.loses_reads
    struck_after = [number for number, step in enumerate(steps, 1) if loses_reads or step not in READS]
    for after in [0, *struck_after] if trouble is Trouble.KILLED else struck_after:
        struck = play(aws, scenario, trouble, after)
        assert struck.met_trouble and struck.steps[:after] == steps[:after]
    return steps


def play(aws: LocalAws, scenario: Scenario, trouble: Trouble | None, after: int) -> Invocation:
    """Plays the scenario once, and looks whether the promises are kept. Returns the invocation that it is about."""
    with a_world(aws, look_at_the_table, in_shards=scenario.in_shards) as world:
        try:
            scenario.prepare(world)
            struck = world.strike(scenario.function, trouble, after, scenario.hearing)
            scenario.act(world)
            world.settle()
            look_at_the_end(world, scenario)
            scenario.also(world)
        except Exception as error:
            error.add_note(f"{scenario.function} {trouble} after {after} steps")
            error.add_note("\n".join(f"  {each.function}: {each.steps}" for each in world.invocations))
            raise
    return struck


# --- promises --------------------------------------------------------------------------------------------------------


def look_at_the_table(world: World) -> None:
    """What must be true whenever one looks: the gate counts the calls on a line, who is queued has a place, and a line
    was not given back while a phone is up on it."""
    items = world.table.items()
    calls = [item for item in items if item.get("item_kind") == "call"]
    (gate,) = (item for item in items if item["sk"] == "GATE")
    callers = [call for call in calls if call["direction"] == Direction.INBOUND and call.get("takes_line")]
    out = [call for call in calls if call["direction"] != Direction.INBOUND]
    on_lines = [call for call in [*callers, *out] if call["state"] in _HOLDING]
    assert gate["in_use"] == len(on_lines)
    assert gate["in_use"] <= gate["cap"]
    if "outbound_cap" in gate:
        held = len([call for call in callers if call["state"] in _HOLDING])
        assert gate["outbound_cap"] == gate["cap"] - gate.get("inbound_reserve", 0) + held, "lines were lost for good"
    places = sorted(item["sk"].partition("#")[2] for item in items if item["pk"].endswith("#QUEUE"))
    assert places == sorted(call["sk"] for call in calls if call["state"] == State.QUEUED)
    look_at_the_places(items, world.table.calls.values())
    look_at_the_caps(items, world.table.calls.values())
    look_at_the_lists(items, world)
    # Whoever was called into a conversation goes with its room, a moment after the call's own phone.
    own = (leg for leg in world.phones.legs if not leg.strayed and not leg.rang_in and not leg.is_anothers)
    up = {leg.room for leg in own if leg.is_up}
    assert up <= {call.room_name for call in world.table.calls.values() if call.in_flight}


def look_at_the_end(world: World, scenario: Scenario) -> None:
    assert set(world.accepted) <= set(world.table.calls), "a call was accepted and is not there"
    how_many = len(world.table.calls)
    assert how_many > 0 if scenario.calls is None else how_many == scenario.calls
    for number, call in enumerate(world.table.calls.values()):
        assert call.state.is_terminal, f"{call.call_id} is {call.state} for ever"
        may_be = scenario.reasons[min(number, len(scenario.reasons) - 1)]
        rang = call.room_name in world.phones.over_at
        assert call.end_reason in may_be | (set() if rang else _NOTHING_RANG)
        assert call.due_at is None
    last = [change for change in world.table.changes if change.after.state.is_terminal]
    ends = [change for change in last if change.before is None or not change.before.state.is_terminal]
    assert Counter(end.after.call_id for end in ends) == dict.fromkeys(world.table.calls, 1), "an end was written again"
    told = {(change.after.call_id, change.after.end_reason, change.after.ended_at) for change in last}
    assert len(told) == len(ends), "an end was changed"
    sweeps = 2 if scenario.function == "sweep" else 1
    for end in ends:
        over_at = world.phones.over_at.get(end.after.room_name or "", end.at)
        assert end.at - over_at <= OWED_WITHIN_MS * sweeps, "a line was held for nobody"
        rang_in = end.after.direction is Direction.INBOUND
        assert not rang_in or over_at - end.at <= OWED_WITHIN_MS * sweeps, "a caller was left on the line"
    look_at_the_table(world)
    alone = {call.room_name for call in world.table.calls.values() if call.agent_first} & set(world.phones.rang_alone)
    assert not alone, "somebody was rung for nobody"
    assert set(world.phones.dials.values()) <= {1}, "an attempt was dialled again"
    phones_that_rang = Counter(identity.split("-")[1] for identity in world.phones.rang)
    assert max(phones_that_rang.values(), default=0) <= scenario.rings, "a phone rang again"
    look_at_the_agents(world)
    look_at_what_was_asked(world)
    assert not world.phones.rooms, "somebody was left alone in a room"
    assert not world.dead_letters, "a healthy message was given up"
    look_at_the_webhooks(world, scenario.deliveries)


def look_at_the_agents(world: World) -> None:
    """Another agent may be sent where none has come; no dispatch is sent twice, and two agents are soon one again."""
    for told in world.phones.dispatched.values():
        numbers = [json.loads(metadata)["dispatch"] for metadata in told]
        assert len(numbers) == len(set(numbers)), "two who looked at the same moment both sent an agent"
    assert max(world.phones.together_ms, default=0) <= OWED_WITHIN_MS, "two agents talked on"
    # Who has handed over is put out.
    talked = {call.agent_sid for call in world.table.calls.values() if not call.handed_over_at}
    assert not talked & set(world.phones.removed), "the agent that talked was removed"


def look_at_what_was_asked(world: World) -> None:
    """Agents and webhooks are told what a call was asked for with, whatever row that is in, and nothing of it is there
    for a call that is not but what a process left behind that died."""
    ways = [(asked.get("instructions"), asked.get("data", {})) for asked in world.asked]
    called = {call.room_name: call for call in world.table.calls.values() if call.direction is Direction.OUTBOUND}
    for room, told in world.phones.dispatched.items():
        for metadata in map(json.loads, told) if room in called else ():
            assert (metadata["instructions"], metadata["data"]) in ways, "an agent was not told what was asked"
    for _, body in world.posts:
        if body["data"]["direction"] == Direction.OUTBOUND:
            assert (body["data"]["instructions"], body["data"]["data"]) in ways, "a webhook did not say what was asked"
    apart = {item["sk"].partition("#")[0] for item in world.table.items() if item["pk"].endswith("#ASKED")}
    died = any(invocation.met_trouble for invocation in world.invocations)
    assert died or apart <= set(world.table.calls), "what was asked of no call was left behind"


def look_at_the_webhooks(world: World, statuses: Set[str]) -> None:
    """One event for each call, however often it was announced or posted: its receiver can tell that it is the same."""
    bodies = [json.loads(each.body) for each in world.sent if each.queue == "deliveries"]
    announced = {number for body in bodies for number in body.get("sequences") or [body["sequence"]]}
    events = [item for item in world.table.items() if item.get("item_kind") == "event"]
    assert {int(event["sk"]) for event in events} == set(range(1, len(events) + 1)), "a number is missing"
    of_calls = [event for event in events if "call_id" in event]
    assert announced == {int(event["sk"]) for event in of_calls}
    assert sorted(event["call_id"] for event in of_calls) == sorted(world.table.calls), "an end is one event"
    of_endpoints = [event["event_type"] for event in events if "call_id" not in event]
    assert len(of_endpoints) == len(set(of_endpoints)), "an endpoint is disabled once"
    told: dict[str, set[tuple[str, str]]] = {call_id: set() for call_id in world.table.calls}
    for headers, body in world.posts:
        assert body["type"] == "call_end"
        told[body["data"]["call_id"]].add((headers["webhook-id"], body["data"]["end_reason"]))
    wanted = {call_id: {call.end_reason} for call_id, call in world.table.calls.items()}
    assert {call_id: {reason for _, reason in events} for call_id, events in told.items()} == wanted
    assert all(len(events) == 1 for events in told.values()), "one end, two events"
    deliveries = [item for item in world.table.items() if item.get("item_kind") == "delivery"]
    assert {item["status"] for item in deliveries} <= statuses
    if DeliveryStatus.DELIVERED in statuses:
        assert len(deliveries) == len(world.table.calls)
