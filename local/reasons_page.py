"""Writes docs/end-reasons.md from the code that gives the reasons: `python -m local.reasons_page`."""

from dataclasses import dataclass

from local.phones.sip_status import SIP_CODES, phrase
from local.places import ROOT
from ringline.calls.call import Call, CallStatus, Evidence, State
from ringline.calls.reasons import MEANINGS, EndReason, Meaning
from ringline.calls.timing import RING_TIMEOUT_S, VOICEMAIL_RING_MAX_S, VOICEMAIL_RING_MIN_S
from ringline.calls.verdict import end_reason

PAGE = ROOT / "docs" / "end-reasons.md"

_SPECIAL = (
    (503, "cps limit exceeded", "a carrier's limit, by its text: also 403, 429 and any 5xx"),
    (603, "32203", "a fraud block, by Twilio's error number in its text"),
    (399, "", "any other 3xx"),
    (499, "", "any other 4xx"),
    (599, "", "any other 5xx"),
    (699, "", "any other 6xx"),
)


@dataclass(frozen=True, slots=True)
class Ring:
    """How the phone had rung when the response came."""

    status: CallStatus
    for_s: int


NOT_RUNG = Ring(CallStatus.DIALING, 1)
RANG_BRIEFLY = Ring(CallStatus.RINGING, (VOICEMAIL_RING_MIN_S + VOICEMAIL_RING_MAX_S) // 2)
RANG_LONG = Ring(CallStatus.RINGING, VOICEMAIL_RING_MAX_S + 2)


def reason_for(sip_code: int, ring: Ring, sip_status: str = "") -> EndReason:
    """The reason of an outbound call that was refused so."""
    dialed_at = 1000
    ended_at = dialed_at + ring.for_s * 1000
    evidence = Evidence(
        sip_code=sip_code, sip_status=sip_status, last_call_status=ring.status.value, leg_left_at=ended_at
    )
    call = Call(
        account_id="",
        call_id="",
        state=State.DIALING,
        ring_timeout_s=RING_TIMEOUT_S,
        max_call_duration_s=600,
        created_at=0,
        eligible_at=0,
        dialed_at=dialed_at,
        evidence=evidence,
    )
    return end_reason(call, ended_at)


def page() -> str:
    """The page as it should be."""
    reasons = [_reason_row(reason, MEANINGS[reason]) for reason in EndReason]
    codes = [_code_row(code, f"`{code}` {phrase(code)}".removesuffix(" Unknown")) for code in SIP_CODES]
    special = [_code_row(code, f"`{code}`: {what}" if text else what, text) for code, text, what in _SPECIAL]
    return "\n".join([_HEAD, *reasons, _BETWEEN, *codes, *special, _FOOT])


def _reason_row(reason: EndReason, meaning: Meaning) -> str:
    retry = "yes" if meaning.retryable else "no"
    return f"| `{reason}` | {meaning.category} | {meaning.ended_by} | {retry} | {meaning.when} |"


def _code_row(code: int, what: str, sip_status: str = "") -> str:
    seen = [reason_for(code, ring, sip_status) for ring in (NOT_RUNG, RANG_BRIEFLY, RANG_LONG)]
    return f"| {what} | {' | '.join(seen)} |"


_HEAD = """\
# Why calls end

Written by `make reasons-page` from `calls/reasons.py` and `calls/verdict.py`; a test holds this page to them.

## The reasons

A call shows its reason as `end_reason`, with `end_category`, `ended_by` and `retryable`: whether the same number may
well answer later. A retry policy names reasons or categories. A name, once given, keeps its meaning.

| reason | category | ended by | retryable | when |
|---|---|---|---|---|"""

_BETWEEN = f"""
## What a SIP code becomes

The final response to an outbound INVITE is the call's `sip_code`. What Ringline recorded itself goes first: a call that
was canceled, or reached a limit of its own, ends with that reason whatever the carrier says.

- *Not rung*: the leg's last status is `dialing`; or none came, and the dial took less than {VOICEMAIL_RING_MIN_S} s.
- *Rang briefly*: within the voicemail window, {VOICEMAIL_RING_MIN_S} to {VOICEMAIL_RING_MAX_S} s and below the ring
  time-out. A pipe may have its own.
- *Rang long*: longer than that.

| response | not rung | rang briefly | rang long |
|---|---|---|---|"""

_FOOT = """
A code outside these classes ends as `DIAL_STATE_UNKNOWN`. The raw code, its text and LiveKit's words are kept with the
call.
"""


if __name__ == "__main__":
    PAGE.write_text(page())
