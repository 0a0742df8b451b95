"""A backlog of failed deliveries delays neither calls nor what goes to others: the whole sweep, on the table."""

import pytest

from ringline.calls.mending import sweep
from ringline.runtime.table import DUE_SHARD
from ringline.webhooks.model.delivery import DeliveryId
from ringline.webhooks.sending import overdue
from ringline.webhooks.sending.overdue import Overdue
from ringline.webhooks.sending.queue import DeliveryMessage
from ringline.webhooks.tables import deliveries as delivery_rows
from ringline.webhooks.tables.deliveries import DeliveryStore
from ringline.webhooks.tables.failing import FailingEndpoints
from tests.builders import ACCOUNT
from tests.component.calls_room import CallsRoom, room_of_no_waiting
from tests.component.one_table import LocalAws
from tests.unit.webhooks.test_overdue import NoCounts
from tests.unit.webhooks.webhook_fakes import QueueInMemory, Steps, a_delivery

MOST = 6
BACKLOG = 4 * MOST


@pytest.fixture
def room(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CallsRoom:
    room = room_of_no_waiting(local, monkeypatch)
    monkeypatch.setattr(sweep, "MAX_DUE", MOST)
    monkeypatch.setattr(overdue, "MOST_AT_ONCE", MOST)
    return room


def failing(room: CallsRoom, local: LocalAws, account_id: str, endpoint_id: str, count: int) -> None:
    """Deliveries that were due while nothing else was yet."""
    store = DeliveryStore(local.dynamodb, local.table_name)
    for number in range(count):
        name = DeliveryId(account_id=account_id, endpoint_id=endpoint_id, sequence=number + 1)
        due_at = room.clock() - 10_000 + number
        record = a_delivery(id=name, attempt_count=1, due_at=due_at)
        assert store.record_failed(record, 0, room.clock())


def sent_by(room: CallsRoom, local: LocalAws) -> list[DeliveryMessage]:
    queue = QueueInMemory(Steps())
    tables = (local.dynamodb, local.table_name)
    room.resend = Overdue(DeliveryStore(*tables), FailingEndpoints(*tables), queue, NoCounts(), room.clock).resend
    swept = room.sweep()
    assert swept.deliveries_overdue == swept.redelivered == len(queue.sent)
    return [message for message in queue.sent if isinstance(message, DeliveryMessage)]


def test_anothers_deliveries_and_calls_are_seen_to_in_the_first_run_whatever_is_overdue(
    room: CallsRoom, local: LocalAws
) -> None:
    failing(room, local, "acc_dead", "ep_dead", BACKLOG)
    failing(room, local, "acc_dead", "ep_fine", 1)
    failing(room, local, "acc_other", "ep_1", 1)
    dialing = room.dialing("call_z")
    room.telephony.open_rooms.clear()
    room.clock.move(90)
    sent = sent_by(room, local)
    assert room.call(dialing.call_id).state.is_terminal
    assert len(sent) == MOST
    assert {message.delivery_id.endpoint_id for message in sent} == {"ep_dead", "ep_fine", "ep_1"}


def test_what_the_release_before_left_among_the_calls_is_sent_and_leaves_them(
    room: CallsRoom, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(delivery_rows, "failing_shard", lambda *_: DUE_SHARD)
        failing(room, local, ACCOUNT, "ep_1", 3)
    room.clock.move(90)
    assert len(sent_by(room, local)) == 3
    assert sent_by(room, local) == []
