"""Endpoints and deliveries in the table, and the deliveries' queue."""

import json
from collections.abc import Callable, Iterator
from copy import replace
from dataclasses import dataclass
from typing import Any

import pytest

from ringline.runtime.items import from_item
from ringline.webhooks.model.delivery import Attempt, DeliveryStatus, Phase
from ringline.webhooks.model.endpoint import DISABLED_AFTER_MS
from ringline.webhooks.sending.queue import SqsDeliveryQueue, message_in
from ringline.webhooks.tables.deliveries import DeliveryStore
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.erasing import Erasures
from tests.builders import NOW
from tests.component.one_table import LocalAws, local_aws
from tests.unit.webhooks.webhook_fakes import DELIVERY_ID, EVENT, MESSAGE, a_delivery, an_endpoint

ATTEMPT = Attempt(NOW, 40, status_code=500, answer="no database")
FAILING = a_delivery(
    attempts=(ATTEMPT,),
    attempt_count=1,
    next_attempt_at=NOW + 5_000,
    due_at=NOW + 65_000,
)
DELIVERED = replace(FAILING, status=DeliveryStatus.DELIVERED, next_attempt_at=None, due_at=None)


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with local_aws() as aws:
        yield aws


@pytest.fixture
def endpoints(aws: LocalAws) -> EndpointStore:
    return EndpointStore(aws.dynamodb, aws.table_name)


@pytest.fixture
def deliveries(aws: LocalAws) -> DeliveryStore:
    return DeliveryStore(aws.dynamodb, aws.table_name)


def due(aws: LocalAws) -> list[dict[str, Any]]:
    return [from_item(item) for item in aws.dynamodb.scan(TableName=aws.table_name, IndexName="DueIndex")["Items"]]


def test_an_endpoint_is_read_back_whole_and_by_its_account_alone(endpoints: EndpointStore) -> None:
    endpoint = an_endpoint(
        description="CRM", event_types=("call_end", "call.active", "*"), secrets=("whsec_b", "whsec_a")
    )
    endpoints.add("acct_1", endpoint)
    assert endpoints.endpoint("acct_1", "ep_1") == endpoint
    assert endpoints.endpoints("acct_1") == [endpoint]
    assert endpoints.endpoint("acct_2", "ep_1") is None
    assert endpoints.endpoints("acct_2") == []


def test_of_two_changes_made_on_one_reading_the_second_is_refused(endpoints: EndpointStore) -> None:
    endpoints.add("acct_1", an_endpoint())
    read = endpoints.endpoint("acct_1", "ep_1")
    assert read is not None
    assert endpoints.replace("acct_1", replace(read, url="https://first.example.com/"))
    assert not endpoints.replace("acct_1", replace(read, url="https://second.example.com/"))
    changed = endpoints.endpoint("acct_1", "ep_1")
    assert changed is not None and (changed.url, changed.revision) == ("https://first.example.com/", 2)


def test_a_deleted_endpoint_does_not_come_back_by_a_change(endpoints: EndpointStore) -> None:
    endpoints.add("acct_1", an_endpoint())
    assert not endpoints.delete("acct_2", "ep_1")
    assert not endpoints.delete("acct_1", "ep_1", 2)
    assert endpoints.delete("acct_1", "ep_1", 1)
    assert not endpoints.delete("acct_1", "ep_1")
    assert not endpoints.replace("acct_1", an_endpoint())
    assert endpoints.endpoints("acct_1") == []


def test_disabling_keeps_the_first_reason_and_creates_nothing(endpoints: EndpointStore) -> None:
    endpoints.add("acct_1", an_endpoint())
    endpoints.disable("acct_1", an_endpoint(), NOW, "answered 410 Gone")
    endpoints.disable("acct_1", an_endpoint(), NOW + 1, "again")
    endpoints.disable("acct_1", an_endpoint(endpoint_id="ep_9"), NOW, "gone")
    (disabled,) = endpoints.endpoints("acct_1")
    assert (disabled.disabled_at, disabled.disabled_reason, disabled.revision) == (NOW, "answered 410 Gone", 2)


