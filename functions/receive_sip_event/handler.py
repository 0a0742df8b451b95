"""POST /hooks/sip/{provider}: what carriers report of phone calls. Answers 200 once the event is persisted or known to
change nothing.

Carriers repeat on 5xx and give up on 4xx: 5xx only for what was not persisted, and for what has overtaken the event
that names its call. What is proven to be the carrier's and cannot be read is acknowledged and logged: a repeat would
help nobody.
"""

from typing import Any

from ringline.calls.model.carrier_event import CarrierEvent
from ringline.calls.signals.carrier import CallNotKnownYet
from ringline.composition.receive_sip_event import Settings, compose
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.metrics import count, count_failure
from ringline.runtime.settings import read
from ringline.runtime.web.http import Answer, header, json_answer, problem_answer, raw_body, source_of
from ringline.runtime.web.problems import Problem, not_found
from ringline.telephony.carriers.providers import PROVIDERS
from ringline.telephony.carriers.request import HookRefused, HookRequest, HookUnreadable

log = make_logger("receive_sip_event")
settings = read(Settings)
hooks_url = settings.hooks_url.rstrip("/")
hear = compose(settings, clock=now_ms, log=log)


def receive(event: dict[str, Any]) -> Answer:
    name = str((event.get("pathParameters") or {}).get("provider"))
    try:
        provider = PROVIDERS.get(name)
        if provider is None:
            raise not_found("unknown_provider", f"There are hooks for {', '.join(sorted(PROVIDERS))}")
        proofs = settings.proofs(provider.proof)
        if not proofs:
            raise not_found("hook_not_configured", f"This deployment lacks {provider.proof} to verify the sender by")
        request = HookRequest(_url(event), event.get("headers") or {}, raw_body(event))
        provider.verify(request, proofs, now_ms() / 1000)
        heard = _hear(provider.read(request))
    except HookRefused as refused:
        log.warning("hook refused", extra={"provider": name, "why": str(refused)})
        count("HooksRefused", ("from", "carrier"))
        return problem_answer(
            Problem(401, "not_the_carrier", "The request is not proven to come from the carrier, now")
        )
    except HookUnreadable as unreadable:
        log.warning("hook unreadable", extra={"provider": name, "why": str(unreadable)})
        return json_answer(200, {"outcomes": ["unreadable"]})
    except CallNotKnownYet:
        # It has overtaken another by milliseconds, or a cold start.
        return problem_answer(
            Problem(503, "call_not_known_yet", "Nothing has told yet whose call this is; send the event again")
        )
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
    log.append_keys(source_ip=source_of(event))
    try:
        return receive(event)
    except Exception:
        log.exception("event not persisted")
        count_failure(log)
        return problem_answer(Problem(503, "not_persisted", "The event was not persisted; send it again"))
