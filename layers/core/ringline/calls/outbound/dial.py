"""Dials claimed calls: room, INVITE, answer, agent. Each attempt is dialled once; whatever is unclear is settled by
looking at the room.

    dialer            LiveKit                  somebody else
      | room + agent --->|
      | still wanted? (read the call again)         <- cancel
      | INVITE ---------->| rings
      |                   |  leg left -------> evidence
      |<-- answer or code-|                                   the dialer's word settles an unanswered call
"""

import asyncio
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call, CallStatus
from ringline.calls.model.events import (
    AgentJoined,
    Answered,
    DialDeferred,
    DialNotSent,
    DialRefused,
    EndAsked,
    Event,
    FoundOver,
    GivenUp,
)
from ringline.calls.model.outcomes import Connected, DialOutcome, NoRoom, NotSent, Placed, Refused, Unclear
from ringline.calls.model.ports import CarrierLinks, Doorbell, LookQueue, Telephony
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Effect
from ringline.calls.model.room_view import RoomView, TelephonyDown, agent_in, leg_of
from ringline.calls.model.timing import (
    ANSWER_MARGIN_S,
    CARRIER_PAUSE_S,
    DIAL_BATCH,
    LEG_EVIDENCE_WAITS_S,
    REDIAL_DELAYS_S,
)
from ringline.calls.outbound.admit import Admit, NoneAdmitted, Paced
from ringline.calls.progress.hints import ask_for_look, ask_for_look_at_limit, link_carrier_calls
from ringline.calls.progress.progress import Outcome, Progress
from ringline.calls.rules.deadlines import agent_join_s, look_again_in_s
from ringline.calls.rules.dial_rules import NEEDS_LEG_EVIDENCE
from ringline.calls.rules.verdict import OUR_FAILURE, awaits_last_words
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import Clock

