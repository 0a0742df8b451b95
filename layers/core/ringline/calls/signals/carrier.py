"""Applies what a carrier reports of a phone call to the call whose header it carried.

    LiveKit      carrier        we
      |-- INVITE -->| X-Ringline-Call: <room>
      |             |-- initiated -> its ids are linked to the room
      |             |-- ringing, forwarded, failed, ended -> applied as the carrier's word
      |<-- 200 -----|-- answered -> look who is in the room -> Answered, with leg and agent

Carriers keep no order. An event without the header may overtake the one with it: it is waited with, and then refused
while it is young, so that the carrier sends it again. What is done about an answer stands in `carrier_answers`.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.calls.model.call import AnswerFrom, AttemptId, Call, Refusal, attempt_of_room
from ringline.calls.model.carrier_event import CarrierEvent, Kind
from ringline.calls.model.events import CarrierEnded, CarrierFailed, CarrierForwarded, CarrierRang, Event
from ringline.calls.model.ports import LookQueue, Telephony
from ringline.calls.model.results import Effect
from ringline.calls.model.timing import CARRIER_PAUSE_S, LEGS_WORD_WAITS_S
from ringline.calls.progress.progress import Applied, Progress
from ringline.calls.rules.carrier_rules import waits_for_legs_word
from ringline.calls.signals.carrier_answers import CarrierAnswers, is_in_attempt
from ringline.calls.signals.carrier_ends import CarrierEnds
from ringline.calls.signals.follow_up import look_again_if_due, word_for
from ringline.calls.tables.carrier_links import CarrierLinkTable
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import MS_PER_S, Clock, pause
from ringline.runtime.ids import is_plausible_id

_LINK_AGAIN_AFTER_S = (0.1, 0.2, 0.3, 0.4)
"""An event that was overtaken comes milliseconds later, or as much later as a cold start takes."""

_YOUNG_S = 5
"""For so long the event that names the call may still be on its way. An older one is about a call of somebody else: a
carrier's account may have other uses."""

_LOWEST_REFUSAL = 300
"""SIP codes below this one are provisional answers and successes."""


