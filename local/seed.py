"""What a fresh stack is given to call with: an account, its key, an agent, a pipe with a number, an endpoint."""

import os
import secrets

import botocore.session

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.routing.records import Agent, Number, Pipe
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import now_ms
from ringline.runtime.ids import new_id
from ringline.webhooks.endpoint import Endpoint, EventType, new_webhook_secret
from ringline.webhooks.store import EndpointStore

FROM_NUMBER = "+15550100000"
"""The number the phone network's outbound trunk calls from."""


def seed(
    table_name: str,
    endpoint_url: str,
    cap: int,
    from_number: str = FROM_NUMBER,
    webhook_url: str | None = None,
    org_handle: str = "acme",
) -> dict[str, str | None]:
    """Makes a new account each time and tells how to call as it.

    The answer has `api_key`, `org_handle`, `account_id`, `agent_id`, `pipe_id`, `from_number`, and `webhook_secret`,
    which is None without a `webhook_url`. The endpoint gets every type of event.
    """
    dynamodb = botocore.session.get_session().create_client(
        "dynamodb",
        endpoint_url=endpoint_url,
        region_name=os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
    )
    accounts = AccountStore(dynamodb, table_name)
    routing = RoutingStore(dynamodb, table_name)
    account_id, pipe_id, agent_id = f"acct_{secrets.token_hex(4)}", new_id("pipe"), "front-desk"
    number = Number(number=from_number, number_id=new_id("num"), pipe_id=pipe_id, agent_id=agent_id)

    accounts.create_account(Account(account_id, org_handle.capitalize(), org_handle, cap))
    routing.put_agent(account_id, Agent(agent_id=agent_id, name="Front desk"))
    routing.put_number(account_id, number)
    routing.put_pipe(
        account_id,
        Pipe(
            pipe_id=pipe_id,
            name="Front desk, outbound",
            agent_id=agent_id,
            number=number.number,
            number_id=number.number_id,
        ),
    )
    webhook_secret = (
        _add_endpoint(EndpointStore(dynamodb, table_name), account_id, webhook_url) if webhook_url else None
    )
    return {
        "api_key": accounts.add_key(account_id, "seed"),
        "org_handle": org_handle,
        "account_id": account_id,
        "agent_id": agent_id,
        "pipe_id": pipe_id,
        "from_number": from_number,
        "webhook_secret": webhook_secret,
    }


def _add_endpoint(endpoints: EndpointStore, account_id: str, webhook_url: str) -> str:
    secret = new_webhook_secret()
    endpoint = Endpoint(
        endpoint_id=new_id("ep"),
        url=webhook_url,
        secrets=(secret,),
        created_at=now_ms(),
        event_types=tuple(EventType),
    )
    endpoints.add(account_id, endpoint)
    return secret
