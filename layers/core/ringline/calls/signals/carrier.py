"""Applies what a carrier reports of a phone call to the call whose header it carried.

    LiveKit      carrier        we
      |-- INVITE -->| X-Ringline-Call: <room>
      |             |-- initiated -> its ids are linked to the room
      |             |-- ringing, forwarded, failed, ended -> applied as the carrier's word
      |<-- 200 -----|-- answered -> look who is in the room -> Answered, with leg and agent

Carriers keep no order: an event without the header that overtakes the one with it is waited with, and then refused
while it is young, so that it comes again.

An answer is believed when LiveKit shows it too. Where nobody else tells of it (`AnswerFrom.CARRIER`), the carrier's
word is enough once the leg is in the room, or while LiveKit cannot be asked.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.calls.model.call import AnswerFrom, AttemptId, Call, attempt_of_room
from ringline.calls.model.carrier_event import CarrierEvent, Kind
from ringline.calls.model.events import (
    Answered,
    CarrierEnded,
    CarrierFailed,
    CarrierForwarded,
    CarrierRang,
    Event,
)
from ringline.calls.model.ports import LookQueue, Telephony
from ringline.calls.model.results import Effect
from ringline.calls.model.room_view import LegView, RoomView, TelephonyDown, agent_in, leg_of
from ringline.calls.model.timing import CARRIER_PAUSE_S
from ringline.calls.progress.hints import ask_for_look, ask_for_look_at_limit, link_carrier_calls
from ringline.calls.progress.progress import Applied, Outcome, Progress, Unapplied
from ringline.calls.rules.deadlines import is_up, look_again_in_s
from ringline.calls.tables.carrier_links import CarrierLinkTable
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import Clock
from ringline.runtime.ids import is_plausible_id

_LOOK_AGAIN_AFTER_S = (0.2, 0.4, 0.6, 0.8)
"""LiveKit shows an answer within milliseconds of the carrier's 200; this is as long as a hook may wait for it."""

_LINK_AGAIN_AFTER_S = (0.1, 0.2, 0.3, 0.4)
"""Events that pass each other are milliseconds apart, or as far as a cold start is long."""

_YOUNG_MS = 5000
"""So long the event that names the call may still be on its way. What is older is of somebody else's call: a carrier's
account may have other uses."""


class CallNotKnownYet(Exception):
    """Nobody has told yet whose call the event is about; it is young, and should be sent again."""


async def _sleep(wait_s: float) -> None:
    import asyncio  # the hook loads it with the first event that it believes

    await asyncio.sleep(wait_s)


