"""Each minute: mends what got lost (see ringline.calls.mending.sweep), and gives the calls of speech workers that are
gone to others (ringline.agents.lost_workers), and their places back that nobody holds
(ringline.agents.speech_places). Each tenth run looks whether the gates count the calls on a line
(ringline.calls.mending.gate_audit). In between: looks at single calls, and for single workers, that somebody
asked to have looked at again soon; and works on what a run has handed out because it was too much for it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ringline.calls.mending.measures import measures_of, measures_of_audit, measures_of_shares
from ringline.calls.model.ports import Share
from ringline.calls.tables.queues import call_to_look_at, share_to_work_on, worker_to_look_for
from ringline.composition.sweep import Opened, Settings, compose
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.metrics import tell
from ringline.runtime.settings import read

if TYPE_CHECKING:
    from ringline.calls.mending.gate_audit import GateAudit
    from ringline.calls.mending.mend import Swept

log = make_logger("sweep")
_AUDIT_WITHIN_MS = 25_000
"""After a run that has taken longer there is no audit."""
_AUDIT_UNTIL_MS = 42_000
"""When an audit ends at the latest, after the run's beginning: before the function's time (50 s) is over."""

sweeper = compose(read(Settings), clock=now_ms, log=log)


def sweep() -> tuple[dict[str, Any], "GateAudit"]:
    """A whole run, and what audits the gates. Conversations that nobody speaks in come first."""
    # The event loop and the rules of a sweep take as long to load as everything else: with the first run.
    import asyncio

    async def run() -> tuple[dict[str, Any], "GateAudit"]:
        async with sweeper() as opened:
            given_on = await _given_on(opened)
            await _reconciled(opened)
            return {**await _served(opened, await opened.sweep.run()), "given_on": given_on}, opened.audit

    return asyncio.run(run())


async def _given_on(opened: Opened) -> int:
    """A failure here must not keep the sweep from its work."""
    try:
        return await opened.lost_workers.look()
    except Exception:
        log.exception("speech workers not looked at")
        return 0


async def _reconciled(opened: Opened) -> None:
    """Before the sweep, which rings for whoever waits. A failure here must not keep it from that."""
    import asyncio

    try:
        await asyncio.to_thread(opened.speech_places.reconcile)
    except Exception:
        log.exception("places of speech workers not looked at")


async def _served(opened: Opened, swept: "Swept") -> dict[str, Any]:
    """What a run did. While all dials wait for LiveKit's budget nobody is unserved for want of a dialer. Where that
    cannot be read it is told as it was found."""
    import asyncio

    found = asdict(swept)
    if swept.oldest_with_line_free_ms:
        try:
            if await asyncio.to_thread(opened.livekits_budget.is_used_up, now_ms()):
                found["oldest_with_line_free_ms"] = 0
        except Exception:
            log.exception("LiveKit's budget not read")
    return found


def audit_gates(audit: "GateAudit", began_at: int) -> None:
    """Tells, with each tenth run, whether the gates are right. A failure is none of the sweep's, which has done its
    work."""
    from ringline.calls.mending.gate_audit import NotAudited, is_due

    if not is_due(began_at) or now_ms() - began_at > _AUDIT_WITHIN_MS:
        return
    try:
        audited = audit.run(began_at + _AUDIT_UNTIL_MS)
    except Exception:
        log.exception("gates not audited")
        return
    if isinstance(audited, NotAudited):
        log.warning("gates not audited", extra={"why": audited.why})
        return
    for each in audited.differences:
        log.error("gate differs", extra={"account_id": each.account_id, "in_use": each.in_use, "calls": each.calls})
    tell(measures_of_audit(audited))


def look_again(calls: list[tuple[str, str]], worker_ids: list[str]) -> dict[str, Any]:
    """A look at some calls (account, call), and at the calls of some speech workers."""
    import asyncio

    async def run() -> dict[str, Any]:
        async with sweeper() as opened:
            given_on = await opened.lost_workers.look(worker_ids) if worker_ids else 0
            return {**asdict(await opened.sweep.look_again(calls)), "given_on": given_on}

    return asyncio.run(run())


def work_on(shares: list[Share]) -> dict[str, Any]:
    """Shares of what a run of this minute has found."""
    import asyncio

    async def run() -> dict[str, Any]:
        async with sweeper() as opened:
            return await _served(opened, await opened.sweep.work_on(shares))

    return asyncio.run(run())


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    records = event.get("Records")
    if records is None:
        began_at = now_ms()
        swept, audit = sweep()
        log.info("swept", extra=swept)
        tell(measures_of(swept))
        audit_gates(audit, began_at)
        return swept
    calls = [call for record in records if (call := call_to_look_at(record["body"])) is not None]
    worker_ids = [worker for record in records if (worker := worker_to_look_for(record["body"])) is not None]
    shares = [share for record in records if (share := share_to_work_on(record["body"])) is not None]
    try:
        looked = look_again(calls, worker_ids) if calls or worker_ids else {}
        log.info("looked again", extra={"calls": len(calls), **looked})
    finally:
        # What keeps it from looking is raised, and all the messages come again. Shares need no look of another's.
        if shares:
            swept = work_on(shares)
            log.info("worked on shares", extra={"shares": len(shares), **swept})
            tell(measures_of_shares(swept))
    return {"batchItemFailures": []}
