"""Which changes of a call's transfers are worth telling. Each transfer is counted, from 1: an event of it is the
occurrence of that number."""

from collections.abc import Iterator

from ringline.calls.model.call import Call
from ringline.calls.model.transfers.transfer import Transfer, TransferState
from ringline.webhooks.model.event_type import EventType


def transfer_news(before: Call | None, after: Call) -> Iterator[tuple[EventType, int]]:
    """What has happened to transfers between the two, in its order, with the number of the transfer."""
    known = () if before is None else before.transfers
    for place, transfer in enumerate(after.transfers):
        was = known[place] if place < len(known) else None
        for event_type, moment in _moments(transfer):
            if moment is not None and (was is None or dict(_moments(was)).get(event_type) is None):
                yield event_type, place + 1


def moment_of(call: Call, event_type: EventType, occurrence: int) -> tuple[Transfer | None, int | None]:
    """The transfer that an event is about, and when it happened. None for events that are about none."""
    if event_type not in _OF_TRANSFERS or not 1 <= occurrence <= len(call.transfers):
        return None, None
    transfer = call.transfers[occurrence - 1]
    return transfer, dict(_moments(transfer)).get(event_type)


def _moments(transfer: Transfer) -> Iterator[tuple[EventType, int | None]]:
    is_failed = transfer.state is TransferState.FAILED
    yield EventType.CALL_TRANSFER_REQUESTED, transfer.requested_at
    yield EventType.CALL_TRANSFER_RINGING, transfer.ringing_at
    yield EventType.CALL_TRANSFER_JOINED, transfer.joined_at
    yield EventType.CALL_TRANSFER_COMPLETED, None if is_failed else transfer.ended_at
    yield EventType.CALL_TRANSFER_FAILED, transfer.ended_at if is_failed else None


_OF_TRANSFERS = frozenset(
    {
        EventType.CALL_TRANSFER_REQUESTED,
        EventType.CALL_TRANSFER_RINGING,
        EventType.CALL_TRANSFER_JOINED,
        EventType.CALL_TRANSFER_COMPLETED,
        EventType.CALL_TRANSFER_FAILED,
    }
)
