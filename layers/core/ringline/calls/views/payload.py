"""What a webhook says of a call."""

from typing import Any

from ringline.calls.model.call import Call, CallStatus, State, Status
from ringline.calls.tables.store import CallStore
from ringline.calls.views.call_view import call_view
from ringline.calls.views.finer_news import BY_CHANGE, IN_ORDER, finer_news, happened_at
from ringline.calls.views.transfer_news import moment_of
from ringline.calls.views.transfer_view import transfer_view
from ringline.webhooks.model.event import EventDraft
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
        news.append(EventType.CALL_ENDED)
    return news


def news(before: Call | None, after: Call) -> list[tuple[EventType, int]]:
    """All that a change of a call is worth telling but its transfers, with the occurrence of each, in its order."""
    usual = [(event_type, occurrence_of(event_type, after)) for event_type in announcements(before, after)]
    return sorted([*usual, *finer_news(before, after)], key=lambda told: IN_ORDER.index(told[0]))


def occurrence_of(event_type: EventType, call: Call) -> int:
    """Which of its kind an event of a call is: each dial may ring and connect once, the end comes once."""
    return 1 if event_type is EventType.CALL_ENDED else call.attempt


def _has_rung(call: Call) -> bool:
    """Whether the record knows that the phone of the present attempt has rung."""
    if call.state is State.RINGING or call.answered_at is not None or call.carrier.rang_at is not None:
        return True
    return call.evidence.last_call_status not in {None, CallStatus.DIALING}


def draft_of(event_type: EventType, call: Call, occurrence: int) -> EventDraft:
    """The event with the call as it is in this moment. An event of a transfer tells of that transfer, too. `sequence`
    is its place among all changes of its call."""
    transfer, moment = moment_of(call, event_type, occurrence)
    of_transfer = {} if transfer is None else {"transfer": transfer_view(call, transfer)}
    if transfer is None:
        moment = happened_at(event_type, call) or _happened_at(event_type, call)
    return EventDraft(
        account_id=call.account_id,
        event_type=event_type,
        call_id=call.call_id,
        occurrence=occurrence,
        occurred_at=moment or (call.created_at if transfer is None else transfer.requested_at),
        data=call_view(call) | of_transfer | {"sequence": call.version},
        webhook_url=call.webhook_url,
    )


def _happened_at(event_type: EventType, call: Call) -> int | None:
    """When it happened. What only a later release knows is dated by what is known of the call."""
    return {
        EventType.CALL_RINGING: call.carrier.rang_at or call.dialed_at,
        EventType.CALL_ACTIVE: call.active_at,
        EventType.CALL_ENDED: call.ended_at,
    }.get(event_type, call.ended_at or call.active_at or call.dialed_at)


class CallDrafts:
    """Events of calls as they are now, for deliveries that the release before has begun."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._store = CallStore(dynamodb, table_name)

    def draft(self, account_id: str, call_id: str, event_type: EventType, occurrence: int) -> EventDraft | None:
        """None if the call is gone."""
        call = self._store.get(account_id, call_id)
        return None if call is None else draft_of(event_type, self._store.whole(call), occurrence)


def event_ids_of(call: Call) -> list[str]:
    """The ids of all events that can have been told of a call, whether or not they were."""
    usual = range(1, max(call.attempt, len(call.transfers), 1) + 1)
    occurrences = dict.fromkeys(EventType, usual)
    occurrences |= dict.fromkeys(BY_CHANGE, range(1, call.version + 1))
    return [
        EventDraft(
            account_id=call.account_id,
            event_type=event_type,
            call_id=call.call_id,
            occurrence=occurrence,
            occurred_at=call.created_at,
            data={},
        ).event_id
        for event_type, those in occurrences.items()
        for occurrence in those
    ]
