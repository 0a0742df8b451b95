"""Forty creates to one number at once, each unique to it: one call is made, and all are answered with it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from aws_lambda_powertools import Logger

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.events import EndAsked
from ringline.calls.model.reasons import EndReason
from ringline.calls.outbound.create import Accepted, CreateCall, WaitingMarks
from ringline.calls.outbound.queue_room import QueueRoom
from ringline.calls.outbound.requests import CreateCallRequest
from ringline.calls.progress.limits_met import LimitsMet
from ringline.calls.progress.progress import Applied, Progress
from ringline.calls.tables.limits.reached import ReachedLimits
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import Watchlist
from ringline.routing.records import Number, Pipe
from ringline.routing.resolve import OutboundRouting
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import now_ms
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.targets.of_calls import UrlsOfCalls
from tests.builders import ACCOUNT
from tests.component.one_table import LocalAws
from tests.fakes import CountingDoorbell

AT_ONCE = 40
LOG = Logger(service="test", level="CRITICAL")


def test_forty_creates_at_once_are_one_call_and_so_after_each_end(local: LocalAws) -> None:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    routing = RoutingStore(local.dynamodb, local.table_name)
    routing.put_number(ACCOUNT, Number(number="+15550100000", number_id="num_1"))
    routing.put_pipe(ACCOUNT, Pipe(pipe_id="PIPE_1", name="p", agent_id="desk", number="+15550100000"))
    store = CallStore(local.dynamodb, local.table_name)
    marks = WaitingMarks(Watchlist(local.dynamodb, local.table_name), now_ms, LOG)
    create = CreateCall(
        store=store,
        routing=OutboundRouting(routing),
        doorbell=CountingDoorbell(),
        marks=marks,
        room=QueueRoom(store, now_ms),
        limits=LimitsMet(ReachedLimits(local.dynamodb, local.table_name), now_ms, LOG),
        webhook_urls=UrlsOfCalls(lambda: EndpointStore(local.dynamodb, local.table_name), allow_private=False),
        clock=now_ms,
        log=LOG,
    )
    request = CreateCallRequest(to_number="+15550100200", pipe_id="PIPE_1", unique_to="number")
    progress = Progress(store, CountingDoorbell(), now_ms, LOG)
    together = Barrier(AT_ONCE)

    def ask(_: int) -> Accepted:
        together.wait()
        return create.run(ACCOUNT, request)

    made = set()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in range(3):
            answers = list(threads.map(ask, range(AT_ONCE)))
            (call_id,) = {answer.call.call_id for answer in answers}
            assert Counter(answer.under_way for answer in answers) == {True: AT_ONCE - 1, False: 1}
            made.add(call_id)
            assert isinstance(progress.apply(ACCOUNT, call_id, EndAsked(now_ms(), EndReason.API_HUNG_UP)), Applied)
    rows = [item for item in local.items() if item.get("item_kind") == "call"]
    assert len(rows) == len(made) == 3
    assert [item for item in local.items() if item["pk"].endswith("#UNIQUE")] == []
