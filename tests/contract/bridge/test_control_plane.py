"""The control plane signs what the bridge verifies, and answers what the bridge asks: each has its own code for it."""

import json
import time
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from ringline.agents.bridge_token import bridge_token
from ringline.agents.model.assigning import Asked, Why, answer_of
from ringline.agents.model.frames import JobLost, Register, read_frame
from ringline.agents.model.records import Assignment, AssignmentState
from ringline.agents.requests import read_request
from ringline.agents.worker_token import is_workers, worker_is_known
from ringline.calls.model.timing import MS_PER_S
from speech.bridge.brain import BrainClient
from speech.bridge.control import worker_token
from speech.bridge.hub import serving
from speech.bridge.model.asking import read_answer
from speech.bridge.model.events import Assigned, BrainAnswer, NoRunner, Wait
from speech.bridge.tokens import BridgeClaims, TokenRefused, bridge_key, read_bridge_token
from tests.builders import a_call

SECRET = "a-secret-of-more-than-32-characters"
NOW = 1_000_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_a_token_of_the_control_plane_opens_the_bridge() -> None:
    call = a_call(attempt=2)
    token = bridge_token(call, "SCL_1.2.1", "bot#1", SECRET)
    read = read_bridge_token(token, call.call_id, bridge_key(SECRET), call.created_at / MS_PER_S)
    assert read == BridgeClaims(call.account_id, call.call_id, 2, "SCL_1.2.1", "bot#1")


def test_a_speech_workers_credential_is_known_by_the_control_plane_of_its_own_deployment_alone() -> None:
    credential = f"Worker {worker_token(SECRET, 'speech#1', time.time())}"
    assert worker_is_known(credential, SECRET)
    assert not worker_is_known(credential, f"{SECRET}!")
    assert is_workers(credential) and not is_workers("Token sk_live")


def test_the_control_plane_reads_what_a_speech_worker_sends() -> None:
    """The worker's own frames are shown in tests/unit/speech/test_control.py."""
    lost = {"type": "job_lost", "call": "SCL_1", "attempt": 1, "dispatch": 2, "token": "of the dispatch"}
    assert read_frame(json.dumps(lost)) == JobLost("SCL_1", 2, "of the dispatch")
    capabilities = {"max_concurrent": 2, "kind": "media", "bridge_base": "ws://10.0.0.4:8081"}
    told = read_frame(
        json.dumps({"type": "register", "worker_id": "s#1", "pool": "ringline-speech", "capabilities": capabilities})
    )
    assert isinstance(told, Register)
    assert (told.agent_id, told.kind, told.max_concurrent) == ("ringline-speech", "media", 2)
    assert told.bridge_base == "ws://10.0.0.4:8081"


def test_a_token_of_another_deployment_does_not() -> None:
    call = a_call()
    token = bridge_token(call, "j", "w", SECRET)
    key = bridge_key(f"{SECRET}!")
    assert isinstance(read_bridge_token(token, call.call_id, key, call.created_at / MS_PER_S), TokenRefused)


@pytest.mark.parametrize(
    ("state", "read"),
    [
        (AssignmentState.SENT, Assigned("SCL_1.1.1", "bot#1", 1.5)),
        (AssignmentState.ACCEPTED, Wait(4.5)),
        (AssignmentState.NOBODY, NoRunner("no_runner", 1.0)),
    ],
)
def test_an_answer_of_the_control_plane_is_read(state: AssignmentState, read: BrainAnswer) -> None:
    kept = Assignment(
        account_id="acct",
        call_id="SCL_1",
        attempt=1,
        dispatch=1,
        request=1,
        bridge_url="ws://here",
        state=state,
        changed_at=NOW,
        job_id="SCL_1.1.1",
        worker_id="bot#1",
    )
    assert read_answer(answer_of(kept, Asked(1, Why.JOIN, kept.bridge_url), NOW + 500)) == read


@pytest.mark.anyio
async def test_a_request_of_the_bridge_is_read_by_the_control_plane() -> None:
    async def brain(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.json_response({"result": "none"})

    bodies: list[dict[str, Any]] = []
    async with serving([web.post("/brain", brain)], "127.0.0.1") as port, aiohttp.ClientSession() as http:
        client = BrainClient(
            http,
            brain_url=f"http://127.0.0.1:{port}/brain",
            events_url="",
            token="t",
            bridge_url="wss://speech.example/bridge/SCL_1",
            dispatch=2,
        )
        await client.ask(3, "no_dial")
    assert read_request(bodies[0]) == Asked(3, Why.NO_DIAL, "wss://speech.example/bridge/SCL_1", 2)
