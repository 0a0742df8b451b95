"""POST calls, from API Gateway's event to what stands in the table."""

import json
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.accounts.tables.allowances import Allowances
from ringline.calls.capacity.days import Use, cap_attribute
from ringline.calls.capacity.limits import LIMIT_OF
from ringline.calls.model.call import State
from ringline.calls.model.timing import UNMARKED_LOOK_S
from ringline.calls.tables.store import CallStore, TableContended
from ringline.calls.tables.watchlist import Watchlist
from ringline.routing.records import Agent, Number, Pipe
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import iso, now_ms
from ringline.runtime.table import WAITING_PK
from tests.builders import a_call
from tests.component.one_table import LocalAws, load_handler, log_of
from tests.fakes import CONTEXT
from tests.sample_events import event_of

ACCOUNT = "acct_demo"


@pytest.fixture
def create_call(local: LocalAws) -> ModuleType:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    routing = RoutingStore(local.dynamodb, local.table_name)
    routing.put_agent(ACCOUNT, Agent(agent_id="front-desk", name="Front desk"))
    routing.put_number(ACCOUNT, Number(number="+15550100000", number_id="num_1", pipe_id="PIPE_1"))
    routing.put_pipe(ACCOUNT, Pipe(pipe_id="PIPE_1", name="p", agent_id="front-desk", number="+15550100000"))
    routing.put_pipe(ACCOUNT, Pipe(pipe_id="PIPE_mute", name="no number", agent_id="front-desk"))
    return load_handler("create_call", {"DOORBELL_QUEUE_URL": local.queue_url})


