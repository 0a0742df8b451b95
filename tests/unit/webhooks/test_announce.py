"""Who is told of an event, and how what is overdue goes out again."""

from copy import replace
from dataclasses import dataclass, field

import pytest

from ringline.webhooks.model.delivery import Delivery, DeliveryStatus
from ringline.webhooks.model.endpoint import new_webhook_secret
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.sending.announce import Announcer
from ringline.webhooks.sending.overdue import DUE_AGAIN_MS, MOST_AT_ONCE, Overdue
from ringline.webhooks.sending.queue import DeliveryMessage, body_of, message_in
from tests.builders import NOW
from tests.fakes import HandClock
from tests.unit.webhooks.webhook_fakes import (
    DELIVERY_ID,
    MESSAGE,
    PowerCut,
    QueueInMemory,
    Steps,
    TableInMemory,
    an_endpoint,
)


def a_table() -> TableInMemory:
    every = tuple(EventType)
    return TableInMemory(
        Steps(),
        {
            "ep_1": an_endpoint(),
            "ep_2": an_endpoint(endpoint_id="ep_2", event_types=every),
            "ep_3": an_endpoint(endpoint_id="ep_3", event_types=every, disabled_at=NOW),
        },
    )


def test_each_endpoint_that_wants_the_type_gets_one_message() -> None:
    queue = QueueInMemory(Steps())
    assert Announcer(a_table(), queue).announce("acct_1", "call_1", EventType.CALL_END, 5) == 2
    assert queue.sent == [
        DeliveryMessage(replace(DELIVERY_ID, endpoint_id=endpoint_id), 5) for endpoint_id in ("ep_1", "ep_2")
    ]


def test_by_default_an_endpoint_hears_only_the_end() -> None:
    queue = QueueInMemory(Steps())
    assert Announcer(a_table(), queue).announce("acct_1", "call_1", EventType.CALL_RINGING, 2) == 1
    assert [message.delivery_id.endpoint_id for message in queue.sent] == ["ep_2"]


def test_one_announcer_reads_an_accounts_endpoints_once() -> None:
    table = a_table()
    announcer = Announcer(table, QueueInMemory(Steps()))
    announcer.announce("acct_1", "call_1", EventType.CALL_RINGING, 2)
    announcer.announce("acct_1", "call_1", EventType.CALL_END, 5)
    announcer.announce("acct_2", "call_2", EventType.CALL_END, 5)
    assert table.steps.taken == 2


def test_the_next_announcer_sees_an_endpoint_made_meanwhile() -> None:
    table, queue = a_table(), QueueInMemory(Steps())
    Announcer(table, queue).announce("acct_1", "call_1", EventType.CALL_END, 5)
    table.kept_endpoints["ep_4"] = an_endpoint(endpoint_id="ep_4")
    assert Announcer(table, queue).announce("acct_1", "call_2", EventType.CALL_END, 5) == 3


def test_a_message_survives_the_queue() -> None:
    assert message_in(body_of(MESSAGE)) == MESSAGE


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"account_id": "a"}',
        '{"account_id": 1, "call_id": "c", "endpoint_id": "e", "type": "call_end", "sequence": 1}',
        '{"account_id": "a", "call_id": "c", "endpoint_id": "e", "type": "call_sneezed", "sequence": 1}',
        '{"account_id": "a", "call_id": "c", "endpoint_id": "e", "type": "call_end", "sequence": "x"}',
    ],
)
def test_what_is_no_message_says_so(body: str) -> None:
    with pytest.raises(ValueError):
        message_in(body)


def test_a_webhook_id_is_short_and_names_one_delivery() -> None:
    others = [
        replace(DELIVERY_ID, call_id="call_2"),
        replace(DELIVERY_ID, endpoint_id="ep_2"),
        replace(DELIVERY_ID, account_id="acct_2"),
        replace(DELIVERY_ID, event_type=EventType.CALL_ACTIVE),
    ]
    assert len({each.webhook_id for each in [DELIVERY_ID, *others]}) == 5
    assert len(DELIVERY_ID.webhook_id) == 36


def test_secrets_differ_and_stay_out_of_what_is_printed() -> None:
    secret = new_webhook_secret()
    assert secret.startswith("whsec_")
    assert secret != new_webhook_secret()
    assert secret not in repr(an_endpoint(secrets=(secret,)))


@dataclass(frozen=True)
class Key:
    pk: str
    sk: str
    due_at: int


@dataclass
class Claims:
    """Deliveries that are due, each to be claimed once."""

    due: dict[str, Delivery]
    due_again: list[int] = field(default_factory=list)

    def claim_overdue(self, pk: str, sk: str, due_at: int, due_again_at: int) -> Delivery | None:
        self.due_again.append(due_again_at)
        return self.due.pop(sk, None)


def test_what_is_overdue_goes_out_again_once_whichever_sweep_sees_it() -> None:
    failing = Delivery(id=DELIVERY_ID, sequence=5, status=DeliveryStatus.FAILING)
    claims = Claims({f"call_{n}": replace(failing, sequence=n) for n in range(25)})
    keys = [Key("A#acct_1#DELIVERY", f"call_{n}", NOW) for n in range(25)]
    queue = QueueInMemory(Steps())
    assert Overdue(claims, queue, HandClock()).resend(keys) == 25
    assert Overdue(claims, queue, HandClock()).resend(keys) == 0
    assert [message.sequence for message in queue.sent] == list(range(25))
    assert set(claims.due_again) == {NOW + DUE_AGAIN_MS}


def test_one_run_sends_a_bounded_number_and_leaves_the_rest_due() -> None:
    failing = Delivery(id=DELIVERY_ID, sequence=5, status=DeliveryStatus.FAILING)
    claims = Claims({f"call_{n}": failing for n in range(MOST_AT_ONCE + 1)})
    keys = [Key("A#acct_1#DELIVERY", f"call_{n}", NOW) for n in range(MOST_AT_ONCE + 1)]
    assert Overdue(claims, QueueInMemory(Steps()), HandClock()).resend(keys) == MOST_AT_ONCE
    assert len(claims.due) == 1


def test_a_sweep_that_dies_halfway_has_claimed_no_more_than_it_sent_but_one() -> None:
    failing = Delivery(id=DELIVERY_ID, sequence=5, status=DeliveryStatus.FAILING)
    claims = Claims({f"call_{n}": failing for n in range(5)})
    queue = QueueInMemory(Steps(cut_after=2))
    with pytest.raises(PowerCut):
        Overdue(claims, queue, HandClock()).resend([Key("A#acct_1#DELIVERY", f"call_{n}", NOW) for n in range(5)])
    assert (len(queue.sent), len(claims.due)) == (2, 2)


def test_nothing_overdue_sends_nothing() -> None:
    queue = QueueInMemory(Steps())
    assert Overdue(Claims({}), queue, HandClock()).resend([]) == 0
    assert queue.sent == []
