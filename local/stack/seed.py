"""What a fresh stack is given to call with: an account, its key, an agent, a pipe with a number, an endpoint; and to be
called on: numbers, and at LiveKit a trunk and a rule that let callers in."""

import secrets
from copy import replace
from functools import cache
from typing import Any

from local.aws.deploy import client
from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.routing.records import Agent, Brain, Number, Pipe
from ringline.routing.store import NumberTaken, RoutingStore
from ringline.runtime.clock import now_ms
from ringline.runtime.ids import new_id
from ringline.webhooks.model.endpoint import Endpoint, new_webhook_secret
from ringline.webhooks.model.event_type import FormerName
from ringline.webhooks.tables.endpoints import EndpointStore

FROM_NUMBER = "+15550100000"
"""The number that the phone network's outbound trunk calls from. A real trunk may own others: the variable FROM_NUMBER
names one."""

ROUTED_NUMBER = "+15550100900"
UNROUTED_NUMBER = "+15550100901"
BUSY_AGENTS_NUMBER = "+15550100902"
SLOW_AGENT_NUMBER = "+15550100903"
RUNNER_NUMBER = "+15550100904"
"""The first account of a stack is called on these: one leads to its agent, one to nobody, one to a runner."""

EVERY_COUNTRY = tuple(f"+{digit}" for digit in range(1, 10))
"""Without what is dear, which only a prefix of its own lets through."""

AGENT_ID, RUNNER_AGENT_ID = "front-desk", "concierge"
"""The one speaks for itself, the other's brain is a runner on the SDK."""

INBOUND_ROOM_PREFIX = "in"


def seed(
    table_name: str,
    endpoint_url: str,
    cap: int,
    from_number: str = FROM_NUMBER,
    webhook_url: str | None = None,
    org_handle: str = "acme",
    *,
    rings_nobody: bool = False,
) -> dict[str, str | None]:
    """Makes a new account each time and tells how to call as it.

    The answer has `api_key`, `org_handle`, `account_id`, `agent_id`, `pipe_id`, `runner_agent_id`, `runner_pipe_id`,
    `from_number`, and `webhook_secret`, which is None without a `webhook_url`. The endpoint gets every type of event. A
    number has one owner: later accounts of a stack call from numbers of their own, and are called on numbers that they
    are given. Where nobody is rung, because all phones are the sandbox's, the account may call every country.
    """
    dynamodb = _dynamodb(endpoint_url)
    accounts = AccountStore(dynamodb, table_name, keys_apart=True)
    routing = RoutingStore(dynamodb, table_name)
    account_id, pipe_id = f"acct_{secrets.token_hex(4)}", new_id("pipe")
    accounts.create_account(Account(account_id, org_handle.capitalize(), org_handle, cap))
    routing.put_agent(account_id, Agent(agent_id=AGENT_ID, name="Front desk"))
    from_number = _put_numbers(routing, account_id, from_number, pipe_id=pipe_id, agent_id=AGENT_ID)
    accounts.set_default_number(account_id, from_number)
    if rings_nobody:
        accounts.set_allowed_prefixes(account_id, EVERY_COUNTRY)
    runner_pipe_id = _put_runner_agent(routing, account_id, RUNNER_AGENT_ID, from_number)
    number = Number(number=RUNNER_NUMBER, number_id=new_id("num"), pipe_id=runner_pipe_id, agent_id=RUNNER_AGENT_ID)
    _put_number_if_free(routing, account_id, number)
    webhook_secret = (
        _add_endpoint(EndpointStore(dynamodb, table_name), account_id, webhook_url) if webhook_url else None
    )
    return {
        "api_key": accounts.add_key(account_id, "seed"),
        "org_handle": org_handle,
        "account_id": account_id,
        "agent_id": AGENT_ID,
        "pipe_id": pipe_id,
        "runner_agent_id": RUNNER_AGENT_ID,
        "runner_pipe_id": runner_pipe_id,
        "from_number": from_number,
        "webhook_secret": webhook_secret,
    }