def call(handler: ModuleType, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    answer = handler.lambda_handler(event, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


def written(local: LocalAws) -> list[dict[str, Any]]:
    return [item for item in local.items() if item.get("item_kind") == "call" or "#QUEUE" in item["pk"]]


def with_body(body: dict[str, Any]) -> dict[str, Any]:
    return {**event_of("create_call", "by_pipe"), "body": json.dumps(body)}


def test_a_call_is_accepted_as_pending_and_the_doorbell_rings(create_call: ModuleType, local: LocalAws) -> None:
    status, body = call(create_call, event_of("create_call", "by_pipe"))
    assert status == 201
    assert (body["status"], body["state"], body["attempt"]) == ("pending", "queued", 0)
    assert (body["to_number"], body["from_number"]) == ("+15550100200", "+15550100000")
    assert (body["pipe_id"], body["agent_id"], body["data"]) == ("PIPE_1", "front-desk", {"customer_id": "C1"})
    row, entry = sorted(written(local), key=lambda item: item["pk"])
    assert (row["sk"], row["version"]) == (body["call_id"], 1)
    assert entry["sk"].endswith(f"#{body['call_id']}")
    (message,) = local.messages()
    assert json.loads(message["Body"]) == {"account_id": ACCOUNT}
    assert message["Attributes"]["MessageGroupId"] == ACCOUNT


def test_a_call_is_accepted_although_the_key_of_the_waiting_marks_is_throttled(
    create_call: ModuleType, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def throttled(_: Watchlist, account_id: str, _now: int) -> None:
        tried.append(account_id)
        raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "PutItem")

    monkeypatch.setattr(Watchlist, "mark_waiting", throttled)
    expires_at = iso(now_ms() + 10_000)
    bodies = [{"expires_at": expires_at}, {}]
    for body in bodies:
        status, _ = call(create_call, with_body({"to_number": "+15550100200", "pipe_id": "PIPE_1", **body}))
        assert status == 201
    assert tried == [ACCOUNT], "each refusal keeps a request waiting"
    assert not [item for item in local.items() if item["pk"] == WAITING_PK]
    expiring, plain = sorted(
        (item for item in local.items() if item.get("item_kind") == "call"),
        key=lambda item: item["due_shard"],
        reverse=True,
    )
    assert (expiring["due_shard"], expiring["due_at"]) == ("expires", expiring["expires_at"])
    assert (plain["due_shard"], plain["due_at"]) == ("due", plain["created_at"] + 1000 * UNMARKED_LOOK_S)
    assert len(local.messages()) == 2, "and its bell was rung"


def test_a_call_that_meets_a_full_gate_rings_nobody(create_call: ModuleType, local: LocalAws) -> None:
    AccountStore(local.dynamodb, local.table_name).set_cap(ACCOUNT, 0)
    status, _ = call(create_call, event_of("create_call", "by_pipe"))
    assert status == 201
    assert local.messages() == [], "whoever frees a line looks into the queue"


def test_an_agent_alone_speaks_through_its_pipe_and_a_trailing_slash_is_fine(create_call: ModuleType) -> None:
    status, body = call(create_call, event_of("create_call", "by_agent"))
    assert (status, body["pipe_id"], body["agent_id"]) == (201, "PIPE_1", "front-desk")


@pytest.mark.parametrize(
    ("case", "status", "code", "field"),
    [
        ("without_key", 401, "missing_api_key", None),
        ("not_json", 400, "body_not_json", None),
        ("wrong_number", 422, "invalid_request", "to_number"),
        ("unknown_pipe", 422, "unknown_pipe", "pipe_id"),
        ("unknown_field", 422, "invalid_request", "timezone"),
    ],
)
def test_a_bad_event_is_refused_with_its_problem(
    create_call: ModuleType, local: LocalAws, case: str, status: int, code: str, field: str | None
) -> None:
    answer = create_call.lambda_handler(event_of("create_call", case), CONTEXT)
    problem = json.loads(answer["body"])
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert (answer["statusCode"], problem["status"], problem["code"], problem["detail"]) == (status, status, code, code)
    assert [each["field"] for each in problem.get("errors", [])] == ([field] if field else [])
    assert written(local) == []
    assert local.messages() == []


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"pipe_id": "PIPE_1"}, "invalid_request", "to_number"),
        ({"to_number": None, "pipe_id": "PIPE_1"}, "invalid_request", "to_number"),
        ({"to_number": 15550100200, "pipe_id": "PIPE_1"}, "invalid_request", "to_number"),
        ({"to_number": "+1", "pipe_id": "PIPE_1"}, "invalid_request", "to_number"),
        ({"to_number": "+15550100200"}, "no_pipe_or_agent", "pipe_id"),
        ({"to_number": "+15550100200", "agent_id": "nobody"}, "unknown_agent", "agent_id"),
        ({"to_number": "+15550100200", "pipe_id": "PIPE_mute"}, "no_from_number", "from_number"),
        (
            {"to_number": "+15550100200", "pipe_id": "PIPE_1", "from_number": "+15550109999"},
            "unknown_from_number",
            "from_number",
        ),
        ({"to_number": "+15550100200", "pipe_id": "PIPE_1", "from_number": "x"}, "invalid_request", "from_number"),
        ({"to_number": "+15550100200", "pipe_id": "PIPE_1", "ring_timeout_s": 61}, "invalid_request", "ring_timeout_s"),
        ({"to_number": "+15550100200", "pipe_id": "PIPE_1", "data": [1]}, "invalid_request", "data"),
        (
            {"to_number": "+15550100200", "pipe_id": "PIPE_1", "scheduled_at": "2026-11-21"},
            "invalid_request",
            "scheduled_at",
        ),
        (
            {"to_number": "+15550100200", "pipe_id": "PIPE_1", "expires_at": "2020-01-01T00:00:00Z"},
            "invalid_request",
            "expires_at",
        ),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_written(
    create_call: ModuleType, local: LocalAws, body: dict[str, Any], code: str, field: str
) -> None:
    status, problem = call(create_call, with_body(body))
    assert (status, problem["code"]) == (422, code)
    assert [each["field"] for each in problem["errors"]] == [field]
    assert written(local) == []
    assert local.messages() == []


def test_every_wrong_field_is_named_at_once(create_call: ModuleType) -> None:
    _, problem = call(create_call, with_body({"to_number": "x", "ring_timeout_s": 1, "pipe_id": "PIPE_1"}))
    assert {each["field"] for each in problem["errors"]} == {"to_number", "ring_timeout_s"}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", '"\\ud800"', "1" * 5_000])
def test_what_json_cannot_say_again_is_refused(create_call: ModuleType, local: LocalAws, number: str) -> None:
    text = '{"to_number": "+15550100200", "pipe_id": "PIPE_1", "data": {"score": ' + number + "}}"
    status, problem = call(create_call, {**event_of("create_call", "by_pipe"), "body": text})
    assert (status, problem["code"]) == (400, "body_not_json")
    assert written(local) == []


