"""What stands around calls: runners and speech workers with the places that calls take, what was asked at length, what
a dial finds out for others, limits that were met, lists in shards, and where a run of the sweep stopped."""

import importlib
import logging
from collections.abc import Callable
from typing import Any

release_code = importlib.import_module("release_code")
"""Beside this script, which runs where nothing of `local` is on the path."""
ACCOUNT, TABLE, NOW, clock = release_code.ACCOUNT, release_code.TABLE, release_code.NOW, release_code.clock
RELEASE, made = release_code.RELEASE, release_code.made

RUNNER, SPEECH_WORKER, SPEECH = "bot_1", "speech_1", "ringline-speech"

type ACall = Callable[..., Any]
"""Makes a call by its name, its state and what else is to be said of it."""


def write_around_calls(db: Any, a_call: ACall) -> None:
    write_runners(db)
    write_claimed(db, a_call)
    write_asked(db, a_call)
    write_rests(db, a_call)
    write_limits(db, a_call)
    write_shards(db, a_call)


def write_runners(db: Any) -> None:
    registry, frames, owner = _registry(db), RELEASE.frames, RELEASE.runner_records.DEPLOYMENT
    said: dict[str, Any] = {"transport": frames.DIAL_OUT, "hostname": "host", "region": "eu", "deployment": "blue"}
    runner = made(frames.Register, worker_id=RUNNER, agent_id="agent_1", pool="agent_1", max_concurrent=3, **said)
    speaks: dict[str, Any] = {"agent_id": SPEECH, "pool": SPEECH, "kind": frames.MEDIA, "bridge_base": "wss://bridge"}
    worker = made(frames.Register, worker_id=SPEECH_WORKER, max_concurrent=12, **said | speaks)
    registry.connect("conn_1", ACCOUNT, "key_1", "203.0.113.7")
    registry.connect("conn_2", owner)
    for connection_id, told in (("conn_1", runner), ("conn_2", worker)):
        registry.register(registry.connection(connection_id), told)
        registry.beat(registry.connection(connection_id), 1)


def write_claimed(db: Any, a_call: ACall) -> None:
    """A call to a number that was never called before, which has taken its line, its counters and its places."""
    store = RELEASE.calls.CallStore(db, TABLE)
    row = _registry(db).speech_workers()[0].rows[0].row
    counters = ("AGENT#agent_1", "PIPE#pipe_1")
    waits = a_call("claimed", RELEASE.call.State.QUEUED, to_number="+15550100201", brain="runner")
    store.create(waits, is_new_number=True)
    # A claim gives no line back, so that it rings for nobody.
    progress = RELEASE.progress.Progress(store, None, clock, logging.getLogger(__name__))
    claimed = made(RELEASE.call_events.Claimed, at=NOW + 1000, runner_id=RUNNER, speech_row=row, counters=counters)
    progress.apply_to(waits, claimed, is_new_number=True)


def write_asked(db: Any, a_call: ACall) -> None:
    """Of one call only instructions and data are apart, of another one its metadata, too."""
    store, state = RELEASE.calls.CallStore(db, TABLE, asked_apart=True), RELEASE.call.State
    at_length: dict[str, Any] = {"instructions": "Be kind. " * 100}
    store.create(a_call("asked", state.QUEUED, **at_length))
    store.create(a_call("asked_too", state.QUEUED, metadata={"batch": "b" * 600}, **at_length))
    # The only one under way to its number.
    store.create(a_call("unique", state.QUEUED, to_number="+15550100202", unique_to="number"))


def write_rests(db: Any, a_call: ACall) -> None:
    """Of LiveKit that was missed once, of an agent that was missed, and of a deployment whose dials take turns."""
    call = a_call("rested", RELEASE.call.State.DIALING)
    RELEASE.livekit_rest.LivekitRest(db, TABLE).was_away(call, NOW)
    RELEASE.agent_rests.AgentRests(db, TABLE).missed(ACCOUNT, "agent_missed", "call_1#1", NOW)
    RELEASE.paces.TrunkPaces(db, TABLE).claims_ring(ACCOUNT, NOW + 2000, NOW)
    RELEASE.budget.LivekitBudget(db, TABLE, 600).take(NOW)


def write_limits(db: Any, a_call: ACall) -> None:
    reached = RELEASE.reached.ReachedLimits(db, TABLE)
    for limit in RELEASE.limits.Limit:
        reached.note(RELEASE.limits.reached(ACCOUNT, limit, 100, NOW))
    asks = a_call("asks", RELEASE.call.State.RINGING, direction=RELEASE.call.Direction.INBOUND, inbound_room="in_1")
    RELEASE.rooms.InboundRooms(db, TABLE).notes_question(asks)


def write_shards(db: Any, a_call: ACall) -> None:
    """What is due and what expires, in the whole lists and in shards, and a sweep that has stopped in one of each."""
    state, watchlist = RELEASE.call.State, RELEASE.watchlist.Watchlist(db, TABLE, in_shards=True)
    for name, in_shards in (("whole", False), ("shard", True)):
        store = RELEASE.calls.CallStore(db, TABLE, in_shards=in_shards)
        soon: dict[str, Any] = {"expires_at": NOW + 3_000_000, "due_at": NOW + 3_000_000}
        store.create(a_call(f"expires_{name}", state.QUEUED, **soon))
        store.create(a_call(f"due_{name}", state.QUEUED, due_at=NOW + 21_000))
    watchlist.mark_waiting(ACCOUNT, NOW)
    lists = watchlist.lists_of_a_run(NOW)
    before_all = RELEASE.watchlist.DueKey(f"A#{ACCOUNT}#CALLS", "call_0", NOW - 1)
    for list_key in lists.due[:2]:
        watchlist.leave_off_at(list_key, before_all)


def _registry(db: Any) -> Any:
    return RELEASE.registry.Registry(db, TABLE, clock)
