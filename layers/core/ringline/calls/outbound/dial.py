"""Dials one claimed call: room, agent, INVITE, answer. Each attempt is dialled once; whatever is unclear is settled by
looking at the room.

    dialer            LiveKit                  somebody else
      | room + agent --->|
      | agent there, and call still wanted?         <- cancel
      | INVITE ---------->| rings               -> call_ringing, unless it is refused at once
      |                   |  leg left -------> evidence
      |<-- answer or code-|                                   the dialer's word settles an unanswered call
"""

import asyncio
from collections.abc import Callable

from aws_lambda_powertools import Logger

from ringline.calls.model.call import AnswerFrom, Call
from ringline.calls.model.events import AgentSeen, DialDeferred, DialNotSent, DialRefused, DialWithoutLivekit
from ringline.calls.model.outcomes import (
    CarrierFull,
    Connected,
    DialOutcome,
    LivekitAway,
    NotSent,
    Placed,
    Refused,
    Unclear,
)
from ringline.calls.model.ports import Telephony
from ringline.calls.model.timing import (
    CARRIER_PAUSE_S,
    LEGS_WORD_WAITS_S,
    LIVEKIT_FIRST_REST_S,
    NO_BRIDGE_SAID_WITHIN_S,
    REDIAL_DELAYS_S,
    RINGING_TOLD_AFTER_S,
)
from ringline.calls.outbound.agent_first import AgentFirst, AgentThere, Awaited, Expired, NoAgent, NoLongerWanted
from ringline.calls.outbound.answers import Answers
from ringline.calls.outbound.attempts import Attempts, is_over
from ringline.calls.outbound.unclear import UnclearDials
from ringline.calls.rules.unanswered import NEEDS_LEGS_WORD, OUR_FAILURE
from ringline.calls.tables.paces import TrunkPaces
from ringline.record import Record
from ringline.runtime.clock import MS_PER_S, Clock


