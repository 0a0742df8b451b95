"""What the API answers is what its document says, to whatever the document allows, and to some that it does not."""

from collections.abc import Iterator
from copy import replace
from typing import Any

import pytest
import schemathesis

from local.fuzz.run import config_of, fuzz, served
from local.pages.openapi.document import routes
from local.pages.openapi.operations import path_of
from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import State
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.transcripts import Transcript, Transcripts, Turn
from ringline.routing.records import Agent, Number, Pipe
from ringline.routing.store import RoutingStore
from ringline.runtime import aws
from ringline.runtime.clock import now_ms
from ringline.telephony.agent_dispatch import call_token
from tests.builders import a_call
from tests.component.one_table import RECORDS_BUCKET, LocalAws, load_handler, local_aws
from tests.contract.wsgi_api import WsgiApi

ACCOUNT = "acct_demo"
KEY = "sk_test"
SEED = 20
EXAMPLES = 3
BY_CALL_TOKEN = "/(agent-events|brain)$"
SECRET = "a-secret-of-more-than-32-characters"
TALKS = a_call(State.ACTIVE, account_id=ACCOUNT, call_id="call_talks", brain="prompt", agent_id="concierge")
FUNCTIONS = {
    "ManageFunction": "manage",
    "CreateCallFunction": "create_call",
    "ReceiveAgentEventFunction": "receive_agent_event",
    "AssignBrainFunction": "assign_brain",
    "ReceiveLivekitEventFunction": "receive_livekit_event",
    "ReceiveSipEventFunction": "receive_sip_event",
}


@pytest.fixture
def behind() -> Iterator[LocalAws]:
    with local_aws() as local:
        aws.s3().create_bucket(Bucket=RECORDS_BUCKET)
        AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2, "US"))
        routing = RoutingStore(local.dynamodb, local.table_name)
        routing.put_number(ACCOUNT, Number(number="+15550100900", number_id="NUM_1"))
        routing.put_agent(ACCOUNT, Agent(agent_id="concierge", name="Concierge", number="+15550100900"))
        routing.put_pipe(ACCOUNT, Pipe(pipe_id="PIPE_1", name="Pipe", agent_id="concierge", number="+15550100900"))
        store = CallStore(local.dynamodb, local.table_name)
        store.create(a_call(State.QUEUED, account_id=ACCOUNT, call_id="call_waits"))
        store.create(replace(TALKS, created_at=now_ms(), dialed_at=now_ms()))
        ended = a_call(State.ENDED, account_id=ACCOUNT, call_id="call_ended", transcript_kept="table")
        Transcripts(local.dynamodb, local.table_name, aws.s3, RECORDS_BUCKET).keep(
            ended, Transcript((Turn("user", "Hello?"),))
        )
        store.create(ended)
        yield local


def the_api(local: LocalAws) -> WsgiApi:
    environment = {
        "DOORBELL_QUEUE_URL": local.queue_url,
        "LOOK_QUEUE_URL": local.queue_url,
        "AGENT_NAME": "ringline",
        "TRUNK_KEY_ID": aws.kms().create_key()["KeyMetadata"]["KeyId"],
        "SPEECH_AGENT_NAME": "ringline-speech",
        "RUNNER_CONNECTIONS_URL": "http://127.0.0.1:9",
        "LIVEKIT_URL": "http://127.0.0.1:9",
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": SECRET,
    }
    functions: dict[str, Any] = {name: load_handler(folder, environment) for name, folder in FUNCTIONS.items()}
    return WsgiApi(functions, {KEY: ACCOUNT})


def test_every_answer_is_one_that_the_document_says(behind: LocalAws) -> None:
    known = {
        "call_id": ["call_waits", "call_talks", "call_ended"],
        "session_id": [f"{ACCOUNT}.call_ended.1", "call_talks"],
    }
    config = config_of(key=KEY, examples=EXAMPLES, seed=SEED, known=known, edges=False, livekit_is_away=True)
    document = schemathesis.openapi.from_wsgi("/openapi.json", the_api(behind), config=config)
    found = fuzz(served(document).exclude(path_regex=BY_CALL_TOKEN))
    assert found.is_clean, found.in_words()
    assert {"examples", "fuzzing", "stateful"} <= set(found.asked)
    assert {200, 201, 404, 422} <= set(found.answered)


def test_agents_are_answered_as_the_document_says(behind: LocalAws) -> None:
    token = call_token(replace(TALKS, created_at=now_ms(), dialed_at=now_ms()), SECRET)
    config = config_of(key=token, examples=10, seed=SEED, known={"call_id": [TALKS.call_id]}, edges=False)
    document = schemathesis.openapi.from_wsgi("/openapi.json", the_api(behind), config=config)
    found = fuzz(document.include(path_regex=BY_CALL_TOKEN))
    assert found.is_clean, found.in_words()
    assert {200, 422} <= set(found.answered)


def test_a_route_that_needs_a_key_answers_nobody_without_one(behind: LocalAws) -> None:
    api = the_api(behind)
    for route in routes():
        if route.proof == "api_key":
            path = path_of(route).replace("{", "").replace("}", "")
            status, _ = api.ask(route.method, path)
            assert status == 401, f"{route.method} {path}"
