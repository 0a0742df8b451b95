from functools import partial

from aws_lambda_powertools import Logger

from ringline.calls.outcomes.keep import KeepOutcome
from ringline.calls.outcomes.store import Outcomes
from ringline.calls.signals.agent_reports import HearAgent
from ringline.calls.tables.transcripts import Transcripts
from ringline.calls.transfers.agents import AgentTransfers
from ringline.composition.parts import CallParts, SignalSettings, look_queue, to_livekit
from ringline.composition.parts.transfers import asking_for_transfers
from ringline.routing.store import RoutingStore
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import number, optional, required


class Settings(SignalSettings):
    records_bucket: str = required("RECORDS_BUCKET")
    transfer_queue_url: str = required("TRANSFER_QUEUE_URL")
    default_country: str = optional("DEFAULT_COUNTRY")
    calls_kept_days: float = number("CALLS_KEPT_DAYS")


def compose(settings: Settings, *, clock: Clock, log: Logger) -> HearAgent:
    parts = CallParts(settings, clock=clock, log=log)
    dynamodb, table, kept_days = aws.dynamodb(), settings.table_name, settings.calls_kept_days
    return HearAgent(
        store=parts.store,
        progress=parts.progress,
        transcripts=Transcripts(dynamodb, table, aws.s3, settings.records_bucket, kept_days=kept_days),
        outcomes=KeepOutcome(Outcomes(dynamodb, table, kept_days=kept_days), RoutingStore(dynamodb, table)),
        telephony=partial(to_livekit, settings.livekit),
        looks=look_queue(settings),
        clock=clock,
        log=log,
    )


def compose_transfers(settings: Settings, *, clock: Clock, log: Logger) -> AgentTransfers:
    """What an agent asks for a transfer of its call."""
    from ringline.accounts.store import AccountStore
    from ringline.composition.parts.numbers import reading_numbers

    parts, table = CallParts(settings, clock=clock, log=log), settings.table_name
    number_of = reading_numbers(AccountStore(aws.dynamodb(), table, clock), settings.default_country)
    ask = partial(asking_for_transfers, parts, table, settings.transfer_queue_url, number_of, clock=clock, log=log)
    return AgentTransfers(parts.store, ask)
