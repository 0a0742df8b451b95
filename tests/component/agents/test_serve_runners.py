"""The function of the control sockets, on API Gateway's own events."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.accounts.tables.key_uses import KeyUses
from ringline.agents.tables.registry import Registry
from ringline.routing.records import Agent
from ringline.routing.store import RoutingStore
from ringline.runtime import aws
from ringline.runtime.clock import now_ms
from ringline.runtime.items import to_item
from speech.bridge.control import worker_token
from tests.builders import ACCOUNT
from tests.component.one_table import LocalAws, load_handler, log_of
from tests.fakes import CONTEXT
from tests.sample_events import event_of

SECRET = "a-secret-of-more-than-32-characters"
URL = "https://api-id.execute-api.us-east-1.amazonaws.com/live"


class Gone(Exception):
    pass


class PostedTo:
    """The client of the management API: what was posted to which connection."""

    class exceptions:
        GoneException = Gone

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.failing: type[Exception] | None = None
        self.deleted: list[str] = []

    def post_to_connection(self, *, ConnectionId: str, Data: bytes) -> None:
        if self.failing is not None:
            raise self.failing
        self.posted.append((ConnectionId, json.loads(Data)))

    def delete_connection(self, *, ConnectionId: str) -> None:
        self.deleted.append(ConnectionId)


@dataclass
class Socket:
    function: Any
    client: PostedTo
    key: str
    local: LocalAws

    def hears(self, case: str, **headers: str) -> int:
        event = event_of("serve_runners", case)
        if case == "connect":
            event["headers"] |= {"Authorization": f"Token {self.key}"} | headers
        answer: dict[str, Any] = self.function.lambda_handler(event, CONTEXT)
        assert set(answer) == {"statusCode"}, "a body would be a frame"
        return int(answer["statusCode"])

    def speech_workers(self) -> list[str]:
        workers = Registry(self.local.dynamodb, self.local.table_name, now_ms).speech_workers()
        return [each.worker_id for each in workers if each.heard_on]

    def workers(self) -> list[str]:
        runners = Registry(self.local.dynamodb, self.local.table_name, now_ms).runners(ACCOUNT)
        return [each.worker_id for each in runners if each.heard_on]


@pytest.fixture
def socket(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Socket]:
    accounts = AccountStore(local.dynamodb, local.table_name)
    accounts.create_account(Account(ACCOUNT, "Acme", "acme", 1))
    routing = RoutingStore(local.dynamodb, local.table_name)
    routing.put_agent(ACCOUNT, Agent(agent_id="AGENT_1", name="Front desk", brain="runner"))
    client = PostedTo()
    monkeypatch.setattr(aws, "connections", lambda url: client if url == URL else None)
    environment = {
        "DOORBELL_QUEUE_URL": local.queue_url,
        "LOOK_QUEUE_URL": local.queue_url,
        "LIVEKIT_URL": "http://127.0.0.1:9",
        "LIVEKIT_API_KEY": "a-key",
        "LIVEKIT_API_SECRET": SECRET,
        "AGENT_NAME": "front-desk",
        "RUNNER_CONNECTIONS_URL": URL,
    }
    yield Socket(load_handler("serve_runners", environment), client, accounts.add_key(ACCOUNT, "test"), local)


def test_a_runner_connects_registers_beats_and_goes(socket: Socket) -> None:
    assert [socket.hears(case) for case in ("connect", "register", "heartbeat")] == [200, 200, 200]
    ((connection_id, frame),) = socket.client.posted
    assert (connection_id, frame["type"], frame["transport_ack"]) == ("JKJaXc7RoAMCF4g=", "registered", "dial_out")
    assert socket.workers() == ["AGENT_1#a10699a7"]
    assert socket.hears("disconnect") == 200
    assert socket.workers() == []


def test_a_runners_key_is_good_from_its_addresses_alone_and_shows_when_it_came(socket: Socket) -> None:
    accounts = AccountStore(socket.local.dynamodb, socket.local.table_name)
    (key,) = accounts.keys(ACCOUNT)
    uses = KeyUses(socket.local.dynamodb, socket.local.table_name)
    accounts.restrict(ACCOUNT, key.key_id, ("198.51.100.0/24",))
    assert socket.hears("connect", **{"X-Forwarded-For": "198.51.100.7"}) == 403
    assert uses.of_account(ACCOUNT) == {}
    accounts.restrict(ACCOUNT, key.key_id, ("192.0.2.0/24",))
    assert socket.hears("connect") == 200
    assert uses.of_account(ACCOUNT)[key.key_id].source_ip == "192.0.2.1"


def test_a_runner_whose_key_was_revoked_is_cut_off(socket: Socket) -> None:
    accounts = AccountStore(socket.local.dynamodb, socket.local.table_name)
    (key,) = accounts.keys(ACCOUNT)
    assert [socket.hears(case) for case in ("connect", "register", "heartbeat")] == [200, 200, 200]
    accounts.revoke(ACCOUNT, key.key_id)
    a_minute_ago = to_item({":then": now_ms() - 61_000})
    (beat,) = [each for each in socket.local.items() if "#S#" in each["sk"]]
    socket.local.dynamodb.update_item(
        TableName=socket.local.table_name,
        Key=to_item({"pk": beat["pk"], "sk": beat["sk"]}),
        UpdateExpression="SET seen_at = :then",
        ExpressionAttributeValues=a_minute_ago,
    )
    socket.hears("heartbeat")
    assert socket.client.deleted == ["JKJaXc7RoAMCF4g="]
    assert socket.workers() == []


def test_older_runners_name_their_key_as_a_bearer(socket: Socket) -> None:
    assert socket.hears("connect", Authorization=f"Bearer {socket.key}") == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Token sk_nobodys_key_that_is_long_enough"}, 401),
        ({"Authorization": ""}, 401),
        ({"Org-Handle": "other"}, 403),
    ],
)
def test_a_refused_credential_is_refused_at_the_upgrade(socket: Socket, headers: dict[str, str], status: int) -> None:
    assert socket.hears("connect", **headers) == status
    socket.hears("register")
    assert socket.client.posted == []
    assert socket.workers() == []


def test_a_speech_worker_connects_with_a_token_made_of_the_deployments_secret(socket: Socket) -> None:
    token = worker_token(SECRET, "speech#a10699a7", time.time())
    assert socket.hears("connect", Authorization=f"Worker {token}") == 200
    assert [socket.hears(case) for case in ("register_worker", "heartbeat")] == [200, 200]
    ((_, frame),) = socket.client.posted
    assert (frame["type"], frame["transport_ack"]) == ("registered", "dial_out")
    assert (socket.speech_workers(), socket.workers()) == (["speech#a10699a7"], [])
    assert socket.hears("disconnect") == 200
    assert socket.speech_workers() == []


def test_a_lost_worker_leaves_a_message_to_look_for_it(socket: Socket) -> None:
    token = worker_token(SECRET, "speech#a10699a7", time.time())
    socket.hears("connect", Authorization=f"Worker {token}")
    socket.hears("register_worker")
    socket.hears("disconnect")
    delayed = "ApproximateNumberOfMessagesDelayed"
    asked = socket.local.sqs.get_queue_attributes(QueueUrl=socket.local.queue_url, AttributeNames=[delayed])
    assert asked["Attributes"][delayed] == "1"


@pytest.mark.parametrize("credential", ["of another", "expired", "no token", "a key"])
def test_a_speech_worker_without_such_a_token_is_refused_at_the_upgrade(socket: Socket, credential: str) -> None:
    told = {
        "of another": worker_token(f"{SECRET}!", "speech#1", time.time()),
        "expired": worker_token(SECRET, "speech#1", time.time() - 3600),
        "no token": "",
        "a key": socket.key,
    }
    assert socket.hears("connect", Authorization=f"Worker {told[credential]}") == 401
    socket.hears("register_worker")
    assert socket.client.posted == []


def test_nothing_that_a_runner_says_is_an_error_to_it(socket: Socket) -> None:
    socket.hears("connect")
    assert [socket.hears(case) for case in ("accepted", "refused", "heartbeat")] == [200, 200, 200]
    assert socket.client.posted == []


def test_a_failure_of_ours_is_logged_and_is_no_frame(socket: Socket) -> None:
    socket.hears("connect")
    socket.local.dynamodb.delete_table(TableName=socket.local.table_name)
    with log_of("serve_runners") as log:
        assert socket.hears("heartbeat") == 500
    assert "event not handled" in log.getvalue()


def test_a_connection_that_is_gone_is_no_failure_and_one_that_may_not_have_heard_is_closed(socket: Socket) -> None:
    socket.hears("connect")
    socket.client.failing = Gone
    assert socket.hears("register") == 200
    assert socket.client.deleted == []
    socket.client.failing = TimeoutError
    assert socket.hears("register") == 200
    assert socket.client.deleted == ["JKJaXc7RoAMCF4g="]


def test_the_log_names_the_runner_and_never_its_key(socket: Socket) -> None:
    with log_of("serve_runners") as log:
        for case in ("connect", "register", "disconnect"):
            socket.hears(case)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["message"] for line in lines] == ["runner registered", "runner disconnected"]
    assert {line["worker_id"] for line in lines} == {"AGENT_1#a10699a7"}
    assert socket.key not in log.getvalue()