@dataclass(frozen=True, slots=True)
class HearCarrier:
    """Hears one event after the other, and asks LiveKit about an answer."""

    progress: Progress
    store: CallStore
    telephony: Callable[[], AbstractAsyncContextManager[Telephony]]
    looks: LookQueue
    links: CarrierLinkTable
    clock: Clock
    log: Logger
    paces: TrunkPaces | None = None
    pause: Callable[[float], Awaitable[None]] = _sleep

    async def run(self, event: CarrierEvent) -> str:
        """What came of the event, in a word, which is also logged. Raises CallNotKnownYet, and what keeps the event
        from being persisted: the carrier then sends it again."""
        whose = _whose(event.room or await self._linked(event))
        if whose is None and event.at is not None and self._may_be_linked_yet(event):
            self._log(event, "call_not_known_yet")
            raise CallNotKnownYet
        outcome = "not_our_call" if whose is None else await self._hear(event, whose)
        self._log(event, outcome, whose)
        return outcome

    def _log(self, event: CarrierEvent, outcome: str, whose: AttemptId | None = None) -> None:
        about = {} if whose is None else {"account_id": whose.account_id, "call_id": whose.call_id}
        told = {"provider": event.provider, "event": event.kind.value, "outcome": outcome, **about}
        self.log.info("carrier heard", extra=told)

    async def _linked(self, event: CarrierEvent) -> str | None:
        """The room that the carrier's ids of the call belong to. Waits a second for a link that may come."""
        room = self.links.room(event.provider, event.provider_call_ids)
        if room is not None or not self._may_be_linked_yet(event):
            return room
        for wait_s in _LINK_AGAIN_AFTER_S:
            await self.pause(wait_s)
            room = self.links.room(event.provider, event.provider_call_ids)
            if room is not None:
                break
        return room

    def _may_be_linked_yet(self, event: CarrierEvent) -> bool:
        """Whether the event that names the call may still be on its way. One that tells no moment may be of any age."""
        if event.room is not None or event.kind is Kind.OTHER or not event.provider_call_ids:
            return False
        return event.at is None or abs(self.clock() - event.at) < _YOUNG_MS

    async def _hear(self, event: CarrierEvent, whose: AttemptId) -> str:
        call = self.store.get(whose.account_id, whose.call_id)
        if call is None:
            return "unknown_call"
        if event.room is not None and event.provider_call_ids and _is_in(call, whose):
            # The widest id: it is the one that all events of the phone call have.
            self.links.link(event.provider, event.provider_call_ids[0], event.room)
        if event.kind is Kind.OTHER:
            return "not_of_interest"
        at = _moment(event, call, self.clock())
        if event.kind is Kind.ANSWERED:
            return await self._answered(call, whose, at)
        outcome = self._apply(call, _word(event, whose.attempt, at))
        if isinstance(outcome, Applied) and outcome.call.deferrals > call.deferrals:
            self._rest_trunk(call)
        if Effect.END_ROOM in outcome.effects:
            async with self.telephony() as telephony:
                await self._end(telephony, outcome)
        return self._told(outcome)

    def _rest_trunk(self, call: Call) -> None:
        """The carrier took no more calls. If that cannot be written, it refuses the next one, too."""
        if self.paces is None:
            return
        now = self.clock()
        try:
            self.paces.rest(call.trunk_id, now, now + CARRIER_PAUSE_S * 1000)
        except Exception:
            self.log.exception("trunk not put to rest", extra={"call_id": call.call_id})

    async def _answered(self, call: Call, whose: AttemptId, at: int) -> str:
        if call.leg_sid is not None and call.answered_at is not None and _is_in(call, whose):
            return "answered_before"
        if not _is_in(call, whose):
            # No look: the lifecycle has a name for what is too late.
            return self._told(self._apply(call, Answered(at, whose.attempt, None, None, None)))
        by_carrier = call.answer_from is AnswerFrom.CARRIER
        async with self.telephony() as telephony:
            try:
                seen = await self._look_for_answer(telephony, call)
            except TelephonyDown:
                if not by_carrier:
                    return "livekit_not_reached"
                return self._told(self._apply(call, Answered(at, whose.attempt, None, None, None)))
            leg = leg_of(call, seen)
            if leg is None and by_carrier and self._has_left(call):
                # Nobody but the carrier knows that somebody had answered, and when.
                return self._told(self._apply(call, Answered(at, whose.attempt, None, None, agent_in(seen))))
            if leg is None or not (is_up(leg) or by_carrier):
                return "not_answered_at_livekit"
            outcome = self._apply(call, Answered(at, whose.attempt, leg.sid, leg.sip_call_id, agent_in(seen)))
            if Effect.END_ROOM in outcome.effects:
                # Its end was asked for while it rang: the one who answered hears no agent.
                await self._end(telephony, outcome)
            elif by_carrier and isinstance(outcome, Applied):
                self._tell_others(outcome.call, leg)
        return self._told(outcome)

    def _has_left(self, call: Call) -> bool:
        now = self.store.get(call.account_id, call.call_id)
        return now is not None and now.evidence.leg_left_at is not None

    async def _look_for_answer(self, telephony: Telephony, call: Call) -> RoomView:
        """The room as soon as it shows the answer, or as it is in the end."""
        for wait_s in _LOOK_AGAIN_AFTER_S:
            seen = await telephony.look(call.room_name or "")
            if is_up(leg_of(call, seen)):
                return seen
            await self.pause(wait_s)
        return await telephony.look(call.room_name or "")

    def _tell_others(self, call: Call, leg: LegView) -> None:
        """What the dialer does after an answer that it waits for: hints, both."""
        link_carrier_calls(self.links, self.log, call, leg.carrier_call_ids)
        ask_for_look_at_limit(self.looks, self.log, call)

    def _apply(self, call: Call, event: Event) -> Outcome:
        return self.progress.apply(call.account_id, call.call_id, event)

    async def _end(self, telephony: Telephony, outcome: Outcome) -> None:
        """Ends what lives of an attempt that is over, or whose end is recorded as asked for. Of a phone that has not
        answered, the leg's leaving or the dialer then says so; a room that is not closed is the sweep's."""
        call = outcome.call
        if call is None:
            return
        if call.in_flight and call.answered_at is not None:
            from ringline.calls.progress.hang_up import HangUp  # hardly any event ends a call that was answered

            hang_up = HangUp(
                store=self.store, progress=self.progress, telephony=telephony, clock=self.clock, log=self.log
            )
            await hang_up.carry_out(call)
            return
        try:
            await telephony.end_room(call.room_name or "")
        except TelephonyDown:
            self.log.warning("room not closed", extra={"call_id": call.call_id})

    def _told(self, outcome: Outcome) -> str:
        call = outcome.call
        if Effect.LOOK_AGAIN in outcome.effects and call is not None and call.in_flight:
            ask_for_look(self.looks, self.log, call, look_again_in_s(call))
        return outcome.why if isinstance(outcome, Unapplied) else "applied"


def _whose(room: str | None) -> AttemptId | None:
    whose = attempt_of_room(room) if room else None
    if whose is None or not (is_plausible_id(whose.account_id) and is_plausible_id(whose.call_id)):
        return None
    return whose


def _is_in(call: Call, whose: AttemptId) -> bool:
    """Whether the call is in the attempt that the event is about."""
    return call.in_flight and call.attempt == whose.attempt


def _moment(event: CarrierEvent, call: Call, now: int) -> int:
    """When it happened: the carrier's own word, as far as it can be true."""
    began = call.dialed_at
    return event.at if event.at is not None and began is not None and began < event.at <= now else now


def _word(event: CarrierEvent, attempt: int, at: int) -> Event:
    match event.kind:
        case Kind.RINGING:
            return CarrierRang(at, attempt)
        case Kind.FORWARDED:
            return CarrierForwarded(at, attempt, event.forwarded_to, event.to_voicemail)
        case Kind.FAILED:
            # A success is none of a call that failed.
            code = event.sip_code if event.sip_code is not None and event.sip_code >= 300 else None
            return CarrierFailed(at, attempt, code, event.sip_status, event.cause)
        case _:
            return CarrierEnded(at, attempt, event.cause)