@pytest.mark.parametrize(
    ("listed", "to_number", "status"),
    [
        (None, "+15550100200", 201),
        (None, "+19005550100", 403),
        (None, "+491711234567", 403),
        (None, "+881612345678", 403),
        (("+49",), "+491711234567", 201),
        (("+49",), "+15550100200", 403),
        ((), "+15550100200", 403),
    ],
)
def test_an_account_calls_where_it_may_and_nowhere_else(
    create_call: ModuleType, local: LocalAws, listed: tuple[str, ...] | None, to_number: str, status: int
) -> None:
    AccountStore(local.dynamodb, local.table_name).set_allowed_prefixes(ACCOUNT, listed)
    answered, body = call(create_call, with_body({"to_number": to_number, "pipe_id": "PIPE_1"}))
    assert answered == status
    if status == 403:
        assert (body["code"], body["errors"][0]["field"]) == ("destination_not_allowed", "to_number")
        assert to_number not in json.dumps(body)
        assert (written(local), local.messages()) == ([], [])


def test_an_account_may_call_the_countries_of_all_of_its_numbers(create_call: ModuleType, local: LocalAws) -> None:
    german = {"to_number": "+491711234567", "pipe_id": "PIPE_1"}
    assert call(create_call, with_body(german))[0] == 403
    RoutingStore(local.dynamodb, local.table_name).put_number(ACCOUNT, Number(number="+4930123456", number_id="num_2"))
    assert call(create_call, with_body(german))[0] == 201


@pytest.mark.parametrize("levels", [31, 9_989])
def test_what_is_nested_too_deep_is_refused(create_call: ModuleType, local: LocalAws, levels: int) -> None:
    # Nested some thousands deep, it could be read, and no list that held it could be written any more.
    text = '{"to_number": "+15550100200", "pipe_id": "PIPE_1", "data": {"a": ' + "[" * levels + "]" * levels + "}}"
    status, problem = call(create_call, {**event_of("create_call", "by_pipe"), "body": text})
    assert (status, problem["code"]) == (400, "body_too_deep")
    assert written(local) == []


@pytest.mark.parametrize("value", ["1e200", "1" * 43, "[" * 30 + "]" * 30, '{"": 1}', "-0.1", "null"])
def test_whatever_json_can_say_comes_back_as_it_came(create_call: ModuleType, value: str) -> None:
    text = '{"to_number": "+15550100200", "pipe_id": "PIPE_1", "data": {"it": ' + value + "}}"
    status, body = call(create_call, {**event_of("create_call", "by_pipe"), "body": text})
    assert (status, body["data"]) == (201, {"it": json.loads(value)})


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2100-01-01T00:00:00Z"])
@pytest.mark.parametrize("field", ["scheduled_at", "expires_at"])
def test_a_moment_out_of_reach_is_refused(create_call: ModuleType, local: LocalAws, field: str, moment: str) -> None:
    status, problem = call(create_call, with_body({"to_number": "+15550100200", "pipe_id": "PIPE_1", field: moment}))
    assert (status, [each["field"] for each in problem["errors"]]) == (422, [field])
    assert written(local) == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"pipe_id": "PIPE_1", "user_number": {}}, "to_number"),
        ({"pipe_id": "PIPE_1", "user_number": "+15550100200", "to_number": []}, "to_number"),
        ({"to_number": "+15550100200", "agent": []}, "agent_id"),
        ({"to_number": "+15550100200", "agent": "front-desk", "agent_id": {}}, "agent_id"),
    ],
)
def test_the_sdks_other_names_take_no_lists_and_objects(
    create_call: ModuleType, local: LocalAws, asked: dict[str, Any], field: str
) -> None:
    status, problem = call(create_call, with_body(asked))
    assert (status, problem["errors"][0]["field"]) == (422, field)
    assert written(local) == []


