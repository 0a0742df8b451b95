from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import replace
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from ringline.agents.tables.registry import Registry
from ringline.calls.model.call import AnswerFrom, Call
from ringline.calls.outbound.admit import Admit
from ringline.calls.outbound.arrivals import Arrivals
from ringline.calls.outbound.dial_next import DialNext
from ringline.calls.progress.capacity import Capacity
from ringline.calls.progress.limits_met import LimitsMet
from ringline.calls.tables.carrier_links import CarrierLinkTable
from ringline.calls.tables.limits.counters import Counters
from ringline.calls.tables.limits.reached import ReachedLimits
from ringline.calls.tables.paces import TrunkPaces
from ringline.composition.parts import CallParts, SignalSettings, look_queue, sends_agents
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import SettingsError, flag, group, number, optional, required
from ringline.telephony.livekit import connected
from ringline.telephony.livekit_settings import DialSettings
from ringline.webhooks.event_settings import EventSettings

if TYPE_CHECKING:
    from ringline.calls.progress.capacity import OwnNumber, Pool
    from ringline.routing.store import RoutingStore


class Settings(SignalSettings):
    livekit: DialSettings = group(DialSettings)
    calls_per_second: float = number("TRUNK_CALLS_PER_SECOND")
    livekit_per_minute: float = number("LIVEKIT_REQUESTS_PER_MINUTE")
    answer_told_by: str = optional("ANSWER_FROM")
    carriers_report: bool = flag("CARRIERS_REPORT")
    links_calls: bool = flag("LINK_CARRIER_CALLS")
    delivery_queue_url: str = required("DELIVERY_QUEUE_URL")
    events: EventSettings = group(EventSettings)

    @property
    def answer_from(self) -> AnswerFrom:
        return AnswerFrom(self.answer_told_by or AnswerFrom.DIALER)

    def check(self) -> None:
        if self.answer_told_by not in {"", *AnswerFrom}:
            raise SettingsError(f"ANSWER_FROM is not one of {', '.join(AnswerFrom)}")
        # The release before told the dialer of carriers that report by the second alone.
        if self.answer_from is AnswerFrom.CARRIER and not (self.carriers_report or self.links_calls):
            raise SettingsError(
                "ANSWER_FROM is carrier, and CARRIERS_REPORT is not true: without a carrier's hook nobody tells of an"
                " answer"
            )


class PoolsWhenNeeded:
    """The pools of pipes. Few calls go out from one: what reads them is loaded with the first that does."""

    def __init__(self, table_name: str) -> None:
        self._table = table_name

    def pipe(self, account_id: str, pipe_id: str) -> "Pool | None":
        return self._rows().pipe(account_id, pipe_id)

    def number(self, account_id: str, number: str) -> "OwnNumber | None":
        return self._rows().number(account_id, number)

    def _rows(self) -> "RoutingStore":
        from ringline.routing.store import RoutingStore

        return RoutingStore(aws.dynamodb(), self._table)


def compose(
    settings: Settings, *, clock: Clock, log: Logger, may_claim: Callable[[], bool] = lambda: True
) -> Callable[[], AbstractAsyncContextManager[DialNext]]:
    """Opens the dialer, which lives as long as its connection to LiveKit. `may_claim` is asked before each claim."""
    dynamodb, table = aws.dynamodb(), settings.table_name
    parts = CallParts(settings, clock=clock, log=log)
    looks = look_queue(settings)
    paces = TrunkPaces(
        dynamodb, table, settings.livekit.sip_trunk_id, settings.calls_per_second, settings.livekit_per_minute
    )
    admit = Admit(
        store=parts.store,
        paces=paces,
        places=Registry(dynamodb, table, clock),
        capacity=Capacity(Counters(dynamodb, table, clock), PoolsWhenNeeded(table), clock),
        progress=parts.progress,
        limits=LimitsMet(ReachedLimits(dynamodb, table), clock, log),
        clock=clock,
        log=log,
        # What is usual is not stored with every call.
        answer_from=None if settings.answer_from is AnswerFrom.DIALER else settings.answer_from,
    )
    # Each link costs a write and a request to LiveKit. Telnyx and the generic form name a call when it begins, and are
    # known by that: only Twilio's callbacks may never name theirs.
    links = CarrierLinkTable(dynamodb, table, clock) if settings.links_calls else None
    arrivals = Arrivals()

    def tell_ringing(call: Call) -> None:
        # Loaded while a phone rings, when nobody waits for the dialer.
        from ringline.calls.views import relay
        from ringline.webhooks.sending.announce import Announcer
        from ringline.webhooks.sending.queue import SqsDeliveryQueue
        from ringline.webhooks.tables.endpoints import EndpointStore
        from ringline.webhooks.tables.events import EventStore

        deliveries = SqsDeliveryQueue(aws.sqs, settings.delivery_queue_url)
        events = EventStore(dynamodb, table, clock, kept_s=settings.events.kept_s, in_shards=settings.in_shards)
        relay.tell_ringing(Announcer(EndpointStore(dynamodb, table), events, deliveries), parts.store, call)

    livekit = replace(settings.livekit, **sends_agents(table))

    @asynccontextmanager
    async def dialer() -> AsyncIterator[DialNext]:
        async with connected(livekit) as telephony:
            yield DialNext(
                store=parts.store,
                admit=admit,
                paces=paces,
                progress=parts.progress,
                telephony=telephony,
                doorbell=parts.doorbell,
                looks=looks,
                tell_ringing=tell_ringing,
                clock=clock,
                log=log,
                links=links,
                arrivals=arrivals,
                may_claim=may_claim,
            )

    return dialer
