"""Callers from browsers, from the token to the end of their call: the handlers over the one table, against the phone
network in this process."""

import asyncio
import json
from typing import Any

from ringline.accounts.store import AccountStore
from ringline.calls.capacity.counters import Kind
from ringline.calls.model.call import Direction, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.limits.counters import Counters
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import now_ms
from ringline.runtime.table import web_tickets_pk
from tests.builders import ACCOUNT
from tests.component.one_table import LocalAws, load_handler
from tests.component.signals.test_inbound import House, in_a_house
from tests.contract.phones.phone_network import API_KEY, API_SECRET
from tests.fakes import CONTEXT
from tests.sample_events import event_of


class Api:
    """The API that makes tokens."""

    def __init__(self, house: House) -> None:
        livekit = {
            "LIVEKIT_URL": house.lab.network.url,
            "LIVEKIT_API_KEY": API_KEY,
            "LIVEKIT_API_SECRET": API_SECRET,
            "TRUNK_CALLS_PER_SECOND": "1",
            "LIVEKIT_REQUESTS_PER_MINUTE": "0",
        }
        self._handler = load_handler("manage", {**livekit, "DOORBELL_QUEUE_URL": house.local.queue_url})

    def post(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        event = event_of("manage", "list_sessions")
        event["requestContext"]["authorizer"]["lambda"]["account_id"] = ACCOUNT
        event["requestContext"]["http"] |= {"method": "POST", "path": path}
        event |= {"rawPath": path, "routeKey": f"POST {path}", "body": None if body is None else json.dumps(body)}
        answer = self._handler.lambda_handler(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"])


async def a_token(house: House, **asked: Any) -> dict[str, Any]:
    status, made = await asyncio.to_thread(Api(house).post, "/v1/sessions/token", {"pipe_id": "pipe_1", **asked})
    assert status == 201, made
    return made


async def visits(house: House, token: str, **how: Any) -> int:
    return int((await house.lab.control("POST", "web", json={"token": token, **how}))["id"])


async def is_put_out(house: House, visit: int) -> None:
    async with asyncio.timeout(10):
        while True:
            seen = {call["id"]: call["ended_by"] for call in await house.lab.calls()}
            if seen[visit] == "livekit":
                return
            await asyncio.sleep(0.02)


def lines_in_use(house: House) -> int:
    return CallStore(house.local.dynamodb, house.local.table_name).gate(ACCOUNT).in_use


def test_a_browser_joins_with_its_token_talks_with_the_agent_and_leaves(local: LocalAws) -> None:
    async def story(house: House) -> None:
        made = await a_token(house, metadata={"user": "u"})
        assert (house.calls(), lines_in_use(house)) == ([], 0)
        await visits(house, made["token"], leave_after_s=4)
        active = await house.until(lambda call: call.state is State.ACTIVE)
        assert (active.call_id, active.direction, active.metadata) == (made["call_id"], Direction.WEB, {"user": "u"})
        assert lines_in_use(house) == 1
        (dispatch,) = await house.dispatches(made["room_name"])
        told = json.loads(dispatch.metadata)
        assert (told["direction"], told["data"], told["agent_id"]) == ("web", {"user": "u"}, "front-desk")
        assert told["leg_identity"] == made["identity"]
        over = await house.until(lambda call: call.state is State.ENDED)
        assert over.end_reason is EndReason.USER_HUNG_UP_IN_CALL
        assert lines_in_use(house) == 0

    in_a_house(local, story)


def test_a_browser_that_leaves_before_the_agent_came_has_given_up(local: LocalAws) -> None:
    async def story(house: House) -> None:
        made = await a_token(house)
        await house.lab.control("POST", "faults", json={"kind": "fail_api", "names": ["CreateDispatch"]})
        await visits(house, made["token"], leave_after_s=2)
        over = await house.until(lambda call: call.state.is_terminal)
        assert (over.state, over.end_reason) == (State.NOT_CONNECTED, EndReason.USER_HUNG_UP_RINGING)
        assert lines_in_use(house) == 0

    in_a_house(local, story)


def test_a_browser_for_which_no_line_is_free_is_put_out_and_its_call_says_why(local: LocalAws) -> None:
    async def story(house: House) -> None:
        AccountStore(house.local.dynamodb, house.local.table_name).set_cap(ACCOUNT, 0)
        made = await a_token(house)
        await visits(house, made["token"])
        over = await house.until(lambda call: call.state.is_terminal)
        assert (over.call_id, over.end_reason) == (made["call_id"], EndReason.NO_LINE_FREE)
        assert (await house.phone_is_over())["ended_by"] == "livekit"
        assert lines_in_use(house) == 0
        assert "CreateDispatch" not in (await house.lab.control("GET", "requests"))["requests"]

    in_a_house(local, story)


def test_a_browser_finds_no_room_where_its_pipe_has_as_many_calls_as_it_may(local: LocalAws) -> None:
    async def story(house: House) -> None:
        Counters(house.local.dynamodb, house.local.table_name, now_ms).set_cap(ACCOUNT, Kind.PIPE, "pipe_1", 1, None)
        first, second = await a_token(house), await a_token(house)
        await visits(house, first["token"], leave_after_s=8)
        await house.until(lambda call: call.state is State.ACTIVE)
        await is_put_out(house, await visits(house, second["token"]))
        ended = {call.call_id: call.end_reason for call in house.calls()}
        assert ended == {first["call_id"]: None, second["call_id"]: EndReason.NO_LINE_FREE}
        assert lines_in_use(house) == 1

    in_a_house(local, story)


def test_whoever_comes_with_a_token_that_is_too_old_is_put_out_and_no_call_is_made(local: LocalAws) -> None:
    async def story(house: House) -> None:
        made = await a_token(house)
        key = {"pk": {"S": web_tickets_pk(ACCOUNT)}, "sk": {"S": made["call_id"]}}
        house.local.dynamodb.update_item(
            TableName=house.local.table_name,
            Key=key,
            UpdateExpression="SET valid_until = :past",
            ExpressionAttributeValues={":past": {"N": "1"}},
        )
        await visits(house, made["token"])
        assert (await house.phone_is_over())["ended_by"] == "livekit"
        await house.until_heard("token_too_late")
        assert (house.calls(), lines_in_use(house)) == ([], 0)
        assert "CreateDispatch" not in (await house.lab.control("GET", "requests"))["requests"]

    in_a_house(local, story)


def test_a_second_use_of_a_token_puts_both_out(local: LocalAws) -> None:
    async def story(house: House) -> None:
        made = await a_token(house)
        await visits(house, made["token"])
        await house.until(lambda call: call.state is State.ACTIVE)
        await visits(house, made["token"])
        over = await house.until(lambda call: call.state.is_terminal)
        assert over.end_reason is EndReason.WEB_TOKEN_REUSED
        assert lines_in_use(house) == 0

    in_a_house(local, story)


def test_a_browser_that_loses_its_connection_and_comes_back_goes_on_talking(local: LocalAws) -> None:
    async def story(house: House) -> None:
        made = await a_token(house)
        visit = await visits(house, made["token"])
        active = await house.until(lambda call: call.state is State.ACTIVE)
        await house.lab.control("POST", f"web/{visit}/reconnect")
        back = await house.until(lambda call: call.leg_sid != active.leg_sid)
        assert (back.state, back.former_leg_sids) == (State.ACTIVE, (active.leg_sid,))

    in_a_house(local, story)


def test_a_browser_that_comes_again_before_its_agent_is_there_is_the_caller_and_can_come_back_later(
    local: LocalAws,
) -> None:
    async def story(house: House) -> None:
        made = await a_token(house)
        await house.lab.control("POST", "faults", json={"kind": "fail_api", "names": ["CreateDispatch"]})
        await visits(house, made["token"])
        first = await house.until(lambda call: call.state is State.RINGING)
        again = await visits(house, made["token"])
        second = await house.until(lambda call: call.leg_sid != first.leg_sid)
        assert second.state is State.RINGING
        async with asyncio.timeout(10):
            while True:
                requests = (await house.lab.control("GET", "requests"))["requests"]
                if requests["UpdateParticipant"] >= 2:
                    break
                await asyncio.sleep(0.02)
        assert list(requests).index("UpdateParticipant") < list(requests).index("CreateDispatch")
        await house.lab.control("POST", f"web/{again}/reconnect")
        third = await house.until(lambda call: call.leg_sid != second.leg_sid)
        assert third.state is State.RINGING

    in_a_house(local, story)


def test_the_room_of_a_call_that_is_over_takes_nobody_in_again(local: LocalAws) -> None:
    async def story(house: House) -> None:
        made = await a_token(house)
        await visits(house, made["token"], leave_after_s=1)
        over = await house.until(lambda call: call.state.is_terminal)
        again = await visits(house, made["token"])
        await is_put_out(house, again)
        assert house.calls() == [over]

    in_a_house(local, story)
