"""Deliveries in the API: lists, one with its tries, one sent again, replays, and what statistics say."""

import json
from collections.abc import Iterator
from copy import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.sending.client import Answered, Failure
from ringline.webhooks.sending.queue import DeliveryMessage, message_in, step_in
from ringline.webhooks.statistics import percentile
from tests.builders import NOW
from tests.component.one_table import LocalAws, load_handler, log_of
from tests.component.webhooks.replay_world import ACCOUNT, ENDPOINT, ReplayWorld
from tests.component.webhooks.test_manage_webhooks import load_manage
from tests.fakes import CONTEXT
from tests.sample_events import event_of
from tests.unit.webhooks.webhook_fakes import an_endpoint, answered

TYPES = (EventType.CALL_ENDED, EventType.CALL_ACTIVE)


class Log(ReplayWorld):
    """The world of replays, asked by its API."""

    def __init__(self, aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(aws, events=6, types=TYPES)
        self.aws = aws
        monkeypatch.setattr("ringline.runtime.clock.now_ms", self.clock)
        self.handler = load_manage(DELIVERY_QUEUE_URL=aws.queue_url)

    def ask(self, method: str, path: str, body: Any = None, account_id: str = ACCOUNT, **query: Any) -> tuple[int, Any]:
        event = event_of("manage", "get_endpoint")
        event["requestContext"]["authorizer"]["lambda"]["account_id"] = account_id
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
        event["requestContext"]["http"]["method"] = method
        event["routeKey"] = f"{method} {path}"
        event["rawQueryString"] = urlencode(query)
        event["queryStringParameters"] = {name: str(value) for name, value in query.items()}
        event["body"] = None if body is None else json.dumps(body)
        answer = self.handler.lambda_handler(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"])

    def listed(self, **query: Any) -> list[tuple[str, int]]:
        status, page = self.ask("GET", "/v1/webhook-deliveries", **query)
        assert status == 200, page
        return [(row["endpoint_id"], row["sequence"]) for row in page["data"]]


@pytest.fixture
def log(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """Six events; the endpoint refused the second, did not answer the third, and was never told of the sixth."""
    log = Log(local, monkeypatch)
    log.receiver.answers = [answered(each) for each in (200, Answered(500, body=b"no db"), Failure.TIMED_OUT, 200)]
    log.tell(1, 2, 3, 4, 5)
    yield log


def test_deliveries_are_listed_by_the_newest_event(log: Log) -> None:
    assert log.listed() == [(ENDPOINT, n) for n in (5, 4, 3, 2, 1)]
    assert log.listed(status="failing") == [(ENDPOINT, 3), (ENDPOINT, 2)]
    assert log.listed(status="failing,delivered", type="call_active") == [(ENDPOINT, 4), (ENDPOINT, 2)]
    assert log.listed(type="call.active,call_end", call_id="call_1") == log.listed()
    assert log.listed(call_id="call_2") == []
    assert log.listed(since="2026-11-21T01:34:33Z") == [(ENDPOINT, n) for n in (5, 4, 3)]
    assert log.listed(until="2026-11-21T01:34:33Z") == [(ENDPOINT, n) for n in (2, 1)]
    assert log.listed(since="2026-11-21T01:34:32Z", until="2026-11-21T01:34:34Z") == [(ENDPOINT, n) for n in (3, 2)]
    assert log.listed(until="2026-11-21T01:34:33Z", limit=1) == [(ENDPOINT, 2)]
    assert log.listed(until="2026-11-20T00:00:00Z") == []
    assert log.listed(endpoint_id="ep_9") == []
    assert log.ask("GET", "/v1/webhook-deliveries", account_id="acct_2")[1]["data"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"status": "odd"},
        {"type": "call.nothing"},
        {"since": "today"},
        {"until": "today"},
        {"cursor": "e30="},
        {"limit": 0},
        {"colour": 1},
    ],
)
def test_what_is_no_filter_is_refused(log: Log, query: dict[str, Any]) -> None:
    assert log.ask("GET", "/v1/webhook-deliveries", **query)[0] == 422


def test_pages_of_all_endpoints_hold_each_delivery_once(log: Log) -> None:
    log.endpoints.add(ACCOUNT, an_endpoint(endpoint_id="ep_2", event_types=("*",)))
    for sequence in (2, 3, 6):
        known = log.events.at(ACCOUNT, sequence)
        endpoint = log.endpoints.endpoint(ACCOUNT, "ep_2")
        assert known is not None and endpoint is not None
        log.reopen.run(endpoint, known, None, "test")
    whole = [("ep_2", 6), ("ep_1", 5), ("ep_1", 4), ("ep_2", 3), ("ep_1", 3), ("ep_2", 2), ("ep_1", 2), ("ep_1", 1)]
    assert log.listed() == whole
    for limit in (1, 3, 8):
        found: list[tuple[str, int]] = []
        query: dict[str, Any] = {"limit": limit}
        while True:
            _, page = log.ask("GET", "/v1/webhook-deliveries", **query)
            found += [(row["endpoint_id"], row["sequence"]) for row in page["data"]]
            if not page["pagination"]["has_more"]:
                break
            query["cursor"] = page["pagination"]["next_cursor"]
        assert found == whole


def test_a_list_goes_on_where_few_of_many_are_wanted(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringline.webhooks.tables.delivery_pages._ROWS_AT_ONCE", 1)
    monkeypatch.setattr("ringline.webhooks.tables.delivery_pages._QUERIES_A_PAGE", 1)
    found, query, pages = [], {"type": "call_active", "status": "failing"}, 0
    while True:
        _, page = log.ask("GET", "/v1/webhook-deliveries", **query)
        found += [row["sequence"] for row in page["data"]]
        pages += 1
        if not page["pagination"]["has_more"]:
            break
        query["cursor"] = page["pagination"]["next_cursor"]
    assert found == [2]
    assert pages > 1


def test_one_delivery_shows_its_tries(log: Log) -> None:
    status, shown = log.ask("GET", f"/v1/webhook-deliveries/dlv_{ENDPOINT}_2")
    assert status == 200
    (attempt,) = shown["attempts"]
    assert (attempt["status_code"], attempt["answer"], attempt["error"]) == (500, "no db", None)
    assert (shown["status"], shown["type"], shown["call_id"]) == ("failing", "call.active", "call_1")
    assert shown["webhook_id"] == shown["event_id"] == log.ids(2)[0]
    _, timed_out = log.ask("GET", f"/v1/webhook-deliveries/dlv_{ENDPOINT}_3")
    assert (timed_out["last_attempt"]["error"], timed_out["last_attempt"]["status_code"]) == ("timed_out", None)


def test_what_a_receiver_said_of_an_event_whose_content_is_erased_is_not_shown(log: Log) -> None:
    """A post was under way when the content was erased, or its endpoint is deleted: the record has the answer still."""
    name = f"dlv_{ENDPOINT}_2"
    event = log.events.at(ACCOUNT, 2)
    assert event is not None and log.events.erase(event)
    _, shown = log.ask("GET", f"/v1/webhook-deliveries/{name}")
    assert [attempt["status_code"] for attempt in shown["attempts"]] == [500]
    assert "no db" not in str(shown)
    assert "no db" not in str(log.ask("GET", "/v1/webhook-deliveries"))
    assert "no db" not in str(log.ask("POST", f"/v1/webhook-deliveries/{name}/redeliver"))
    assert "no db" not in str(log.aws.items()), "what is opened again is written without it"


def test_a_replay_of_an_event_whose_content_is_erased_keeps_no_answer(log: Log) -> None:
    event = log.events.at(ACCOUNT, 2)
    assert event is not None and log.events.erase(event)
    log.start()
    log.work(1)
    assert "no db" not in str(log.aws.items())


@pytest.mark.parametrize("name", ["dlv_ep_1_6", "dlv_ep_1_02", "dlv_ep_1_", "ep_1_2", "dlv__2", "dlv_ep_1_²", "x"])
def test_what_names_no_delivery_is_not_found(log: Log, name: str) -> None:
    assert log.ask("GET", f"/v1/webhook-deliveries/{name}")[0] == 404
    assert log.ask("POST", f"/v1/webhook-deliveries/{name}/redeliver")[0] == 404


def test_one_that_was_delivered_is_sent_again_once_however_often_that_is_asked(log: Log) -> None:
    for _ in range(2):
        status, shown = log.ask("POST", f"/v1/webhook-deliveries/dlv_{ENDPOINT}_1/redeliver")
        assert (status, shown["status"], shown["sent_again_by"]) == (202, "failing", "redeliver")
    (message,) = log.aws.messages()
    first = log.receiver.posts[0]
    log.receiver.posts.clear()
    log.deliver.run(message_in(message["Body"]))
    (again,) = log.receiver.posts
    assert (again.headers["webhook-id"], again.body) == (first.headers["webhook-id"], first.body)
    _, shown = log.ask("GET", f"/v1/webhook-deliveries/dlv_{ENDPOINT}_1")
    assert (shown["status"], shown["attempt_count"]) == ("delivered", 2)


def test_a_delivery_of_a_former_event_at_the_number_sends_no_other_event_again(log: Log) -> None:
    known = log.deliveries.delivery(log.named(1))
    assert known is not None
    log.deliveries.record_delivered(replace(known, event_id="evt_former"), log.clock())
    status, problem = log.ask("POST", f"/v1/webhook-deliveries/dlv_{ENDPOINT}_1/redeliver")
    assert (status, problem["code"]) == (409, "event_not_kept")


def test_a_redelivery_whose_message_got_lost_is_sent_by_the_sweep(log: Log) -> None:
    log.ask("POST", f"/v1/webhook-deliveries/dlv_{ENDPOINT}_1/redeliver")
    log.receiver.posts.clear()
    log.clock.move(61)
    log.overdue.resend()
    log.work(1)
    assert log.ids(1)[0] in log.told


def test_nothing_is_sent_again_to_an_endpoint_that_is_disabled_or_gone(log: Log) -> None:
    log.change(disabled_at=NOW)
    for path in (f"/v1/webhook-deliveries/dlv_{ENDPOINT}_1/redeliver", f"/v1/webhook-endpoints/{ENDPOINT}/replays"):
        assert log.ask("POST", path, {"from_sequence": 1})[1]["code"] == "endpoint_disabled"
    log.endpoints.delete(ACCOUNT, ENDPOINT)
    status, problem = log.ask("POST", f"/v1/webhook-deliveries/dlv_{ENDPOINT}_1/redeliver")
    assert (status, problem["code"]) == (409, "endpoint_disabled")


def test_a_replay_is_started_watched_and_stopped(log: Log) -> None:
    path = f"/v1/webhook-endpoints/{ENDPOINT}/replays"
    status, replay = log.ask("POST", path, {"since": "2026-11-21T01:34:32Z", "only": "all", "types": ["call.active"]})
    assert status == 202
    assert (replay["status"], replay["from_sequence"], replay["until_sequence"]) == ("running", 2, 6)
    assert log.ask("POST", path, {"from_sequence": 1})[1]["code"] == "replay_running"
    (message,) = log.aws.messages()
    step = step_in(message["Body"])
    assert step is not None and step.replay_id == replay["replay_id"]
    log.take(step)
    log.work(3)
    _, done = log.ask("GET", f"{path}/{replay['replay_id']}")
    assert (done["status"], done["progress"], done["sent"]) == ("done", 1.0, 3)
    assert [log.ids(n)[0] in log.told[5:] for n in (2, 4, 6)] == [True] * 3
    _, second = log.ask("POST", path, {"from_sequence": 1})
    assert log.ask("POST", f"{path}/{second['replay_id']}/stop")[1]["status"] == "stopped"
    _, page = log.ask("GET", path, limit=1)
    assert [each["replay_id"] for each in page["data"]] == [second["replay_id"]]
    _, rest = log.ask("GET", path, cursor=page["pagination"]["next_cursor"])
    assert [each["replay_id"] for each in rest["data"]] == [replay["replay_id"]]


def test_the_function_makes_the_step_that_a_message_asks_for(log: Log) -> None:
    log.ask("POST", f"/v1/webhook-endpoints/{ENDPOINT}/replays", {"from_sequence": 1})
    (message,) = log.aws.messages()
    environment = {"DELIVERY_QUEUE_URL": log.aws.queue_url, "ALLOW_PRIVATE_WEBHOOKS": "true"}
    handler = load_handler("deliver_webhook", environment)
    record = {"messageId": "1", "body": message["Body"]}
    with log_of("deliver_webhook") as lines:
        assert handler.lambda_handler({"Records": [record]}, None) == {"batchItemFailures": []}
    told = json.loads(lines.getvalue())
    assert (told["outcome"], told["sent"], told["status"]) == ("Replayed", 3, "done")
    sent = [message_in(each["Body"]) for each in log.aws.messages()]
    assert sent == [DeliveryMessage(log.named(sequence)) for sequence in (2, 3, 6)]


@pytest.mark.parametrize(
    "body", [{}, {"since": "2026-11-21T01:34:32Z", "from_sequence": 1}, {"from_sequence": 0}, {"since": "today"}]
)
def test_a_replay_has_one_beginning(log: Log, body: dict[str, Any]) -> None:
    assert log.ask("POST", f"/v1/webhook-endpoints/{ENDPOINT}/replays", body)[0] == 422


def test_anothers_replays_and_endpoints_are_not_there(log: Log) -> None:
    path = f"/v1/webhook-endpoints/{ENDPOINT}"
    for method, rest, body in (
        ("POST", "replays", {"from_sequence": 1}),
        ("GET", "replays", None),
        ("GET", "replays/replay_1", None),
        ("POST", "replays/replay_1/stop", None),
        ("GET", "statistics", None),
    ):
        assert log.ask(method, f"{path}/{rest}", body, account_id="acct_2")[0] == 404


def test_statistics_are_counted_in_the_log(log: Log) -> None:
    log.clock.move(24 * 3600)
    log.happen()
    log.tell(7)
    status, told = log.ask("GET", f"/v1/webhook-endpoints/{ENDPOINT}/statistics")
    assert status == 200
    assert told["last_day"]["deliveries"] == {"failing": 0, "delivered": 1, "gave_up": 0}
    week = told["last_7_days"]
    assert week["deliveries"] == {"failing": 2, "delivered": 4, "gave_up": 0}
    assert (week["success_rate"], week["attempts"], week["attempt_success_rate"]) == (1.0, 6, 0.6667)
    assert (week["latency_ms"], week["truncated"]) == ({"p50": 0, "p99": 0}, False)
    assert told["oldest_undelivered"]["sequence"] == 2


def test_statistics_say_when_there_was_more_than_they_read(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringline.webhooks.statistics.MOST_DELIVERIES", 2)
    _, told = log.ask("GET", f"/v1/webhook-endpoints/{ENDPOINT}/statistics")
    assert told["last_day"]["deliveries"]["delivered"] == 2
    assert told["last_day"]["truncated"] and told["last_7_days"]["truncated"]


def test_an_endpoint_that_was_never_told_has_no_rates(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(local, monkeypatch)
    _, told = log.ask("GET", f"/v1/webhook-endpoints/{ENDPOINT}/statistics")
    assert (told["last_day"]["success_rate"], told["last_day"]["latency_ms"]["p99"]) == (None, None)
    assert told["oldest_undelivered"] is None


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert [percentile([1, 2, 3, 4], percent) for percent in (50, 99)] == [2, 4]
    assert percentile(list(range(1, 201)), 99) == 198
    assert percentile([], 50) is None
