"""A carrier says that a phone call was answered.

An answer is believed when LiveKit shows it too. Where the dialer waits for it, LiveKit tells it the same within
milliseconds, and what it writes spares a look: the hook lets it go first. Where nobody else tells of it
(`AnswerFrom.CARRIER`), the carrier's word is enough once the leg is in the room, or has been there, or while LiveKit
cannot be asked.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.calls.model.call import AnswerFrom, AttemptId, Call
from ringline.calls.model.events import AgentSeen, Answered
from ringline.calls.model.ports import CarrierLinks, LookQueue, Telephony
from ringline.calls.model.results import Effect
from ringline.calls.model.room_view import LegView, RoomView, TelephonyDown, agent_in, leg_of
from ringline.calls.progress.hints import ask_for_look, ask_for_look_at_limit, link_carrier_calls
from ringline.calls.progress.progress import Applied, Outcome, Progress
from ringline.calls.rules.deadlines import is_up
from ringline.calls.signals.carrier_ends import CarrierEnds
from ringline.calls.signals.follow_up import look_again_if_due, word_for
from ringline.calls.tables.store import CallStore

_LOOK_AGAIN_AFTER_S = (0.2, 0.4, 0.6, 0.8)
"""LiveKit shows an answer within milliseconds of the carrier's 200; this is as long as a hook may wait for it."""

_DIALER_FIRST_S = (0.1, 0.2)
"""How long the hook waits for the dialer's word. A look is one of the few requests that LiveKit Cloud takes a minute;
of a dialer that died an answer is known this much later."""


@dataclass(frozen=True, slots=True)
class _Sighting:
    """An answer that is believed, and who is in the room. `leg` is None where only the carrier tells of the answer."""

    leg: LegView | None
    agent: AgentSeen | None
    agents_are_too_many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierAnswers:
    progress: Progress
    store: CallStore
    telephony: Callable[[], AbstractAsyncContextManager[Telephony]]
    ends: CarrierEnds
    looks: LookQueue
    links: CarrierLinks
    log: Logger
    pause: Callable[[float], Awaitable[None]]

    async def hear(self, call: Call, attempt_id: AttemptId, at: int) -> str:
        """What came of the carrier's word that this attempt was answered at that moment."""
        if _dialer_tells(call, attempt_id):
            current_call = await self._with_dialers_word(call, attempt_id)
            if current_call is None:
                return "unknown_call"
            call = current_call
        if not is_in_attempt(call, attempt_id):
            # LiveKit is not asked: the lifecycle has a name for what comes too late.
            return self._named(self._apply(call, attempt_id, at, _Sighting(None, None)))
        # Where the end was asked for while it rang, whoever told the answer may have died before it ended the room.
        if _is_answered(call) and (call.end_asked_at is None or call.active_at is not None):
            return "answered_before"
        async with self.telephony() as telephony:
            sighting = await self._sighting(telephony, call)
            if not isinstance(sighting, _Sighting):
                return sighting
            outcome = self._apply(call, attempt_id, at, sighting)
            if sighting.agents_are_too_many:
                ask_for_look(self.looks, self.log, call, 0)
            if sighting.leg is not None:
                await self._go_on(telephony, call, sighting.leg, outcome)
        return self._named(outcome)

    async def _with_dialers_word(self, call: Call, attempt_id: AttemptId) -> Call | None:
        """The call as soon as the dialer has told its answer, or as it is in the end; None if it is gone."""
        current_call: Call | None = call
        for wait_s in _DIALER_FIRST_S:
            await self.pause(wait_s)
            current_call = self.store.get(call.account_id, call.call_id)
            if current_call is None or not _dialer_tells(current_call, attempt_id):
                break
        return current_call

    async def _sighting(self, telephony: Telephony, call: Call) -> _Sighting | str:
        """The answer with whom LiveKit shows, or in a word why it is not believed."""
        is_told_by_carrier = call.answer_from is AnswerFrom.CARRIER
        try:
            room = await self._look_for_answer(telephony, call)
        except TelephonyDown:
            return _Sighting(None, None) if is_told_by_carrier else "livekit_not_reached"
        leg = leg_of(call, room)
        # Where the leg has come and gone, nobody but the carrier knows that somebody had answered, and when.
        if is_up(leg) or (is_told_by_carrier and (leg is not None or self._has_left(call))):
            return _Sighting(leg, agent_in(room), len(room.agents) > 1)
        return "not_answered_at_livekit"

    async def _look_for_answer(self, telephony: Telephony, call: Call) -> RoomView:
        """The room as soon as it shows the answer, or as it is in the end."""
        for wait_s in _LOOK_AGAIN_AFTER_S:
            room = await telephony.look(call.room_name or "")
            if is_up(leg_of(call, room)):
                return room
            await self.pause(wait_s)
        return await telephony.look(call.room_name or "")

    def _has_left(self, call: Call) -> bool:
        current_call = self.store.get(call.account_id, call.call_id)
        return current_call is not None and current_call.evidence.leg_left_at is not None

    def _apply(self, call: Call, attempt_id: AttemptId, at: int, sighting: _Sighting) -> Outcome:
        leg_sid, sip_call_id = (sighting.leg.sid, sighting.leg.sip_call_id) if sighting.leg else (None, None)
        answered = Answered(at, attempt_id.attempt, leg_sid, sip_call_id, sighting.agent)
        return self.progress.apply(call.account_id, call.call_id, answered)

    async def _go_on(self, telephony: Telephony, call: Call, leg: LegView, outcome: Outcome) -> None:
        if Effect.END_ROOM in outcome.effects:
            # The end was asked for while it rang: whoever answered must not listen to an empty room.
            await self.ends.end(telephony, outcome)
        elif call.answer_from is AnswerFrom.CARRIER and isinstance(outcome, Applied):
            # The dialer leaves these hints only after an answer that it waits for.
            link_carrier_calls(self.links, self.log, outcome.call, leg.carrier_call_ids)
            ask_for_look_at_limit(self.looks, self.log, outcome.call)

    def _named(self, outcome: Outcome) -> str:
        look_again_if_due(self.looks, self.log, outcome)
        return word_for(outcome)


def is_in_attempt(call: Call, attempt_id: AttemptId) -> bool:
    """Whether the call is in that attempt at present."""
    return call.in_flight and call.attempt == attempt_id.attempt


def _dialer_tells(call: Call, attempt_id: AttemptId) -> bool:
    """Whether a dialer waits for this answer, which nobody has told yet."""
    waits = call.answer_from is not AnswerFrom.CARRIER and is_in_attempt(call, attempt_id)
    return waits and not _is_answered(call)


def _is_answered(call: Call) -> bool:
    return call.leg_sid is not None and call.answered_at is not None
