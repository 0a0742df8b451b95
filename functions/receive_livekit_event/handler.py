"""POST /hooks/livekit: what LiveKit reports of rooms. Answers 200 once the event is persisted or known to change
nothing.

LiveKit repeats on 5xx, gives up on 4xx, and drops what waits behind a slow answer: so 5xx only for what was not
persisted, and fast.
"""

from typing import Any

from ringline.calls.model.call import attempt_of_room
from ringline.composition.receive_livekit_event import Settings, compose
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger, masked_within
from ringline.runtime.metrics import count, count_failure
from ringline.runtime.settings import read as read_settings
from ringline.runtime.vault.kept import kept
from ringline.runtime.web.http import Answer, header, json_answer, problem_answer, raw_body, source_of
from ringline.runtime.web.problems import Problem
from ringline.telephony.hook import HookRefused, HookUnreadable, KeyUnknown, read, verify

# An event carries up to 64 KB of attributes and metadata; LiveKit takes a refusal for an acknowledgement.
MAX_EVENT_BYTES = 1024 * 1024

log = make_logger("receive_livekit_event")
settings = read_settings(Settings)
livekit = settings.livekit
observer = compose(settings, clock=now_ms, log=log)


def receive(event: dict[str, Any]) -> Answer:
    try:
        body = raw_body(event, MAX_EVENT_BYTES)
        _prove(body, header(event, "authorization"))
        seen = read(body)
    except HookRefused as refused:
        log.warning("hook refused", extra={"why": str(refused)})
        count("HooksRefused", ("from", "livekit"))
        return problem_answer(Problem(401, "not_livekit", "The request is not proven to come from LiveKit"))
    except HookUnreadable as unreadable:
        log.warning("hook unreadable", extra={"why": str(unreadable)})
        return problem_answer(Problem(400, "unreadable_event", "The body is not a LiveKit event"))
    except Problem as problem:
        return problem_answer(problem)
    if seen.means_nothing:
        # Known by what it says alone: no table is asked, and it is no news for the log.
        log.debug("event passed over", extra={"event": seen.what.value})
        return json_answer(200, {"outcome": "not_of_interest"})
    observe = observer(event["requestContext"]["domainName"])
    outcome = observe.run(seen, now_ms())
    whose = attempt_of_room(seen.room_name)
    ids = {"account_id": whose.account_id, "call_id": whose.call_id} if whose else None
    about = ids or {"room": masked_within(seen.room_name)}
    log.info("event observed", extra={"event": seen.what.value, "outcome": outcome, **about})
    return json_answer(200, {"outcome": outcome})


def _prove(body: bytes, token: str | None) -> None:
    try:
        verify(body, token, livekit.keys)
    except KeyUnknown:
        # The key may have been rotated a moment ago.
        if not kept().look_again():
            raise
        verify(body, token, livekit.keys)


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: Any) -> Answer:
    log.append_keys(source_ip=source_of(event))
    try:
        return receive(event)
    except Exception:
        log.exception("event not persisted")
        count_failure(log)
        return problem_answer(Problem(503, "not_persisted", "The event was not persisted; send it again"))
