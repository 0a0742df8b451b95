"""A call that rings in: the caller hears ringing until somebody's audio is in the room, and is answered then."""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Protocol

from livekit.protocol import sip
from livekit.protocol.models import ParticipantInfo

from local.phones.calls.exchange import Exchange
from local.phones.kernel.ids import new_id
from local.phones.kernel.ledger import PhoneCall
from local.phones.model import legs, timings
from local.phones.model.legs import LegEnd, LegStatus
from local.phones.model.sip_status import BUSY, CANCELLED
from local.phones.numbers.person_script import A_TALKER, PersonScript
from local.phones.rooms.participant import CALL_STATUS, Participant, Phone, reason_named
from local.phones.rooms.room import Room, RoomEvent, RoomTerms
from local.phones.rooms.tracks import leg_track

CARRIERS_ADDRESS = "127.0.0.1"
"""Whence the phone network's carrier sends its callers, as in the recordings, unless they say another address."""


@dataclass(frozen=True, slots=True)
class InboundRoute:
    """The trunk and the rule that take an inbound call."""

    trunk: sip.SIPInboundTrunkInfo
    rule: sip.SIPDispatchRuleInfo


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls whom, and when they give up: `cancel_after_s` while it rings, `hang_up_after_s` once answered. To an
    agent that hears words they say what the script of the `person` says."""

    from_number: str
    to_number: str
    hang_up_after_s: float | None = None
    cancel_after_s: float | None = None
    person: PersonScript = A_TALKER


class Dispatcher(Protocol):
    """Who sends an agent to a room."""

    def dispatch(self, room: Room, agent_name: str, metadata: str, attributes: dict[str, str]) -> object: ...


class InboundLeg:
    """One call from the INVITE to the end. Without a route it rings, and LiveKit knows nothing of it."""

    def __init__(self, exchange: Exchange, dispatcher: Dispatcher, caller: Caller, route: InboundRoute | None) -> None:
        self._exchange = exchange
        self._pace = exchange.pace
        self._dispatcher = dispatcher
        self._caller = caller
        self._route = route
        self._over: asyncio.Future[LegEnd] = asyncio.get_running_loop().create_future()
        self._audio = asyncio.Event()
        self.call: PhoneCall = exchange.ledger.open("inbound", caller.from_number, caller.to_number)
        self.call.sip_call_id = new_id("SCL_")
        self.call.trunk_id = "" if route is None else route.trunk.sip_trunk_id
        self._room: Room
        self._participant: Participant

    async def run(self) -> None:
        self.call.invite()
        self.call.got(100)
        self.call.ring()
        if self._route is None:
            return
        await self._pace.sleep(timings.INBOUND_JOIN_S)
        self._join(self._route)
        script = self._exchange.tasks.start(self._live(self._route.trunk))
        ending = await self._over
        script.cancel()
        self._finish(ending)

    def hang_up(self) -> None:
        """The caller hangs up, or gives up while it rings."""
        self._end(legs.CALLER_GIVES_UP if self.call.answered_at is None else legs.CALLER_HANGS_UP)

    def _join(self, route: InboundRoute) -> None:
        rule, caller = route.rule, self._caller
        name, config = _room_name(rule.rule, caller), rule.room_config
        terms = RoomTerms(
            config.metadata,
            config.empty_timeout or timings.EMPTY_TIMEOUT_S,
            config.departure_timeout or timings.DEPARTURE_TIMEOUT_S,
            config.max_participants,
        )

        def prepare(room: Room) -> None:
            for agent in config.agents:
                self._dispatcher.dispatch(room, agent.agent_name, agent.metadata, dict(agent.attributes))

        self._room = self._exchange.roster.ensure(name, terms, prepare)
        self._room.callee = self._exchange.callee(caller.from_number)
        self._room.watch(self._see)
        identity, shown_name = _identity(caller.from_number, hidden=rule.hide_phone_number)
        self.call.room, self.call.identity = name, identity
        self._participant = Participant(
            identity,
            ParticipantInfo.SIP,
            name=shown_name,
            metadata=rule.metadata,
            attributes=self._attributes(route),
            evicted=lambda _reason: self._end(legs.PUT_OUT),
            phone=Phone(caller.person, self.call, self.hang_up),
        )
        self._room.join(self._participant)
        self._exchange.tasks.start(self._publish())

    def _attributes(self, route: InboundRoute) -> dict[str, str]:
        attributes = dict(route.rule.attributes) | {
            "sip.callID": self.call.sip_call_id,
            "sip.callIDFull": new_id("in", 10),
            "sip.callTag": new_id("c", 8),
            CALL_STATUS: LegStatus.RINGING,
            "sip.ruleID": route.rule.sip_dispatch_rule_id,
            "sip.trunkID": route.trunk.sip_trunk_id,
        }
        if not route.rule.hide_phone_number:
            attributes |= {
                "sip.hostname": "127.0.0.1",
                "sip.phoneNumber": self._caller.from_number,
                "sip.trunkPhoneNumber": self._caller.to_number,
            }
        return attributes

    async def _publish(self) -> None:
        await self._pace.sleep(timings.TRACK_S)
        self._room.publish(self._participant, leg_track(self._participant.identity))

    def _see(self, event: RoomEvent, participant: Participant | None) -> None:
        if event is RoomEvent.PUBLISHED and participant is not None and participant is not self._participant:
            self._audio.set()

    async def _live(self, trunk: sip.SIPInboundTrunkInfo) -> None:
        ringing_s = trunk.ringing_timeout.seconds or timings.RINGING_TIMEOUT_S
        patience_s = self._caller.cancel_after_s
        if self._room.has_agent_audio():
            self._audio.set()
        try:
            async with self._pace.timeout(ringing_s if patience_s is None else min(ringing_s, patience_s)):
                await self._audio.wait()
        except TimeoutError:
            if patience_s is not None and patience_s <= ringing_s:
                self.hang_up()
            else:
                self._end(legs.NOBODY_ANSWERS)
            return
        await self._pace.sleep(timings.INBOUND_ANSWER_S)
        self.call.answer()
        self._room.change(self._participant, {CALL_STATUS: LegStatus.ACTIVE})
        await self._talk(trunk)

    async def _talk(self, trunk: sip.SIPInboundTrunkInfo) -> None:
        most_s = trunk.max_call_duration.seconds or timings.MAX_CALL_S
        talk_s = self._caller.hang_up_after_s
        if talk_s is not None and talk_s <= most_s:
            await self._pace.sleep(talk_s)
            self.hang_up()
        else:
            await self._pace.sleep(most_s)
            self._end(legs.REACHED_ITS_LIMIT)

    def _end(self, ending: LegEnd) -> None:
        if not self._over.done():
            self._over.set_result(ending)

    def _finish(self, ending: LegEnd) -> None:
        answered = self.call.answered_at is not None
        if ending.by == "caller":
            self.call.sent("BYE" if answered else "CANCEL")
        else:
            self.call.got("BYE" if answered else BUSY)
        if ending.by == "caller" and not answered:
            self.call.got(CANCELLED)
        self.call.end(ending.by, ending.sip_code)
        if ending.hung_up:
            self._room.change(self._participant, {CALL_STATUS: LegStatus.HANGUP})
        if ending.reason is not None:
            self._room.leave(self._participant, reason_named(ending.reason))


def _identity(from_number: str, *, hidden: bool) -> tuple[str, str]:
    """Identity and shown name of the caller; hidden numbers show eight letters of their hash."""
    if not hidden:
        return f"sip_{from_number}", f"Phone {from_number}"
    return f"sip_{hashlib.sha256(from_number.encode()).hexdigest()[:8]}", ""


def _room_name(rule: sip.SIPDispatchRule, caller: Caller) -> str:
    kind = rule.WhichOneof("rule")
    if kind == "dispatch_rule_direct":
        return rule.dispatch_rule_direct.room_name
    if kind == "dispatch_rule_callee":
        by_callee = rule.dispatch_rule_callee
        parts = [by_callee.room_prefix, caller.to_number, new_id("") if by_callee.randomize else ""]
    else:
        by_caller = rule.dispatch_rule_individual
        parts = [by_caller.room_prefix, caller.from_number, "" if by_caller.no_randomness else new_id("")]
    return "_".join(part for part in parts if part)