_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class DialNext:
    store: CallStore
    admit: Admit
    paces: TrunkPaces
    progress: Progress
    telephony: Telephony
    doorbell: Doorbell
    looks: LookQueue
    clock: Clock
    log: Logger
    links: CarrierLinks | None = None

    async def run(self, account_id: str) -> int:
        """Claims up to a batch of the account's calls, dials them side by side, and returns how many when all are
        answered or over."""
        dials: list[asyncio.Task[None]] = []
        stopped: NoneAdmitted | Paced | None = None
        try:
            while len(dials) < DIAL_BATCH and stopped is None:
                claimed = await asyncio.to_thread(self.admit.next, account_id)
                if isinstance(claimed, Call):
                    dials.append(asyncio.create_task(self._dial(claimed)))
                else:
                    stopped = claimed
            if stopped is None:
                # More may fit: another invocation takes them on while this one waits for answers.
                await asyncio.to_thread(self.doorbell.ring, account_id)
            elif isinstance(stopped, Paced):
                await asyncio.to_thread(self._ring_at, account_id, stopped.until)
        finally:
            results = await asyncio.gather(*dials, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                # The claim stands, the phone may ring: a repeat of this message must not, the sweep settles the call.
                self.log.error("dial failed", exc_info=result, extra={"account_id": account_id})
        return len(dials)

    def _ring_at(self, account_id: str, moment: int) -> None:
        now = self.clock()
        if self.paces.claims_ring(account_id, moment, now):
            self.doorbell.ring(account_id, max(1, -(-(moment - now) // 1000)))

    async def _dial(self, call: Call) -> None:
        try:
            may_ring = await self._prepare(call)
        except Exception as error:
            # Ours, and nothing has rung: what failed once may work soon.
            self.log.exception("dial not prepared", extra={"call_id": call.call_id})
            await self._not_sent(call, NotSent(OUR_FAILURE, type(error).__name__, may_repeat=True))
            return
        if may_ring:
            await self._ring(call)

    async def _prepare(self, call: Call) -> bool:
        """Whether the phone may ring now: its room is open, and the call still wanted."""
        match await self.telephony.open_room(call):
            case NotSent() as not_sent:
                await self._not_sent(call, not_sent)
                return False
            case NoRoom() as no_room:
                await self._no_room(call, no_room)
                return False
        if await self._is_still_wanted(call):
            return True
        await self._close_and_settle(call)
        return False

    async def _ring(self, call: Call) -> None:
        match await self._placed(call):
            case Connected(leg_sid, sip_call_id):
                await self._answered(call, leg_sid, sip_call_id)
            case Placed():
                self.log.info("dialed, the carrier tells of the answer", extra={"call_id": call.call_id})
            case Refused(sip_code, sip_status, twirp_code, message):
                event = DialRefused(self.clock(), call.attempt, sip_code, sip_status, twirp_code, message)
                if sip_code is None or sip_code in NEEDS_LEG_EVIDENCE:
                    await self._await_leg_evidence(call)
                await self._apply(call, event)
            case NotSent() as not_sent:
                await self._not_sent(call, not_sent)
            case NoRoom() as no_room:
                await self._no_room(call, no_room)
            case Unclear(message):
                self.log.warning("dial unclear", extra={"call_id": call.call_id, "why": message})
                await self._follow(call)

    async def _placed(self, call: Call) -> DialOutcome:
        try:
            return await self.telephony.place_call(call)
        except Exception as error:
            # An answer that nobody foresaw: the phone may ring all the same.
            self.log.exception("dial not understood", extra={"call_id": call.call_id})
            return Unclear(type(error).__name__)

    async def _is_still_wanted(self, call: Call) -> bool:
        """The last moment to notice a cancel before the phone rings."""
        now = await asyncio.to_thread(self.store.get, call.account_id, call.call_id)
        return now is not None and not is_over(call, now) and now.end_asked_at is None

    async def _not_sent(self, call: Call, outcome: NotSent) -> None:
        delay_s = REDIAL_DELAYS_S[min(call.unsent, len(REDIAL_DELAYS_S) - 1)] if outcome.may_repeat else None
        event = DialNotSent(self.clock(), call.attempt, outcome.message, outcome.twirp_code or "unavailable", delay_s)
        await self._apply(call, event)
        await self._close(call)

    async def _no_room(self, call: Call, outcome: NoRoom) -> None:
        """The trunk rests before the call is back in the queue: whoever looks at it next finds it so. If that cannot be
        written the call is deferred all the same, and the carrier refuses the next one, too."""
        now = self.clock()
        try:
            await asyncio.to_thread(self.paces.rest, call.trunk_id, now, now + CARRIER_PAUSE_S * 1000)
        except Exception:
            self.log.exception("trunk not put to rest", extra={"call_id": call.call_id})
        if outcome.sip_code is not None:
            # A phone that rang before is not dialled again: the leg's own word tells.
            await self._await_leg_evidence(call)
        event = DialDeferred(
            now,
            call.attempt,
            outcome.sip_code,
            outcome.sip_status,
            outcome.twirp_code,
            outcome.message,
            CARRIER_PAUSE_S,
        )
        await self._apply(call, event)
        await self._close(call)

    async def _await_leg_evidence(self, call: Call) -> None:
        for wait_s in LEG_EVIDENCE_WAITS_S:
            now = await asyncio.to_thread(self.store.get, call.account_id, call.call_id)
            if is_over(call, now) or (now and now.evidence.last_call_status is not None):
                return
            await asyncio.sleep(wait_s)

    # --- answered ----------------------------------------------------------------------------------------------------

    async def _answered(self, call: Call, leg_sid: str, sip_call_id: str | None) -> None:
        answered_at = self.clock()
        room = await self._look(call)
        agent = agent_in(room)
        outcome = await self._apply(call, Answered(answered_at, call.attempt, leg_sid, sip_call_id, agent))
        if is_over(call, outcome.call) or Effect.END_ROOM in outcome.effects:
            # Canceled or ended while it rang: the one who answered hears no agent.
            await self._close_and_settle(call)
            return
        if outcome.call is not None and awaits_last_words(outcome.call):
            # It left before its answer was written.
            await asyncio.to_thread(ask_for_look, self.looks, self.log, call, look_again_in_s(outcome.call))
            return
        await self._tell_others(call, room)
        if agent is None:
            await self._await_agent(call, answered_at)

    async def _tell_others(self, call: Call, room: RoomView | None) -> None:
        """Whom the carrier will speak of, and when a short conversation reaches its limit. Hints, both."""
        leg = leg_of(call, room)
        if self.links is not None and leg is not None:
            await asyncio.to_thread(link_carrier_calls, self.links, self.log, call, leg.carrier_call_ids)
        await asyncio.to_thread(ask_for_look_at_limit, self.looks, self.log, call)

    async def _await_agent(self, call: Call, answered_at: int) -> None:
        """An agent that joined before the answer was written is seen here; one that joins later also by its webhook."""
        while self.clock() - answered_at < agent_join_s(call) * 1000:
            agent = agent_in(await self._look(call))
            if agent is not None:
                await self._apply(call, AgentJoined(self.clock(), call.attempt, agent.sid))
                return
            await asyncio.sleep(_LOOK_EVERY_S)
            now = await asyncio.to_thread(self.store.get, call.account_id, call.call_id)
            if is_over(call, now) or (now and now.active_at is not None):
                return
        asked = await self._apply(call, EndAsked(self.clock(), EndReason.AGENT_DID_NOT_JOIN, call.attempt))
        if asked.effects:
            await self._close_and_settle(call)

    # --- unclear -----------------------------------------------------------------------------------------------------

    async def _follow(self, call: Call) -> None:
        """The request's fate is unknown: adopt the leg that lives in the room, or close the room and settle."""
        give_up_at = (call.dialed_at or self.clock()) + (call.ring_timeout_s + ANSWER_MARGIN_S) * 1000
        while True:
            room = await self._look(call)
            leg = leg_of(call, room)
            if leg is not None and leg.call_status in {CallStatus.ACTIVE, CallStatus.AUTOMATION}:
                self.log.info("leg adopted", extra={"call_id": call.call_id})
                await self._answered(call, leg.sid, leg.sip_call_id)
                return
            gone = room is not None and leg is None and await self._leg_has_left(call)
            if gone or self.clock() >= give_up_at:
                break
            await asyncio.sleep(_LOOK_EVERY_S)
        await self._close_and_settle(call)

    async def _leg_has_left(self, call: Call) -> bool:
        """An empty room may be one whose leg has not joined yet; only the leg's leaving says that it is over."""
        now = await asyncio.to_thread(self.store.get, call.account_id, call.call_id)
        return is_over(call, now) or (now is not None and now.evidence.leg_left_at is not None)

    # --- the outside -------------------------------------------------------------------------------------------------

    async def _apply(self, call: Call, event: Event) -> Outcome:
        return await asyncio.to_thread(self.progress.apply, call.account_id, call.call_id, event)

    async def _look(self, call: Call) -> RoomView | None:
        try:
            return await self.telephony.look(call.room_name or "")
        except TelephonyDown:
            return None

    async def _close(self, call: Call) -> bool:
        """Whether the room is closed. If not: an ended call's room is also closed by the relay, a forgotten one by the
        sweep."""
        try:
            await self.telephony.end_room(call.room_name or "")
        except TelephonyDown:
            self.log.warning("room not closed", extra={"call_id": call.call_id})
            return False
        return True

    async def _close_and_settle(self, call: Call) -> None:
        """Ends whatever lives in the room, then the call. A room that could not be closed keeps its line until the
        sweep closes it."""
        await self._apply(call, GivenUp(self.clock(), call.attempt))
        if await self._close(call):
            await self._apply(call, FoundOver(self.clock(), call.attempt))


def is_over(call: Call, now: Call | None) -> bool:
    """Whether the attempt that `call` is in has ended, from the record as it is now: with the call, or for another
    attempt."""
    return now is None or not now.in_flight or now.attempt != call.attempt
