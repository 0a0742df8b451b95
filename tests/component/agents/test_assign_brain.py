"""POST /v1/calls/{call_id}/brain: what thinks for a call, asked for with the token of its dispatch."""

import json
from copy import replace
from dataclasses import dataclass
from typing import Any

import jwt
import pytest

from ringline.agents.bridge_token import bridge_token
from ringline.agents.sockets import ApiGatewaySockets
from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.events import AgentReady, FellBack, FoundOver
from ringline.calls.model.transfers.transfer import (
    AskedBy,
    Former,
    Target,
    TargetKind,
    Transfer,
    TransferMode,
    TransferState,
)
from ringline.calls.progress.progress import Applied, Unapplied
from ringline.calls.tables.inbound_rooms import Opened
from ringline.calls.tables.store import Committed
from ringline.routing.records import Agent
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import now_ms
from ringline.telephony.agent_dispatch import call_token
from tests.builders import ACCOUNT, a_call
from tests.component.agents.plane import AGENT, Plane, a_plane
from tests.component.one_table import LocalAws, load_handler
from tests.component.setup.api import setup_api
from tests.fakes import CONTEXT
from tests.sample_events import event_of

SECRET = "a-secret-of-more-than-32-characters"
BODY = json.loads(event_of("assign_brain", "join")["body"])