class Dial(Record):
    attempts: Attempts
    agent_first: AgentFirst
    answers: Answers
    unclear: UnclearDials
    telephony: Telephony
    paces: TrunkPaces
    tell_ringing: Callable[[Call], None]
    clock: Clock
    log: Logger

    async def run(self, call: Call) -> None:
        """Dials the call; returns when it is over, or when its conversation goes on without the dialer."""
        try:
            ready = await self._prepare(call)
        except Exception as error:
            # The failure is our own and nothing has rung: what failed once may work soon.
            self.log.exception("dial not prepared", extra={"call_id": call.call_id})
            await self._not_sent(call, NotSent(OUR_FAILURE, type(error).__name__, may_repeat=True))
            return
        if ready is not None:
            await self._ring(ready.call, ready.agent)

    async def _prepare(self, call: Call) -> AgentThere | None:
        """The call whose phone may ring now: its room is open, its agent there and the call still wanted. None where it
        may not."""
        match await self._opened_with_agent(call):
            case AgentThere() as ready:
                return ready
            case NoAgent():
                await self.agent_first.queue_again(call)
                return None
            case found_out_nothing:
                if call.tries_agent:
                    # First: whoever hears the bell of its line finds the agent's next turn free.
                    await self.agent_first.untried(call)
        match found_out_nothing:
            case NotSent():
                await self._not_sent(call, found_out_nothing)
            case LivekitAway():
                await self._livekit_away(call, found_out_nothing)
            case CarrierFull():
                await self._carrier_full(call, found_out_nothing)
            case Expired():
                await self.agent_first.queue_expired(call)
            case NoLongerWanted():
                await self.attempts.close_and_settle(call)
        return None

    async def _opened_with_agent(self, call: Call) -> NotSent | CarrierFull | Awaited:
        refused = await self.telephony.open_room(call)
        if refused is not None:
            return refused
        return await self.agent_first.await_agent(call) if call.agent_first else await self._still_wanted(call)

    async def _still_wanted(self, call: Call) -> AgentThere | NoLongerWanted:
        """The last moment to notice a cancel before a phone rings whose agent may come later."""
        current_call = await self.attempts.read(call)
        is_wanted = current_call is not None and not is_over(call, current_call) and current_call.end_asked_at is None
        return AgentThere(call, None) if is_wanted else NoLongerWanted()

    async def _ring(self, call: Call, agent: AgentSeen | None) -> None:
        match await self._place(call):
            case Connected(leg_sid, sip_call_id):
                await self.answers.take(call, leg_sid, sip_call_id, agent)
            case Placed():
                self.log.info("dialed, the carrier tells of the answer", extra={"call_id": call.call_id})
            case Refused() as refused:
                await self._refused(call, refused)
            case NotSent() as not_sent:
                await self._not_sent(call, not_sent)
            case LivekitAway() as away:
                await self._livekit_away(call, away)
            case CarrierFull() as carrier_full:
                await self._carrier_full(call, carrier_full)
            case Unclear(message):
                self.log.warning("dial unclear", extra={"call_id": call.call_id, "why": message})
                await self.unclear.follow(call)

    async def _place(self, call: Call) -> DialOutcome:
        ringing = asyncio.create_task(self._tell_once_it_can_ring(call))
        try:
            if self.paces.livekit.is_tried_by(call):
                return await self._place_for_all(call)
            return await self.telephony.place_call(call)
        except Exception as error:
            # LiveKit's answer is one that nobody foresaw: the phone may ring all the same.
            self.log.exception("dial not understood", extra={"call_id": call.call_id})
            return Unclear(type(error).__name__)
        finally:
            ringing.cancel()

    async def _tell_once_it_can_ring(self, call: Call) -> None:
        """Tells that the phone rings, if nobody has refused the dial by then: LiveKit says nothing of it. What is known
        of a ringing sooner, or only when it is over, the relay tells; where the carrier tells of answers, it tells of
        the ringing too. A phone that rings for a call that is over, or is to end, is put out: its room may have been
        closed before the dial came there, which makes it anew."""
        if call.answer_from is AnswerFrom.CARRIER:
            return
        await asyncio.sleep(RINGING_TOLD_AFTER_S)
        try:
            current_call = await self.attempts.read(call)
            if current_call is not None and not current_call.is_understood:
                # A later release has it, and may have somebody talk in that room.
                return
            if current_call is None or is_over(call, current_call) or current_call.end_asked_at is not None:
                await self.attempts.close_room(call)
            else:
                await asyncio.to_thread(self.tell_ringing, call)
        except Exception:
            # A webhook less, which the answer makes up for. The dial itself must not suffer.
            self.log.exception("ringing not told", extra={"call_id": call.call_id})

    async def _place_for_all(self, call: Call) -> DialOutcome:
        """Dials, and lets the others go on as soon as LiveKit has taken the dial: they do not wait for its answer."""
        dialing = asyncio.ensure_future(self.telephony.place_call(call))
        await asyncio.wait({dialing}, timeout=NO_BRIDGE_SAID_WITHIN_S)
        if not dialing.done() or not isinstance(dialing.result(), LivekitAway):
            try:
                await asyncio.to_thread(self.paces.livekit.went_through, call)
            except Exception:
                # The others wait until its time is over. What becomes of the dial is told all the same.
                self.log.exception("LiveKit's rest not ended", extra={"call_id": call.call_id})
        return await dialing

    # --- what comes of it --------------------------------------------------------------------------------------------

    async def _refused(self, call: Call, refused: Refused) -> None:
        refused_at = self.clock()
        if refused.sip_code is None or refused.sip_code in NEEDS_LEGS_WORD:
            await self._await_legs_word(call)
        await self.attempts.apply(
            call,
            DialRefused(
                refused_at,
                call.attempt,
                refused.sip_code,
                refused.sip_status,
                refused.twirp_code,
                refused.message,
                refused.refusal,
            ),
        )

    async def _not_sent(self, call: Call, not_sent: NotSent) -> None:
        delay_s = REDIAL_DELAYS_S[min(call.unsent, len(REDIAL_DELAYS_S) - 1)] if not_sent.may_repeat else None
        twirp_code = not_sent.twirp_code or "unavailable"
        await self.attempts.apply(call, DialNotSent(self.clock(), call.attempt, not_sent.message, twirp_code, delay_s))
        await self.attempts.close_room(call)

    async def _livekit_away(self, call: Call, away: LivekitAway) -> None:
        """LiveKit rests before the call is back in the queue, as a trunk does. If that cannot be written the call is
        queued all the same; the next one then finds out anew."""
        now = self.clock()
        self.log.warning("LiveKit is away", extra={"call_id": call.call_id, "why": away.message})
        try:
            again_at = await asyncio.to_thread(self.paces.livekit.was_away, call, now)
        except Exception:
            self.log.exception("LiveKit not put to rest", extra={"call_id": call.call_id})
            again_at = now + LIVEKIT_FIRST_REST_S * MS_PER_S
        await self.attempts.apply(call, DialWithoutLivekit(now, call.attempt, away.message, away.twirp_code, again_at))
        await self.attempts.close_room(call)

    async def _carrier_full(self, call: Call, carrier_full: CarrierFull) -> None:
        """The trunk rests before the call is back in the queue, so that whoever looks at the call next finds it so. If
        that cannot be written the call is deferred all the same; the carrier then refuses the next one, too."""
        now = self.clock()
        try:
            await asyncio.to_thread(self.paces.rest, call.trunk_id, now, now + CARRIER_PAUSE_S * MS_PER_S)
        except Exception:
            self.log.exception("trunk not put to rest", extra={"call_id": call.call_id})
        if carrier_full.sip_code is not None:
            # A phone that rang must not be dialled again, and only the leg's own word says whether it rang.
            await self._await_legs_word(call)
        await self.attempts.apply(
            call,
            DialDeferred(
                now,
                call.attempt,
                carrier_full.sip_code,
                carrier_full.sip_status,
                carrier_full.twirp_code,
                carrier_full.message,
                CARRIER_PAUSE_S,
            ),
        )
        await self.attempts.close_room(call)

    async def _await_legs_word(self, call: Call) -> None:
        """The leg's last status comes with its webhook, within milliseconds of the dial's own answer."""
        for wait_s in LEGS_WORD_WAITS_S:
            current_call = await self.attempts.read(call)
            if is_over(call, current_call) or (current_call and current_call.evidence.last_call_status is not None):
                return
            await asyncio.sleep(wait_s)
