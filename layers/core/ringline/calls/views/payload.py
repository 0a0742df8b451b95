"""What a webhook says of a call."""

from dataclasses import dataclass
from typing import Any

from ringline.calls.model.call import Call, State, Status
from ringline.calls.tables.store import CallStore
from ringline.calls.views.call_view import call_view
from ringline.runtime.clock import iso
from ringline.webhooks.model.event_type import EventType


def announcements(before: Call | None, after: Call) -> list[EventType]:
    """The events that a change of a call is announced as. A call that skips a status skips its announcement."""
    was = before.state if before is not None else None
    if after.state.is_terminal:
        return [] if was is not None and was.is_terminal else [EventType.CALL_END]
    if after.state is State.ACTIVE and was is not State.ACTIVE:
        return [EventType.CALL_ACTIVE]
    rings = after.state.status is Status.RINGING
    return [EventType.CALL_RINGING] if rings and (was is None or was.status is not Status.RINGING) else []


@dataclass(frozen=True, slots=True)
class Payload:
    """The moment the event happened (ISO 8601) and the call as the API shows it."""

    timestamp: str
    data: dict[str, Any]


class CallPayloads:
    """Reads payloads for `ringline.webhooks`, which knows nothing of calls."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._store = CallStore(dynamodb, table_name)

    def payload(self, account_id: str, call_id: str, event_type: str) -> Payload | None:
        """What to tell about the call; None if it is gone."""
        call = self._store.get(account_id, call_id)
        if call is None:
            return None
        moment = {
            EventType.CALL_RINGING: call.dialed_at,
            EventType.CALL_ACTIVE: call.active_at,
            EventType.CALL_END: call.ended_at,
        }.get(EventType(event_type))
        return Payload(iso(moment or call.created_at), call_view(call))
