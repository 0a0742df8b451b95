"""Calls of one account end at once: their events are written and posted by the product's own code, on the emulator's
table, to receivers on this machine; or on a table in this process."""

import json
import random
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from local.bench.webhooks.bill import Bill
from local.bench.webhooks.fair_queue import FairQueue
from ringline.runtime.clock import now_ms
from ringline.runtime.ids import new_id
from ringline.webhooks.model.endpoint import Endpoint, new_webhook_secret
from ringline.webhooks.model.event import Event, EventDraft
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.pacing.health import Health
from ringline.webhooks.pacing.turns import Turns
from ringline.webhooks.sending.announce import Announcer
from ringline.webhooks.sending.client import WebhookClient
from ringline.webhooks.sending.deliver import Deliver
from ringline.webhooks.sending.queue import DeliveryMessage, DeliveryQueue, Outbox, ReplayMessage, body_of
from ringline.webhooks.sending.together import TakeTogether
from ringline.webhooks.tables.deliveries import DeliveryStore
from ringline.webhooks.tables.delivery_reads import DeliveryReads
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore
from ringline.webhooks.tables.turns import TurnStore

RELAYS, COPIES = 10, 100
"""As many as the template lets work at once: of the stream's readers, and of the delivery function."""

WITHIN_S = 90.0
"""What is not there by then counts as lost."""

_LOOK_EVERY_S = 0.25
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Burst:
    """What became of the calls that ended at once. All in ms but `taken_s`."""

    calls: int
    written_after: Sequence[int]
    """Of each event, from the end on."""
    posted_after: Mapping[str, Sequence[int]]
    """Of each endpoint's events that came: from when they were written."""
    taken_s: float
    bill: Bill

    @property
    def posts(self) -> int:
        return sum(map(len, self.posted_after.values()))

    def lost_by(self, endpoint: str) -> int:
        return self.calls - len(self.posted_after.get(endpoint, ()))


class OpenSecrets:
    """Nothing is sealed here: opening is the vault's affair, and takes microseconds."""

    def opened(self, account_id: str, endpoint: Endpoint) -> Endpoint:
        return endpoint


class NothingOfBefore:
    def run(self, message: Any) -> None:
        """No message of the release before comes."""


def burst(
    dynamodb: Any, table: str, receivers_url: str, manners: Sequence[str], calls: int, *, together: bool
) -> Burst:
    """One account with an endpoint of each manner (`quick`, `slow`, `dead`), `calls` of which end at this moment. What
    an endpoint is told goes into the queue and out of it `together`, or each delivery by itself. It waits for all that
    `quick` ones are owed, WITHIN_S at most."""
    account_id = new_id("acct")
    endpoints = EndpointStore(dynamodb, table)
    names = {f"{account_id}-{number}": manner for number, manner in enumerate(manners)}
    for name, manner in names.items():
        url = f"{receivers_url}/{manner}/{name}"
        endpoint = Endpoint(endpoint_id=name, url=url, secrets=(new_webhook_secret(),), created_at=now_ms())
        endpoints.add(account_id, endpoint)
    queue, bill = FairQueue(), Bill()
    is_billed = hasattr(dynamodb, "meta")
    if is_billed:
        bill.open(dynamodb)
    doing = (dynamodb, table, queue, together)
    workers = [threading.Thread(target=_work, args=doing, daemon=True) for _ in range(COPIES)]
    for worker in workers:
        worker.start()
    ended_at, began_s = now_ms(), time.monotonic()
    try:
        with ThreadPoolExecutor(RELAYS) as relays:
            shares = [
                relays.submit(_relay, dynamodb, table, queue, account_id, range(first, calls, RELAYS), together)
                for first in range(RELAYS)
            ]
            wait(shares)
        for share in shares:
            share.result()
        quick = [name for name, manner in names.items() if manner == "quick"]
        seen = _until_all(receivers_url, quick, calls, began_s)
        taken_s = time.monotonic() - began_s
    finally:
        queue.close()
        if is_billed:
            bill.close(dynamodb)
        # One that posts to the dead endpoint is let go after ten seconds.
        for worker in workers:
            worker.join()
    written_at = {event.event_id: event.written_at for event in _log(dynamodb, table, account_id)}
    posted = {
        f"{names[name]} {number}": sorted(
            max(0, at - written_at[event_id]) for event_id, at in seen.get(name, {}).items()
        )
        for number, name in enumerate(names)
    }
    return Burst(calls, sorted(at - ended_at for at in written_at.values()), posted, taken_s, bill)


