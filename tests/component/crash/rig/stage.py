"""Where functions are struck: a world with one account and one line, where all that lies outside is watched."""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime, tzinfo
from functools import cache
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError, ReadTimeoutError
from jwt import api_jwt
from livekit import api

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.outbound.admit import Admit
from ringline.calls.tables import watchlist
from ringline.calls.tables.watchlist import Lists
from ringline.routing.records import Agent, Number, Pipe
from ringline.routing.store import RoutingStore
from ringline.runtime import aws as product_aws
from ringline.runtime import clock as product_clock
from ringline.runtime import ids
from ringline.runtime.table import DUE_SHARD, EXPIRES_SHARD, WAITING_PK, shard_for
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.sending.client import Answered, Failure, Unanswered, WebhookClient
from ringline.webhooks.tables.endpoints import EndpointStore
from tests.builders import NOW
from tests.component.crash.rig.database import Database
from tests.component.crash.rig.livekit import Client
from tests.component.crash.rig.phones import Phones
from tests.component.crash.rig.process import ACTING, AnswerLost, Killed, after_step, before_step
from tests.component.crash.rig.runners import AGENT as RUNNERS_AGENT
from tests.component.crash.rig.runners import NUMBER as RUNNERS_NUMBER
from tests.component.crash.rig.runners import PIPE as RUNNERS_PIPE
from tests.component.crash.rig.speech import Speech
from tests.component.crash.rig.table import WatchedTable
from tests.component.crash.rig.world import ACCOUNT, World
from tests.component.one_table import PARKED_BUCKET, RECORDS_BUCKET, LocalAws
from tests.component.rights import note_asked
from tests.fakes import HandClock

CAP = 1
"""One line: whoever does not give it back keeps everybody else waiting."""
ROUTED, UNROUTED, NOBODYS = "+15550100000", "+15550100001", "+15550100002"
"""Numbers to ring: one with an agent behind it, one without, one of no account."""
OVERFLOWING, DECIDED = "+15550100004", "+15550100005"
"""Numbers with an agent, and another where that has no room; and with a server that decides about callers."""
RECORDED = "PIPE_recorded"
"""A pipe whose calls are recorded."""
DECIDES_AT = "https://example.com/decide"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

_DUE, _EXPIRES, _WAITING = (
    shard_for(ACCOUNT, whole, in_shards=True) for whole in (DUE_SHARD, EXPIRES_SHARD, WAITING_PK)
)
_SHORT_LISTS = {
    "DUE_SHARDS": (_DUE,),
    "EXPIRES_SHARDS": (_EXPIRES,),
    "WAITING_PKS": (_WAITING,),
    "ALL": Lists((DUE_SHARD, _DUE), (EXPIRES_SHARD, _EXPIRES), (WAITING_PK, _WAITING)),
}
"""A sweep that knows of shards looks into each: the account's own of each list shows that as well."""
_WRITES = {"PutItem", "UpdateItem", "TransactWriteItems", "DeleteItem"}
_STEP_TAKES_MS = 5
_sleep = asyncio.sleep
_TURNS = 10
"""So many turns the other tasks of a process have before one that sleeps makes time pass: who sleeps shorter is up
first."""


@contextmanager
def a_world(aws: LocalAws, after_each: Callable[[World], None], *, in_shards: bool = False) -> Iterator[World]:
    """An empty table with one account, one line and one endpoint; everything outside is watched, and time is ours."""
    clock = HandClock()
    database = Database(aws.table_name)
    world = World(aws, clock, Phones(clock), WatchedTable(database), [in_shards], after_each=after_each)
    world.speech = Speech(world)
    with ExitStack() as patches, ThreadPoolExecutor() as elsewhere:

        def patch(target: Any, name: str, replacement: Any) -> None:
            patches.enter_context(mock.patch.object(target, name, replacement))

        due: defaultdict[asyncio.AbstractEventLoop, list[int]] = defaultdict(list)

        async def sleep(seconds: float) -> None:
            _live_on()
            others, until = due[asyncio.get_running_loop()], clock.now + round(seconds * 1000)
            others.append(until)
            try:
                for _ in range(_TURNS):
                    await _sleep(0)
                while min(others) < until and clock.now < until:
                    await _sleep(0)
                clock.move(max(0, until - clock.now) / 1000)
            finally:
                others.remove(until)
            # Another thread has no acting process and no event loop. This one waits for it: nothing is left to chance.
            elsewhere.submit(world.meanwhile).result()
            await _sleep(0)

        async def in_turn[T](work: Callable[..., T], *given: Any) -> T:
            await _sleep(0)
            return work(*given)

        for name, lists in _SHORT_LISTS.items():
            patch(watchlist, name, lists)
        patch(asyncio, "sleep", sleep)
        patches.enter_context(mock.patch.dict(Admit._defaults, {"pause": clock.move}))
        patch(asyncio, "to_thread", in_turn)
        patch(api, "LiveKitAPI", lambda *_, **__: Client(world.phones))
        patch(product_clock, "now_ms", clock)
        patch(ids, "now_ms", clock)
        patch(api_jwt, "datetime", _calendar(clock))
        patch(WebhookClient, "post", _receiver(world))
        patch(aws.dynamodb, "_make_api_call", database.answer)
        _furnish(world)
        patch(aws.dynamodb, "_make_api_call", _watched(_held_to_rights(world.table), world))
        patch(aws.sqs, "_make_api_call", _watched(aws.sqs._make_api_call, world))
        make_s3 = product_aws.s3

        @cache
        def s3() -> Any:
            bucket = make_s3()
            for name in (RECORDS_BUCKET, PARKED_BUCKET):
                bucket.create_bucket(Bucket=name)
            patch(bucket, "_make_api_call", _watched(bucket._make_api_call, world))
            return bucket

        # Few need it, and making it takes as long as a whole world.
        patch(product_aws, "s3", s3)
        patch(product_aws, "connections", lambda _url: world.speech.fleet)
        logging.disable()
        try:
            yield world
        finally:
            logging.disable(logging.NOTSET)


