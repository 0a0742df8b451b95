"""Callers, from LiveKit's webhook to the end of their call: the handlers over the one table, against the phone network
in this process."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from copy import replace
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web
from livekit.protocol import agent_dispatch, sip
from livekit.protocol import room as room_messages
from livekit.protocol.models import ParticipantInfo

from local.stack.seed import let_callers_in
from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.model.timing import FIRST_DISPATCH_WAITS_S
from ringline.calls.tables.inbound_rooms import InboundRooms, Opened
from ringline.calls.tables.pages import CallPages
from ringline.calls.views.payload import announcements
from ringline.composition import receive_livekit_event
from ringline.routing.records import Agent, Number, Pipe
from ringline.routing.store import NumberTaken, RoutingStore
from ringline.runtime.vault.livekit_keys import LivekitKey
from ringline.telephony.front_desk import FrontDesk
from ringline.telephony.livekit_settings import DispatchSettings
from ringline.webhooks.model.event_type import EventType
from tests.builders import ACCOUNT, NOW, a_call
from tests.component.one_table import LocalAws, load_handler, log_of
from tests.contract.phones.phone_network import AGENT_NAME, API_KEY, API_SECRET, Lab, a_lab
from tests.fakes import CONTEXT
from tests.sample_events import event_of

ROUTED, UNROUTED, NOBODYS, CALLER = "+15550100900", "+15550100901", "+15550100902", "+15550107777"
SCALE = 0.2
OWN_NAME = "sandbox-agent"
"""A worker of the phone network's is registered under it."""