@dataclass
class Worker:
    """A speech worker that asks for the brain of its call."""

    plane: Plane
    function: Any
    local: LocalAws

    def call(self, brain: str | None, instructions: str | None = None, **agent: Any) -> Call:
        routing = RoutingStore(self.local.dynamodb, self.local.table_name)
        routing.put_agent(ACCOUNT, Agent(agent_id=AGENT, name="Front desk", brain=brain or "livekit", **agent))
        now = self.plane.calls.clock()
        fields: dict[str, Any] = {"brain": brain, "agent_id": AGENT, "instructions": instructions}
        return self.plane.calls.dialing("call_1", created_at=now, eligible_at=now, **fields)

    def asks(self, call: Call, token: str | None = None, **body: Any) -> tuple[int, dict[str, Any]]:
        sample = json.dumps(event_of("assign_brain", "join"))
        event = json.loads(sample.replace("call_01JD5Z0000000000000000000A", "call_1"))
        event["headers"]["authorization"] = f"Bearer {token or call_token(call, SECRET)}"
        event["body"] = json.dumps(BODY | body)
        answer = self.function.lambda_handler(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def worker(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Worker:
    plane = a_plane(local)
    plane.calls.clock.now = now_ms()
    environment = {
        "DOORBELL_QUEUE_URL": local.queue_url,
        "LIVEKIT_API_SECRET": SECRET,
        "RUNNER_CONNECTIONS_URL": "http://127.0.0.1:9/live",
    }
    monkeypatch.setattr(ApiGatewaySockets, "send", lambda _self, *frame: plane.sockets.send(*frame))
    return Worker(plane, load_handler("assign_brain", environment), local)


def test_a_runner_is_assigned_with_a_token_that_opens_its_bridge_and_nothing_else(worker: Worker) -> None:
    call = worker.call("runner")
    worker.plane.joins("bot#1")
    status, answer = worker.asks(call)
    assert (status, answer["brain"], answer["result"], answer["worker_id"]) == (200, "runner", "assigned", "bot#1")
    ((_, frame),) = worker.plane.assigned
    assert frame["job_id"] == answer["job_id"]
    with pytest.raises(jwt.PyJWTError):
        jwt.decode(frame["call_token"], SECRET, algorithms=["HS256"], audience="bridge")
    assert worker.asks(call, token=frame["call_token"])[0] == 401
    again = worker.asks(call)[1]
    assert again["dial_within_s"] <= answer["dial_within_s"]
    assert again | {"dial_within_s": 0} == answer | {"dial_within_s": 0}
    assert len(worker.plane.assigned) == 1


def test_without_a_runner_the_worker_is_told_when_to_ask_again(worker: Worker) -> None:
    nobody = {"brain": "runner", "result": "none", "why": "no_runner", "again_in_s": 1.0}
    assert worker.asks(worker.call("runner")) == (200, nobody)


def test_an_endpoint_is_served_with_its_key(worker: Worker) -> None:
    call = worker.call("endpoint", endpoint_url="https://llm.example/v1", endpoint_key="k", model="m")
    served = {"url": "https://llm.example/v1", "api_key": "k", "model": "m", "kind": "chat"}
    assert worker.asks(call) == (200, {"brain": "endpoint", "result": "served", "endpoint": served})


def test_a_key_that_the_api_sealed_is_opened_for_its_own_agent_alone(worker: Worker) -> None:
    api, keys = setup_api(worker.local), {}
    for agent_id in ("desk", "other"):
        brain = {"type": "endpoint", "ref": "https://llm.example/v1", "cfg": {"api_key": f"sk-{agent_id}"}}
        api.made("/v1/agents", {"agent_id": agent_id, "brain": brain}, account_id=ACCOUNT)
        keys[agent_id] = api.rows.agent(ACCOUNT, agent_id)
    now = worker.plane.calls.clock()
    fields: dict[str, Any] = {"brain": "endpoint", "agent_id": "desk", "instructions": None}
    call = worker.plane.calls.dialing("call_1", created_at=now, eligible_at=now, **fields)
    assert worker.asks(call)[1]["endpoint"]["api_key"] == "sk-desk"
    assert keys["desk"] and keys["other"]
    api.rows.put_agent(ACCOUNT, replace(keys["desk"], endpoint_key=keys["other"].endpoint_key))
    status, problem = worker.asks(call)
    assert (status, problem["code"]) == (409, "key_not_opened")


@pytest.mark.parametrize(("own", "told"), [("Ask for Ann.", "Ask for Ann."), (None, "Be brief.")])
def test_a_calls_own_instructions_go_before_those_of_its_agent(worker: Worker, own: str | None, told: str) -> None:
    call = worker.call("prompt", own, prompt="Be brief.", model="m")
    served = {"instructions": told, "model": "m"}
    assert worker.asks(call) == (200, {"brain": "prompt", "result": "served", "prompt": served})


def test_a_call_of_a_pipe_that_is_bound_to_another_agent_keeps_the_brain_it_was_created_with(worker: Worker) -> None:
    api = setup_api(worker.local)
    api.made("/v1/pipes", {"name": "p", "pipe_id": "line", "prompt": "Be kind."}, account_id=ACCOUNT)
    now = worker.plane.calls.clock()
    fields: dict[str, Any] = {"brain": "prompt", "pipe_id": "line", "agent_id": "line", "instructions": None}
    call = worker.plane.calls.dialing("call_1", created_at=now, eligible_at=now, **fields)
    assert api.ask("PATCH", "/v1/pipes/line", {"agent_id": "desk"}, account_id=ACCOUNT).status == 200
    served = {"instructions": "Be kind.", "model": None}
    assert worker.asks(call) == (200, {"brain": "prompt", "result": "served", "prompt": served})


def test_the_agent_from_which_a_caller_has_fallen_back_gets_no_brain_of_the_next_ones(worker: Worker) -> None:
    calls = worker.plane.calls
    now = calls.clock()
    call = a_call(
        State.RINGING,
        call_id="call_1",
        direction=Direction.INBOUND,
        inbound_room="in_1",
        caller_identity="sip_x",
        brain="prompt",
        agent_id=AGENT,
        instructions="Ask for Ann.",
        created_at=now,
        eligible_at=now,
        dialed_at=now,
        fallback_agent_id="desk",
        fallback_brain="prompt",
        agent_join_timeout_s=5,
        version=1,
    )
    routing = RoutingStore(worker.local.dynamodb, worker.local.table_name)
    for agent_id in (AGENT, "desk"):
        says = f"You are {agent_id}."
        routing.put_agent(ACCOUNT, Agent(agent_id=agent_id, name=agent_id, brain="prompt", prompt=says))
    assert calls.inbound_rooms.open(call) is Opened.OPENED
    its_token = call_token(call, SECRET)
    assert worker.asks(call, its_token)[1]["prompt"]["instructions"] == "Ask for Ann."
    calls.clock.move(6)
    fallen_back = calls.progress.apply(ACCOUNT, "call_1", FellBack(calls.clock(), 1)).call
    assert fallen_back is not None and fallen_back.agent_id == "desk"
    status, problem = worker.asks(call, its_token)
    assert (status, problem["code"]) == (409, "call_is_over")
    assert worker.asks(fallen_back)[1]["prompt"]["instructions"] == "You are desk.\n\nAsk for Ann."
    came_late = AgentReady(calls.clock(), 1, (), dispatch=1)
    assert isinstance(refused := calls.progress.apply(ACCOUNT, "call_1", came_late, told_by=1), Unapplied)
    assert refused.why == "handed_over"
    came = replace(came_late, dispatch=2)
    assert isinstance(calls.progress.apply(ACCOUNT, "call_1", came, told_by=2), Applied)


@pytest.mark.parametrize(
    ("own", "told"), [("Ask for Ann.", "You are sales.\n\nAsk for Ann."), (None, "You are sales.")]
)
def test_an_agent_that_was_given_a_call_is_who_its_own_prompt_says(worker: Worker, own: str | None, told: str) -> None:
    call = worker.call("prompt", own, prompt="You are the front desk.")
    routing = RoutingStore(worker.local.dynamodb, worker.local.table_name)
    routing.put_agent(ACCOUNT, Agent(agent_id="sales", name="Sales", brain="prompt", prompt="You are sales."))
    given = Transfer(
        transfer_id="transfer_1", dial=call.attempt, target=Target(TargetKind.AGENT, "sales"), mode=TransferMode.WARM,
        asked_by=AskedBy.AGENT, requested_at=1, state=TransferState.RINGING, dispatch=2, former=Former(agent_id=AGENT),
    )  # fmt: skip
    after = replace(call, agent_id="sales", dispatches=2, version=call.version + 1, transfers=(given,))
    assert worker.plane.calls.store.commit(call, after) is Committed.DONE
    assert worker.asks(after, dispatch=2)[1]["prompt"]["instructions"] == told


def test_an_agent_that_thinks_for_itself_gets_no_brain(worker: Worker) -> None:
    status, problem = worker.asks(worker.call(None))
    assert (status, problem["code"]) == (409, "no_brain_to_give")


def test_a_call_that_is_over_needs_none(worker: Worker) -> None:
    call = worker.call("runner")
    worker.plane.calls.progress.apply(ACCOUNT, "call_1", FoundOver(worker.plane.calls.clock(), 1))
    status, problem = worker.asks(call)
    assert (status, problem["code"]) == (409, "call_is_over")


def test_only_the_token_of_the_call_speaks_for_it(worker: Worker) -> None:
    call = worker.call("runner")
    for token in ("not.a.token", bridge_token(call, "call_1.1.1", "bot#1", SECRET)):
        status, problem = worker.asks(call, token=token)
        assert (status, problem["code"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("request", None),
        ("request", 0),
        ("request", True),
        ("request", "1"),
        ("dispatch", 0),
        ("why", "bored"),
        ("why", None),
        ("why", ["join"]),
        ("bridge_url", None),
        ("bridge_url", "https://speech.example"),
        ("bridge_url", "wss://"),
        ("bridge_url", "wss://speech.example/a b"),
        ("bridge_url", "wss://[speech"),
        ("bridge_url", "wss://speech.example/" + "x" * 2048),
    ],
)
def test_a_request_that_cannot_be_read_says_which_field_is_wrong(worker: Worker, name: str, value: Any) -> None:
    status, problem = worker.asks(worker.call("runner"), **{name: value})
    assert (status, [each["field"] for each in problem["errors"]]) == (422, [name])


def test_a_token_of_the_bridge_names_the_job_and_its_runner(worker: Worker) -> None:
    call = worker.call("runner")
    claims = jwt.decode(
        bridge_token(call, "call_1.1.3", "bot#1", SECRET), options={"verify_signature": False, "verify_aud": False}
    )
    assert {name: claims[name] for name in ("aud", "sub", "acc", "att", "job", "wid")} == {
        "aud": "bridge",
        "sub": "call_1",
        "acc": ACCOUNT,
        "att": 1,
        "job": "call_1.1.3",
        "wid": "bot#1",
    }
    assert claims["exp"] > (call.dialed_at or 0) // 1000 + call.max_call_duration_s
