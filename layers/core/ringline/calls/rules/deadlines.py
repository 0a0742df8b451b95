"""What a call in flight is owed by the clock. Pure: the sweep looks, this decides."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

from ringline.calls.model.call import UP, AnswerFrom, Call, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import (
    AGENT_CHECK_EVERY_S,
    AGENT_FIRST_S,
    AGENT_SLOW_S,
    AGENT_SUCCESSOR_S,
    ANSWER_MARGIN_S,
    DIAL_OUTCOME_MARGIN_S,
    DIALER_SILENCE_S,
    DISPATCH_EVERY_S,
    IDLE_S,
    LIMIT_AHEAD_S,
    MEDIA_SILENCE_S,
)
from ringline.calls.model.transfers.transfer import TransferState, of_dial, under_way
from ringline.calls.rules.last_words import in_its_state, last_words_wait_s
from ringline.calls.rules.presence_rules import (
    agent_join_s,
    awaits_successor,
    dispatch_is_due,
    falls_back_at,
    successor_waits_s,
)
from ringline.calls.rules.transfers.due import begins_within_s
from ringline.calls.rules.transfers.steps import was_sent_away
from ringline.record import Record

if TYPE_CHECKING:
    # The hook decides without a look into the room, and starts faster without these.
    from ringline.calls.model.room_view import LegView

_SWEEP_EVERY_MS = 60_000


class Owed(StrEnum):
    NOTHING = "nothing"
    """The call is fine."""
    PEEK = "peek"
    """It may have been answered without our knowing; if not, it is fine."""
    LOOK = "look"
    """Something is late: look who is in the room."""
    SETTLE = "settle"
    """Nothing of it is alive: what is recorded tells why it ended."""


class End(Record):
    """A limit has passed: end the call for this reason; None where the record tells the reason."""

    reason: EndReason | None


def owed(call: Call, room_is_open: bool, now: int) -> Owed | End:
    """What is due to a call in flight, from the record and whether its room is open at all."""
    call = in_its_state(call)
    if call.end_asked_at is not None:
        return End(None)
    if call.awaits_agent_since is not None:
        return Owed.SETTLE if now >= agent_awaited_until(call) else Owed.NOTHING
    if is_to_be_believed_over(call, now):
        return Owed.LOOK if room_is_open else Owed.SETTLE
    if call.state is State.LAST_WORDS:
        return Owed.NOTHING
    if call.answered_at is None and call.comes_in:
        # A leg that just lost its connection has its time to come back.
        waits = Owed.NOTHING if is_told_to_be_over(call) else Owed.LOOK
        return waits if room_is_open else Owed.SETTLE
    if call.answered_at is None:
        if now >= dial_outcome_due_at(call):
            return Owed.LOOK
        # Its dialer is gone, and the carrier's word may have got lost.
        return Owed.PEEK if call.answer_from is AnswerFrom.CARRIER and room_is_open else Owed.NOTHING
    return _owed_in_call(call, call.answered_at, now) if room_is_open else Owed.SETTLE


def _owed_in_call(call: Call, answered_at: int, now: int) -> Owed | End:
    if _passed(answered_at, call.max_call_duration_s, now):
        return End(EndReason.MAX_DURATION_REACHED)
    if is_told_to_be_over(call) and not _only_a_place_failed(call):
        # Who is just going has their time to say so.
        return Owed.NOTHING
    if _passed(_idle_since(call), IDLE_S, now):
        return End(EndReason.IDLE_TIMEOUT)
    if call.active_at is None and _passed(answered_at, AGENT_SLOW_S, now):
        return Owed.LOOK
    if was_sent_away(call):
        # Its phone has left, whether or not anybody has told.
        return Owed.LOOK
    if _passed(call.agent_left_at, AGENT_SUCCESSOR_S, now) or (awaits_successor(call) and dispatch_is_due(call, now)):
        return Owed.LOOK
    in_check_minute = (now - answered_at) % (AGENT_CHECK_EVERY_S * 1000) < _SWEEP_EVERY_MS
    return Owed.LOOK if in_check_minute and call.active_at is not None else Owed.NOTHING


def _idle_since(call: Call) -> int | None:
    """Since when nobody has been heard; None where somebody has, or where a silence tells nothing: the agent does not
    hear whom the call was handed to, and who waits for somebody to come is silent, however long that takes."""
    silent_since = call.reports.silence_counts_from
    is_handed_over = call.reports.transferred_at is not None or call.handed_over_at is not None
    if silent_since is None or is_handed_over or under_way(call.transfers) is not None:
        return None
    waited_until = (each.ended_at for each in of_dial(call.transfers, call.attempt) if each.ended_at is not None)
    return max([silent_since, *waited_until])


def agent_first_s(call: Call) -> int:
    """How long a call that is not to ring without its agent waits for it before the INVITE."""
    return AGENT_FIRST_S if call.agent_join_timeout_s is None else call.agent_join_timeout_s


def agent_awaited_until(call: Call) -> int:
    """When a dialer that lives has found out whether the agent comes."""
    since = call.awaits_agent_since or call.dialed_at or call.created_at
    return since + (agent_first_s(call) + DIAL_OUTCOME_MARGIN_S) * 1000


def look_again_in_s(call: Call) -> int:
    """When a look will tell what became of a call whose agent, leg or room just went, or whose agent is missing. With
    nothing amiss it is the limit of the conversation."""
    words = list(_words_of_an_end(call))
    if not words:
        return _look_at_who_is_there_in_s(call)
    tells_in_s = max(words)[1] + 1
    # Whoever is missing is looked after as if nobody had spoken of another place.
    return min(tells_in_s, _look_at_who_is_there_in_s(call)) if _only_a_place_failed(call) else tells_in_s


def _look_at_who_is_there_in_s(call: Call) -> int:
    if awaits_successor(call):
        return DISPATCH_EVERY_S
    if (transfer := under_way(call.transfers)) is not None and transfer.left is not None:
        return DIALER_SILENCE_S
    if transfer is not None and transfer.state is TransferState.JOINED and transfer.is_to_agent:
        # Two agents must not talk at once.
        return 1
    if transfer is not None and transfer.begun_at is None:
        return begins_within_s(transfer)
    if call.end_asked_at is not None and call.transfers and call.transfers[-1].ends_call:
        return 1
    if call.agent_left_at is not None:
        return successor_waits_s(call) + 1
    return AGENT_SLOW_S if call.active_at is None else call.max_call_duration_s


def agent_due_at(call: Call) -> int:
    """When somebody who was answered, or who rings in, has waited for an agent long enough."""
    return caller_waits_until(call) if call.answered_at is None else call.answered_at + agent_join_s(call) * 1000


def dispatch_again_in_s(call: Call, now: int) -> int:
    """When to look again after a call to which an agent was dispatched just now: one look is there when it falls back,
    and the last one ends it."""
    moments = (agent_due_at(call), falls_back_at(call))
    next_at = min((at for at in moments if at is not None and at > now), default=now)
    return max(1, min(DISPATCH_EVERY_S, -(-(next_at - now) // 1000)))


def is_told_to_be_over(call: Call) -> bool:
    """Whether somebody says that the attempt is over, without being the one who decides."""
    return any(_words_of_an_end(call))


def is_to_be_believed_over(call: Call, now: int) -> bool:
    """Whether the one who decides has been waited for long enough since somebody said so."""
    return any(_passed(word, patience_s, now) for word, patience_s in _words_of_an_end(in_its_state(call)))


def believed_over_in_s(call: Call, now: int) -> int | None:
    """In how many seconds the carrier's word that a place failed is to be believed. None where there is no such word:
    after any other one nobody looks before that moment."""
    if not _only_a_place_failed(call) or is_to_be_believed_over(call, now):
        return None
    return min(
        (-(-(word + patience_s * 1000 - now) // 1000) for word, patience_s in _words_of_an_end(call)), default=None
    )


def _only_a_place_failed(call: Call) -> bool:
    """Whether nobody says that an answered call is over but its carrier, of which a place failed: another one than has
    answered, in all likelihood. It is no reason to keep anybody waiting for their agent."""
    others_say_so = call.evidence.leg_left_at is not None or call.evidence.room_finished_at is not None
    return call.answered_at is not None and call.carrier.end_is_failure and not others_say_so


def _words_of_an_end(call: Call) -> Iterator[tuple[int, int]]:
    """Since when somebody says so, and for how many seconds the one who decides is waited for."""
    seen, said = call.evidence, call.carrier
    if seen.leg_left_at is not None and call.state is State.LAST_WORDS:
        # Its agent alone can tell more.
        yield seen.leg_left_at, last_words_wait_s(call)
        return
    if seen.leg_left_at is not None:
        yield seen.leg_left_at, DIALER_SILENCE_S
    if seen.room_finished_at is not None:
        yield seen.room_finished_at, DIALER_SILENCE_S
    if said.failed_at is not None and call.answered_at is None:
        yield said.failed_at, DIALER_SILENCE_S
    if said.believed_end_at is not None:
        yield said.believed_end_at, DIALER_SILENCE_S


def carrier_may_be_right_for_s(call: Call, others_joined_at: Iterable[int], now: int) -> int:
    """For how many more seconds a carrier may be believed that alone tells of an end, while the leg is listed: LiveKit
    gives up a leg from which no sound comes.

    After a restart LiveKit lists who was there before it, gone or not. Whoever else is in the room, an agent or another
    phone, and joined after the carrier's word may have come back from one, so the wait begins with them.
    """
    ended_at = call.carrier.believed_end_at
    others_say_so = call.evidence.leg_left_at is not None or call.evidence.room_finished_at is not None
    if ended_at is None or others_say_so:
        return 0
    since = max([ended_at, *(min(joined_at, now) for joined_at in others_joined_at)])
    return max(0, -(-(since + MEDIA_SILENCE_S * 1000 - now) // 1000))


def limit_falls_in_s(call: Call, now: int) -> int | None:
    """In how many seconds the conversation reaches its limit, if that is before the next run of the sweep."""
    if call.answered_at is None or not call.in_flight:
        return None
    left_ms = call.answered_at + call.max_call_duration_s * 1000 - now
    return -(-left_ms // 1000) if 0 < left_ms <= LIMIT_AHEAD_S * 1000 else None


def caller_waits_until(call: Call) -> int:
    """When somebody who rings in has waited for an agent long enough."""
    return (call.dialed_at or call.created_at) + call.ring_timeout_s * 1000


def dial_outcome_due_at(call: Call) -> int:
    """When a dial must have had its outcome, if its dialer lives."""
    begun = call.dialed_at or call.created_at
    return begun + (call.ring_timeout_s + ANSWER_MARGIN_S + DIAL_OUTCOME_MARGIN_S) * 1000


def is_up(leg: "LegView | None") -> bool:
    """Whether a leg found in the room is an answered call."""
    return leg is not None and leg.call_status in UP


def _passed(since: int | None, limit_s: int, now: int) -> bool:
    return since is not None and now - since >= limit_s * 1000
