import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import replace
from typing import TYPE_CHECKING, NamedTuple

from aws_lambda_powertools import Logger

from ringline.calls.tables.limits.livekit_budget import LivekitBudget
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import DueKey, Watchlist
from ringline.composition.parts import CallParts, SignalSettings, look_queue, losing_workers, sends_agents, to_livekit
from ringline.composition.parts.transfers import transfer_queue
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import group, number, required
from ringline.telephony.livekit_settings import DispatchSettings
from ringline.webhooks.event_settings import EventSettings

if TYPE_CHECKING:
    from ringline.agents.lost_workers import LostWorkers
    from ringline.agents.speech_places import SpeechPlaces
    from ringline.calls.mending.gate_audit import GateAudit
    from ringline.calls.mending.sweep import Sweep
    from ringline.webhooks.sending.queue import SqsDeliveryQueue


class Settings(SignalSettings):
    # The sweep sends an agent to a caller to whom none was sent.
    livekit: DispatchSettings = group(DispatchSettings)
    delivery_queue_url: str = required("DELIVERY_QUEUE_URL")
    transfer_queue_url: str = required("TRANSFER_QUEUE_URL")
    calls_kept_days: float = number("CALLS_KEPT_DAYS")
    events: EventSettings = group(EventSettings)


class Opened(NamedTuple):
    sweep: "Sweep"
    lost_workers: "LostWorkers"
    speech_places: "SpeechPlaces"
    audit: "GateAudit"
    livekits_budget: LivekitBudget


def compose(settings: Settings, *, clock: Clock, log: Logger) -> Callable[[], AbstractAsyncContextManager[Opened]]:
    """Opens a sweep, which lives as long as its connection to LiveKit."""
    dynamodb, table = aws.dynamodb(), settings.table_name
    parts = CallParts(settings, clock=clock, log=log)
    watchlist = Watchlist(dynamodb, table, in_shards=settings.in_shards)
    looks = look_queue(settings)
    budget = LivekitBudget(dynamodb, table)
    livekit = replace(settings.livekit, **sends_agents(table))

    @asynccontextmanager
    async def sweeper() -> AsyncIterator[Opened]:
        # The sweep's rules and its event loop take as long to load as everything else: with the first run.
        from ringline.agents.speech_places import SpeechPlaces
        from ringline.agents.tables.registry import Registry
        from ringline.calls.mending.gate_audit import GateAudit
        from ringline.calls.mending.left_rooms import LeftRooms
        from ringline.calls.mending.sweep import Sweep
        from ringline.calls.progress.awaited_agents import AwaitedAgents
        from ringline.calls.tables.agent_rests import AgentRests
        from ringline.calls.tables.inbound_rooms import InboundRooms
        from ringline.calls.transfers.follow_up import FollowUp
        from ringline.calls.transfers.mend import MendTransfers
        from ringline.calls.views.relay import tell_end
        from ringline.calls.web.store import Tickets
        from ringline.webhooks.sending.announce import Announcer
        from ringline.webhooks.sending.queue import SqsDeliveryQueue
        from ringline.webhooks.tables.endpoints import EndpointStore
        from ringline.webhooks.tables.events import EventStore

        deliveries = SqsDeliveryQueue(aws.sqs, settings.delivery_queue_url)
        ends = CallStore(dynamodb, table, kept_days=settings.calls_kept_days, in_shards=settings.in_shards)
        inbound_rooms = InboundRooms(dynamodb, table)
        registry = Registry(dynamodb, table, clock)
        # One run's: it reads an account's endpoints once.
        events = EventStore(dynamodb, table, clock, kept_s=settings.events.kept_s, in_shards=settings.in_shards)
        announcer = Announcer(EndpointStore(dynamodb, table), events, deliveries)
        async with to_livekit(livekit) as telephony:
            sweep = Sweep(
                store=parts.store,
                watchlist=watchlist,
                progress=parts.progress,
                telephony=telephony,
                left_rooms=LeftRooms(parts.store, inbound_rooms, telephony, log, Tickets(dynamodb, table).is_there),
                doorbell=parts.doorbell,
                looks=looks,
                resend=_resending(table, deliveries, clock),
                awaited=AwaitedAgents(AgentRests(dynamodb, table), registry, clock),
                tell_end=lambda call: tell_end(announcer, ends, call),
                transfers=MendTransfers(
                    FollowUp(
                        store=parts.store,
                        progress=parts.progress,
                        telephony=telephony,
                        queue=transfer_queue(settings.transfer_queue_url),
                        looks=looks,
                        clock=clock,
                        log=log,
                    )
                ),
                clock=clock,
                log=log,
            )
            lost = losing_workers(parts.store, parts.progress, table, telephony, looks, clock=clock, log=log)
            audit = GateAudit(parts.store, watchlist, clock, time.sleep)
            yield Opened(sweep, lost, SpeechPlaces(registry, parts.store, clock, log), audit, budget)

    return sweeper


def _resending(table: str, deliveries: "SqsDeliveryQueue", clock: Clock) -> Callable[[Sequence[DueKey]], int]:
    """What sends deliveries and replays on whose messages got lost; how many."""
    from ringline.webhooks.pacing.lists import PacedLists
    from ringline.webhooks.replaying.overdue import OverdueReplays
    from ringline.webhooks.sending.overdue import Overdue
    from ringline.webhooks.tables.deliveries import DeliveryStore
    from ringline.webhooks.tables.endpoints import EndpointStore
    from ringline.webhooks.tables.event_counts import EventCounts
    from ringline.webhooks.tables.failing import FailingEndpoints
    from ringline.webhooks.tables.replays import ReplayStore

    dynamodb = aws.dynamodb()
    overdue = Overdue(
        DeliveryStore(dynamodb, table),
        PacedLists(FailingEndpoints(dynamodb, table), EndpointStore(dynamodb, table)),
        deliveries,
        EventCounts(dynamodb, table, clock),
        clock,
    )
    replays = OverdueReplays(ReplayStore(dynamodb, table), deliveries, clock)
    return lambda keys: overdue.resend(keys) + replays.resend()
