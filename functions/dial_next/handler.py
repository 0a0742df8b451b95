"""Hears doorbells, takes on the accounts' next calls and dials them side by side. A full gate is a normal answer,
never a failed message."""

import asyncio
from typing import Any

from ringline.calls.tables.queues import account_rung_for
from ringline.composition.dial_next import Settings, compose
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.metrics import count_failure
from ringline.runtime.settings import read

log = make_logger("dial_next")
dialer = compose(read(Settings), clock=now_ms, log=log)


async def dial(messages: dict[str, str | None]) -> list[str]:
    """Serves the accounts that the messages (id -> account) name; returns the ids of those whose account could not
    be served."""
    accounts = sorted({account for account in messages.values() if account is not None})
    async with dialer() as dial_next:
        results = await asyncio.gather(*(dial_next.run(account) for account in accounts), return_exceptions=True)
    failed = set()
    for account, result in zip(accounts, results, strict=True):
        if isinstance(result, BaseException):
            log.error("account not served", exc_info=result, extra={"account_id": account})
            count_failure(log)
            failed.add(account)
    return [message_id for message_id, account in messages.items() if account in failed]


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    messages = {record["messageId"]: account_rung_for(record["body"]) for record in event["Records"]}
    failed = asyncio.run(dial(messages))
    log.info("doorbells heard", extra={"rings": len(messages), "failed": len(failed)})
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
