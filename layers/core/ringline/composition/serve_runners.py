from collections.abc import Callable
from copy import replace
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from aws_lambda_powertools import Logger

from ringline.accounts.authorize import Authorize, is_good_from
from ringline.accounts.last_use import LastUses
from ringline.accounts.store import AccountStore
from ringline.accounts.tables.key_uses import KeyUses
from ringline.agents.listen import Listen
from ringline.agents.model.records import Connection
from ringline.agents.socket_settings import SocketSettings
from ringline.agents.sockets import ApiGatewaySockets
from ringline.agents.speech_workers import SpeechWorkers, TokenUnknown
from ringline.agents.tables.registry import Registry
from ringline.routing.store import RoutingStore
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import SettingsModel, flag, group, required
from ringline.telephony.livekit_settings import DispatchSettings

if TYPE_CHECKING:
    from ringline.agents.assign import Assign
    from ringline.calls.model.call import AttemptId

LIVEKIT_WITHIN_S = 2
"""How long LiveKit may take for a request: a caller hears silence meanwhile, and whoever looks later asks it again."""


class Settings(SettingsModel):
    table_name: str = required("TABLE_NAME")
    doorbell_url: str = required("DOORBELL_QUEUE_URL")
    in_shards: bool = flag("DUE_IN_SHARDS")
    look_queue_url: str = required("LOOK_QUEUE_URL")
    sockets: SocketSettings = group(SocketSettings)
    livekit: DispatchSettings = group(DispatchSettings)


class Composed(NamedTuple):
    authorize: Authorize
    is_of_worker: Callable[[str], bool | None]
    """Whether an Authorization header is a speech worker's that we know; None where it is none of a speech worker."""
    listen: Listen


def compose(settings: Settings, *, clock: Clock, log: Logger) -> Composed:
    dynamodb, table = aws.dynamodb(), settings.table_name

    @cache
    def assign() -> "Assign":
        # The rules of a call take as long to load as everything else: with the first answer to an assignment.
        from ringline.calls.progress.progress import Progress
        from ringline.calls.tables.queues import SqsDoorbell
        from ringline.calls.tables.store import CallStore
        from ringline.composition.parts import assigning

        store = CallStore(dynamodb, table, in_shards=settings.in_shards)
        progress = Progress(store, SqsDoorbell(aws.sqs, settings.doorbell_url), clock, log)
        return assigning(settings.sockets, table, store, progress, clock=clock, log=log)

    def ring_if_waiting(account_id: str) -> None:
        from ringline.calls.progress.hints import NextRing
        from ringline.calls.tables.queues import SqsDoorbell
        from ringline.calls.tables.store import CallStore

        doorbell = SqsDoorbell(aws.sqs, settings.doorbell_url)
        NextRing(CallStore(dynamodb, table), doorbell, clock).ring_if_waiting(account_id)

    def is_of_worker(authorization: str) -> bool | None:
        from ringline.agents.worker_token import is_workers, worker_is_known

        if not is_workers(authorization):
            return None
        return any(worker_is_known(authorization, key.api_secret) for key in settings.sockets.livekit_keys)

    accounts = AccountStore(dynamodb, table)

    def may_stay(connection: Connection) -> bool:
        key = accounts.key(connection.account_id, connection.key_id or "")
        return is_good_from(key, clock(), connection.source_ip)

    listen = Listen(
        registry=Registry(dynamodb, table, clock),
        routing=RoutingStore(dynamodb, table),
        sockets=ApiGatewaySockets(partial(aws.connections, settings.sockets.connections_url), log),
        assign=assign,
        ring_if_waiting=ring_if_waiting,
        speech_workers=_speech_workers(settings, ring_if_waiting, clock=clock, log=log),
        may_stay=may_stay,
        clock=clock,
        log=log,
    )
    uses = LastUses(KeyUses(dynamodb, table), clock, log)
    return Composed(Authorize(accounts, clock, uses=uses), is_of_worker, listen)


def _speech_workers(
    settings: Settings, ring_if_waiting: Callable[[str], None], *, clock: Clock, log: Logger
) -> SpeechWorkers:
    """Beats are what there is most of: what the rest needs is loaded with the first job that is lost."""

    def attempt_of(token: str, call_id: str) -> "AttemptId":
        from ringline.telephony.agent_dispatch import TokenRefused, read_token
        from ringline.telephony.token_secrets import accepted_secrets

        try:
            return read_token(token, call_id, accepted_secrets)
        except TokenRefused as refused:
            raise TokenUnknown(str(refused)) from None

    def replace_lost(attempt_id: "AttemptId", dispatch: int) -> None:
        import asyncio

        from ringline.calls.progress.progress import Progress
        from ringline.calls.tables.queues import SqsDoorbell, SqsLookQueue
        from ringline.calls.tables.store import CallStore
        from ringline.composition.parts import losing_workers, sends_agents, to_livekit

        store = CallStore(aws.dynamodb(), settings.table_name, in_shards=settings.in_shards)
        progress = Progress(store, SqsDoorbell(aws.sqs, settings.doorbell_url), clock, log)
        looks = SqsLookQueue(aws.sqs, settings.look_queue_url)

        async def connect_and_replace() -> None:
            livekit = replace(settings.livekit, **sends_agents(settings.table_name))
            async with to_livekit(livekit, LIVEKIT_WITHIN_S) as telephony:
                lost = losing_workers(store, progress, settings.table_name, telephony, looks, clock=clock, log=log)
                await lost.job_lost(attempt_id, dispatch)

        asyncio.run(connect_and_replace())

    def look_for_calls_of(worker_id: str, after_s: int) -> None:
        from ringline.calls.tables.queues import SqsLookQueue

        SqsLookQueue(aws.sqs, settings.look_queue_url).look_for_calls_of(worker_id, after_s)

    def ring_waiting() -> None:
        from ringline.calls.tables.watchlist import Watchlist

        watchlist = Watchlist(aws.dynamodb(), settings.table_name, in_shards=settings.in_shards)
        for mark in watchlist.waiting_accounts():
            ring_if_waiting(mark.account_id)

    return SpeechWorkers(
        attempt_of=attempt_of,
        replace_lost=replace_lost,
        look_for_calls_of=look_for_calls_of,
        ring_waiting=ring_waiting,
        clock=clock,
        log=log,
    )
