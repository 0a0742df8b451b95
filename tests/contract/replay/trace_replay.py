"""Plays the part of everyone outside LiveKit in a recorded trace, against the phone network.

The requests, the callers' moves and the agents' moves of a trace are made again at the same moments; what the network
does is recorded in the trace's own form.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from google.protobuf.json_format import MessageToDict
from livekit.api import ServerError
from livekit.protocol import agent_dispatch, sip
from livekit.protocol import room as room_messages

from tests.contract.phones.phone_network import AGENT_NAME, Lab

type Event = dict[str, Any]
type Trace = dict[str, Any]

# What the traces' requests asked for and do not show.
RINGING_TIMEOUT_S = {"ring-timeout": 6, "ring-timeout-not-waiting": 6, "silent-carrier": 45}
MAX_CALL_S = {"answered-max-duration": 6}
INBOUND_RINGING_TIMEOUT_S = 8
CREATED_AT_S = 0.003  # when the traces' rooms were there
LOOK_EVERY_S = 0.02
INBOUND_NUMBER = "+15550109999"
CALLER_NUMBER = "+15550107777"


@dataclass(frozen=True, slots=True)
class Move:
    """Something done from outside, `at_s` after the start."""

    at_s: float
    what: str
    details: Event = field(default_factory=dict)


def moves_of(trace: Trace) -> list[Move]:
    """What was done from outside in a trace, in order."""
    events: list[Event] = trace["events"]
    moves = [_move(event) for event in events]
    made = [move for move in moves if move is not None]
    made += _unwritten_moves(events)
    return sorted(made, key=lambda move: move.at_s)


def _move(event: Event) -> Move | None:
    match event:
        case {"kind": "api_request", "method": "client connection dropped", "t": at_s}:
            return Move(at_s, "drop the dialer")
        case {"kind": "api_request", "method": method, "t": at_s}:
            return Move(at_s, method, event)
        case {"kind": "api_answer", "method": "ListDispatch", "t": at_s}:
            return Move(at_s, "ListDispatch")
        case {"kind": "move", "what": what, "t": at_s}:
            return Move(at_s, what, event)
        case {"kind": "phone", "sent": "INVITE", "t": at_s}:
            return Move(at_s, "call in", event)
        case {"kind": "phone", "sent": "BYE" | "CANCEL", "t": at_s}:
            return Move(at_s, "hang up")
        case {"kind": "check", "left_in_room": _, "t": at_s}:
            return Move(at_s, "look and delete")
        case {"kind": "webhook", "body": {"event": "participant_joined", "participant": who}, "t": at_s}:
            lab_agent = who["kind"] == "AGENT" and "attributes" not in who
            return Move(at_s, "agent joins", who) if lab_agent else None
        case {"kind": "webhook", "body": {"event": "participant_left", "participant": who}, "t": at_s}:
            left_by_itself = who["kind"] == "AGENT" and who["disconnectReason"] == "CLIENT_INITIATED"
            lab_agent = left_by_itself and "attributes" not in who
            return Move(at_s, "agent leaves", who) if lab_agent else None
    return None


def _unwritten_moves(events: list[Event]) -> list[Move]:
    """The room is always created first, and one trace does not show its dial."""
    if events[0]["kind"] == "phone":
        return []
    moves = [Move(0.0, "CreateRoom")]
    dials = [event for event in events if event.get("method") == "CreateSIPParticipant"]
    if not dials and (joined := _first_leg(events)) is not None:
        moves.append(Move(joined["t"] - 0.01, "CreateSIPParticipant", {}))
    return moves


def _first_leg(events: list[Event]) -> Event | None:
    return next((event for event in events if participant_of(event).get("kind") == "SIP"), None)


def participant_of(event: Event) -> Event:
    participant: Event = event.get("body", {}).get("participant", {})
    return participant


class Replay:
    """One trace, played against a lab whose network runs at `lab.network.config.time_scale`."""

    def __init__(self, lab: Lab, trace: Trace) -> None:
        self._lab = lab
        self._trace = trace
        self._scale = lab.network.config.time_scale
        self._began_at_s = 0.0
        self._events: list[Event] = []
        self._requests: list[asyncio.Task[None]] = []
        self._dial: asyncio.Task[None] | None = None
        self._room = ""
        self._call_id = 0

    async def run(self) -> Trace:
        """The replay, in the form of a trace."""
        for number, manners in self._trace.get("phones", {}).items():
            await self._lab.control("PUT", f"numbers/{number}", json=manners)
        self._began_at_s = self._now_s()
        watching = asyncio.create_task(self._watch())
        self._requests.append(watching)
        for move in moves_of(self._trace):
            await self._sleep_until(move.at_s)
            await self._make(move)
        await self._sleep_until(self._trace["events"][-1]["t"] + 1.0)
        for request in self._requests:
            request.cancel()
        await asyncio.gather(*self._requests, return_exceptions=True)
        await self._look_at_the_end()
        self._events += [self._as_event(hook) for hook in self._lab.recorder.of_room(self._room)]
        self._events.sort(key=lambda event: float(event["t"]))
        return {"scenario": self._trace["scenario"], "events": self._events}

    async def _make(self, move: Move) -> None:
        match move.what:
            case "CreateRoom":
                await self._create_room()
            case "CreateSIPParticipant":
                self._dial = asyncio.create_task(self._ask(move.what, self._dial_out(move.details)))
                self._requests.append(self._dial)
            case "DeleteRoom" | "RemoveParticipant" | "ListDispatch":
                self._requests.append(asyncio.create_task(self._ask(move.what, self._request(move.what))))
            case "drop the dialer":
                assert self._dial is not None
                self._dial.cancel()
            case "look and delete":
                await self._look_and_delete()
            case "call in":
                await self._call_in(move.details["to"])
            case "hang up":
                await self._hang_up()
            case _:
                await self._steer(move)

    async def _steer(self, move: Move) -> None:
        """By the network's control interface."""
        match move.what:
            case "agent joins":
                agent = {"room": self._room, "identity": move.details["identity"]}
                await self._lab.control("POST", "agents", json=agent)
            case "agent leaves":
                agent = {"room": self._room, "identity": move.details["identity"]}
                await self._lab.control("DELETE", "agents", params=agent)
            case "restart the server":
                fault = {"kind": "restart_livekit", "for_s": move.details["away_s"]}
                await self._lab.control("POST", "faults", json=fault)

    async def _hang_up(self) -> None:
        call_id = self._call_id or (await self._lab.calls(room=self._room))[0]["id"]
        await self._lab.control("POST", f"calls/{call_id}/hangup")

    async def _create_room(self) -> None:
        started = next(e["body"]["room"] for e in self._trace["events"] if e["kind"] == "webhook")
        self._room = started["name"]
        request = room_messages.CreateRoomRequest(
            name=started["name"],
            empty_timeout=started["emptyTimeout"],
            departure_timeout=started["departureTimeout"],
            metadata=started.get("metadata", ""),
            agents=self._agents(),
        )
        await self._ask("CreateRoom", self._lab.livekit.room.create_room(request))
        self._began_at_s = self._now_s() - CREATED_AT_S

    def _agents(self) -> list[agent_dispatch.RoomAgentDispatch]:
        listed = [e["ok"] for e in self._trace["events"] if e.get("method") == "ListDispatch"]
        return [
            agent_dispatch.RoomAgentDispatch(agent_name=each["agentName"], metadata=each["metadata"])
            for each in (listed[0] if listed else [])
        ]

    async def _dial_out(self, asked: Event) -> Any:
        joined = _first_leg(self._trace["events"])
        assert joined is not None
        participant = participant_of(joined)
        scenario = self._trace["scenario"]
        request = sip.CreateSIPParticipantRequest(
            sip_trunk_id=self._lab.network.config.trunk_id,
            sip_call_to=asked.get("to", participant["attributes"]["sip.phoneNumber"]),
            room_name=self._room,
            participant_identity=asked.get("identity", participant["identity"]),
            participant_attributes={
                name: value for name, value in participant["attributes"].items() if not name.startswith("sip.")
            },
            wait_until_answered=asked.get("wait", True),
        )
        request.ringing_timeout.seconds = RINGING_TIMEOUT_S.get(scenario, 30)
        request.max_call_duration.seconds = MAX_CALL_S.get(scenario, 0)
        return await self._lab.livekit.sip.create_sip_participant(request)

    async def _request(self, method: str) -> Any:
        livekit = self._lab.livekit
        if method == "DeleteRoom":
            return await livekit.room.delete_room(room_messages.DeleteRoomRequest(room=self._room))
        if method == "RemoveParticipant":
            leg = room_messages.RoomParticipantIdentity(room=self._room, identity="leg-a1")
            return await livekit.room.remove_participant(leg)
        return await livekit.agent_dispatch.list_dispatch(self._room)

    async def _ask(self, method: str, request: Any) -> None:
        """Makes a request and notes its answer."""
        answer: Event = {"kind": "api_answer", "method": method}
        try:
            ok = await request
        except ServerError as error:
            answer |= {"error": type(error).__name__, "code": error.code, "status": error.status}
            answer |= {"message": error.message, "metadata": error.metadata}
        except aiohttp.ClientError as error:
            answer |= {"error": type(error).__name__}
        else:
            answer["ok"] = [MessageToDict(each) for each in ok] if isinstance(ok, list) else MessageToDict(ok)
        self._note(answer)

    async def _look_and_delete(self) -> None:
        people = room_messages.ListParticipantsRequest(room=self._room)
        listed = await self._lab.livekit.room.list_participants(people)
        self._note({"kind": "check", "left_in_room": [each.identity for each in listed.participants]})
        await self._lab.livekit.room.delete_room(room_messages.DeleteRoomRequest(room=self._room))

    async def _call_in(self, to_number: str) -> None:
        call = await self._lab.control("POST", "inbound", json={"from": CALLER_NUMBER, "to": to_number})
        self._call_id = call["id"]
        # Every caller here has the same number, so the room is known by the call, once it has one.
        while call["routed"] and not self._room:
            self._room = next(each["room"] for each in await self._lab.calls() if each["id"] == self._call_id)

    async def _watch(self) -> None:
        """Notes who is in the room whenever that changed: what listing the participants shows at that moment."""
        seen: Event = {}
        while True:
            room = self._lab.network.exchange.roster.get(self._room)
            people = [each.message() for each in room.participants.values()] if room is not None else []
            now = {
                each.identity: {
                    "sid": each.sid,
                    "state": each.state,
                    "kind": each.kind,
                    "callStatus": each.attributes.get("sip.callStatus"),
                    "attributes": dict(each.attributes),
                }
                for each in people
            }
            if now != seen:
                self._note({"kind": "participants", "now": now})
                seen = now
            await asyncio.sleep(LOOK_EVERY_S * self._scale)

    async def _look_at_the_end(self) -> None:
        existing = await self._lab.livekit.room.list_rooms(room_messages.ListRoomsRequest(names=[self._room]))
        self._note({"kind": "end", "room_exists": bool(existing.rooms)})
        if not self._call_id:
            return
        call = next(each for each in await self._lab.calls() if each["id"] == self._call_id)
        offset_s = call["signals"][0]["at"]
        for signal in call["signals"]:
            at_s = (signal.pop("at") - offset_s) / self._scale
            self._events.append({"t": at_s, "kind": "phone", **signal})

    def _as_event(self, hook: Any) -> Event:
        return {
            "t": hook.at_s - self._began_at_s,
            "kind": "webhook",
            "content_type": hook.content_type,
            "signature_ok": hook.signature_ok,
            "body": hook.body,
        }

    def _note(self, event: Event) -> None:
        self._events.append({"t": self._now_s() - self._began_at_s, **event})

    def _now_s(self) -> float:
        return time.monotonic() / self._scale

    async def _sleep_until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, (self._began_at_s + at_s - self._now_s()) * self._scale))


async def prepare(lab: Lab) -> None:
    """The trunk and the rule that take the traces' inbound calls."""
    assert lab.network.config.agent_name == AGENT_NAME
    trunk = sip.SIPInboundTrunkInfo(name="lab", numbers=[INBOUND_NUMBER])
    trunk.ringing_timeout.seconds = INBOUND_RINGING_TIMEOUT_S
    created = await lab.livekit.sip.create_inbound_trunk(sip.CreateSIPInboundTrunkRequest(trunk=trunk))
    rule = sip.SIPDispatchRuleInfo(
        rule=sip.SIPDispatchRule(dispatch_rule_individual=sip.SIPDispatchRuleIndividual(room_prefix="in")),
        trunk_ids=[created.sip_trunk_id],
        attributes={"ringline.number": INBOUND_NUMBER},
        room_config={"empty_timeout": 30, "departure_timeout": 2, "metadata": '{"pipe":"p1"}'},
    )
    await lab.livekit.sip.create_dispatch_rule(sip.CreateSIPDispatchRuleRequest(dispatch_rule=rule))