def test_what_a_former_url_answered_disables_no_endpoint_that_was_moved(endpoints: EndpointStore) -> None:
    endpoints.add("acct_1", an_endpoint(url="https://moved.example.com/"))
    endpoints.disable("acct_1", an_endpoint(), NOW, "answered 410 Gone")
    assert endpoints.endpoints("acct_1")[0].is_enabled


@pytest.mark.parametrize("since", [None, NOW])
def test_five_days_of_failures_disable_no_endpoint_that_has_worked_meanwhile(
    endpoints: EndpointStore, since: int | None
) -> None:
    endpoints.add("acct_1", an_endpoint(failing_since=since))
    judged = an_endpoint(failing_since=NOW - DISABLED_AFTER_MS)
    endpoints.disable("acct_1", judged, NOW, "failing for five days", failing_since=judged.failing_since)
    assert endpoints.endpoints("acct_1")[0].is_enabled
    endpoints.disable("acct_1", judged, NOW, "answered 410 Gone")
    assert not endpoints.endpoints("acct_1")[0].is_enabled


def test_a_change_decided_before_the_endpoint_was_disabled_does_not_enable_it(endpoints: EndpointStore) -> None:
    endpoints.add("acct_1", an_endpoint())
    endpoints.disable("acct_1", an_endpoint(), NOW, "answered 410 Gone")
    assert not endpoints.replace("acct_1", an_endpoint(description="CRM"))


def test_a_delivery_is_read_back_whole(aws: LocalAws, deliveries: DeliveryStore) -> None:
    assert deliveries.delivery(DELIVERY_ID) is None
    assert deliveries.record_failed(FAILING, 0, NOW)
    assert deliveries.delivery(DELIVERY_ID) == FAILING
    (item,) = [item for item in aws.items() if "item_kind" in item]
    assert (item["item_kind"], item["webhook_id"]) == ("delivery", EVENT.event_id)


def test_only_what_fails_is_due(aws: LocalAws, deliveries: DeliveryStore) -> None:
    deliveries.record_failed(FAILING, 0, NOW)
    assert [key["due_at"] for key in due(aws)] == [NOW + 65_000]
    deliveries.record_delivered(DELIVERED, NOW)
    assert due(aws) == []


def test_a_success_beats_a_failure_and_is_final(deliveries: DeliveryStore) -> None:
    assert deliveries.record_failed(FAILING, 0, NOW)
    assert deliveries.record_delivered(DELIVERED, NOW)
    assert not deliveries.record_delivered(DELIVERED, NOW)
    assert not deliveries.record_failed(replace(FAILING, attempt_count=2), 1, NOW)
    assert deliveries.delivery(DELIVERY_ID) == DELIVERED


def test_a_failure_is_recorded_on_the_attempts_it_saw(deliveries: DeliveryStore) -> None:
    assert deliveries.record_failed(FAILING, 0, NOW)
    assert not deliveries.record_failed(FAILING, 0, NOW)
    second = replace(FAILING, attempts=(ATTEMPT, ATTEMPT), attempt_count=2)
    assert deliveries.record_failed(second, 1, NOW)
    assert not deliveries.record_failed(second, 1, NOW)


def test_a_try_is_noted_beside_another_one_and_makes_no_record(aws: LocalAws, deliveries: DeliveryStore) -> None:
    late = Attempt(NOW + 9, 50, error="timed_out", phase=Phase.READ)
    deliveries.note_attempt(DELIVERY_ID, late)
    assert aws.items() == []
    deliveries.record_failed(FAILING, 0, NOW)
    deliveries.note_attempt(DELIVERY_ID, late)
    assert deliveries.delivery(DELIVERY_ID) == replace(FAILING, attempts=(ATTEMPT, late))


def test_of_two_sweeps_one_claims_an_overdue_delivery(aws: LocalAws, deliveries: DeliveryStore) -> None:
    deliveries.record_failed(FAILING, 0, NOW)
    (key,) = due(aws)
    claimed = deliveries.claim_overdue(key["pk"], key["sk"], key["due_at"], NOW + 500_000)
    assert claimed == replace(FAILING, due_at=NOW + 500_000)
    assert deliveries.claim_overdue(key["pk"], key["sk"], key["due_at"], NOW + 500_000) is None


