"""POST /hooks/livekit: what LiveKit reports of rooms. Answers 200 once the event is persisted or known to change
nothing.

LiveKit repeats on 5xx, gives up on 4xx, and drops what waits behind a slow answer: so 5xx only for what was not
persisted, and fast.
"""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ringline.calls.model.call import attempt_of_room
from ringline.calls.progress.progress import Progress
from ringline.calls.signals.observe import Observe
from ringline.calls.tables.queues import SqsDoorbell, SqsLookQueue
from ringline.calls.tables.store import CallStore
from ringline.runtime import aws, settings
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger, masked_within
from ringline.runtime.web.http import Answer, header, json_answer, problem_answer, raw_body
from ringline.runtime.web.problems import Problem
from ringline.telephony.hook import HookRefused, HookUnreadable, read, verify

if TYPE_CHECKING:
    from ringline.calls.signals.arrive import Arrive

# An event carries up to 64 KB of attributes and metadata; LiveKit takes a refusal for an acknowledgement.
MAX_EVENT_BYTES = 1024 * 1024
# LiveKit waits for this answer before it sends the room's next event; the sweep closes what resists.
CLOSE_WITHIN_S = 1.0

log = make_logger("receive_livekit_event")
table = settings.required("TABLE_NAME")
store = CallStore(aws.dynamodb(), table)
doorbell = SqsDoorbell(aws.sqs, settings.required("DOORBELL_QUEUE_URL"))
looks = SqsLookQueue(aws.sqs, settings.required("LOOK_QUEUE_URL"))
livekit_url = settings.required_url("LIVEKIT_URL")
livekit_key = settings.required("LIVEKIT_API_KEY")
livekit_secret = settings.required("LIVEKIT_API_SECRET")
agent_name = settings.required("AGENT_NAME")
public_url = settings.optional("PUBLIC_URL")
default_country = settings.optional("DEFAULT_COUNTRY")


def close_room(room: str) -> None:
    # LiveKit's client doubles this function's import time, and hardly any event needs it.
    from ringline.telephony.livekit import LivekitSettings, close_rooms

    if close_rooms(LivekitSettings(livekit_url, livekit_key, livekit_secret), [room], CLOSE_WITHIN_S):
        log.warning("room not closed", extra={"room": masked_within(room)})


observe = Observe(Progress(store, doorbell, now_ms, log), close_room, looks, log)


def reception(event: dict[str, Any]) -> "Arrive":
    """Who receives callers. Their agents report to the API under the name that LiveKit called it by, where it has no
    other: told in the template, it would need the API to be made before this function, and the function before it."""
    from ringline.accounts.store import AccountStore
    from ringline.calls.signals.arrive import Arrive
    from ringline.calls.tables.inbound_rooms import InboundRooms
    from ringline.routing.resolve import InboundRouting
    from ringline.routing.store import RoutingStore
    from ringline.telephony.front_desk import FrontDesk

    url = public_url or f"https://{event['requestContext']['domainName']}"
    desk = FrontDesk(livekit_url, livekit_key, livekit_secret, agent_name, url)
    routing = RoutingStore(aws.dynamodb(), table)
    return Arrive(
        InboundRooms(aws.dynamodb(), table),
        routing,
        InboundRouting(routing),
        desk,
        looks,
        now_ms,
        log,
        AccountStore(aws.dynamodb(), table),
        default_country or None,
    )


def receive(event: dict[str, Any]) -> Answer:
    try:
        body = raw_body(event, MAX_EVENT_BYTES)
        verify(body, header(event, "authorization"), api_key=livekit_key, api_secret=livekit_secret)
        seen = read(body)
    except HookRefused as refused:
        log.warning("hook refused", extra={"why": str(refused)})
        return problem_answer(Problem(401, "not_livekit", "The request is not proven to come from LiveKit"))
    except HookUnreadable as unreadable:
        log.warning("hook unreadable", extra={"why": str(unreadable)})
        return problem_answer(Problem(400, "unreadable_event", "The body is not a LiveKit event"))
    except Problem as problem:
        return problem_answer(problem)
    outcome = replace(observe, reception=partial(reception, event)).run(seen, now_ms())
    whose = attempt_of_room(seen.room_name)
    ids = {"account_id": whose.account_id, "call_id": whose.call_id} if whose else None
    about = ids or {"room": masked_within(seen.room_name)}
    log.info("event observed", extra={"event": seen.what.value, "outcome": outcome, **about})
    return json_answer(200, {"outcome": outcome})


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: Any) -> Answer:
    try:
        return receive(event)
    except Exception:
        log.exception("event not persisted")
        return problem_answer(Problem(503, "not_persisted", "The event was not persisted; send it again"))
