"""An outbound call: the SIP participant joins the room, then the phone is rung, answered and hung up.

    request   +9 ms joins (dialing)   +12 ms INVITE   180 (ringing)   200 (active)   BYE (hangup)
                 |  participant_joined      |             no webhook      no webhook     | participant_left
                 |  +32 ms track_published                                               |

The leg goes on whatever becomes of the HTTP request that dialed it.
"""

import asyncio
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from livekit.protocol.models import DisconnectReason, ParticipantInfo

from local.phones.calls.exchange import Exchange
from local.phones.carrier.desk import CarrierLine
from local.phones.kernel.ids import new_id
from local.phones.kernel.ledger import PhoneCall
from local.phones.kernel.twirp import TwirpError, as_error
from local.phones.model import legs, sip_status, timings
from local.phones.model.legs import LegEnd, LegStatus
from local.phones.numbers.callees import Callee, LineTrouble
from local.phones.rooms.participant import CALL_STATUS, Participant, Phone, reason_named
from local.phones.rooms.room import Room
from local.phones.rooms.tracks import leg_track

_BRIDGE_DIES_AFTER_S = 2.0
_RESTART_S = 1.0
"""How long the server is away from one room alone. Its leg is back before the callee hangs up."""


@dataclass(frozen=True, slots=True)
class DialTerms:
    """One CreateSIPParticipant request, checked. Durations in seconds."""

    room: str
    identity: str
    to_number: str
    from_number: str
    trunk_id: str
    hostname: str
    name: str = ""
    metadata: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    hide_phone_number: bool = False
    has_credentials: bool = False
    ringing_timeout_s: float = timings.RINGING_TIMEOUT_S
    max_call_s: float = timings.MAX_CALL_S
    waits: bool = False