@dataclass
class House:
    """The account ACCOUNT, the hook that LiveKit's events reach, and what the hook answered."""

    local: LocalAws
    lab: Lab
    hook: ModuleType
    outcomes: list[str] = field(default_factory=list)

    async def deliver(self, request: web.Request) -> web.Response:
        body = await request.read()
        event = event_of("receive_livekit_event", "forged")
        event["headers"] |= {"authorization": request.headers["Authorization"]}
        # One after another, as moto wants it; LiveKit does so for each room.
        async with _one_at_a_time:
            answer = await asyncio.to_thread(self.hook.lambda_handler, event | {"body": body.decode()}, CONTEXT)
        self.outcomes.append(json.loads(answer["body"]).get("outcome", str(answer["statusCode"])))
        return web.Response(status=answer["statusCode"])

    async def rings(self, to: str, **how: float) -> None:
        await self.lab.control("POST", "inbound", json={"from": CALLER, "to": to, **how})

    def calls(self) -> list[Call]:
        pages = CallPages(self.local.dynamodb, self.local.table_name)
        return list(pages.newest(ACCOUNT, limit=10, cursor=None).calls)

    async def until(self, is_so: Callable[[Call], bool]) -> Call:
        """The account's only call, as soon as it is as wanted."""
        async with asyncio.timeout(10):
            while True:
                async with _one_at_a_time:
                    found = self.calls()
                if found and is_so(found[0]):
                    (call,) = found
                    return call
                await asyncio.sleep(0.02)

    async def phone_is_over(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                over = [call for call in await self.lab.calls() if call["ended_by"] is not None]
                if over:
                    return over[0]
                await asyncio.sleep(0.02)

    async def until_heard(self, outcome: str) -> None:
        """The hook's answer is known a moment after what it did is seen."""
        async with asyncio.timeout(10):
            while True:
                if outcome in self.outcomes:
                    return
                await asyncio.sleep(0.02)

    async def dispatches(self, room: str) -> list[agent_dispatch.AgentDispatch]:
        """Those to a worker of a name."""
        return [each for each in await self.lab.livekit.agent_dispatch.list_dispatch(room) if each.agent_name]


_one_at_a_time = asyncio.Lock()


@asynccontextmanager
async def a_house(local: LocalAws) -> AsyncIterator[House]:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    routing = RoutingStore(local.dynamodb, local.table_name)
    routing.put_pipe(ACCOUNT, Pipe(pipe_id="pipe_1", name="Front desk", agent_id="front-desk"))
    routing.put_number(ACCOUNT, Number(number=ROUTED, number_id="num_1", pipe_id="pipe_1"))
    routing.put_number(ACCOUNT, Number(number=UNROUTED, number_id="num_2"))
    async with a_lab(SCALE) as lab:
        queues = {"DOORBELL_QUEUE_URL": local.queue_url, "LOOK_QUEUE_URL": local.queue_url}
        livekit = {"LIVEKIT_URL": lab.network.url, "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}
        hook = load_handler("receive_livekit_event", {**queues, **livekit, "AGENT_NAME": AGENT_NAME})
        house = House(local, lab, hook)
        lab.recorder.handler = house.deliver
        yield house


def in_a_house(local: LocalAws, story: Callable[[House], Awaitable[None]]) -> None:
    global _one_at_a_time

    async def told() -> None:
        async with a_house(local) as house:
            await story(house)

    _one_at_a_time = asyncio.Lock()
    asyncio.run(told())


def test_a_caller_is_answered_by_the_agent_of_the_number_and_hangs_up(local: LocalAws) -> None:
    async def story(house: House) -> None:
        await let_callers_in(house.lab.network.url, API_KEY, API_SECRET)
        await house.rings(ROUTED, hang_up_after_s=4)
        active = await house.until(lambda call: call.state is State.ACTIVE)
        (dispatch,) = await house.dispatches(active.room_name or "")
        told = json.loads(dispatch.metadata)
        assert (told["call_id"], told["direction"], told["agent_id"]) == (active.call_id, "inbound", "front-desk")
        assert (told["from_number"], told["to_number"], told["leg_identity"]) == (CALLER, ROUTED, f"sip_{CALLER}")
        assert told["agent_events_url"] == f"https://api.example.com/v1/calls/{active.call_id}/agent-events"
        call = await house.until(lambda call: call.state.is_terminal)
        assert (call.state, call.end_reason) == (State.ENDED, EndReason.USER_HUNG_UP_IN_CALL)
        assert (call.direction, call.from_number, call.to_number) == (Direction.INBOUND, CALLER, ROUTED)

    in_a_house(local, story)


def test_a_caller_who_gives_up_while_it_rings_hung_up_ringing(local: LocalAws) -> None:
    async def story(house: House) -> None:
        await let_callers_in(house.lab.network.url, API_KEY, API_SECRET)
        await house.lab.control("PUT", f"numbers/{ROUTED}", json={"agent": {"deed": "absent"}})
        await house.rings(ROUTED, cancel_after_s=2)
        call = await house.until(lambda call: call.state.is_terminal)
        assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.USER_HUNG_UP_RINGING)

    in_a_house(local, story)


def test_webhooks_that_come_twice_bring_one_call_and_one_agent(local: LocalAws) -> None:
    async def story(house: House) -> None:
        await let_callers_in(house.lab.network.url, API_KEY, API_SECRET)
        await house.lab.control("PUT", f"numbers/{CALLER}", json={"hooks": "doubled"})
        await house.rings(ROUTED, hang_up_after_s=4)
        active = await house.until(lambda call: call.state is State.ACTIVE)
        assert len(await house.dispatches(active.room_name or "")) == 1
        await house.until(lambda call: call.state.is_terminal)
        assert house.outcomes.count("arrived") == 1
        await house.until_heard("leg_is_known")

    in_a_house(local, story)


def test_an_agent_of_the_dispatch_rule_is_the_only_one(local: LocalAws) -> None:
    async def story(house: House) -> None:
        await _let_in_to_agents(house.lab)
        await house.rings(ROUTED, hang_up_after_s=4)
        active = await house.until(lambda call: call.state is State.ACTIVE)
        (dispatch,) = await house.dispatches(active.room_name or "")
        assert dispatch.metadata == "the rule's"

    in_a_house(local, story)


def test_a_number_that_leads_to_nobody_ends_its_caller_at_once(local: LocalAws) -> None:
    async def story(house: House) -> None:
        await let_callers_in(house.lab.network.url, API_KEY, API_SECRET)
        await house.rings(UNROUTED)
        call = await house.until(lambda call: call.state.is_terminal)
        assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.NUMBER_NOT_ROUTED)
        assert (call.to_number, call.agent_id) == (UNROUTED, None)
        phone = await house.phone_is_over()
        assert (phone["answered_at"], phone["ended_by"]) == (None, "livekit")

    in_a_house(local, story)


def test_a_number_of_no_account_rings_no_longer_than_it_takes_to_know(local: LocalAws) -> None:
    async def story(house: House) -> None:
        await let_callers_in(house.lab.network.url, API_KEY, API_SECRET)
        with log_of("receive_livekit_event") as lines:
            await house.rings(NOBODYS)
            assert (await house.phone_is_over())["ended_by"] == "livekit"
            await house.until_heard("number_not_ours")
        assert house.calls() == []
        assert "7777" in lines.getvalue()
        assert CALLER not in lines.getvalue() and NOBODYS not in lines.getvalue()

    in_a_house(local, story)


