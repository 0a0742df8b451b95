import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger

from ringline.accounts.manage import ManageKeys
from ringline.accounts.store import AccountStore
from ringline.accounts.tables.allowances import Allowances
from ringline.accounts.tables.key_uses import KeyUses
from ringline.agents.tables.registry import Registry
from ringline.audit.log import AuditLog
from ringline.calls.capacity.counters import Kind as Capped
from ringline.calls.erasing.content import Content
from ringline.calls.erasing.erase import EraseContent
from ringline.calls.erasing.person import ForgetNumber
from ringline.calls.model.call import Call
from ringline.calls.outcomes.store import Outcomes
from ringline.calls.progress.capacity import Capacity
from ringline.calls.progress.hang_up import HangUp, HungUp
from ringline.calls.tables.inbound_rooms import InboundRooms
from ringline.calls.tables.limits.counters import Counters
from ringline.calls.tables.livekit_rest import LivekitRest
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.store import TableContended
from ringline.calls.tables.transcripts import Transcripts
from ringline.calls.transfers.routes import TransferRoutes
from ringline.calls.views.payload import event_ids_of
from ringline.composition.parts import CallParts, SignalSettings, capping, to_livekit
from ringline.composition.parts.lines import LineSettings, line_resources
from ringline.composition.parts.live import inviting, live_controls
from ringline.composition.parts.numbers import reading_numbers
from ringline.composition.parts.transfers import asking_for_transfers
from ringline.composition.parts.webhook_log import replaying, webhook_log
from ringline.resources.analytics import Analytics
from ringline.resources.calls import Calls
from ringline.resources.erasure import Erasure
from ringline.resources.overview.account import Accounts
from ringline.resources.overview.audit import Audit
from ringline.resources.overview.document import ApiDocument
from ringline.resources.overview.health import Health
from ringline.resources.overview.own_caps import SetOwnCaps
from ringline.resources.recordings import Recordings
from ringline.resources.runners import Runners
from ringline.resources.session_reader import SessionReader
from ringline.resources.sessions import Sessions
from ringline.resources.setup.agents import Agents
from ringline.resources.setup.api_keys import ApiKeys
from ringline.resources.setup.not_served import NotServed
from ringline.resources.setup.pipes import Pipes
from ringline.resources.setup.voice_profiles import VoiceProfiles
from ringline.resources.transcripts import TranscriptLists
from ringline.resources.webhook_endpoints import WebhookEndpoints
from ringline.resources.workers import Workers
from ringline.routing.store import RoutingStore
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import flag, group, number, optional, required
from ringline.runtime.vault.kept import sealer
from ringline.runtime.vault.row_secrets import AGENT, RowSecrets
from ringline.runtime.web.problems import Problem, invalid_field
from ringline.runtime.web.routes import Route
from ringline.setup.agents import ManageAgents
from ringline.setup.pipes import ManagePipes
from ringline.setup.store import Kind as SetUp
from ringline.setup.store import SetupStore
from ringline.voices.store import VoiceCatalogue
from ringline.webhooks.addresses import url_fault
from ringline.webhooks.erasing import EraseEvents
from ringline.webhooks.event_settings import EventSettings
from ringline.webhooks.manage import ManageEndpoints
from ringline.webhooks.secrets import EndpointSecrets
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.erasing import Erasures
from ringline.webhooks.tables.events import EventStore
from ringline.webhooks.tables.turns import TurnStore
from ringline.webhooks.targets.of_calls import UrlsOfCalls
from ringline.webhooks.targets.settings import TargetSettings
from ringline.webhooks.views import failing_view