def test_what_is_over_or_gone_is_not_claimed(aws: LocalAws, deliveries: DeliveryStore) -> None:
    deliveries.record_failed(FAILING, 0, NOW)
    (key,) = due(aws)
    deliveries.record_delivered(DELIVERED, NOW)
    assert deliveries.claim_overdue(key["pk"], key["sk"], key["due_at"], NOW + 1) is None
    assert deliveries.claim_overdue(key["pk"], "call_9#ep_1#call_end", key["due_at"], NOW + 1) is None
    assert len([item for item in aws.items() if "item_kind" in item]) == 1


def test_a_message_carries_ids_only_and_its_endpoint_as_fair_share(aws: LocalAws) -> None:
    SqsDeliveryQueue(lambda: aws.sqs, aws.queue_url).send(MESSAGE)
    (received,) = aws.messages()
    assert message_in(received["Body"]) == MESSAGE
    assert json.loads(received["Body"]).keys() == {
        "account_id",
        "endpoint_id",
        "sequence",
    }
    assert received["Attributes"]["MessageGroupId"] == "acct_1#ep_1"


def test_a_delayed_message_is_not_early_and_never_beyond_what_sqs_takes() -> None:
    delays: list[int] = []

    class Sqs:
        def send_message(self, **request: Any) -> None:
            delays.append(request["DelaySeconds"])

    queue = SqsDeliveryQueue(Sqs, "https://queue")
    for wait_ms in (5_000, 5_001, 10**9):
        queue.send_later(MESSAGE, wait_ms)
    assert delays == [5, 6, 900]


@pytest.mark.parametrize("status", list(DeliveryStatus))
def test_the_record_of_a_former_event_at_the_number_gives_way(
    deliveries: DeliveryStore, status: DeliveryStatus
) -> None:
    former = replace(DELIVERED, status=status, attempt_count=3, event_id="evt_former")
    assert deliveries.record_delivered(former, NOW)
    assert deliveries.record_failed(FAILING, 0, NOW)
    assert deliveries.record_delivered(replace(former, event_id="evt_third"), NOW)
    assert deliveries.reopen(None, FAILING, NOW)
    assert not deliveries.reopen(None, FAILING, NOW)
    assert deliveries.delivery(DELIVERY_ID) == FAILING


@pytest.mark.parametrize(("events_kept_days", "kept_days"), [(1, 30), (28, 30), (30, 32), (60, 62)])
def test_what_was_taken_of_an_event_is_known_for_as_long_as_the_event_is_kept(
    aws: LocalAws, events_kept_days: int, kept_days: int
) -> None:
    store = DeliveryStore(aws.dynamodb, aws.table_name, events_kept_s=events_kept_days * 86_400)
    assert store.record_delivered(DELIVERED, NOW)
    (item,) = aws.items()
    assert item["ttl_at_s"] == NOW // 1000 + kept_days * 86_400


@dataclass
class Meanwhile:
    """A client beside whose first change of a row somebody else makes another one."""

    client: Any
    change: Callable[[], None]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def update_item(self, **details: Any) -> Any:
        change, self.change = self.change, lambda: None
        change()
        return self.client.update_item(**details)


def test_a_try_that_is_written_while_answers_are_forgotten_stays(aws: LocalAws, deliveries: DeliveryStore) -> None:
    deliveries.record_failed(FAILING, 0, NOW)
    client = Meanwhile(aws.dynamodb, lambda: deliveries.note_attempt(DELIVERY_ID, replace(ATTEMPT, at=NOW + 1)))
    Erasures(client, aws.table_name).forget_answers("acct_1", ["ep_1", "ep_2"], range(1, 60))
    kept = deliveries.delivery(DELIVERY_ID)
    assert kept is not None
    assert [(each.at, each.status_code, each.answer) for each in kept.attempts] == [
        (NOW, 500, None),
        (NOW + 1, 500, None),
    ]
    assert len([item for item in aws.items() if item["pk"].endswith("#DELIVERY")]) == 1, "none is made by it"