def add_runner_agent(table_name: str, endpoint_url: str, account_id: str, agent_id: str, from_number: str) -> str:
    """Gives an account another agent whose brain is a runner. The id of its pipe."""
    return _put_runner_agent(RoutingStore(_dynamodb(endpoint_url), table_name), account_id, agent_id, from_number)


@cache
def _dynamodb(endpoint_url: str) -> Any:
    """Made once, however many accounts a stack is given: botocore reads for a twentieth of a second what DynamoDB
    takes."""
    return client("dynamodb", endpoint_url)


def _put_runner_agent(routing: RoutingStore, account_id: str, agent_id: str, from_number: str) -> str:
    pipe_id, name = new_id("pipe"), agent_id.replace("-", " ").capitalize()
    routing.put_agent(account_id, Agent(agent_id=agent_id, name=name, brain=Brain.RUNNER))
    routing.put_pipe(account_id, Pipe(pipe_id=pipe_id, name=f"{name}, outbound", agent_id=agent_id, number=from_number))
    return pipe_id


def _put_number_if_free(routing: RoutingStore, account_id: str, number: Number) -> bool:
    try:
        routing.put_number(account_id, number)
    except NumberTaken:
        return False  # an earlier account of the stack has it
    return True


def _put_numbers(routing: RoutingStore, account_id: str, from_number: str, *, pipe_id: str, agent_id: str) -> str:
    """Gives the account a number to call from with its pipe, and those that it is called on, as far as they are
    free. The number that it calls from."""
    number = Number(number=from_number, number_id=new_id("num"), pipe_id=pipe_id, agent_id=agent_id)
    while not _put_number_if_free(routing, account_id, number):
        number = replace(number, number=f"+1555{secrets.randbelow(8_000_000) + 2_000_000}")
    routed = [
        replace(number, number=each, number_id=new_id("num"))
        for each in (ROUTED_NUMBER, BUSY_AGENTS_NUMBER, SLOW_AGENT_NUMBER)
    ]
    for each in (*routed, Number(number=UNROUTED_NUMBER, number_id=new_id("num"))):
        _put_number_if_free(routing, account_id, each)
    pipe = Pipe(
        pipe_id=pipe_id,
        name="Front desk, outbound",
        agent_id=agent_id,
        number=number.number,
        number_id=number.number_id,
    )
    routing.put_pipe(account_id, pipe)
    return number.number


async def let_callers_in(livekit_url: str, api_key: str, api_secret: str) -> None:
    """Makes LiveKit take calls to any number, each in a room of its own, as an operator does once. Only where it has no
    trunk for any number yet."""
    from livekit import api

    async with api.LiveKitAPI(livekit_url, api_key, api_secret) as livekit:
        listed = await livekit.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
        if any(not trunk.numbers for trunk in listed.items):
            return
        # LiveKit wants to be told whose calls it takes: any number's, from any address.
        trunk = api.SIPInboundTrunkInfo(name="carrier", allowed_addresses=["0.0.0.0/0", "::/0"])
        made = await livekit.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=trunk))
        individual = api.SIPDispatchRuleIndividual(room_prefix=INBOUND_ROOM_PREFIX)
        rule = api.SIPDispatchRuleInfo(
            name="callers",
            rule=api.SIPDispatchRule(dispatch_rule_individual=individual),
            trunk_ids=[made.sip_trunk_id],
            room_config=api.RoomConfiguration(empty_timeout=30, departure_timeout=5),
        )
        await livekit.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=rule))


def _add_endpoint(endpoints: EndpointStore, account_id: str, webhook_url: str) -> str:
    secret = new_webhook_secret()
    endpoint = Endpoint(
        endpoint_id=new_id("ep"),
        url=webhook_url,
        secrets=(secret,),
        created_at=now_ms(),
        event_types=tuple(FormerName),
    )
    endpoints.add(account_id, endpoint)
    return secret