class OutboundLeg:
    """One INVITE, from the request to the end. `outcome` is None when answered, else the dialer's error."""

    def __init__(self, exchange: Exchange, terms: DialTerms, callee: Callee) -> None:
        loop = asyncio.get_running_loop()
        self.sip_call_id = new_id("SCL_")
        self.joined: asyncio.Future[Participant] = loop.create_future()
        self.invited = asyncio.Event()  # set when the INVITE is out, or when the leg is over before that
        self.outcome: asyncio.Future[TwirpError | None] = loop.create_future()
        self._exchange = exchange
        self._pace = exchange.pace
        self._terms = terms
        self._callee = callee
        self._requested_at_s = self._pace.now_s()
        self._over: asyncio.Future[LegEnd] = loop.create_future()
        self._bridge_lost = False
        self._participant: Participant
        self._room: Room
        self._call: PhoneCall
        self._carrier: CarrierLine

    async def run(self) -> None:
        """Lives the call to its end."""
        await self._pace.sleep(timings.JOIN_S)
        self._join()
        script = self._exchange.tasks.start(self._follow_callee())
        ending = await self._over
        script.cancel()
        await self._finish(ending)

    def lose_bridge(self) -> None:
        """The bridge dies: nobody hears of the leg any more, and the server notices some 20 s later."""
        if self._bridge_lost or self._over.done():
            return
        self._bridge_lost = True
        active = self._participant.is_answered_leg
        self._exchange.tasks.start(
            self._be_missed(timings.BRIDGE_LOST_ACTIVE_S if active else timings.BRIDGE_LOST_RINGING_S)
        )

    def hang_up(self) -> None:
        """The callee hangs up, or refuses a call that still rings."""
        if self._call.answered_at is not None:
            self._end(legs.HANGS_UP)
        else:
            self._end(self._refused(legs.refused(sip_status.BUSY)))

    def has_call(self, call_id: int) -> bool:
        return self.joined.done() and self._call.id == call_id

    def is_in(self, room_pattern: str) -> bool:
        """Whether the leg has joined a room whose name fits a shell pattern."""
        return self.joined.done() and fnmatchcase(self._terms.room, room_pattern)

    def _join(self) -> None:
        terms = self._terms
        self._call = self._exchange.ledger.open("outbound", terms.from_number, terms.to_number)
        self._call.room, self._call.identity = terms.room, terms.identity
        self._call.sip_call_id, self._call.trunk_id = self.sip_call_id, terms.trunk_id
        self._carrier = self._exchange.carriers.take(self._callee.carrier, self._call, terms.headers)
        self._room = self._exchange.roster.ensure(terms.room)
        if not self._room.legs():
            # Somebody who is called into a conversation changes nothing of its room.
            self._room.callee = self._callee
        self._call.room_made_at = self._room.created_at_ms / 1000
        self._call.agent_joined_at = min((agent.joined_at_ms / 1000 for agent in self._room.agents()), default=None)
        self._participant = Participant(
            terms.identity,
            ParticipantInfo.SIP,
            name=terms.name,
            metadata=terms.metadata,
            attributes=self._attributes(),
            evicted=self._evicted,
            phone=Phone(self._callee.who_answers, self._call, self.hang_up),
        )
        self._room.join(self._participant)
        self._exchange.tasks.start(self._publish())
        self.joined.set_result(self._participant)

    def _attributes(self) -> dict[str, str]:
        terms = self._terms
        attributes = dict(terms.attributes)
        attributes |= {"sip.callID": self.sip_call_id, CALL_STATUS: LegStatus.DIALING, "sip.trunkID": terms.trunk_id}
        if not terms.hide_phone_number:
            attributes |= {
                "sip.phoneNumber": terms.to_number,
                "sip.trunkPhoneNumber": terms.from_number,
                "sip.hostname": terms.hostname,
            }
        return attributes

    async def _publish(self) -> None:
        """Publishes the leg's track, which a leg that was refused at once does not live to see."""
        await self.invited.wait()
        await self._pace.sleep(timings.TRACK_S - timings.INVITE_S)
        if not self._over.done():
            self._room.publish(self._participant, leg_track(self._terms.identity))

    async def _follow_callee(self) -> None:
        await self._pace.sleep(timings.INVITE_S)
        self._call.invite()
        self._carrier.invited()
        self.invited.set()
        ring_s, rang_out = self._ring_limit()
        ending: LegEnd | None
        try:
            async with self._pace.timeout(ring_s):
                ending = await self._wait_for_answer()
        except TimeoutError:
            ending = rang_out
        if ending is None:
            ending = await self._talk()
        self._end(ending)

    def _ring_limit(self) -> tuple[float, LegEnd]:
        """How long it may ring from now on, and how that ends."""
        terms = self._terms
        limit_s, ending = legs.ring_limit(terms.ringing_timeout_s, terms.max_call_s, waits=terms.waits)
        return self._left_of(limit_s), ending

    def _left_of(self, limit_s: float) -> float:
        """What is left of a limit that counts from the request, ringing included."""
        return max(0.0, self._requested_at_s + limit_s - self._pace.now_s())

    async def _wait_for_answer(self) -> LegEnd | None:
        """How the leg ended without an answer; None once it is answered."""
        fate = self._callee.fate(has_credentials=self._terms.has_credentials)
        waited_s = 0.0
        if fate.is_to_ring:
            waited_s = fate.rings_after_s or 0.0
            await self._pace.sleep(waited_s)
            self._ring()
        if fate.settled_after_s is None:
            await asyncio.Event().wait()
        else:
            await self._pace.sleep(fate.settled_after_s - waited_s)
        if fate.end is None:
            self._answer()
            return None
        return self._refused(fate.end)

    def _refused(self, ending: LegEnd) -> LegEnd:
        if ending.by == "callee":
            self._call.sent(ending.sip_code or 0)
            if self._carrier.attributes:
                self._change(self._carrier.attributes)
        return ending

    def _ring(self) -> None:
        self._call.ring()
        self._carrier.rang()
        self._change({CALL_STATUS: LegStatus.RINGING, **self._carrier.attributes})
        if self._callee.line is LineTrouble.BRIDGE_DIES_RINGING:
            self._exchange.tasks.start(self._break_line())

    def _answer(self) -> None:
        self._call.answer()
        self._carrier.answered()
        tags = {"sip.callIDFull": new_id("", 27), "sip.callTag": f"t{time.time_ns() % 10**9}"}
        self._change(tags | self._carrier.attributes)
        self._change({CALL_STATUS: LegStatus.ACTIVE})
        if not self._bridge_lost and not self.outcome.done():
            self.outcome.set_result(None)
        if self._callee.line in (LineTrouble.BRIDGE_DIES_ACTIVE, LineTrouble.SERVER_RESTARTS_ACTIVE):
            self._exchange.tasks.start(self._break_line())

    async def _talk(self) -> LegEnd:
        left_s = self._left_of(self._terms.max_call_s)
        hangs_up_after_s = self._callee.hangs_up_after_s
        if hangs_up_after_s is not None and hangs_up_after_s <= left_s:
            await self._pace.sleep(hangs_up_after_s)
            return legs.HANGS_UP
        await self._pace.sleep(left_s)
        return legs.REACHED_ITS_LIMIT

    async def _break_line(self) -> None:
        await self._pace.sleep(_BRIDGE_DIES_AFTER_S)
        if self._callee.line is LineTrouble.SERVER_RESTARTS_ACTIVE:
            if not self._over.done():
                self._room.lose_everybody()
                await self._pace.sleep(_RESTART_S)
                await self._room.begin_again()
        else:
            self.lose_bridge()

    async def _be_missed(self, after_s: float) -> None:
        await self._pace.sleep(after_s)
        if not self._over.done():
            self._over.set_result(legs.BRIDGE_DIED)

    def _change(self, attributes: dict[str, str]) -> None:
        if not self._bridge_lost:
            self._room.change(self._participant, attributes)

    def _evicted(self, _reason: DisconnectReason) -> None:
        if not self._over.done():
            self._over.set_result(legs.PUT_OUT)

    def _end(self, ending: LegEnd) -> None:
        if not self._over.done() and not self._bridge_lost:
            self._over.set_result(ending)
        elif self._bridge_lost:
            self._phone_over(ending)

    def _phone_over(self, ending: LegEnd) -> None:
        self._call.end(ending.by, ending.sip_code)
        self._carrier.over(ending.failure.metadata.get("sip_status") if ending.failure is not None else None)

    async def _finish(self, ending: LegEnd) -> None:
        self.invited.set()
        answered = self._call.answered_at is not None
        if ending.by == "livekit":
            self._call.got("BYE" if answered else "CANCEL")
        elif ending.hung_up:
            self._call.sent("BYE")
        self._phone_over(ending)
        if ending.hung_up:
            self._change({CALL_STATUS: LegStatus.HANGUP})
        if ending.reason is not None:
            self._room.leave(self._participant, reason_named(ending.reason))
        else:
            await self._pace.sleep(timings.CANCEL_S)
        if not self.outcome.done() and ending.failure is not None:
            self.outcome.set_result(as_error(ending.failure))
