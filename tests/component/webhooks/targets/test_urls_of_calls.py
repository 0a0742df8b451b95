"""A call that names a `webhook_url` has its events posted there, too: from the request that makes it to the log."""

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from standardwebhooks import Webhook

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.store import CallStore
from ringline.calls.views.payload import draft_of
from ringline.routing.records import Agent, Number, Pipe
from ringline.routing.store import RoutingStore
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.sending.announce import Announcer
from ringline.webhooks.sending.queue import SqsDeliveryQueue
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore
from tests.builders import NOW, a_call
from tests.component.one_table import LocalAws, load_handler, local_aws
from tests.component.webhooks.receivers import Receiver, listening
from tests.component.webhooks.targets.asked import ACCOUNT, Manage, problem_of
from tests.fakes import CONTEXT
from tests.sample_events import event_of

OF_CALLS = {"type": "call"}


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with local_aws() as aws:
        AccountStore(aws.dynamodb, aws.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
        routing = RoutingStore(aws.dynamodb, aws.table_name)
        routing.put_agent(ACCOUNT, Agent(agent_id="front-desk", name="Front desk"))
        routing.put_number(ACCOUNT, Number(number="+15550100000", number_id="num_1", pipe_id="PIPE_1"))
        routing.put_pipe(ACCOUNT, Pipe(pipe_id="PIPE_1", name="p", agent_id="front-desk", number="+15550100000"))
        yield aws


@pytest.fixture
def manage(aws: LocalAws) -> Manage:
    return Manage(aws)


PIPES_URL = "https://example.com/of-the-pipe?key=k2"


def create(aws: LocalAws, webhook_url: Any, allow_private: str = "false") -> tuple[int, Any]:
    handler = load_handler(
        "create_call", {"DOORBELL_QUEUE_URL": aws.queue_url, "ALLOW_PRIVATE_WEBHOOKS": allow_private}
    )
    event = event_of("create_call", "by_pipe")
    event["body"] = json.dumps({"pipe_id": "PIPE_1", "to_number": "+15550100200", "webhook_url": webhook_url})
    answer = handler.lambda_handler(event, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


def test_without_a_secret_that_signs_no_url_is_taken_and_the_answer_says_what_to_do(aws: LocalAws) -> None:
    answer = create(aws, "https://example.com/this-call")
    assert answer[1]["code"] == "no_endpoint_for_calls"
    assert '{"target": {"type": "call"}}' in problem_of(answer, 422, "webhook_url")


@pytest.mark.parametrize("url", ["http://example.com/", "https://127.0.0.1/", "https://u:p@example.com/", "example"])
def test_where_no_endpoint_may_lead_no_call_does(aws: LocalAws, manage: Manage, url: str) -> None:
    manage.made(target=OF_CALLS)
    problem_of(create(aws, url), 422, "webhook_url")


def test_the_url_is_kept_with_the_call_and_shown_to_nobody(aws: LocalAws, manage: Manage) -> None:
    manage.made(target=OF_CALLS)
    status, shown = create(aws, "https://example.com/this-call?key=k1")
    assert status == 201
    kept = CallStore(aws.dynamodb, aws.table_name).get(ACCOUNT, shown["call_id"])
    assert kept is not None
    assert kept.webhook_url == "https://example.com/this-call?key=k1"
    assert "k1" not in json.dumps(shown)


@pytest.mark.parametrize(
    ("of_call", "expected"),
    [(None, PIPES_URL), ("https://example.com/of-the-call", "https://example.com/of-the-call")],
)
def test_a_call_has_the_url_of_its_pipe_unless_it_names_its_own(
    aws: LocalAws, manage: Manage, of_call: str | None, expected: str
) -> None:
    manage.made(target=OF_CALLS)
    assert manage.ask("PATCH", "/v1/pipes/PIPE_1", {"webhook_url": PIPES_URL})[1]["webhook_url"] == PIPES_URL
    status, shown = create(aws, of_call)
    assert status == 201 and "k2" not in json.dumps(shown)
    kept = CallStore(aws.dynamodb, aws.table_name).get(ACCOUNT, shown["call_id"])
    assert kept is not None and kept.webhook_url == expected


def test_a_call_of_a_pipe_whose_endpoint_of_calls_is_gone_is_made_and_told_to_nobody(
    aws: LocalAws, manage: Manage
) -> None:
    made = manage.made(target=OF_CALLS)
    assert manage.ask("PATCH", "/v1/pipes/PIPE_1", {"webhook_url": PIPES_URL})[0] == 200
    # As when the pipe was given its URL at the moment of the deletion.
    assert EndpointStore(aws.dynamodb, aws.table_name).delete(ACCOUNT, made["endpoint_id"])
    assert create(aws, None)[0] == 201
    end(aws, "call_told_to_nobody", PIPES_URL)
    assert [
        each["Body"] for each in aws.messages() if "call_told" in each["Body"] or "endpoint_id" in each["Body"]
    ] == []


def test_an_account_has_one_such_endpoint_which_has_no_url_and_takes_no_test(manage: Manage) -> None:
    made = manage.made(target=OF_CALLS)
    assert (made["url"], made["target"], made["event_types"]) == (None, OF_CALLS, ["call_end"])
    status, problem = manage.ask("POST", "/v1/webhook-endpoints", {"target": OF_CALLS})
    assert (status, problem["code"]) == (409, "calls_endpoint_exists")
    status, problem = manage.ask("POST", f"/v1/webhook-endpoints/{made['endpoint_id']}/test")
    assert (status, problem["code"]) == (409, "url_of_each_call")


@pytest.mark.parametrize(
    ("before", "change"),
    [({"target": OF_CALLS}, {"url": "https://example.com/"}), ({"url": "https://example.com/"}, {"target": OF_CALLS})],
)
def test_such_an_endpoint_stays_one_and_none_becomes_one(
    manage: Manage, before: dict[str, Any], change: dict[str, Any]
) -> None:
    made = manage.made(**before)
    problem_of(manage.ask("PATCH", f"/v1/webhook-endpoints/{made['endpoint_id']}", change), 422, "target")


def test_the_end_is_posted_to_the_calls_url_beside_the_accounts_endpoints_and_can_be_sent_again(
    aws: LocalAws, manage: Manage
) -> None:
    deliver = load_handler("deliver_webhook", {"DELIVERY_QUEUE_URL": aws.queue_url, "ALLOW_PRIVATE_WEBHOOKS": "true"})
    with listening(Receiver()) as of_account, listening(Receiver()) as of_call:
        allowing = Manage(aws, ALLOW_PRIVATE_WEBHOOKS="true")
        allowing.made(url=of_account.url())
        own = allowing.made(target=OF_CALLS)
        end(aws, "call_with", of_call.url())
        end(aws, "call_without", None)
        take_all(aws, deliver)
        assert len(of_account.received) == 2
        (received,) = of_call.received
        body = Webhook(own["secret"]).verify(received.body, dict(received.headers))
        assert (body["type"], body["data"]["call_id"]) == ("call_end", "call_with")
        assert of_call.url() not in received.body.decode()

        page = manage.ask("GET", "/v1/webhook-deliveries")[1]["data"]
        (row,) = [each for each in page if each["endpoint_id"] == own["endpoint_id"]]
        rotated = manage.ask("POST", f"/v1/webhook-endpoints/{own['endpoint_id']}/secret/rotate", {"grace_s": 0})[1]
        assert manage.ask("POST", f"/v1/webhook-deliveries/{row['delivery_id']}/redeliver")[0] == 202
        take_all(aws, deliver)
        again = of_call.received[-1]
        assert again.body == received.body
        assert Webhook(rotated["secret"]).verify(again.body, dict(again.headers)) is not None


def test_the_endpoint_that_signs_for_a_pipe_is_not_deleted_under_it(manage: Manage) -> None:
    endpoint_id = manage.made(target=OF_CALLS)["endpoint_id"]
    other = manage.made(url="https://example.com/all")["endpoint_id"]
    assert manage.ask("PATCH", "/v1/pipes/PIPE_1", {"webhook_url": PIPES_URL})[0] == 200
    status, problem = manage.ask("DELETE", f"/v1/webhook-endpoints/{endpoint_id}")
    assert (status, problem["code"]) == (409, "in_use")
    assert [each["field"] for each in problem["errors"]] == ["pipe:PIPE_1"]
    assert manage.ask("DELETE", f"/v1/webhook-endpoints/{other}")[0] == 204, "none but that of calls signs for pipes"
    assert manage.ask("PATCH", "/v1/pipes/PIPE_1", {"webhook_url": None})[0] == 200
    assert manage.ask("DELETE", f"/v1/webhook-endpoints/{endpoint_id}")[0] == 204


def end(aws: LocalAws, call_id: str, webhook_url: str | None) -> None:
    call = a_call(
        account_id=ACCOUNT,
        call_id=call_id,
        state=State.ENDED,
        ended_at=NOW,
        end_reason=EndReason.USER_HUNG_UP_IN_CALL,
        webhook_url=webhook_url,
    )
    endpoints, events = EndpointStore(aws.dynamodb, aws.table_name), EventStore(aws.dynamodb, aws.table_name)
    queue = SqsDeliveryQueue(lambda: aws.sqs, aws.queue_url)
    Announcer(endpoints, events, queue).announce(draft_of(EventType.CALL_ENDED, call, 1))


def take_all(aws: LocalAws, deliver: ModuleType) -> None:
    for message in aws.messages():
        event = event_of("deliver_webhook", "call_end")
        event["Records"][0]["body"] = message["Body"]
        assert deliver.lambda_handler(event, None) == {"batchItemFailures": []}
        aws.sqs.delete_message(QueueUrl=aws.queue_url, ReceiptHandle=message["ReceiptHandle"])


def test_a_stolen_key_that_moves_an_endpoint_to_another_server_reads_none_of_its_headers(aws: LocalAws) -> None:
    """A retry of before, a redelivery and a test all go to the new server, and none bears what was given for the other
    one; on the server that it was given for, another path has it."""
    deliver = load_handler("deliver_webhook", {"DELIVERY_QUEUE_URL": aws.queue_url, "ALLOW_PRIVATE_WEBHOOKS": "true"})
    manage = Manage(aws, ALLOW_PRIVATE_WEBHOOKS="true")
    token = "Bearer of-the-gateway"
    with listening(Receiver(500)) as owner, listening(Receiver()) as thief:
        made = manage.made(url=owner.url(), headers={"Authorization": token, "X-Tenant": "acme"})
        path = f"/v1/webhook-endpoints/{made['endpoint_id']}"
        assert manage.ask("PATCH", path, {"url": f"http://127.0.0.1:{owner.port}/another"})[0] == 200
        end(aws, "call_1", None)
        take_all(aws, deliver)
        assert [each.headers["authorization"] for each in owner.received] == [token]

        assert manage.ask("PATCH", path, {"url": thief.url()})[1]["header_names"] == []
        (row,) = manage.ask("GET", "/v1/webhook-deliveries")[1]["data"]
        assert manage.ask("POST", f"/v1/webhook-deliveries/{row['delivery_id']}/redeliver")[0] == 202
        assert manage.ask("POST", f"{path}/test")[0] == 202
        for _ in range(3):
            take_all(aws, deliver)
        assert len(thief.received) == 2
        assert not any({"authorization", "x-tenant"} & each.headers.keys() for each in thief.received)
        # Nor do they come back with the URL: whoever gave them gives them again.
        assert manage.ask("PATCH", path, {"url": owner.url()})[1]["header_names"] == []
