"""Strikes a function at each of its steps, one after the other, and looks whether the promises are kept all the same:
every accepted call ends once with one reason, its line is given back, nobody's place in the queue is left over, each
attempt rings once, and one `call_end` reaches the customer."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError, ReadTimeoutError
from livekit import api

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.call import State
from ringline.calls.reasons import EndReason
from ringline.routing.records import Agent, Number, Pipe
from ringline.routing.store import RoutingStore
from ringline.runtime import clock as product_clock
from ringline.runtime import ids
from ringline.runtime.items import to_item
from ringline.webhooks.client import Answered, Failure, Unanswered, WebhookClient
from ringline.webhooks.delivery import DeliveryStatus
from ringline.webhooks.endpoint import Endpoint
from ringline.webhooks.store import EndpointStore
from tests.builders import NOW
from tests.component.crashing import (
    ACTING,
    READS,
    AnswerLost,
    Invocation,
    Killed,
    Trouble,
    after_step,
    before_step,
)
from tests.component.crashing_phones import Client, Phones
from tests.component.crashing_table import WatchedTable
from tests.component.crashing_world import ACCOUNT, World
from tests.component.one_table import LocalAws
from tests.fakes import HandClock

CAP = 1
"""One line: whoever does not give it back keeps everybody else waiting."""
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

_WRITES = {"PutItem", "UpdateItem", "TransactWriteItems", "DeleteItem"}
_STEP_TAKES_MS = 5
_HOLDING = {State.DIALING, State.RINGING, State.ACTIVE}
_sleep = asyncio.sleep

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
    rang may also end with nothing known. `steps` are what the function is known to do outside, so that a scenario that
    misses its aim fails.
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
    rings: int = 1
    deliveries: frozenset[DeliveryStatus] = frozenset({DeliveryStatus.DELIVERED})

    def __str__(self) -> str:
        return self.name


def strike_at_every_step(aws: LocalAws, scenario: Scenario, trouble: Trouble) -> list[str]:
    """Plays the scenario undisturbed, and then with trouble at each of the function's steps. Returns these steps. Fails
    where a promise is not kept."""
    steps = _play(aws, scenario, None, 0).steps
    assert scenario.steps <= set(steps), f"it never came to {scenario.steps - set(steps)}"
    loses_reads = trouble is Trouble.ANSWER_LOST and scenario.loses_reads
    struck_after = [number for number, step in enumerate(steps, 1) if loses_reads or step not in READS]
    for after in [0, *struck_after] if trouble is Trouble.KILLED else struck_after:
        struck = _play(aws, scenario, trouble, after)
        assert struck.met_trouble and struck.steps[:after] == steps[:after]
    return steps


def _play(aws: LocalAws, scenario: Scenario, trouble: Trouble | None, after: int) -> Invocation:
    with a_world(aws) as world:
        try:
            scenario.prepare(world)
            struck = world.strike(scenario.function, trouble, after, scenario.hearing)
            scenario.act(world)
            world.settle()
            look_at_the_end(world, scenario)
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
    assert gate["in_use"] == len([call for call in calls if call["state"] in _HOLDING])
    assert gate["in_use"] <= gate["cap"]
    places = sorted(item["sk"].partition("#")[2] for item in items if item["pk"].endswith("#QUEUE"))
    assert places == sorted(call["sk"] for call in calls if call["state"] == State.QUEUED)
    up = {leg.room for leg in world.phones.legs if leg.is_up and not leg.strayed}
    assert up <= {call.room_name for call in world.table.calls.values() if call.in_flight}


def look_at_the_end(world: World, scenario: Scenario) -> None:
    assert set(world.accepted) <= set(world.table.calls), "a call was accepted and is not there"
    assert len(world.table.calls) == (scenario.calls or len(world.table.calls)) > 0
    for number, call in enumerate(world.table.calls.values()):
        assert call.state.is_terminal, f"{call.call_id} is {call.state} for ever"
        may_be = scenario.reasons[min(number, len(scenario.reasons) - 1)]
        # A dialer that dies with its call claimed leaves nothing behind that could tell whether it dialled.
        rang = call.room_name in world.phones.over_at
        assert call.end_reason in may_be | (set() if rang else {EndReason.DIAL_STATE_UNKNOWN})
        assert call.due_at is None
    ends = [change for change in world.table.changes if change.after.state.is_terminal]
    assert Counter(end.after.call_id for end in ends) == dict.fromkeys(world.table.calls, 1), "an end was written again"
    sweeps = 2 if scenario.function == "sweep" else 1
    for end in ends:
        over_at = world.phones.over_at.get(end.after.room_name or "", end.at)
        assert end.at - over_at <= OWED_WITHIN_MS * sweeps, "a line was held for nobody"
    look_at_the_table(world)
    assert set(world.phones.dials.values()) <= {1}, "an attempt was dialled again"
    phones_that_rang = Counter(identity.split("-")[1] for identity in world.phones.rang)
    assert set(phones_that_rang.values()) <= {1, scenario.rings}, "a phone rang again"
    assert not world.phones.rooms, "somebody was left alone in a room"
    assert not world.dead_letters, "a healthy message was given up"
    look_at_the_webhooks(world, scenario.deliveries)


def look_at_the_webhooks(world: World, statuses: Set[str]) -> None:
    """One event for each call, however often it was announced or posted: its receiver can tell that it is the same."""
    announced = {json.loads(each.body)["call_id"] for each in world.sent if each.queue == "deliveries"}
    assert announced == set(world.table.calls)
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


# --- the stage -------------------------------------------------------------------------------------------------------


@contextmanager
def a_world(aws: LocalAws) -> Iterator[World]:
    """An empty table with one account, one line and one endpoint; everything outside is watched, and time is ours."""
    clock = HandClock()
    world = World(aws, clock, Phones(clock), WatchedTable(aws), after_each=look_at_the_table)
    _clear(world)
    with ExitStack() as patches, ThreadPoolExecutor() as elsewhere:

        def patch(target: Any, name: str, replacement: Any) -> None:
            patches.enter_context(mock.patch.object(target, name, replacement))

        async def sleep(seconds: float) -> None:
            _live_on()
            clock.move(seconds)
            # Another thread has no acting process and no event loop. This one waits for it: nothing is left to chance.
            elsewhere.submit(world.meanwhile).result()
            await _sleep(0)

        async def in_turn[T](work: Callable[..., T], *given: Any) -> T:
            await _sleep(0)
            return work(*given)

        patch(asyncio, "sleep", sleep)
        patch(asyncio, "to_thread", in_turn)
        patch(api, "LiveKitAPI", lambda *_, **__: Client(world.phones))
        patch(product_clock, "now_ms", clock)
        patch(ids, "now_ms", clock)
        patch(WebhookClient, "post", _receiver(world))
        for client in (aws.dynamodb, aws.sqs):
            patch(client, "_make_api_call", _watched(client._make_api_call, world))
        logging.disable()
        try:
            yield world
        finally:
            logging.disable(logging.NOTSET)


def _live_on() -> None:
    invocation = ACTING.get()
    if invocation is not None and invocation.is_dead:
        raise Killed


def _watched(request_of: Callable[[str, Any], Any], world: World) -> Callable[[str, Any], Any]:
    """A client whose requests are steps. The looks of the test itself, and what it prepares, are none."""

    def request(operation: str, details: Any) -> Any:
        before_step()
        world.clock.now += _STEP_TAKES_MS if ACTING.get() is not None else 0
        said = {"MessageId": "1"} if operation == "SendMessage" else world.table.read_by_key(operation, details)
        try:
            answer = said or request_of(operation, details)
        except ClientError:
            lose(operation)
            raise
        acting = ACTING.set(None)
        try:
            if operation in _WRITES:
                world.table.note_written(operation, details, world.clock.now)
            elif operation == "SendMessage":
                world.note_sent(details)
        finally:
            ACTING.reset(acting)
        lose(operation)
        return answer

    def lose(operation: str) -> None:
        try:
            after_step(operation)
        except AnswerLost:
            raise ReadTimeoutError(endpoint_url="https://aws.test") from None

    return request


def _receiver(world: World) -> Callable[..., Answered | Unanswered]:
    def post(_client: WebhookClient, _url: str, headers: Any, body: bytes) -> Answered | Unanswered:
        before_step()
        world.posts.append((headers, json.loads(body)))
        answers = world.receiver_answers
        status_code = answers.pop(0) if len(answers) > 1 else answers[0]
        try:
            after_step("POST")
        except AnswerLost:
            return Unanswered(Failure.TIMED_OUT)
        return Answered(status_code)

    return post


def _clear(world: World) -> None:
    """Leaves nothing of what was played before but the furniture, which is put there first."""
    aws = world.aws
    world.table.forget_stream()
    kept = {"ACCOUNT", "GATE", "PIPE", "AGENT", "NUMBER"}
    found = world.table.items()
    for item in found:
        if item["sk"].partition("#")[0] not in kept:
            aws.dynamodb.delete_item(TableName=aws.table_name, Key=to_item({"pk": item["pk"], "sk": item["sk"]}))
    endpoint = Endpoint(endpoint_id="ep_1", url="https://example.com/hook", secrets=(SECRET,), created_at=NOW)
    EndpointStore(aws.dynamodb, aws.table_name).add(ACCOUNT, endpoint)
    if found:
        world.set_lines(CAP)
        return
    AccountStore(aws.dynamodb, aws.table_name).create_account(Account(ACCOUNT, "Acme", "acme", CAP))
    routing = RoutingStore(aws.dynamodb, aws.table_name)
    routing.put_agent(ACCOUNT, Agent(agent_id="front-desk", name="Front desk"))
    routing.put_number(ACCOUNT, Number(number="+15550100000", number_id="num_1", pipe_id="PIPE_1"))
    routing.put_pipe(ACCOUNT, Pipe(pipe_id="PIPE_1", name="p", agent_id="front-desk", number="+15550100000"))
