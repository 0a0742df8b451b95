"""What makes an answered call a voicemail's greeting, and that as evidence which people can check. Pure."""

from typing import Any

from ringline.calls.model.call import Call
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import HEARS_WITHIN_S, MS_PER_S, VOICEMAIL_GREETING_MIN_S, VOICEMAIL_GREETING_S
from ringline.calls.rules.unanswered import ring_s

_BEFORE, _AFTER = EndReason.VOICEMAIL_DETECTED_PRECONNECT, EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED


def was_unheard_greeting(call: Call, answered_at: int, ended_at: int) -> bool:
    """Whether somebody answered, spoke not a word to an agent that could hear, and was gone after as
    long as a greeting takes."""
    hears_at = call.reports.ready_at
    if hears_at is None or not call.reports.hears_speech or call.reports.user_spoke_at is not None:
        return False
    shortest = VOICEMAIL_GREETING_MIN_S if call.voicemail_greeting_min_s is None else call.voicemail_greeting_min_s
    longest = VOICEMAIL_GREETING_S if call.voicemail_greeting_s is None else call.voicemail_greeting_s
    lasted_as_long = shortest * MS_PER_S <= ended_at - answered_at <= longest * MS_PER_S
    return hears_at - answered_at <= HEARS_WITHIN_S * MS_PER_S and lasted_as_long


def needs_last_words(call: Call) -> bool:
    """Whether a call whose leg has left for good would be taken for a greeting, and only because its agent has not yet
    said that somebody spoke."""
    left_at, answered_at = call.evidence.leg_left_at, call.answered_at
    if left_at is None or answered_at is None or call.active_at is None or not call.evidence.leg_has_left_for_good:
        return False
    if call.comes_in or call.reports.said_all or answered_at == left_at:
        return False
    is_told = call.reports.transferred_at or call.reports.voicemail_at or call.carrier.to_voicemail
    return not is_told and was_unheard_greeting(call, answered_at, left_at)


def voicemail_evidence(call: Call) -> dict[str, Any] | None:
    """How a call that ended as a voicemail's was told to be one, and what was and was not heard; None for any other.

    `method` is `brief_ring` (unavailable after ringing as long as voicemail takes), `forwarded` (the carrier passed
    the call on), `agent_said_so`, or `unheard_greeting` (answered, an agent that can hear heard nobody, over soon).
    """
    ended_at = call.ended_at
    if call.end_reason not in {_BEFORE, _AFTER} or ended_at is None:
        return None
    talk_ms = None if call.answered_at is None else max(0, ended_at - call.answered_at)
    return {
        "method": _method(call),
        "ring_s": ring_s(call, ended_at),
        "talk_s": None if talk_ms is None else talk_ms / 1000,
        "sip_code": call.evidence.sip_code,
        "forwarded_to": call.carrier.forwarded_to,
        "agent_could_hear": call.reports.hears_speech,
        "caller_spoke": call.reports.user_spoke_at is not None,
        "agent_said": call.reports.voicemail_why,
    }


def _method(call: Call) -> str:
    if call.reports.voicemail_at is not None or call.reports.hung_up_for is not None:
        return "agent_said_so"
    if call.carrier.to_voicemail or (call.end_reason is _BEFORE and call.carrier.forwarded_at is not None):
        return "forwarded"
    return "brief_ring" if call.end_reason is _BEFORE else "unheard_greeting"