class Settings(SignalSettings):
    records_bucket: str = required("RECORDS_BUCKET")
    sip_trunk_id: str = optional("SIP_TRUNK_ID")
    calls_per_second: float = number("TRUNK_CALLS_PER_SECOND")
    livekit_per_minute: float = number("LIVEKIT_REQUESTS_PER_MINUTE")
    transfer_queue_url: str = required("TRANSFER_QUEUE_URL")
    delivery_queue_url: str = required("DELIVERY_QUEUE_URL")
    default_country: str = optional("DEFAULT_COUNTRY")
    keys_apart: bool = flag("KEYS_APART")
    allow_private_webhooks: bool = flag("ALLOW_PRIVATE_WEBHOOKS")
    events: EventSettings = group(EventSettings)
    targets: TargetSettings = group(TargetSettings)
    agent_name: str = optional("AGENT_NAME")
    speech_agent_name: str = optional("SPEECH_AGENT_NAME")
    lines: LineSettings = group(LineSettings)


def compose(settings: Settings, *, document: Path, clock: Clock, log: Logger) -> tuple[Route, ...]:
    """Every route of the API but those that have a function of their own. A new resource is named here once.
    `document` is the file of the API's own document."""
    dynamodb, table = aws.dynamodb(), settings.table_name
    parts = CallParts(settings, clock=clock, log=log)
    hang_up = _hanging_up(settings, parts, clock=clock, log=log)
    accounts = AccountStore(dynamodb, table, clock)
    number_of = reading_numbers(accounts, settings.default_country)
    registry = Registry(dynamodb, table, clock)
    outcomes = Outcomes(dynamodb, table)
    reader = SessionReader(
        store=parts.store,
        pages=CallPages(dynamodb, table),
        transcripts=Transcripts(dynamodb, table, aws.s3, settings.records_bucket),
        records_bucket=settings.records_bucket,
        read_number=number_of,
        clock=clock,
    )
    paces = TrunkPaces(dynamodb, table, settings.sip_trunk_id, settings.calls_per_second, settings.livekit_per_minute)
    capacity = Capacity(Counters(dynamodb, table, clock), RoutingStore(dynamodb, table), clock)
    calls = Calls(
        store=parts.store,
        pages=reader.pages,
        paces=paces,
        places=registry,
        capacity=capacity,
        transcripts=reader.transcripts,
        outcomes=outcomes,
        records_bucket=settings.records_bucket,
        hang_up=hang_up,
        read_number=number_of,
        clock=clock,
    )
    ask_transfer = partial(
        asking_for_transfers, parts, table, settings.transfer_queue_url, number_of, clock=clock, log=log
    )
    endpoints = ManageEndpoints(
        EndpointStore(dynamodb, table),
        EndpointSecrets(sealer),
        replaying(table, settings.delivery_queue_url, clock=clock),
        clock,
        allow_private=settings.allow_private_webhooks,
        allowed_targets=settings.targets.allowed,
        forget_turns=TurnStore(dynamodb, table).forget,
        pipes_with_url=partial(_pipes_with_url, RoutingStore(dynamodb, table)),
    )
    erasing = _erasing(settings, parts, clock=clock)
    forget_room = InboundRooms(dynamodb, table).forget
    forgetting = ForgetNumber(reader.pages, erasing, parts.store.forget_called, forget_room)
    resources = (
        *_setting_up(settings, parts, number_of, clock=clock, log=log),
        calls,
        Sessions(reader, hang_up, inviting(settings.livekit, table, clock=clock), settings.livekit.url_for_browsers),
        live_controls(
            parts.store,
            parts.progress,
            partial(to_livekit, settings.livekit),
            settings.livekit,
            look_queue_url=settings.look_queue_url,
            records_bucket=settings.records_bucket,
            clock=clock,
            log=log,
        ),
        TransferRoutes(parts.store, ask_transfer),
        Erasure(erasing, forgetting, number_of, log),
        Analytics(reader, outcomes),
        TranscriptLists(reader),
        Recordings(reader),
        WebhookEndpoints(endpoints, clock, log),
        *webhook_log(
            endpoints,
            table,
            settings.delivery_queue_url,
            events_kept_s=settings.events.kept_s,
            in_shards=settings.in_shards,
            clock=clock,
            log=log,
        ),
        Runners(registry, reader.pages, clock),
        Workers(registry, reader.pages, clock),
        Accounts(
            accounts=accounts,
            store=parts.store,
            pages=reader.pages,
            paces=paces,
            capacity=capacity,
            registry=registry,
            set_own_caps=SetOwnCaps(Allowances(dynamodb, table), parts.doorbell.ring),
            failing_endpoints=lambda account_id: failing_view(EndpointStore(dynamodb, table).endpoints(account_id)),
            clock=clock,
        ),
        Audit(AuditLog(dynamodb, table)),
        ApiDocument(document),
        Health(livekit=LivekitRest(dynamodb, table), clock=clock, log=log),
        *line_resources(
            settings.lines,
            settings.livekit,
            table,
            capping(parts, table, clock=clock, log=log),
            number_of,
            allow_private=settings.allow_private_webhooks,
            clock=clock,
            log=log,
        ),
    )
    return tuple(route for resource in resources for route in resource.routes)