def test_who_meets_too_many_others_is_told_to_ask_again(
    create_call: ModuleType, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def contended(*_: Any, **__: Any) -> None:
        raise TableContended

    monkeypatch.setattr(CallStore, "create", contended)
    answer = create_call.lambda_handler(event_of("create_call", "by_pipe"), CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (503, "contended")
    assert answer["headers"]["retry-after"] == "1"


@pytest.mark.parametrize("body", ["[]", '"text"', "7", "null", ""])
def test_a_body_that_is_no_object_is_refused(create_call: ModuleType, body: str) -> None:
    status, problem = call(create_call, {**event_of("create_call", "by_pipe"), "body": body})
    assert (status, problem["code"]) == (400, "body_not_an_object")


def test_a_body_over_64_kb_is_refused_unread(create_call: ModuleType, local: LocalAws) -> None:
    body = {"to_number": "+15550100200", "pipe_id": "PIPE_1", "instructions": "x" * 65_536}
    status, problem = call(create_call, with_body(body))
    assert (status, problem["code"]) == (413, "body_too_large")
    assert written(local) == []


def test_a_call_whose_doorbell_is_lost_is_accepted_and_marked_for_the_sweep(
    create_call: ModuleType, local: LocalAws
) -> None:
    local.sqs.delete_queue(QueueUrl=local.queue_url)
    status, _ = call(create_call, event_of("create_call", "by_pipe"))
    assert status == 201
    assert [item["sk"] for item in local.items() if item["pk"] == "WAITING"] == [ACCOUNT]


def test_no_phone_number_stands_in_the_log(create_call: ModuleType) -> None:
    with log_of("create_call") as lines:
        call(create_call, event_of("create_call", "by_pipe"))
    printed = lines.getvalue()
    assert "call accepted" in printed
    assert "+15550100200" not in printed
    assert "0200" in printed


def test_a_requests_line_of_the_log_says_from_which_address_it_came(create_call: ModuleType) -> None:
    """Also where it is refused; and no header says another one."""
    refused = event_of("create_call", "by_pipe")
    refused["requestContext"] = {**refused["requestContext"], "authorizer": {"lambda": {"refusal": "invalid_key"}}}
    for event, told in ((event_of("create_call", "by_pipe"), "call accepted"), (refused, "request refused")):
        event["headers"] = {**event["headers"], "x-forwarded-for": "198.51.100.9"}
        with log_of("create_call") as lines:
            create_call.lambda_handler(event, CONTEXT)
        (line,) = [each for each in map(json.loads, lines.getvalue().splitlines()) if each.get("message") == told]
        assert line["source_ip"] == "192.0.2.1"


def with_key(key: str, **body: Any) -> dict[str, Any]:
    event = with_body({"to_number": "+15550100200", "pipe_id": "PIPE_1"} | body)
    event["headers"] = {**event["headers"], "idempotency-key": key}
    return event


def test_a_request_sent_twice_under_one_key_makes_one_call(create_call: ModuleType, local: LocalAws) -> None:
    first = create_call.lambda_handler(with_key("order-17"), CONTEXT)
    second = create_call.lambda_handler(with_key("order-17"), CONTEXT)
    assert (first["statusCode"], second["statusCode"]) == (201, 201)
    assert json.loads(first["body"])["call_id"] == json.loads(second["body"])["call_id"]
    assert "idempotent-replayed" not in first["headers"]
    assert second["headers"]["idempotent-replayed"] == "true"
    assert len([item for item in written(local) if "#QUEUE" in item["pk"]]) == 1
    assert len(local.messages()) == 1


def test_a_key_is_not_reused_for_another_body(create_call: ModuleType, local: LocalAws) -> None:
    call(create_call, with_key("order-17"))
    status, problem = call(create_call, with_key("order-17", to_number="+15550100201"))
    assert (status, problem["code"]) == (422, "idempotency_key_reused")
    assert [each["field"] for each in problem["errors"]] == ["Idempotency-Key"]
    assert len([item for item in written(local) if "#QUEUE" in item["pk"]]) == 1


def test_other_keys_and_no_key_make_calls_of_their_own(create_call: ModuleType, local: LocalAws) -> None:
    made = [call(create_call, event)[1]["call_id"] for event in (with_key("a"), with_key("b"), with_body(_PLAIN))]
    assert len(set(made)) == 3


def test_a_key_is_forgotten_after_a_day(create_call: ModuleType, local: LocalAws) -> None:
    _, first = call(create_call, with_key("order-17"))
    (key,) = (item for item in local.items() if item["pk"].endswith("#ONCE"))
    local.dynamodb.update_item(
        TableName=local.table_name,
        Key={"pk": {"S": key["pk"]}, "sk": {"S": key["sk"]}},
        UpdateExpression="SET ttl_at_s = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )
    _, second = call(create_call, with_key("order-17"))
    assert first["call_id"] != second["call_id"]


def test_a_repeat_is_answered_although_its_pipe_is_gone(create_call: ModuleType, local: LocalAws) -> None:
    _, first = call(create_call, with_key("order-17"))
    RoutingStore(local.dynamodb, local.table_name).delete_pipe(ACCOUNT, "PIPE_1")
    status, again = call(create_call, with_key("order-17"))
    assert (status, again["call_id"]) == (201, first["call_id"])


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "caf\u00e9"])
def test_a_key_that_is_none_is_refused(create_call: ModuleType, local: LocalAws, key: str) -> None:
    status, problem = call(create_call, with_key(key))
    assert (status, [each["field"] for each in problem["errors"]]) == (422, ["Idempotency-Key"])
    assert written(local) == []


_PLAIN = {"to_number": "+15550100200", "pipe_id": "PIPE_1"}


def test_a_retry_policy_is_accepted_and_shown(create_call: ModuleType, local: LocalAws) -> None:
    retry = {"max_attempts": 3, "on": ["USER_BUSY", "no_answer"], "delays_s": [60, 600]}
    status, body = call(create_call, with_body({"pipe_id": "PIPE_1", "to_number": "+15550100200", "retry": retry}))
    assert (status, body["retry"], body["attempts"]) == (201, retry, [])
    row = next(item for item in local.items() if item.get("item_kind") == "call")
    assert row["retry"] == retry


def test_a_retry_policy_has_usual_reasons_and_waits(create_call: ModuleType) -> None:
    asked = {"pipe_id": "PIPE_1", "to_number": "+15550100200", "retry": {"max_attempts": 2}}
    _, body = call(create_call, with_body(asked))
    assert body["retry"] == {"max_attempts": 2, "on": ["no_answer", "carrier"], "delays_s": [60, 300, 1800]}


@pytest.mark.parametrize(
    ("retry", "field"),
    [
        ({}, "retry.max_attempts"),
        ({"max_attempts": 0}, "retry.max_attempts"),
        ({"max_attempts": 11}, "retry.max_attempts"),
        ({"max_attempts": 2, "on": []}, "retry.on"),
        ({"max_attempts": 2, "on": ["BORED"]}, "retry.on"),
        ({"max_attempts": 2, "on": ["CALL_CANCELED"]}, "retry.on"),
        ({"max_attempts": 2, "delays_s": []}, "retry.delays_s"),
        ({"max_attempts": 2, "delays_s": [-1]}, "retry.delays_s.0"),
        ({"max_attempts": 2, "delay_s": [5]}, "retry.delay_s"),
        ("often", "retry"),
    ],
)
def test_a_retry_policy_that_cannot_be_is_refused_by_its_field(
    create_call: ModuleType, local: LocalAws, retry: Any, field: str
) -> None:
    asked = {"pipe_id": "PIPE_1", "to_number": "+15550100200", "retry": retry}
    status, body = call(create_call, with_body(asked))
    assert (status, [error["field"] for error in body["errors"]]) == (422, [field])
    assert written(local) == []


@pytest.mark.parametrize(
    ("of_pipe", "asked", "agent_first"),
    [(True, {}, True), (False, {}, False), (False, {"agent_first": True}, True), (True, {"agent_first": False}, False)],
)
def test_whether_the_agent_comes_before_the_ringing_is_the_calls_word_or_else_its_pipes(
    create_call: ModuleType, local: LocalAws, of_pipe: bool, asked: dict[str, Any], agent_first: bool
) -> None:
    pipe = Pipe(pipe_id="PIPE_1", name="p", agent_id="front-desk", number="+15550100000", agent_first=of_pipe)
    RoutingStore(local.dynamodb, local.table_name).put_pipe(ACCOUNT, pipe)
    status, _ = call(create_call, with_body({"to_number": "+15550100200", "pipe_id": "PIPE_1", **asked}))
    assert status == 201
    row, entry = sorted(written(local), key=lambda item: item["pk"])
    assert row.get("agent_first") == (None if agent_first else False), "what is usual is not stored with every call"
    assert entry.get("agent_id") == ("front-desk" if agent_first else None), "whom the queue waits for"


def test_a_full_queue_takes_no_more_calls_and_still_answers_a_repeat(create_call: ModuleType, local: LocalAws) -> None:
    Allowances(local.dynamodb, local.table_name).set(ACCOUNT, {"max_waiting": 1})
    first = event_of("create_call", "by_pipe")
    first["headers"]["idempotency-key"] = "once"
    status, made = call(create_call, first)
    assert status == 201
    answer = create_call.lambda_handler(event_of("create_call", "by_pipe"), CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (429, "queue_full")
    assert answer["headers"]["retry-after"] == "60"
    assert [item["limit"] for item in local.items() if item.get("item_kind") == "limit_reached"] == ["waiting_calls"]
    assert call(create_call, first) == (201, made)
    assert len(written(local)) == 2


def test_a_queue_is_counted_over_its_pages_and_no_further_than_asked(local: LocalAws) -> None:
    store = CallStore(local.dynamodb, local.table_name)
    for number in range(5):
        store.create(a_call(State.QUEUED, account_id=ACCOUNT, call_id=f"call_{number}"))
    store.create(a_call(State.QUEUED, account_id="acct_other", call_id="call_of_another"))
    assert [store.waiting(ACCOUNT, most) for most in (3, 5, 100)] == [3, 5, 5]


@pytest.mark.parametrize("use", list(Use))
def test_a_day_that_is_used_up_takes_no_more_calls_but_for_another_day(
    create_call: ModuleType, local: LocalAws, use: Use
) -> None:
    Allowances(local.dynamodb, local.table_name).set(ACCOUNT, {cap_attribute(use): 0})
    answer = create_call.lambda_handler(event_of("create_call", "by_pipe"), CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (429, "daily_cap_reached")
    assert 1 <= int(answer["headers"]["retry-after"]) <= 24 * 3600
    (met,) = [item for item in local.items() if item.get("item_kind") == "limit_reached"]
    assert (met["limit"], met["cap"]) == (LIMIT_OF[use], 0)
    assert written(local) == []
    later = iso(now_ms() + 2 * 24 * 3600 * 1000)
    body = {"pipe_id": "PIPE_1", "to_number": "+15550100200", "scheduled_at": later}
    assert call(create_call, with_body(body))[0] == 201


AT_LENGTH = {
    "to_number": "+15550100200",
    "pipe_id": "PIPE_1",
    "instructions": "Be kind, and be brief." * 100,
    "data": {"customer_id": "C1"},
    "metadata": {"batch": 7, "note": "x" * 600},
}


@pytest.mark.parametrize("apart", [False, True])
def test_what_is_asked_at_length_is_kept_where_the_deployment_says_and_shown_everywhere(
    create_call: ModuleType, local: LocalAws, apart: bool
) -> None:
    """The release before reads none of it in a row of its own."""
    if apart:
        create_call = load_handler("create_call", {"DOORBELL_QUEUE_URL": local.queue_url, "ASKED_APART": "true"})
    status, body = call(create_call, with_key("once", **AT_LENGTH))
    assert status == 201
    said = {name: AT_LENGTH[name] for name in ("instructions", "data", "metadata")}
    assert {name: body[name] for name in said} == said
    (row,) = [item for item in local.items() if item.get("item_kind") == "call"]
    assert (said.keys() & row.keys() == set()) is apart
    assert len([item for item in local.items() if item["pk"].endswith("#ASKED")]) == apart
    again, repeated = call(create_call, with_key("once", **AT_LENGTH))
    assert (again, repeated["call_id"], repeated["instructions"]) == (201, body["call_id"], said["instructions"])
    nowhere = {"LIVEKIT_URL": "http://127.0.0.1:9", "LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "s" * 36}
    manage = load_handler("manage", {"DOORBELL_QUEUE_URL": local.queue_url, **nowhere})
    path = f"/v1/calls/{body['call_id']}"
    shown = call(manage, event_of("manage", "get_call") | {"rawPath": path})[1]
    listed = call(manage, event_of("manage", "list_calls") | {"queryStringParameters": {"metadata.batch": "7"}})[1]
    hung_up = call(manage, event_of("manage", "hang_up") | {"rawPath": f"{path}/hangup"})[1]
    for each in (shown, *listed["data"], hung_up):
        assert {name: each[name] for name in said} == said