def _calendar(clock: HandClock) -> type[datetime]:
    """What tokens are held against."""

    class Calendar(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Calendar":
            return cls.fromtimestamp(clock.now / 1000, tz)

    return Calendar


_SAID: dict[str, dict[str, Any]] = {
    "SendMessage": {"MessageId": "1"},
    "SendMessageBatch": {"Successful": [], "Failed": []},
}
"""What SQS answers."""


def _live_on() -> None:
    invocation = ACTING.get()
    if invocation is not None and invocation.is_dead:
        raise Killed


def _held_to_rights(table: WatchedTable) -> Callable[[str, Any], Any]:
    def request(operation: str, details: Any) -> Any:
        note_asked(operation, details)
        answer = table.database.answer(operation, details)
        acting = ACTING.get()
        if operation == "BatchGetItem" and table.garbled and acting is not None:
            found = answer["Responses"].items()
            kept = {name: [table.as_read_by(acting.function, item) for item in items] for name, items in found}
            return answer | {"Responses": kept}
        return answer

    return request


def _watched(request_of: Callable[[str, Any], Any], world: World) -> Callable[[str, Any], Any]:
    """A client whose requests are steps. The looks of the test itself, and what it prepares, are none."""

    def request(operation: str, details: Any) -> Any:
        before_step()
        world.clock.now += _STEP_TAKES_MS if ACTING.get() is not None else 0
        try:
            answer = _SAID.get(operation) or request_of(operation, details)
        except ClientError:
            lose(operation)
            raise
        acting = ACTING.set(None)
        try:
            if operation in _WRITES:
                world.table.note_written(operation, details, world.clock.now)
            elif operation == "SendMessage":
                world.note_sent(details)
            elif operation == "SendMessageBatch":
                for entry in details["Entries"]:
                    world.note_sent(entry | {"QueueUrl": details["QueueUrl"]})
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
    def post(_client: WebhookClient, url: str, headers: Any, body: bytes) -> Answered | Unanswered:
        before_step()
        if url == DECIDES_AT:
            world.questions.append(json.loads(body)["data"]["call_id"])
            return _decision(world)
        world.posts.append((headers, json.loads(body)))
        answers = world.receiver_answers
        status_code = answers.pop(0) if len(answers) > 1 else answers[0]
        try:
            after_step("POST")
        except AnswerLost:
            return Unanswered(Failure.TIMED_OUT)
        return Answered(status_code)

    return post


def _decision(world: World) -> Answered | Unanswered:
    """What the server says that decides about callers; nothing in time, where it has nothing to say."""
    try:
        after_step("question")
    except AnswerLost:
        return Unanswered(Failure.TIMED_OUT)
    if world.decision is None:
        return Unanswered(Failure.TIMED_OUT)
    return Answered(200, body=json.dumps(world.decision).encode())


def _furnish(world: World) -> None:
    """What is there before anything is played."""
    aws = world.aws
    endpoint = Endpoint(endpoint_id="ep_1", url="https://example.com/hook", secrets=(SECRET,), created_at=NOW)
    EndpointStore(aws.dynamodb, aws.table_name).add(ACCOUNT, endpoint)
    AccountStore(aws.dynamodb, aws.table_name).create_account(Account(ACCOUNT, "Acme", "acme", CAP))
    routing = RoutingStore(aws.dynamodb, aws.table_name)
    routing.put_agent(ACCOUNT, Agent(agent_id="front-desk", name="Front desk"))
    routing.put_agent(ACCOUNT, Agent(agent_id="sales", name="Sales"))
    routing.put_agent(ACCOUNT, Agent(agent_id=RUNNERS_AGENT, name="Front desk", brain="runner"))
    routing.put_pipe(ACCOUNT, Pipe(pipe_id=RUNNERS_PIPE, name="p", agent_id=RUNNERS_AGENT, number=ROUTED))
    routing.put_number(ACCOUNT, Number(number=RUNNERS_NUMBER, number_id="num_3", pipe_id=RUNNERS_PIPE))
    routing.put_number(ACCOUNT, Number(number=ROUTED, number_id="num_1", pipe_id="PIPE_1"))
    routing.put_number(ACCOUNT, Number(number=UNROUTED, number_id="num_2"))
    routing.put_number(
        ACCOUNT, Number(number=OVERFLOWING, number_id="num_4", pipe_id="PIPE_1", overflow_agent_id="sales")
    )
    routing.put_number(
        ACCOUNT,
        Number(
            number=DECIDED,
            number_id="num_5",
            pipe_id="PIPE_1",
            decision_url=DECIDES_AT,
            decision_secret=SECRET,
            decision_default="reject",
        ),
    )
    routing.put_pipe(ACCOUNT, Pipe(pipe_id=RECORDED, name="p", agent_id="front-desk", number=ROUTED, recording=True))
    routing.put_pipe(ACCOUNT, Pipe(pipe_id="PIPE_1", name="p", agent_id="front-desk", number=ROUTED))
