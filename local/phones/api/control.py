"""/phones: what tests and the demo steer and ask. JSON in, JSON out, no token.

POST   /phones/inbound            a call rings in: {"from", "to", "hang_up_after_s"?, "cancel_after_s"?, "person"?, and
                                  "address"?, the IP address that its INVITE comes from}
POST   /phones/web                a browser joins a room: {"token", "leave_after_s"?, "person"?}
POST   /phones/web/{id}/reconnect its client loses the connection and comes back
GET    /phones/calls              what the phones saw: ?number= ?room=
POST   /phones/calls/{id}/hangup  the person at that phone hangs up; ?waits=true: when it is their turn to speak
POST   /phones/calls/{id}/say     they say something to an agent that hears words: {"text", "waits"?}
PUT    /phones/webhook            {"exclude_events": [...]}: what is posted no more, from now on; [] is the default
GET    /phones/requests           API requests by method, and the moment of every INVITE
DELETE /phones/calls              forgets calls and counts
GET    /phones/numbers            the telephone book
PUT    /phones/numbers/{number}   changes what a number does: fields of a callee
DELETE /phones/numbers/{number}   puts it back
POST   /phones/agents             an agent joins a room without a dispatch: {"room", "identity"}
DELETE /phones/agents             it leaves: ?room= ?identity= ?crash=true
GET    /phones/faults             faults under way
POST   /phones/faults             {"kind", "names"?, "room"?, "times"?, "for_s"?, "delay_s"?, "code"?, "message"?}
                                  or {"kind": "restart_livekit", "for_s"} or {"kind": "kill_bridge", "room"?}
DELETE /phones/faults             clears all, or ?id=
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from livekit.protocol.models import DisconnectReason, ParticipantInfo

from local.phones.agents.worker import Dispatcher
from local.phones.api.dialing import SipApi
from local.phones.api.door import TwirpDoor
from local.phones.api.trunks import TrunkApi
from local.phones.calls.exchange import Exchange
from local.phones.calls.inbound import CARRIERS_ADDRESS, Caller, InboundLeg
from local.phones.calls.web import Admission, TokenRefused, Visitor, WebCaller
from local.phones.kernel.faults import FaultKind
from local.phones.model import timings
from local.phones.model.post import those_left_out
from local.phones.numbers import book
from local.phones.numbers.person_script import PersonScript
from local.phones.rooms.participant import Participant
from local.phones.rooms.tracks import agent_track
from local.phones.speech.people import People

_RESTART = "restart_livekit"
_KILL_BRIDGE = "kill_bridge"
_RESTART_S = 8.0

type _Handler = Callable[[web.Request], Awaitable[web.Response]]


class Control:
    """The control interface, over HTTP and for tests in the same process."""

    def __init__(
        self,
        exchange: Exchange,
        door: TwirpDoor,
        dialer: SipApi,
        trunks: TrunkApi,
        dispatcher: Dispatcher,
        people: People,
        key: tuple[str, str],
    ) -> None:
        self._exchange = exchange
        self._door = door
        self._dialer = dialer
        self._trunks = trunks
        self._dispatcher = dispatcher
        self._people = people
        self._key = key
        self._inbound: dict[int, InboundLeg] = {}
        self._web: dict[int, WebCaller] = {}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        routes: tuple[tuple[str, str, _Handler], ...] = (
            ("POST", "/phones/inbound", self._post_inbound),
            ("POST", "/phones/web", self._post_web),
            ("POST", "/phones/web/{id}/reconnect", self._post_reconnect),
            ("GET", "/phones/calls", self._get_calls),
            ("DELETE", "/phones/calls", self._delete_calls),
            ("POST", "/phones/calls/{id}/hangup", self._post_hangup),
            ("POST", "/phones/calls/{id}/say", self._post_say),
            ("PUT", "/phones/webhook", self._put_webhook),
            ("GET", "/phones/requests", self._get_requests),
            ("GET", "/phones/numbers", self._get_numbers),
            ("PUT", "/phones/numbers/{number}", self._put_number),
            ("DELETE", "/phones/numbers/{number}", self._delete_number),
            ("POST", "/phones/agents", self._post_agent),
            ("DELETE", "/phones/agents", self._delete_agent),
            ("GET", "/phones/faults", self._get_faults),
            ("POST", "/phones/faults", self._post_fault),
            ("DELETE", "/phones/faults", self._delete_faults),
        )
        for verb, path, handler in routes:
            router.add_route(verb, path, _explained(handler))

    async def _post_inbound(self, request: web.Request) -> web.Response:
        asked = await request.json()
        caller = Caller(
            asked["from"],
            asked["to"],
            asked.get("hang_up_after_s"),
            asked.get("cancel_after_s"),
            PersonScript.from_json(asked.get("person", {})),
        )
        route = self._trunks.route(caller.from_number, caller.to_number, asked.get("address", CARRIERS_ADDRESS))
        leg = InboundLeg(self._exchange, self._dispatcher, caller, route)
        self._inbound[leg.call.id] = leg
        self._exchange.tasks.start(self._run(leg))
        return web.json_response({"id": leg.call.id, "routed": route is not None}, status=201)

    async def _run(self, leg: InboundLeg) -> None:
        try:
            await leg.run()
        finally:
            self._inbound.pop(leg.call.id, None)

    async def _post_web(self, request: web.Request) -> web.Response:
        asked = await request.json()
        try:
            admission = Admission.read(asked["token"], self._key)
        except TokenRefused as refused:
            return web.json_response({"detail": str(refused)}, status=401)
        caller = WebCaller(self._exchange, admission, Visitor.from_json(asked))
        self._web[caller.call.id] = caller
        self._exchange.tasks.start(self._visit(caller))
        return web.json_response({"id": caller.call.id, "room": admission.room}, status=201)

    async def _visit(self, caller: WebCaller) -> None:
        try:
            await caller.run()
        finally:
            self._web.pop(caller.call.id, None)

    async def _post_reconnect(self, request: web.Request) -> web.Response:
        caller = self._web.get(int(request.match_info["id"]))
        if caller is None:
            return web.json_response({"detail": "nobody is there to come back"}, status=404)
        await caller.come_back()
        return web.Response(status=204)

    async def _get_calls(self, request: web.Request) -> web.Response:
        calls = self._exchange.ledger.calls(number=request.query.get("number"), room=request.query.get("room"))
        return web.json_response(calls)

    async def _delete_calls(self, _: web.Request) -> web.Response:
        self._exchange.ledger.forget()
        return web.Response(status=204)

    async def _post_hangup(self, request: web.Request) -> web.Response:
        call_id = int(request.match_info["id"])
        if request.query.get("waits") == "true":
            if (person := self._people.at(call_id)) is None:
                return _nobody_talks(request)
            person.hang_up(waits=True)
            return web.Response(status=202)
        if (caller := self._web.get(call_id)) is not None:
            caller.leave()
            return web.Response(status=204)
        outbound = (leg for leg in self._dialer.legs.values() if leg.has_call(call_id))
        leg = self._inbound.get(call_id) or next(outbound, None)
        if leg is None:
            return web.json_response({"detail": f"no call {call_id} is up"}, status=404)
        leg.hang_up()
        return web.Response(status=204)

    async def _post_say(self, request: web.Request) -> web.Response:
        person = self._people.at(int(request.match_info["id"]))
        if person is None:
            return _nobody_talks(request)
        said = await request.json()
        person.say(said["text"], waits=bool(said.get("waits")))
        return web.Response(status=202)

    async def _put_webhook(self, request: web.Request) -> web.Response:
        self._exchange.hooks.left_out = those_left_out((await request.json())["exclude_events"])
        return web.Response(status=204)

    async def _get_requests(self, _: web.Request) -> web.Response:
        ledger = self._exchange.ledger
        invites = [
            {"id": call["id"], "number": call["to_number"], "room": call["room"], "invited_at": call["invited_at"]}
            for call in ledger.calls()
            if call["invited_at"] is not None
        ]
        return web.json_response({"requests": dict(ledger.requests), "invites": invites})

    async def _get_numbers(self, _: web.Request) -> web.Response:
        listed = [
            {"number": each.number, "does": each.does, "end_reason": each.end_reason, "wish": each.wish}
            for each in book.NUMBERS
        ]
        return web.json_response(listed)

    async def _put_number(self, request: web.Request) -> web.Response:
        number = request.match_info["number"]
        self._exchange.overrides[number] = book.callee_for(number).with_changes(await request.json())
        return web.Response(status=204)

    async def _delete_number(self, request: web.Request) -> web.Response:
        self._exchange.overrides.pop(request.match_info["number"], None)
        return web.Response(status=204)

    async def _post_agent(self, request: web.Request) -> web.Response:
        asked = await request.json()
        room = self._exchange.roster.get(asked["room"])
        if room is None:
            return web.json_response({"detail": f"no room {asked['room']}"}, status=404)
        agent = Participant(asked["identity"], ParticipantInfo.AGENT)
        room.join(agent)
        self._exchange.tasks.start(self._publish(room.name, agent))
        return web.json_response({"sid": agent.sid}, status=201)

    async def _publish(self, room_name: str, agent: Participant) -> None:
        await self._exchange.pace.sleep(timings.GUEST_TRACK_S)
        if (room := self._exchange.roster.get(room_name)) is not None:
            room.publish(agent, agent_track())

    async def _delete_agent(self, request: web.Request) -> web.Response:
        room = self._exchange.roster.get(request.query["room"])
        agent = room.participants.get(request.query["identity"]) if room is not None else None
        if room is None or agent is None:
            return web.json_response({"detail": "no such agent"}, status=404)
        if request.query.get("crash") == "true":
            await self._exchange.pace.sleep(timings.AGENT_LOST_S)
            room.remove(agent, DisconnectReason.CONNECTION_TIMEOUT)
        else:
            room.remove(agent, DisconnectReason.CLIENT_INITIATED)
        return web.Response(status=204)

    async def _get_faults(self, _: web.Request) -> web.Response:
        return web.json_response(self._exchange.faults.as_json())

    async def _post_fault(self, request: web.Request) -> web.Response:
        asked: dict[str, Any] = await request.json()
        kind = asked.pop("kind")
        if kind == _RESTART:
            self._exchange.tasks.start(self.restart_livekit(float(asked.get("for_s", _RESTART_S))))
            return web.json_response({"kind": kind}, status=202)
        if kind == _KILL_BRIDGE:
            return web.json_response({"kind": kind, "legs": self.kill_bridge(asked.get("room", "*"))}, status=202)
        fault = self._exchange.faults.add(FaultKind(kind), names=tuple(asked.pop("names", ())), **asked)
        return web.json_response({"id": fault.id, "kind": kind}, status=201)

    async def _delete_faults(self, request: web.Request) -> web.Response:
        fault_id = request.query.get("id")
        self._exchange.faults.clear(int(fault_id) if fault_id is not None else None)
        return web.Response(status=204)

    async def restart_livekit(self, down_s: float) -> None:
        """Kills the server for `down_s`: connections break, queued webhooks are gone, the phones talk on. Returns when
        everybody is back."""
        self._door.down = True
        self._door.drop_all()
        try:
            await self._exchange.roster.be_away(down_s)
        finally:
            self._door.down = False
        await self._exchange.roster.begin_again()

    def kill_bridge(self, room: str = "*") -> int:
        """The SIP bridge dies under every outbound leg whose room fits the pattern. Returns how many."""
        legs = [leg for leg in self._dialer.legs.values() if leg.is_in(room)]
        for leg in legs:
            leg.lose_bridge()
        return len(legs)


def _nobody_talks(request: web.Request) -> web.Response:
    detail = f"nobody talks to an agent that hears words in call {request.match_info['id']}"
    return web.json_response({"detail": detail}, status=404)


def _explained(handler: _Handler) -> _Handler:
    """Answers 400 with the reason when a request is not understood."""

    async def explain(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except (KeyError, ValueError, TypeError) as error:
            return web.json_response({"detail": f"{type(error).__name__}: {error}"}, status=400)

    return explain