class CallNotKnownYet(Exception):
    """The event that names the call has not come. This one is young, and should be sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HearCarrier:
    """Hears one event of a carrier at a time."""

    progress: Progress
    store: CallStore
    telephony: Callable[[], AbstractAsyncContextManager[Telephony]]
    looks: LookQueue
    links: CarrierLinkTable
    paces: TrunkPaces
    clock: Clock
    log: Logger
    pause: Callable[[float], Awaitable[None]] = pause

    @property
    def _ends(self) -> CarrierEnds:
        return CarrierEnds(progress=self.progress, store=self.store, clock=self.clock, log=self.log)

    @property
    def _answers(self) -> CarrierAnswers:
        return CarrierAnswers(
            progress=self.progress,
            store=self.store,
            telephony=self.telephony,
            ends=self._ends,
            looks=self.looks,
            links=self.links,
            log=self.log,
            pause=self.pause,
        )

    async def run(self, event: CarrierEvent) -> str:
        """What came of the event, in a word, which is also logged. Raises CallNotKnownYet, and what keeps the event
        from being persisted: the carrier then sends it again."""
        attempt_id = _attempt_named(event.room or await self._linked_room(event))
        is_not_known_yet = attempt_id is None and event.at is not None and self._may_be_linked_yet(event)
        if attempt_id is not None:
            outcome = await self._hear(event, attempt_id)
        else:
            outcome = "call_not_known_yet" if is_not_known_yet else "not_our_call"
        self._log_heard(event, outcome, attempt_id)
        if is_not_known_yet:
            raise CallNotKnownYet
        return outcome

    def _log_heard(self, event: CarrierEvent, outcome: str, attempt_id: AttemptId | None) -> None:
        heard = {"provider": event.provider, "event": event.kind.value, "outcome": outcome}
        ids = {} if attempt_id is None else {"account_id": attempt_id.account_id, "call_id": attempt_id.call_id}
        self.log.info("carrier heard", extra=heard | ids)

    # --- whose call it is --------------------------------------------------------------------------------------------

    async def _linked_room(self, event: CarrierEvent) -> str | None:
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
        return event.at is None or abs(self.clock() - event.at) < _YOUNG_S * MS_PER_S

    def _link(self, event: CarrierEvent, call: Call, attempt_id: AttemptId) -> None:
        """Notes the carrier's widest id of the call, which all events of the phone call have."""
        if event.room is not None and event.provider_call_ids and is_in_attempt(call, attempt_id):
            self.links.link(event.provider, event.provider_call_ids[0], event.room)

    # --- what it says ------------------------------------------------------------------------------------------------

    async def _hear(self, event: CarrierEvent, attempt_id: AttemptId) -> str:
        call = self.store.get(attempt_id.account_id, attempt_id.call_id)
        if call is None:
            return "unknown_call"
        self._link(event, call, attempt_id)
        at = _moment(event, call, self.clock())
        match event.kind:
            case Kind.OTHER:
                return "not_of_interest"
            case Kind.ANSWERED:
                return await self._answers.hear(call, attempt_id, at)
            case Kind.RINGING:
                return await self._apply(call, CarrierRang(at, attempt_id.attempt))
            case Kind.FORWARDED:
                forwarded = CarrierForwarded(at, attempt_id.attempt, event.forwarded_to, event.to_voicemail)
                return await self._apply(call, forwarded)
            case Kind.FAILED:
                code = _refusal_code(event)
                failed = CarrierFailed(at, attempt_id.attempt, code, event.sip_status, event.cause, event.refusal)
                if is_in_attempt(call, attempt_id):
                    await self._await_legs_word(call, failed)
                return await self._apply(call, failed)
            case Kind.ENDED:
                return await self._apply(call, CarrierEnded(at, attempt_id.attempt, event.cause))

    async def _apply(self, call: Call, carriers_word: Event) -> str:
        outcome = self.progress.apply(call.account_id, call.call_id, carriers_word)
        is_full = isinstance(carriers_word, CarrierFailed) and carriers_word.refusal is Refusal.LIMIT
        if isinstance(outcome, Applied) and is_full and call.answer_from is AnswerFrom.CARRIER:
            # Also where the leg's leaving is to decide: whoever hears of that knows no carrier.
            self._rest_trunk(call)
        if Effect.END_ROOM in outcome.effects:
            async with self.telephony() as telephony:
                await self._ends.end(telephony, outcome)
        look_again_if_due(self.looks, self.log, outcome)
        return word_for(outcome)

    async def _await_legs_word(self, call: Call, failed: CarrierFailed) -> None:
        """The leg's webhook is on its way; the dialer waits for it in the same way where the answer is its to tell."""
        current_call: Call | None = call
        for wait_s in LEGS_WORD_WAITS_S:
            if current_call is None or not current_call.in_flight or current_call.attempt != failed.attempt:
                return
            if not waits_for_legs_word(current_call, failed):
                return
            await self.pause(wait_s)
            current_call = self.store.get(call.account_id, call.call_id)

    def _rest_trunk(self, call: Call) -> None:
        """The carrier was full. If that cannot be written, the carrier refuses the next call, too."""
        now = self.clock()
        try:
            self.paces.rest(call.trunk_id, now, now + CARRIER_PAUSE_S * MS_PER_S)
        except Exception:
            self.log.exception("trunk not put to rest", extra={"call_id": call.call_id})


def _attempt_named(room: str | None) -> AttemptId | None:
    """The attempt that a carrier names by its room; None for what is no room of ours."""
    attempt_id = attempt_of_room(room) if room else None
    if attempt_id is None or not (is_plausible_id(attempt_id.account_id) and is_plausible_id(attempt_id.call_id)):
        return None
    return attempt_id


def _moment(event: CarrierEvent, call: Call, now: int) -> int:
    """When it happened: the carrier's own moment where it can be true, and otherwise now."""
    began = call.dialed_at
    return event.at if event.at is not None and began is not None and began < event.at <= now else now


def _refusal_code(event: CarrierEvent) -> int | None:
    """The SIP code of a call that failed. A code of success cannot be that of a failure, and is left out."""
    return event.sip_code if event.sip_code is not None and event.sip_code >= _LOWEST_REFUSAL else None
