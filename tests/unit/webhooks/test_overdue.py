"""What the sweep sends again of deliveries that failed, and in which order."""

from copy import replace
from dataclasses import dataclass, field

import pytest

from ringline.webhooks.model.delivery import Delivery
from ringline.webhooks.model.failing import FailingEndpoint, FailingKey
from ringline.webhooks.sending.overdue import (
    DUE_AGAIN_MS,
    LONGEST_RUN_MS,
    MOST_AT_ONCE,
    MOST_TO_AN_ENDPOINT,
    Overdue,
)
from ringline.webhooks.sending.queue import DeliveryMessage
from tests.builders import NOW
from tests.fakes import HandClock
from tests.unit.webhooks.webhook_fakes import DELIVERY_ID, PowerCut, QueueInMemory, Steps, a_delivery


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


class NoCounts:
    """Nothing of what is due is a count of events."""

    def look(self, pk: str, due_at: int) -> bool:
        return False


@dataclass
class Lists:
    """What is due to endpoints (account, endpoint), so many each."""

    due_to: dict[tuple[str, str], int]
    cleared: list[str] = field(default_factory=list)

    def all(self) -> list[FailingEndpoint]:
        return [FailingEndpoint(account, endpoint, NOW) for account, endpoint in self.due_to]

    def due(self, endpoint: FailingEndpoint, now: int, limit: int) -> list[FailingKey]:
        count = min(limit, self.due_to[endpoint.account_id, endpoint.endpoint_id])
        pk = f"A#{endpoint.account_id}#DELIVERY"
        return [FailingKey(pk, f"{endpoint.endpoint_id}#{n}", NOW) for n in range(count)]

    def clear_if_empty(self, endpoint: FailingEndpoint, now: int) -> None:
        self.cleared.append(endpoint.endpoint_id)


@dataclass
class Claimed:
    """Gives every delivery that is asked for, and notes which; each takes a while."""

    clock: HandClock
    takes_ms: int = 0
    keys: list[str] = field(default_factory=list)

    def claim_overdue(self, pk: str, sk: str, due_at: int, due_again_at: int) -> Delivery | None:
        self.clock.now += self.takes_ms
        self.keys.append(f"{pk.split('#')[1]} {sk.split('#')[0]}")
        return a_delivery()


def test_accounts_take_turns_and_within_them_their_endpoints() -> None:
    clock = HandClock()
    clock.now -= clock.now % 120_000
    claimed = Claimed(clock)
    lists = Lists({("a", "dead"): 9000, ("a", "slow"): 3, ("b", "x"): 2})
    old = [Key("A#old#DELIVERY", f"call_{n}", NOW) for n in range(3)]
    assert Overdue(claimed, lists, QueueInMemory(Steps()), NoCounts(), clock).resend(old) == MOST_TO_AN_ENDPOINT + 8
    turns = [key for key in claimed.keys if not key.startswith("old")]
    assert turns[:7] == ["a dead", "b x", "a slow", "b x", "a dead", "a slow", "a dead"]
    assert [key for key in claimed.keys if key.startswith("old")] == ["old call_0", "old call_1", "old call_2"]
    assert claimed.keys.index("old call_2") < 10


def test_a_run_ends_in_time_and_the_next_begins_with_another_account() -> None:
    clock = HandClock()
    claimed = Claimed(clock, takes_ms=LONGEST_RUN_MS // 2)
    lists = Lists({(account, "x"): 50 for account in "abcd"})
    first_ones = set()
    for _ in range(4):
        claimed.keys.clear()
        assert Overdue(claimed, lists, QueueInMemory(Steps()), NoCounts(), clock).resend() == 3
        first_ones.add(claimed.keys[0])
        clock.now = clock.now // 60_000 * 60_000 + 60_000
    assert first_ones == {"a x", "b x", "c x", "d x"}


def test_an_endpoint_with_nothing_due_may_lose_its_mark() -> None:
    clock = HandClock()
    lists = Lists({("a", "quiet"): 0, ("a", "failing"): 1})
    Overdue(Claimed(clock), lists, QueueInMemory(Steps()), NoCounts(), clock).resend()
    assert lists.cleared == ["quiet"]


def test_what_is_overdue_goes_out_again_once_whichever_sweep_sees_it() -> None:
    failing = a_delivery()
    claims = Claims({f"call_{n}": replace(failing, id=replace(DELIVERY_ID, sequence=n)) for n in range(25)})
    keys = [Key("A#acct_1#DELIVERY", f"call_{n}", NOW) for n in range(25)]
    queue = QueueInMemory(Steps())
    assert Overdue(claims, Lists({}), queue, NoCounts(), HandClock()).resend(keys) == 25
    assert Overdue(claims, Lists({}), queue, NoCounts(), HandClock()).resend(keys) == 0
    assert [message.delivery_id.sequence for message in queue.sent if isinstance(message, DeliveryMessage)] == list(
        range(25)
    )
    assert set(claims.due_again) == {NOW + DUE_AGAIN_MS}


def test_one_run_sends_a_bounded_number_and_leaves_the_rest_due() -> None:
    failing = a_delivery()
    claims = Claims({f"call_{n}": failing for n in range(MOST_AT_ONCE + 1)})
    keys = [Key("A#acct_1#DELIVERY", f"call_{n}", NOW) for n in range(MOST_AT_ONCE + 1)]
    assert Overdue(claims, Lists({}), QueueInMemory(Steps()), NoCounts(), HandClock()).resend(keys) == MOST_AT_ONCE
    assert len(claims.due) == 1


def test_a_sweep_that_dies_halfway_has_claimed_no_more_than_it_sent_but_one() -> None:
    failing = a_delivery()
    claims = Claims({f"call_{n}": failing for n in range(5)})
    queue = QueueInMemory(Steps(cut_after=2))
    with pytest.raises(PowerCut):
        Overdue(claims, Lists({}), queue, NoCounts(), HandClock()).resend(
            [Key("A#acct_1#DELIVERY", f"call_{n}", NOW) for n in range(5)]
        )
    assert (len(queue.sent), len(claims.due)) == (2, 2)


def test_nothing_overdue_sends_nothing() -> None:
    queue = QueueInMemory(Steps())
    assert Overdue(Claims({}), Lists({}), queue, NoCounts(), HandClock()).resend([]) == 0
    assert queue.sent == []