def _pipes_with_url(routing: RoutingStore, account_id: str) -> list[str]:
    return [each.pipe_id for each in routing.pipes(account_id) if each.webhook_url is not None]


def _erasing(settings: Settings, parts: CallParts, *, clock: Clock) -> EraseContent:
    dynamodb, table = aws.dynamodb(), settings.table_name
    events = EventStore(dynamodb, table, clock)
    erase = EraseEvents(Erasures(dynamodb, table), events.erase, EndpointStore(dynamodb, table).endpoints)

    def erase_events(call: Call) -> int:
        return erase.run(call.account_id, event_ids_of(call))

    content = Content(dynamodb, table, aws.s3, settings.records_bucket)
    return EraseContent(parts.progress, content, erase_events, clock)


def _setting_up(
    settings: Settings, calls: CallParts, number_of: Callable[[str, str], str], *, clock: Clock, log: Logger
) -> tuple[Any, ...]:
    """What customers set up: pipes, agents, voices, keys; and what is out of scope."""
    dynamodb, table = aws.dynamodb(), settings.table_name
    catalogue = VoiceCatalogue(dynamodb, table, clock)

    def check_url(name: str, url: str) -> None:
        fault = url_fault(url, allow_private=settings.allow_private_webhooks)
        if fault is not None:
            raise invalid_field(name, fault)

    caps = capping(calls, table, clock=clock, log=log)

    def set_cap(account_id: str, kind: SetUp, of: str, max_calls: int | None) -> None:
        try:
            caps.run(account_id, Capped[kind.name], of, max_calls)
        except TableContended:
            raise Problem(503, "contended", "The cap was not set; ask again") from None

    parts: dict[str, Any] = {
        "rows": RoutingStore(dynamodb, table),
        "store": SetupStore(dynamodb, table),
        "voices": catalogue,
        "check_url": check_url,
        "set_cap": set_cap,
        "clock": clock,
    }
    deployments_names = frozenset({settings.agent_name, settings.speech_agent_name})
    urls_of_calls = UrlsOfCalls(partial(EndpointStore, dynamodb, table), allow_private=settings.allow_private_webhooks)
    keys = AccountStore(dynamodb, table, clock, keys_apart=settings.keys_apart)
    return (
        Pipes(ManagePipes(**parts, check_webhook_url=urls_of_calls.check), number_of, log),
        Agents(
            ManageAgents(**parts, deployments_names=deployments_names, keys=RowSecrets(sealer, AGENT)), catalogue, log
        ),
        VoiceProfiles(catalogue),
        ApiKeys(ManageKeys(keys, KeyUses(dynamodb, table), clock), log),
        NotServed(),
    )


def _hanging_up(
    settings: Settings, parts: CallParts, *, clock: Clock, log: Logger
) -> Callable[[str, str], HungUp | None]:
    """Ends a call (account, call), with a connection to LiveKit for it alone."""

    async def connect_and_hang_up(account_id: str, call_id: str) -> HungUp | None:
        async with to_livekit(settings.livekit) as telephony:
            hang_up = HangUp(store=parts.store, progress=parts.progress, telephony=telephony, clock=clock, log=log)
            return await hang_up.run(account_id, call_id)

    def hang_up(account_id: str, call_id: str) -> HungUp | None:
        return asyncio.run(connect_and_hang_up(account_id, call_id))

    return hang_up