def test_somebody_elses_caller_whose_agent_was_sent_is_left_alone(local: LocalAws) -> None:
    async def story(house: House) -> None:
        await _let_in_to_agents(house.lab)
        await house.rings(NOBODYS, hang_up_after_s=2)
        phone = await house.phone_is_over()
        assert (phone["answered_at"] is not None, phone["ended_by"]) == (True, "caller")
        assert house.calls() == []

    in_a_house(local, story)


def test_an_agent_that_could_not_be_dispatched_is_dispatched_by_the_look_that_was_asked_for(
    local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(house: House) -> None:
        await let_callers_in(house.lab.network.url, API_KEY, API_SECRET)
        hook = house.hook
        away = replace(hook.settings, livekit=replace(hook.livekit, url="http://127.0.0.1:9"))
        observer_without_livekit = receive_livekit_event.compose(away, clock=hook.now_ms, log=hook.log)
        monkeypatch.setattr(hook, "observer", observer_without_livekit)
        await house.rings(ROUTED)
        call = await house.until(lambda call: call.state is State.RINGING)
        assert await house.dispatches(call.room_name or "") == []
        queues = dict.fromkeys(("DOORBELL_QUEUE_URL", "LOOK_QUEUE_URL", "DELIVERY_QUEUE_URL"), local.queue_url)
        livekit = {"LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET, "AGENT_NAME": AGENT_NAME}
        look = load_handler("sweep", {**queues, **livekit, "LIVEKIT_URL": house.lab.network.url})
        body = json.dumps({"account_id": ACCOUNT, "call_id": call.call_id})
        await asyncio.sleep(FIRST_DISPATCH_WAITS_S)  # in which the network moves on
        async with _one_at_a_time:
            await asyncio.to_thread(look.lambda_handler, {"Records": [{"body": body}]}, CONTEXT)
        assert (await house.until(lambda call: call.state is State.ACTIVE)).answered_at is not None

    in_a_house(local, story)


def test_a_second_agent_is_put_out_the_moment_it_joins(local: LocalAws) -> None:
    async def story(house: House) -> None:
        await let_callers_in(house.lab.network.url, API_KEY, API_SECRET)
        await house.rings(ROUTED)
        call = await house.until(lambda call: call.state is State.ACTIVE)
        name = call.room_name or ""
        request = agent_dispatch.CreateAgentDispatchRequest(agent_name=AGENT_NAME, room=name)
        await house.lab.livekit.agent_dispatch.create_dispatch(request)
        await house.until_heard("another_agent_talks")
        await house.until(lambda call: call.former_agent_sids != ())
        listed = await house.lab.livekit.room.list_participants(room_messages.ListParticipantsRequest(room=name))
        agents = [each.sid for each in listed.participants if each.kind == ParticipantInfo.AGENT]
        assert agents == [call.agent_sid]
        assert (await house.until(lambda _: True)).agent_sid == call.agent_sid

    in_a_house(local, story)


async def _let_in_to_agents(lab: Lab) -> None:
    """A rule that sends an agent to each caller."""
    made = await lab.livekit.sip.create_inbound_trunk(
        sip.CreateSIPInboundTrunkRequest(trunk=sip.SIPInboundTrunkInfo(name="carrier", allowed_addresses=["0.0.0.0/0"]))
    )
    agent = agent_dispatch.RoomAgentDispatch(agent_name=AGENT_NAME, metadata="the rule's")
    rule = sip.SIPDispatchRuleInfo(
        rule=sip.SIPDispatchRule(dispatch_rule_individual=sip.SIPDispatchRuleIndividual(room_prefix="in")),
        trunk_ids=[made.sip_trunk_id],
        room_config={"departure_timeout": 2, "agents": [agent]},
    )
    await lab.livekit.sip.create_dispatch_rule(sip.CreateSIPDispatchRuleRequest(dispatch_rule=rule))


def test_a_caller_is_taken_by_the_agent_of_its_own_name_and_by_no_other(local: LocalAws) -> None:
    async def story(house: House) -> None:
        await let_callers_in(house.lab.network.url, API_KEY, API_SECRET)
        rows = RoutingStore(local.dynamodb, local.table_name)
        rows.put_agent(ACCOUNT, Agent(agent_id="front-desk", name="Front desk", dispatch_name=OWN_NAME))
        await house.rings(ROUTED)
        call = await house.until(lambda call: call.state is State.ACTIVE)
        sent = await house.dispatches(call.room_name or "")
        assert [(each.agent_name, len(each.state.jobs)) for each in sent] == [(OWN_NAME, 1)]

    in_a_house(local, story)


def test_an_agent_whose_name_nobody_registered_does_not_come(local: LocalAws) -> None:
    async def story(house: House) -> None:
        await let_callers_in(house.lab.network.url, API_KEY, API_SECRET)
        rows = RoutingStore(local.dynamodb, local.table_name)
        rows.put_agent(ACCOUNT, Agent(agent_id="front-desk", name="Front desk", dispatch_name="nobody-there"))
        await house.rings(ROUTED, cancel_after_s=2)
        await house.phone_is_over()
        call = await house.until(lambda call: call.state.is_terminal)
        assert call.active_at is None and call.end_reason is not None

    in_a_house(local, story)


def test_the_desk_does_not_open_a_room_for_a_caller_who_is_gone(local: LocalAws) -> None:
    async def story(house: House) -> None:
        call = a_call(State.RINGING, direction=Direction.INBOUND, inbound_room="in_gone")
        url = house.lab.network.url
        desk = FrontDesk(
            DispatchSettings(
                url=url,
                keys=(LivekitKey(API_KEY, API_SECRET),),
                token_secret=API_SECRET,
                agent_name=AGENT_NAME,
                speech_agent_name="",
                public_url="",
            )
        )
        with pytest.raises(TelephonyDown):
            await asyncio.to_thread(desk.take_in, call)
        assert [
            room.name for room in (await house.lab.livekit.room.list_rooms(room_messages.ListRoomsRequest())).rooms
        ] == []

    in_a_house(local, story)


# --- what customers are told, and the directories --------------------------------------------------------------------


def test_each_step_of_a_caller_is_announced() -> None:
    inbound = {"direction": Direction.INBOUND, "inbound_room": "in_1"}
    ringing, active, ended = (a_call(state, **inbound) for state in (State.RINGING, State.ACTIVE, State.ENDED))
    assert announcements(None, ringing) == [EventType.CALL_RINGING]
    assert announcements(ringing, active) == [EventType.CALL_ACTIVE]
    assert announcements(active, ended) == [EventType.CALL_ENDED]
    assert announcements(None, a_call(State.NOT_CONNECTED, **inbound)) == [EventType.CALL_ENDED]


def test_a_room_is_one_phone_calls_until_another_rings_in_there(local: LocalAws) -> None:
    rooms = InboundRooms(local.dynamodb, local.table_name)
    first = a_call(
        State.RINGING, direction=Direction.INBOUND, call_id="call_1", inbound_room="lobby", sip_call_id="SCL_1"
    )
    assert rooms.tenant("lobby") is None
    assert rooms.open(first) is Opened.OPENED
    assert rooms.open(replace(first, call_id="call_2")) is Opened.KNOWN
    assert rooms.open(replace(first, call_id="call_3", sip_call_id="SCL_3")) is Opened.OPENED
    tenant = rooms.tenant("lobby")
    assert tenant is not None
    assert (tenant.attempt_id.call_id, tenant.attempt_id.account_id, tenant.attempt_id.attempt) == (
        "call_3",
        ACCOUNT,
        1,
    )
    assert {item["sk"] for item in local.items()} == {"CALL", "call_1", "call_3"}
    (directory,) = (item for item in local.items() if item["pk"] == "ROOM#lobby")
    assert directory["ttl_at_s"] == NOW // 1000 + 2 * 24 * 3600


def test_a_phone_call_without_an_id_has_its_room_alone(local: LocalAws) -> None:
    rooms = InboundRooms(local.dynamodb, local.table_name)
    first = a_call(State.RINGING, direction=Direction.INBOUND, call_id="call_1", inbound_room="lobby")
    assert rooms.open(first) is Opened.OPENED
    assert rooms.open(replace(first, call_id="call_2", sip_call_id=None)) is Opened.KNOWN


def test_a_number_has_one_owner(local: LocalAws) -> None:
    routing = RoutingStore(local.dynamodb, local.table_name)
    number = Number(number=ROUTED, number_id="num_1")
    assert routing.owner_of(ROUTED) is None
    routing.put_number("acct_1", number)
    routing.put_number("acct_1", replace(number, pipe_id="pipe_1"))
    with pytest.raises(NumberTaken):
        routing.put_number("acct_2", number)
    assert (routing.owner_of(ROUTED), routing.number("acct_2", ROUTED)) == ("acct_1", None)
    assert not routing.delete_number("acct_2", ROUTED)
    assert routing.owner_of(ROUTED) == "acct_1"
    assert routing.delete_number("acct_1", ROUTED)
    assert routing.owner_of(ROUTED) is None
    routing.put_number("acct_2", number)
    assert routing.owner_of(ROUTED) == "acct_2"