def _relay(dynamodb: Any, table: str, queue: FairQueue, account_id: str, calls: Sequence[int], together: bool) -> None:
    """One batch of the stream."""
    outbox = Outbox(queue)
    goes_to: DeliveryQueue = outbox if together else queue
    announcer = Announcer(EndpointStore(dynamodb, table), EventStore(dynamodb, table), goes_to)
    drafts = [
        EventDraft(
            account_id=account_id,
            event_type=EventType.CALL_ENDED,
            call_id=f"call_{call}",
            occurred_at=now_ms(),
            data=_DATA | {"call_id": f"call_{call}"},
        )
        for call in calls
    ]
    announcer.write_ahead(drafts)
    for draft in drafts:
        announcer.announce(draft)
    outbox.flush()


_DATA = {"status": "completed", "direction": "outbound", "metadata": {"row": "x" * 600}}
"""About as much as a call's view has."""


def _work(dynamodb: Any, table: str, queue: FairQueue, together: bool) -> None:
    """One copy of the delivery function."""
    endpoints, events = EndpointStore(dynamodb, table), EventStore(dynamodb, table)
    deliveries = DeliveryStore(dynamodb, table)
    turns = Turns(
        rows=TurnStore(dynamodb, table),
        endpoints=endpoints,
        deliveries=deliveries,
        send_later=lambda named, turn_at, wait_ms: queue.send_later(DeliveryMessage(named, turn_at), wait_ms),
        clock=now_ms,
    )
    deliver = Deliver(
        endpoints=endpoints,
        deliveries=deliveries,
        secrets=OpenSecrets(),
        events=events,
        take_over=NothingOfBefore(),
        turns=turns,
        health=Health(endpoints, lambda draft: Announcer(endpoints, events, queue).announce(draft), now_ms),
        client=WebhookClient(allow_private=True),
        queue=queue,
        clock=now_ms,
        randomness=random.random,
    )
    taking = TakeTogether(deliver, _no_step, DeliveryReads(dynamodb, table))
    while (message := queue.take()) is not None:
        try:
            if isinstance(message, DeliveryMessage) and not together:
                # It reads for itself, one row after the other.
                deliver.run(message)
                continue
            for took in taking.run(body_of(message)):
                if isinstance(took, Exception):
                    raise took
        finally:
            queue.done(message)


def _no_step(step: ReplayMessage) -> None:
    raise AssertionError(f"nothing is replayed here: {step}")


def _until_all(receivers_url: str, names: Sequence[str], calls: int, began_s: float) -> dict[str, dict[str, int]]:
    """What came where, once these endpoints have heard of every call."""
    while True:
        with _NO_PROXY.open(f"{receivers_url}/seen", timeout=30) as answer:
            seen: dict[str, dict[str, int]] = json.load(answer)
        if all(len(seen.get(name, ())) >= calls for name in names) or time.monotonic() > began_s + WITHIN_S:
            return seen
        time.sleep(_LOOK_EVERY_S)


def _log(dynamodb: Any, table: str, account_id: str) -> list[Event]:
    """Every event of the account, whose numbers have no gap."""
    events = EventStore(dynamodb, table)
    log: list[Event] = []
    while page := events.page(account_id, len(log), 100):
        log += page
    return log
