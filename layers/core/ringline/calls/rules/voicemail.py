"""What makes a call a voicemail's, as evidence that people can check. Pure."""

from typing import Any

from ringline.calls.model.call import Call
from ringline.calls.model.reasons import EndReason
from ringline.calls.rules.verdict import ring_s

_BEFORE, _AFTER = EndReason.VOICEMAIL_DETECTED_PRECONNECT, EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED


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
