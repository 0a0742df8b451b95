"""POST /hooks/sip/{provider}: what carriers report of phone calls. Answers 200 once the event is persisted or known to
change nothing.

Carriers repeat on 5xx and give up on 4xx: 5xx only for what was not persisted, and for what has overtaken the event
that names its call. What is proven to be the carrier's and cannot be read is acknowledged and logged: a repeat would
help nobody.
"""

from contextlib import AbstractAsyncContextManager
from typing import Any

from ringline.calls.model.carrier_event import CarrierEvent
from ringline.calls.model.ports import Telephony
from ringline.calls.progress.progress import Progress
from ringline.calls.signals.carrier import CallNotKnownYet, HearCarrier
from ringline.calls.tables.carrier_links import CarrierLinkTable
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.queues import SqsDoorbell, SqsLookQueue
from ringline.calls.tables.store import CallStore
from ringline.runtime import aws, settings
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.web.http import Answer, header, json_answer, problem_answer, raw_body
from ringline.runtime.web.problems import Problem, not_found
from ringline.telephony.carriers.providers import PROVIDERS
from ringline.telephony.carriers.request import HookRefused, HookRequest, HookUnreadable, secrets_of

# LiveKit answers in milliseconds; the carrier waits.
LIVEKIT_WITHIN_S = 2.0

# An event that overtook another is milliseconds ahead of it, or a cold start.
AGAIN_AFTER_S = 1

log = make_logger("receive_sip_event")
table = settings.required("TABLE_NAME")
store = CallStore(aws.dynamodb(), table)
doorbell = SqsDoorbell(aws.sqs, settings.required("DOORBELL_QUEUE_URL"))
looks = SqsLookQueue(aws.sqs, settings.required("LOOK_QUEUE_URL"))
livekit_url = settings.required_url("LIVEKIT_URL")
livekit_key = settings.required("LIVEKIT_API_KEY")
livekit_secret = settings.required("LIVEKIT_API_SECRET")
secrets = {name: secrets_of(settings.optional(provider.setting)) for name, provider in PROVIDERS.items()}
hooks_url = settings.optional("HOOKS_URL").rstrip("/")


def telephony() -> AbstractAsyncContextManager[Telephony]:
    # LiveKit's client doubles this function's import time, and most events do not need it.
    from ringline.telephony.livekit import LivekitSettings, connected

    return connected(LivekitSettings(livekit_url, livekit_key, livekit_secret), LIVEKIT_WITHIN_S)


links = CarrierLinkTable(aws.dynamodb(), table, now_ms)
paces = TrunkPaces(aws.dynamodb(), table, settings.optional("SIP_TRUNK_ID"))
hear = HearCarrier(
    progress=Progress(store, doorbell, now_ms, log),
    store=store,
    telephony=telephony,
    looks=looks,
    links=links,
    paces=paces,
    clock=now_ms,
    log=log,
)


def receive(event: dict[str, Any]) -> Answer:
    name = str((event.get("pathParameters") or {}).get("provider"))
    try:
        provider = PROVIDERS.get(name)
        if provider is None:
            raise not_found("unknown_provider", f"There are hooks for {', '.join(sorted(PROVIDERS))}")
        if not secrets[name]:
            raise not_found("hook_not_configured", f"This deployment has no {provider.setting} to verify the sender by")
        request = HookRequest(_url(event), event.get("headers") or {}, raw_body(event))
        provider.verify(request, secrets[name], now_ms() / 1000)
        heard = _hear(provider.read(request))
    except HookRefused as refused:
        log.warning("hook refused", extra={"provider": name, "why": str(refused)})
        return problem_answer(
            Problem(401, "not_the_carrier", "The request is not proven to come from the carrier, now")
        )
    except HookUnreadable as unreadable:
        log.warning("hook unreadable", extra={"provider": name, "why": str(unreadable)})
        return json_answer(200, {"outcomes": ["unreadable"]})
    except CallNotKnownYet:
        again = {"retry-after": str(AGAIN_AFTER_S)}
        title = "Nothing has told yet whose call this is; send the event again"
        return problem_answer(Problem(503, "call_not_known_yet", title, headers=again))
    except Problem as problem:
        return problem_answer(problem)
    return json_answer(200, {"outcomes": heard})


def _url(event: dict[str, Any]) -> str:
    """The URL as the carrier used it: some sign it."""
    base = hooks_url or f"{header(event, 'x-forwarded-proto') or 'https'}://{header(event, 'host') or ''}"
    query = event.get("rawQueryString") or ""
    return f"{base}{event.get('rawPath') or ''}{'?' if query else ''}{query}"


def _hear(events: tuple[CarrierEvent, ...]) -> list[str]:
    # The event loop takes 16 ms to load: with the first event that is the carrier's, not before.
    import asyncio

    async def run() -> list[str]:
        return [await hear.run(event) for event in events]

    return asyncio.run(run())


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: Any) -> Answer:
    try:
        return receive(event)
    except Exception:
        log.exception("event not persisted")
        return problem_answer(Problem(503, "not_persisted", "The event was not persisted; send it again"))
