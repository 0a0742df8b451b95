"""The lists of failed deliveries, one for each endpoint, and the marks that name the endpoints."""

from copy import replace

import pytest

from ringline.runtime.table import DUE_SHARD
from ringline.webhooks.model.delivery import DeliveryStatus
from ringline.webhooks.model.failing import FailingEndpoint
from ringline.webhooks.tables import deliveries as delivery_rows
from ringline.webhooks.tables.deliveries import DeliveryStore
from ringline.webhooks.tables.failing import MARK_KEPT_MS, MARK_RENEWED_MS, FailingEndpoints
from tests.builders import NOW
from tests.component.one_table import LocalAws
from tests.unit.webhooks.webhook_fakes import DELIVERY_ID, a_delivery

FAILING = a_delivery(attempt_count=1, next_attempt_at=NOW + 5_000, due_at=NOW + 65_000)
DELIVERED = replace(FAILING, status=DeliveryStatus.DELIVERED, next_attempt_at=None, due_at=None)
ENDPOINT = FailingEndpoint("acct_1", "ep_1", NOW)
DUE_AT = FAILING.due_at or 0


@pytest.fixture
def deliveries(local: LocalAws) -> DeliveryStore:
    return DeliveryStore(local.dynamodb, local.table_name)


@pytest.fixture
def failing(local: LocalAws) -> FailingEndpoints:
    return FailingEndpoints(local.dynamodb, local.table_name)


def test_a_failure_stands_in_its_endpoints_list_alone_which_has_a_mark(
    deliveries: DeliveryStore, failing: FailingEndpoints
) -> None:
    deliveries.record_failed(FAILING, 0, NOW)
    assert failing.all() == [ENDPOINT]
    (key,) = failing.due(ENDPOINT, DUE_AT, 10)
    assert (key.pk, key.due_at) == ("A#acct_1#DELIVERY", DUE_AT)
    assert failing.due(ENDPOINT, DUE_AT - 1, 10) == []
    assert failing.due(replace(ENDPOINT, endpoint_id="ep_2"), DUE_AT, 10) == []
    assert failing.due(replace(ENDPOINT, account_id="acct_2"), DUE_AT, 10) == []
    claimed = deliveries.claim_overdue(key.pk, key.sk, key.due_at, DUE_AT + 9)
    assert claimed is not None
    assert [each.due_at for each in failing.due(ENDPOINT, DUE_AT + 9, 10)] == [DUE_AT + 9]


def test_what_is_delivered_or_given_up_stands_in_no_list(deliveries: DeliveryStore, failing: FailingEndpoints) -> None:
    deliveries.record_failed(FAILING, 0, NOW)
    deliveries.record_delivered(DELIVERED, NOW)
    assert failing.due(ENDPOINT, DUE_AT, 10) == []


def test_success_writes_no_mark(deliveries: DeliveryStore, failing: FailingEndpoints) -> None:
    deliveries.record_delivered(DELIVERED, NOW)
    assert failing.all() == []


def test_a_mark_is_renewed_at_most_each_five_minutes(failing: FailingEndpoints) -> None:
    for later in (0, 1, MARK_RENEWED_MS - 1):
        failing.mark("acct_1", "ep_1", NOW + later)
    assert failing.all() == [ENDPOINT]
    failing.mark("acct_1", "ep_1", NOW + MARK_RENEWED_MS)
    assert failing.all() == [replace(ENDPOINT, marked_at=NOW + MARK_RENEWED_MS)]


def test_a_mark_goes_when_it_is_old_its_list_empty_and_nobody_renewed_it(
    deliveries: DeliveryStore, failing: FailingEndpoints
) -> None:
    old = NOW + MARK_KEPT_MS
    deliveries.record_failed(FAILING, 0, NOW)
    failing.clear_if_empty(ENDPOINT, old)
    assert failing.all() == [ENDPOINT], "something stands in its list, though it is not due"
    deliveries.record_delivered(DELIVERED, NOW)
    failing.clear_if_empty(ENDPOINT, old - 1)
    assert failing.all() == [ENDPOINT], "the list may lag behind the table"
    failing.clear_if_empty(replace(ENDPOINT, marked_at=NOW - 1), old)
    assert failing.all() == [ENDPOINT], "it was renewed since it was read"
    failing.clear_if_empty(ENDPOINT, old)
    assert failing.all() == []


def test_the_oldest_of_a_list_is_that_of_the_smallest_number(
    deliveries: DeliveryStore, failing: FailingEndpoints
) -> None:
    assert failing.oldest("acct_1", "ep_1") is None
    for sequence, due_at in ((100, 1), (20, 3), (3, 2)):
        named = replace(DELIVERY_ID, sequence=sequence)
        deliveries.record_failed(replace(FAILING, id=named, due_at=NOW + due_at), 0, NOW)
    assert failing.oldest("acct_1", "ep_1") == 3
    assert failing.oldest("acct_1", "ep_2") is None


def test_one_that_is_sent_again_is_in_the_list_and_a_first_try_is_written_over_it(
    deliveries: DeliveryStore, failing: FailingEndpoints
) -> None:
    opened = a_delivery(next_attempt_at=NOW, due_at=NOW + 60_000, reopened_at=NOW, reopened_by="replay_1")
    assert deliveries.reopen(None, opened, NOW)
    assert not deliveries.reopen(None, opened, NOW)
    assert len(failing.due(ENDPOINT, NOW + 60_000, 10)) == 1
    assert deliveries.record_failed(FAILING, 0, NOW)
    assert not deliveries.reopen(opened, opened, NOW), "it was tried meanwhile"
    assert deliveries.reopen(FAILING, opened, NOW)
    assert deliveries.delivery(DELIVERY_ID) == opened


def test_a_row_of_the_release_before_leaves_the_list_of_calls_with_its_next_try(
    deliveries: DeliveryStore, failing: FailingEndpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(delivery_rows, "failing_shard", lambda *_: DUE_SHARD)
        deliveries.record_failed(FAILING, 0, NOW)
    assert failing.due(ENDPOINT, DUE_AT, 10) == []
    read = deliveries.delivery(DELIVERY_ID)
    assert read == FAILING
    deliveries.record_failed(replace(FAILING, attempt_count=2), 1, NOW)
    assert len(failing.due(ENDPOINT, DUE_AT, 10)) == 1
