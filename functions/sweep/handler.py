"""Each minute: mends what got lost (see ringline.calls.mending.sweep). In between: looks at single calls that somebody
asked to have looked at again soon."""

from dataclasses import asdict
from typing import Any

from ringline.calls.tables.queues import call_to_look_at
from ringline.composition.sweep import Settings, compose
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.settings import read

log = make_logger("sweep")
sweeper = compose(read(Settings), clock=now_ms, log=log)


def sweep(only: list[tuple[str, str]] | None = None) -> dict[str, Any]:
    """A whole run, or a look at some calls (account, call)."""
    # The event loop and the rules of a sweep take as long to load as everything else: with the first run.
    import asyncio

    from ringline.calls.mending.mend import Swept

    async def run() -> Swept:
        async with sweeper() as opened:
            return await (opened.run() if only is None else opened.look_again(only))

    return asdict(asyncio.run(run()))


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    records = event.get("Records")
    if records is None:
        swept = sweep()
        log.info("swept", extra=swept)
        return swept
    calls = [call for record in records if (call := call_to_look_at(record["body"])) is not None]
    looked = sweep(calls) if calls else {}
    log.info("looked again", extra={"calls": len(calls), **looked})
    # What keeps it from looking is raised, and all the messages come again.
    return {"batchItemFailures": []}
