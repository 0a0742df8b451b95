"""What an agent reports as the outcome of a conversation: kept, held against its schema, shown as the SDK reads it."""

import json
from types import ModuleType
from typing import Any

import pytest
from unpod.models.analytics import AnalyticsResult

from ringline.calls.model.call import Call, State
from ringline.calls.outcomes.keep import MOST_OUTCOMES
from ringline.calls.tables.store import CallStore
from ringline.routing.records import Agent
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import iso, now_ms
from ringline.telephony.agent_dispatch import call_token
from tests.builders import ACCOUNT, a_call
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

SECRET = "a-secret-of-more-than-32-characters"
SCHEMA = {
    "type": "object",
    "properties": {"table_for": {"type": "integer", "minimum": 1}},
    "required": ["table_for"],
    "additionalProperties": False,
}
BOOKED = {"type": "outcome", "name": "booking", "data": {"table_for": 4}, "summary": "Booked.", "success": True}


class Talk:
    """A call whose agent reports, and the API that shows it."""

    def __init__(self, local: LocalAws, schema: dict[str, Any] | None) -> None:
        environment = {
            "DOORBELL_QUEUE_URL": local.queue_url,
            "LOOK_QUEUE_URL": local.queue_url,
            "LIVEKIT_URL": "http://127.0.0.1:9",
            "LIVEKIT_API_KEY": "devkey",
            "LIVEKIT_API_SECRET": SECRET,
        }
        self.receive: ModuleType = load_handler("receive_agent_event", environment)
        self.manage: ModuleType = load_handler("manage", environment)
        text = None if schema is None else json.dumps(schema)
        RoutingStore(local.dynamodb, local.table_name).put_agent(
            ACCOUNT, Agent(agent_id="AGENT_1", name="Agent", analytics_schema=text)
        )
        self.call: Call = a_call(State.ACTIVE, dialed_at=now_ms(), created_at=now_ms())
        CallStore(local.dynamodb, local.table_name).create(self.call)

    def tell(self, *events: Any) -> list[str]:
        """What came of each report, in a word."""
        request = event_of("receive_agent_event", "ready")
        request["headers"]["authorization"] = f"Bearer {call_token(self.call, SECRET)}"
        request["body"] = json.dumps({"events": events})
        answer = self.receive.lambda_handler(request, CONTEXT)
        assert answer["statusCode"] == 200, answer
        return [result["result"] for result in json.loads(answer["body"])["results"]]

    def ask(self, path: str, account_id: str = ACCOUNT) -> tuple[int, Any]:
        event = event_of("manage", "get_call") | {"rawPath": path}
        event["requestContext"]["authorizer"]["lambda"]["account_id"] = account_id
        answer = self.manage.lambda_handler(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"])

    def rows(self) -> list[dict[str, Any]]:
        status, body = self.ask(f"/v1/calls/{self.call.call_id}/analytics")
        assert status == 200
        rows: list[dict[str, Any]] = body["data"]
        return rows


@pytest.fixture
def talk(local: LocalAws) -> Talk:
    return Talk(local, SCHEMA)


def test_an_outcome_is_shown_as_the_sdk_reads_it(talk: Talk) -> None:
    assert talk.tell(BOOKED) == ["applied"]
    (row,) = talk.rows()
    result = AnalyticsResult.model_validate(row)
    assert (result.name, result.status, result.success_evaluation, result.summary) == ("booking", "ok", True, "Booked.")
    assert (result.data, result.call_id, result.agent_id) == ({"table_for": 4}, talk.call.call_id, "AGENT_1")
    assert result.session_id == talk.call.room_name
    assert talk.ask(f"/v1/sessions/{talk.call.room_name}/analytics")[1]["data"] == [row]
    assert talk.ask(f"/v1/sessions/{talk.call.call_id}/analytics")[1]["data"] == [row]
    assert talk.ask(f"/v1/calls/{talk.call.call_id}")[1]["analytics"] == [row]


@pytest.mark.parametrize("path", ["/v1/calls/{}/analytics", "/v1/sessions/{}/analytics"])
def test_another_accounts_outcomes_are_not_found(talk: Talk, path: str) -> None:
    talk.tell(BOOKED)
    assert talk.ask(path.format(talk.call.call_id), "acct_other")[0] == 404
    assert talk.ask(path.format("call_nobody"))[0] == 404


def test_of_an_agent_whose_clock_is_fast_a_later_outcome_is_the_later_one(talk: Talk) -> None:
    fast, right = iso(now_ms() + 180_000), iso(now_ms())
    assert talk.tell(BOOKED | {"at": fast, "summary": "Asked."}) == ["applied"]
    assert talk.tell(BOOKED | {"summary": "Booked."}) == ["applied"]
    assert [row["summary"] for row in talk.rows()] == ["Booked."]
    assert talk.tell(BOOKED | {"at": right, "summary": "Asked."}) == ["told_before"], "of an order that clocks agree on"


def test_what_does_not_fit_is_kept_as_failed(talk: Talk) -> None:
    assert talk.tell(BOOKED | {"data": {"table_for": "four"}}) == ["applied"]
    (row,) = talk.rows()
    assert (row["status"], row["data"]) == ("failed", {"table_for": "four"})
    assert row["error"] == "table_for: 'four' is not of type 'integer'"


def test_an_outcome_without_data_is_not_held_against_the_schema(talk: Talk) -> None:
    talk.tell({"type": "outcome", "summary": "Nobody was there."})
    (row,) = talk.rows()
    assert (row["name"], row["status"], row["error"], row["data"]) == ("outcome", "skipped", None, {})


@pytest.mark.parametrize(
    "schema", [{"type": 7}, {"$ref": "https://schemas.example.com/x"}, {"pattern": "(a+)+$"}, {"$ref": "#"}]
)
def test_a_schema_that_cannot_be_used_loses_no_outcome(local: LocalAws, schema: dict[str, Any]) -> None:
    talk = Talk(local, schema)
    assert talk.tell(BOOKED) == ["applied"]
    (row,) = talk.rows()
    assert (row["status"], row["data"]) == ("failed", {"table_for": 4})
    assert row["error"].startswith("the schema ")


def test_without_a_schema_everything_fits(local: LocalAws) -> None:
    talk = Talk(local, None)
    assert talk.tell(BOOKED | {"data": {"anything": [1, 2.5, None]}, "success": "half"}) == ["applied"]
    (row,) = talk.rows()
    assert (row["status"], row["data"], row["success_evaluation"]) == ("ok", {"anything": [1, 2.5, None]}, "half")


def test_what_is_told_last_counts(talk: Talk) -> None:
    now_s = now_ms() / 1000
    talk.tell(BOOKED | {"at": now_s, "data": {"table_for": 2}})
    assert talk.tell(BOOKED | {"at": now_s - 60}) == ["told_before"]
    assert talk.tell(BOOKED | {"at": now_s, "data": {"table_for": 2}}) == ["applied"], "told again, it changes nothing"
    assert [row["data"] for row in talk.rows()] == [{"table_for": 2}]


def test_an_attempt_has_so_many_outcomes_and_no_more(talk: Talk) -> None:
    told = [BOOKED | {"name": f"n{number}"} for number in range(MOST_OUTCOMES + 1)]
    assert talk.tell(*told) == ["applied"] * MOST_OUTCOMES + ["too_many_outcomes"]
    assert talk.tell(told[0]) == ["applied"], "one that is there may be told anew"
    assert len(talk.rows()) == MOST_OUTCOMES


@pytest.mark.parametrize("wrong", [{"name": "a/b"}, {"data": {"words": "x" * 20_000}}, {"summary": "x" * 5000}])
def test_an_outcome_that_cannot_be_read_is_named(talk: Talk, wrong: dict[str, Any]) -> None:
    assert talk.tell(BOOKED | wrong, BOOKED) == ["unreadable", "applied"]
