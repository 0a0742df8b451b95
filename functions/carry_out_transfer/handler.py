"""Carries transfers out that somebody has asked for: sends a phone away, calls a number into the room, has another
agent come (see ringline.calls.transfers.carry_out). A message that comes twice finds the transfer begun."""

import asyncio
from typing import Any

from ringline.calls.tables.queues import transfer_to_carry_out
from ringline.composition.carry_out_transfer import Settings, compose
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.settings import read

log = make_logger("carry_out_transfer")
transfers = compose(read(Settings), clock=now_ms, log=log)


async def carry_out(named: tuple[str, str, str]) -> str:
    async with transfers() as carrying_out:
        return await carrying_out.run(*named)


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    for record in event["Records"]:
        named = transfer_to_carry_out(record["body"])
        if named is None:
            log.warning("message is no transfer")
            continue
        # What keeps it from being begun is raised, and the message comes again.
        outcome = asyncio.run(carry_out(named))
        log.info("transfer carried out", extra={"call_id": named[1], "transfer_id": named[2], "outcome": outcome})
    return {"batchItemFailures": []}
