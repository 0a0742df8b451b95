"""Hears doorbells, takes on the accounts' next calls and dials them side by side. A full gate is a normal answer,
never a failed message."""

import asyncio
from typing import Any

from ringline.calls.model.call import AnswerFrom
from ringline.calls.outbound.admit import Admit
from ringline.calls.outbound.dial_next import DialNext
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.agent_rests import AgentRests
from ringline.calls.tables.carrier_links import CarrierLinkTable
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.queues import SqsDoorbell, SqsLookQueue, account_rung_for
from ringline.calls.tables.store import CallStore
from ringline.runtime import aws, settings
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.telephony.livekit import LivekitSettings, connected

log = make_logger("dial_next")
table = settings.required("TABLE_NAME")
store = CallStore(aws.dynamodb(), table)
doorbell = SqsDoorbell(aws.sqs, settings.required("DOORBELL_QUEUE_URL"))
looks = SqsLookQueue(aws.sqs, settings.required("LOOK_QUEUE_URL"))
progress = Progress(store, doorbell, now_ms, log)
livekit = LivekitSettings(
    url=settings.required_url("LIVEKIT_URL"),
    api_key=settings.required("LIVEKIT_API_KEY"),
    api_secret=settings.required("LIVEKIT_API_SECRET"),
    sip_trunk_id=settings.required("SIP_TRUNK_ID"),
    agent_name=settings.required("AGENT_NAME"),
    public_url=settings.optional("PUBLIC_URL"),
)
paces = TrunkPaces(aws.dynamodb(), table, livekit.sip_trunk_id, settings.number("TRUNK_CALLS_PER_SECOND"))
rests = AgentRests(aws.dynamodb(), table)
answer_from = AnswerFrom(settings.optional("ANSWER_FROM") or AnswerFrom.DIALER)
carriers_report = settings.flag("LINK_CARRIER_CALLS")
if answer_from is AnswerFrom.CARRIER and not carriers_report:
    raise settings.SettingsError(
        "ANSWER_FROM is carrier, and LINK_CARRIER_CALLS is not true: without a carrier's hook nobody tells of an answer"
    )
admit = Admit(
    store=store,
    paces=paces,
    rests=rests,
    progress=progress,
    clock=now_ms,
    log=log,
    # What is usual is not stored with every call.
    answer_from=None if answer_from is AnswerFrom.DIALER else answer_from,
)

# Each costs a write, and only carriers that report ask for them.
links = CarrierLinkTable(aws.dynamodb(), table, now_ms) if carriers_report else None


async def dial(messages: dict[str, str | None]) -> list[str]:
    """Serves the accounts that the messages (id -> account) name; returns the ids of those whose account could not
    be served."""
    accounts = sorted({account for account in messages.values() if account is not None})
    async with connected(livekit) as telephony:
        dial_next = DialNext(
            store=store,
            admit=admit,
            paces=paces,
            rests=rests,
            progress=progress,
            telephony=telephony,
            doorbell=doorbell,
            looks=looks,
            clock=now_ms,
            log=log,
            links=links,
        )
        results = await asyncio.gather(*(dial_next.run(account) for account in accounts), return_exceptions=True)
    failed = set()
    for account, result in zip(accounts, results, strict=True):
        if isinstance(result, BaseException):
            log.error("account not served", exc_info=result, extra={"account_id": account})
            failed.add(account)
    return [message_id for message_id, account in messages.items() if account in failed]


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    messages = {record["messageId"]: account_rung_for(record["body"]) for record in event["Records"]}
    failed = asyncio.run(dial(messages))
    log.info("doorbells heard", extra={"rings": len(messages), "failed": len(failed)})
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
