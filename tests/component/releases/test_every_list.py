"""Every list of the API answers, with every filter and on every page, also once a later release has written all rows
again: the same questions that the test of the rollback asks of a stack."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import State
from ringline.calls.tables.store import CallStore
from ringline.routing.records import Agent, Number, Pipe
from ringline.routing.store import RoutingStore
from ringline.runtime import aws
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event import EventDraft
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore
from tests.builders import NOW, a_call
from tests.component.one_table import RECORDS_BUCKET, LocalAws, load_handler
from tests.component.releases.every_list import asked_of_every_list
from tests.component.releases.tomorrow import rewritten_tomorrow
from tests.contract.wsgi_api import WsgiApi

ACCOUNT, KEY = "acct_demo", "sk_test"


class _InThisProcess(httpx.AsyncBaseTransport):
    """Asks the functions themselves."""

    def __init__(self, api: WsgiApi) -> None:
        self._transport = httpx.WSGITransport(app=api)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._transport.handle_request(request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.read())


@pytest.fixture
def api(local: LocalAws) -> WsgiApi:
    aws.s3().create_bucket(Bucket=RECORDS_BUCKET)
    table = local.dynamodb, local.table_name
    AccountStore(*table).create_account(Account(ACCOUNT, "Acme", "acme", 2, "US"))
    AccountStore(*table).add_key(ACCOUNT, "of the test")
    routing = RoutingStore(*table)
    routing.put_number(ACCOUNT, Number(number="+15550100900", number_id="NUM_1"))
    routing.put_agent(ACCOUNT, Agent(agent_id="concierge", name="Concierge", number="+15550100900"))
    routing.put_pipe(ACCOUNT, Pipe(pipe_id="PIPE_1", name="Pipe", agent_id="concierge", number="+15550100900"))
    secrets = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",)
    endpoint = Endpoint(endpoint_id="ep_1", url="https://example.com/hook", secrets=secrets, created_at=NOW)
    EndpointStore(*table).add(ACCOUNT, endpoint)
    for number, state in enumerate((State.QUEUED, State.ACTIVE, State.ENDED)):
        CallStore(*table).create(a_call(state, account_id=ACCOUNT, call_id=f"call_{number}"))
    draft = EventDraft(
        account_id=ACCOUNT,
        event_type=EventType.CALL_ENDED,
        occurred_at=NOW,
        data={"call_id": "call_2"},
        call_id="call_2",
    )
    EventStore(*table, lambda: NOW, kept_s=86_400).append(draft)
    environment = {
        "DOORBELL_QUEUE_URL": local.queue_url,
        "LOOK_QUEUE_URL": local.queue_url,
        "AGENT_NAME": "ringline",
        "TRUNK_KEY_ID": "alias/ringline-test",
        "SPEECH_AGENT_NAME": "ringline-speech",
        "RUNNER_CONNECTIONS_URL": "http://127.0.0.1:9",
        "LIVEKIT_URL": "http://127.0.0.1:9",
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters",
    }
    return WsgiApi({"ManageFunction": load_handler("manage", environment, is_held=False)}, {KEY: ACCOUNT})


def asked(api: WsgiApi) -> dict[str, int]:
    async def ask() -> dict[str, int]:
        headers, base_url = {"Authorization": f"Bearer {KEY}"}, "https://api.example.com"
        async with httpx.AsyncClient(transport=_InThisProcess(api), base_url=base_url, headers=headers) as client:
            return await asked_of_every_list(client)

    return asyncio.run(ask())


def as_it_is(_local: LocalAws) -> None: ...


def written_again_tomorrow(local: LocalAws) -> None:
    for row in local.items():
        words = {"end_reason": "USER_SANG", "state": "adjourned"} if row["sk"] == "call_2" else {}
        rewritten_tomorrow(local, row["pk"], row["sk"], **words)


@pytest.mark.parametrize("prepare", [as_it_is, written_again_tomorrow])
def test_every_list_answers(api: WsgiApi, local: LocalAws, prepare: Callable[[LocalAws], Any]) -> None:
    prepare(local)
    answers = asked(api)
    assert len(answers) > 100
    assert {each: status for each, status in answers.items() if status != 200} == {}
