"""What a webhook says of a call."""

from dataclasses import dataclass
from typing import Any

from ringline.calls.model.call import Call, CallStatus, State, Status
from ringline.calls.tables.store import CallStore
from ringline.calls.views.call_view import call_view
from ringline.calls.views.transfer_news import moment_of
from ringline.calls.views.transfer_view import transfer_view
from ringline.runtime.clock import iso
from ringline.webhooks.model.event_type import EventType


def announcements(before: Call | None, after: Call) -> list[EventType]:
    """What a change of a call is worth telling, in the order in which it happened.

    That a phone rings is told once it is known to have: by its carrier, by its answer, by the status of the leg that
    left, or because somebody rings in. Where nobody says so while it rings, the dialer tells it. A dial that never got
    as far tells nothing.
    """
    if before is not None and before.state.is_terminal:
        return []
    is_same_dial = before is not None and before.attempt == after.attempt
    had_rung = before is not None and is_same_dial and _has_rung(before)
    was_active = before is not None and is_same_dial and before.state.status is Status.ACTIVE
    news = []
    if _has_rung(after) and not had_rung:
        news.append(EventType.CALL_RINGING)
    if after.state.status is Status.ACTIVE and not was_active:
        news.append(EventType.CALL_ACTIVE)
    if after.state.is_terminal:
        news.append(EventType.CALL_END)
    return news


def occurrence_of(event_type: EventType, call: Call) -> int:
    """Which of its kind an event of a call is: each dial may ring and connect once, the end comes once."""
    return 1 if event_type is EventType.CALL_END else call.attempt


def _has_rung(call: Call) -> bool:
    """Whether the record knows that the phone of the present attempt has rung."""
    if call.state is State.RINGING or call.answered_at is not None or call.carrier.rang_at is not None:
        return True
    return call.evidence.last_call_status not in {None, CallStatus.DIALING}


@dataclass(frozen=True, slots=True)
class Payload:
    """The moment the event happened (ISO 8601) and the call as the API shows it."""

    timestamp: str
    data: dict[str, Any]


class CallPayloads:
    """Reads payloads for `ringline.webhooks`, which knows nothing of calls."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._store = CallStore(dynamodb, table_name)

    def payload(self, account_id: str, call_id: str, event_type: str, occurrence: int = 1) -> Payload | None:
        """What to tell about the call; None if it is gone. An event of a transfer tells of that transfer, too."""
        call = self._store.get(account_id, call_id)
        if call is None:
            return None
        transfer, happened_at = moment_of(call, EventType(event_type), occurrence)
        if transfer is not None:
            shown = {"transfer": transfer_view(call, transfer)}
            return Payload(iso(happened_at or transfer.requested_at), call_view(call) | shown)
        moment = {
            EventType.CALL_RINGING: call.carrier.rang_at or call.dialed_at,
            EventType.CALL_ACTIVE: call.active_at,
            EventType.CALL_END: call.ended_at,
        }.get(EventType(event_type))
        return Payload(iso(moment or call.created_at), call_view(call))
