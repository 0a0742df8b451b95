"""What many functions share: their common settings, and the parts that most use cases of a call are built from."""

from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from ringline.calls.model.ports import Telephony
from ringline.calls.model.timing import LIVEKIT_REQUEST_S
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.queues import SqsDoorbell, SqsLookQueue
from ringline.calls.tables.store import CallStore
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import SettingsModel, flag, group, required
from ringline.telephony.livekit_settings import LivekitSettings

if TYPE_CHECKING:
    from ringline.agents.assign import Assign
    from ringline.agents.lost_workers import LostWorkers
    from ringline.agents.socket_settings import SocketSettings
    from ringline.calls.model.call import Call
    from ringline.calls.progress.set_cap import SetCap


class CallSettings(SettingsModel):
    """Of functions that change calls: the table, the bell for whoever waits, and LiveKit."""

    table_name: str = required("TABLE_NAME")
    doorbell_url: str = required("DOORBELL_QUEUE_URL")
    in_shards: bool = flag("DUE_IN_SHARDS")
    livekit: LivekitSettings = group(LivekitSettings)


class SignalSettings(CallSettings):
    """Of functions that also ask to have a call looked at again."""

    look_queue_url: str = required("LOOK_QUEUE_URL")


class CallParts:
    """Made once for each process."""

    def __init__(self, settings: CallSettings, *, clock: Clock, log: Logger) -> None:
        self.store = CallStore(aws.dynamodb(), settings.table_name, in_shards=settings.in_shards)
        self.doorbell = SqsDoorbell(aws.sqs, settings.doorbell_url)
        self.progress = Progress(self.store, self.doorbell, clock, log)


def look_queue(settings: SignalSettings) -> SqsLookQueue:
    return SqsLookQueue(aws.sqs, settings.look_queue_url)


def to_livekit(
    settings: LivekitSettings, within_s: float = LIVEKIT_REQUEST_S
) -> AbstractAsyncContextManager[Telephony]:
    """A connection to LiveKit, for functions that seldom need one: its client takes as long to load as the rest of
    such a function, and is loaded here."""
    from ringline.telephony.livekit import connected

    return connected(settings, within_s)


def sends_agents(table_name: str) -> dict[str, Any]:
    """What the settings of a function that sends agents have besides: under which names of their own customers' agents
    are dispatched, and what they are told. What reads the names is loaded with the first agent that speaks for
    itself."""

    def own_name(account_id: str, agent_id: str | None) -> str | None:
        from ringline.routing.store import RoutingStore

        return RoutingStore(aws.dynamodb(), table_name).dispatch_name(account_id, agent_id)

    return {"own_name_of": own_name, "whole_of": CallStore(aws.dynamodb(), table_name).whole_or_raise}


def assigning(
    settings: "SocketSettings", table_name: str, store: CallStore, progress: Progress, *, clock: Clock, log: Logger
) -> "Assign":
    """What gives calls to runners."""
    from ringline.agents.assign import Assign
    from ringline.agents.bridge_token import bridge_token
    from ringline.agents.sockets import ApiGatewaySockets
    from ringline.agents.tables.assignments import Assignments
    from ringline.agents.tables.registry import Registry
    from ringline.runtime.ids import new_id

    def token_for(call: "Call", job_id: str, worker_id: str) -> str:
        return bridge_token(call, job_id, worker_id, settings.livekit_keys[0].api_secret)

    dynamodb = aws.dynamodb()
    return Assign(
        store=store,
        progress=progress,
        registry=Registry(dynamodb, table_name, clock),
        assignments=Assignments(dynamodb, table_name),
        sockets=ApiGatewaySockets(partial(aws.connections, settings.connections_url), log),
        token_for=token_for,
        new_assign_id=partial(new_id, "asg"),
        clock=clock,
        log=log,
    )


def losing_workers(
    store: CallStore,
    progress: Progress,
    table_name: str,
    telephony: Telephony,
    looks: SqsLookQueue,
    *,
    clock: Clock,
    log: Logger,
) -> "LostWorkers":
    """What gives the calls of speech workers that are gone to others."""
    from ringline.agents.lost_workers import LostWorkers
    from ringline.agents.tables.registry import Registry
    from ringline.calls.progress.agents import Agents
    from ringline.calls.tables.watchlist import Watchlist

    dynamodb = aws.dynamodb()
    return LostWorkers(
        registry=Registry(dynamodb, table_name, clock),
        watchlist=Watchlist(dynamodb, table_name),
        store=store,
        agents=Agents(progress, telephony, clock, log),
        looks=looks,
        clock=clock,
        log=log,
    )


def capping(parts: CallParts, table_name: str, *, clock: Clock, log: Logger) -> "SetCap":
    """What sets caps of agents, pipes and numbers."""
    from ringline.calls.progress.set_cap import SetCap
    from ringline.calls.tables.limits.counters import Counters
    from ringline.calls.tables.pages import CallPages

    dynamodb = aws.dynamodb()
    return SetCap(
        counters=Counters(dynamodb, table_name, clock),
        pages=CallPages(dynamodb, table_name),
        progress=parts.progress,
        doorbell=parts.doorbell,
        clock=clock,
        log=log,
    )
