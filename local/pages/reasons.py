"""Writes docs/end-reasons.md from the code that gives the reasons: `python -m local.pages.reasons`."""

from copy import replace
from dataclasses import dataclass

from local.phones.model.sip_status import SIP_CODES, phrase
from local.phones.numbers.book import CALLER_ID_TEXT, FRAUD_TEXT, TOO_FAST_TEXT
from local.tools.places import ROOT
from ringline.calls.model.call import AgentReports, Call, CallStatus, CarrierWords, Evidence, State
from ringline.calls.model.reasons import MEANINGS, EndReason, Meaning
from ringline.calls.model.timing import (
    RING_TIMEOUT_S,
    VOICEMAIL_GREETING_S,
    VOICEMAIL_RING_MAX_S,
    VOICEMAIL_RING_MIN_S,
)
from ringline.calls.rules.verdict import end_reason
from ringline.telephony.carriers.refusals import refusal_in

PAGE = ROOT / "docs" / "end-reasons.md"

_SPECIAL = (
    (503, TOO_FAST_TEXT, "a carrier's limit, by its text: also 403, 429 and any 5xx"),
    (603, FRAUD_TEXT, "a fraud block, by Twilio's error number in its text"),
    (
        403,
        CALLER_ID_TEXT,
        "our account, balance, caller id or permitted countries, by its text: also any other code",
    ),
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


_DIALED_AT = 1000
_DIALED = Call(
    account_id="",
    call_id="",
    state=State.DIALING,
    ring_timeout_s=RING_TIMEOUT_S,
    max_call_duration_s=600,
    created_at=0,
    eligible_at=0,
    dialed_at=_DIALED_AT,
)
_SAID_NOTHING = CarrierWords()
_REPORTED_NOTHING = AgentReports()
_HEARS = AgentReports(ready_at=_DIALED_AT, can_report=("user_spoke", "silence"))
_BRIEF_S, _LONG_S = VOICEMAIL_GREETING_S - 5, VOICEMAIL_GREETING_S + 5

# What LiveKit alone says of a dial that has no SIP code.
_LEAVINGS = (
    ("`USER_UNAVAILABLE`", Evidence(disconnect_reason="USER_UNAVAILABLE"), _SAID_NOTHING),
    ("`USER_REJECTED`", Evidence(disconnect_reason="USER_REJECTED"), _SAID_NOTHING),
    (
        "`CLIENT_INITIATED`: a carrier's 5xx, in older versions",
        Evidence(disconnect_reason="CLIENT_INITIATED"),
        _SAID_NOTHING,
    ),
    ("`SIP_TRUNK_FAILURE`", Evidence(disconnect_reason="SIP_TRUNK_FAILURE"), _SAID_NOTHING),
    ("`ROOM_DELETED`, not by Ringline", Evidence(disconnect_reason="ROOM_DELETED"), _SAID_NOTHING),
    ("`CONNECTION_TIMEOUT`", Evidence(disconnect_reason="CONNECTION_TIMEOUT"), _SAID_NOTHING),
    ("a reason of a later version", Evidence(disconnect_reason="SOMETHING_NEW"), _SAID_NOTHING),
    (
        "`failed_precondition` of the dial: credentials, media",
        Evidence(twirp_code="failed_precondition"),
        _SAID_NOTHING,
    ),
    ("480 after the carrier said *forwarded*", Evidence(sip_code=480), CarrierWords(forwarded_at=_DIALED_AT)),
    (
        "any, after the carrier said *forwarded to voicemail*",
        Evidence(sip_code=486),
        CarrierWords(forwarded_at=_DIALED_AT, to_voicemail=True),
    ),
)


def _left(reason: str, status: CallStatus) -> Evidence:
    """What LiveKit tells of a leg that left for a reason and with its last status."""
    return Evidence(disconnect_reason=reason, last_call_status=status)


# How a conversation ends, and what agent and carrier had reported by then.
_ENDS = (
    ("the other side hung up", _left("CLIENT_INITIATED", CallStatus.HANGUP)),
    ("the room was closed, not by Ringline", _left("ROOM_DELETED", CallStatus.ACTIVE)),
    ("no sound any more", _left("CLIENT_INITIATED", CallStatus.ACTIVE)),
    ("the connection was lost", _left("CONNECTION_TIMEOUT", CallStatus.ACTIVE)),
)
_REPORTED = (
    ("nothing", _LONG_S, _REPORTED_NOTHING, _SAID_NOTHING),
    ("somebody spoke", _BRIEF_S, replace(_HEARS, user_spoke_at=_DIALED_AT), _SAID_NOTHING),
    (f"ready, and nobody spoke, within {VOICEMAIL_GREETING_S} s", _BRIEF_S, _HEARS, _SAID_NOTHING),
    ("ready, and nobody spoke, for longer", _LONG_S, _HEARS, _SAID_NOTHING),
    ("silence", _LONG_S, replace(_HEARS, user_spoke_at=_DIALED_AT, silent_since=_DIALED_AT), _SAID_NOTHING),
    ("voicemail", _LONG_S, replace(_HEARS, voicemail_at=_DIALED_AT), _SAID_NOTHING),
    ("transfer", _LONG_S, replace(_HEARS, transferred_at=_DIALED_AT), _SAID_NOTHING),
    (
        "the carrier: forwarded to voicemail",
        _LONG_S,
        _REPORTED_NOTHING,
        CarrierWords(forwarded_at=_DIALED_AT, to_voicemail=True),
    ),
)


def reason_for(sip_code: int, ring: Ring, sip_status: str = "") -> EndReason:
    """The reason of an outbound call that was refused so."""
    evidence = Evidence(sip_code=sip_code, sip_status=sip_status, refusal=refusal_in(sip_code, sip_status))
    return _of_a_dial(evidence, ring)


def _of_a_dial(evidence: Evidence, ring: Ring, carrier: CarrierWords = _SAID_NOTHING) -> EndReason:
    ended_at = _DIALED_AT + ring.for_s * 1000
    seen = replace(evidence, last_call_status=ring.status, leg_left_at=ended_at)
    return end_reason(replace(_DIALED, evidence=seen, carrier=carrier), ended_at)


def _of_a_conversation(end: Evidence, talked_s: int, reports: AgentReports, carrier: CarrierWords) -> EndReason:
    ended_at = _DIALED_AT + talked_s * 1000
    talked = replace(
        _DIALED,
        state=State.ACTIVE,
        answered_at=_DIALED_AT,
        active_at=_DIALED_AT,
        evidence=replace(end, leg_left_at=ended_at),
        reports=reports,
        carrier=carrier,
    )
    return end_reason(talked, ended_at)


def page() -> str:
    """The page as it should be."""
    reasons = [_reason_row(reason, MEANINGS[reason]) for reason in EndReason]
    codes = [_code_row(code, f"`{code}` {phrase(code)}".removesuffix(" Unknown")) for code in SIP_CODES]
    special = [_code_row(code, f"`{code}`: {what}" if text else what, text) for code, text, what in _SPECIAL]
    leavings = [_leaving_row(*leaving) for leaving in _LEAVINGS]
    reported = [_report_row(*each) for each in _REPORTED]
    return "\n".join(
        [_HEAD, *reasons, _BETWEEN, *codes, *special, _WITHOUT_CODE, *leavings, _AFTER_ANSWER, *reported, _FOOT]
    )


def _reason_row(reason: EndReason, meaning: Meaning) -> str:
    retry = "yes" if meaning.retryable else "no"
    return f"| `{reason}` | {meaning.category} | {meaning.ended_by} | {retry} | {meaning.when} |"


def _code_row(code: int, what: str, sip_status: str = "") -> str:
    seen = [reason_for(code, ring, sip_status) for ring in (NOT_RUNG, RANG_BRIEFLY, RANG_LONG)]
    return f"| {what} | {' | '.join(seen)} |"


def _leaving_row(what: str, evidence: Evidence, carrier: CarrierWords) -> str:
    seen = [_of_a_dial(evidence, ring, carrier) for ring in (NOT_RUNG, RANG_BRIEFLY, RANG_LONG)]
    return f"| {what} | {' | '.join(seen)} |"


def _report_row(what: str, talked_s: int, reports: AgentReports, carrier: CarrierWords) -> str:
    seen = [_of_a_conversation(end, talked_s, reports, carrier) for _, end in _ENDS]
    return f"| {what} | {' | '.join(seen)} |"


_HEAD = """\
# Why calls end

Written by `make reasons-page` from `calls/model/reasons.py`, `calls/rules/verdict.py` and `calls/rules/unanswered.py`;
a test holds it to them.

## The reasons

A call shows its reason as `end_reason`, with `end_category`, `ended_by` and `retryable`: whether the same number may
well answer later. A retry policy names reasons or categories. A name, once given, keeps its meaning.

| reason | category | ended by | retryable | when |
|---|---|---|---|---|"""

_BETWEEN = f"""
## What a SIP code becomes

The final response to an outbound INVITE is the call's `sip_code`. What Ringline recorded itself goes first: a call that
was canceled, or reached a limit of its own, ends with that reason whatever the carrier says. The text of a refusal is
read before its code: it may be about the carrier's limits, or about our own account, and not about the number.

- *Not rung*: the leg's last status is `dialing`; or none came, and the dial took less than {VOICEMAIL_RING_MIN_S} s.
- *Rang briefly*: within the voicemail window, {VOICEMAIL_RING_MIN_S} to {VOICEMAIL_RING_MAX_S} s and below the ring
  time-out. A pipe may have its own.
- *Rang long*: longer than that.

| response | not rung | rang briefly | rang long |
|---|---|---|---|"""

_WITHOUT_CODE = """
A code outside these classes ends as `DIAL_STATE_UNKNOWN`. The raw code, its text and LiveKit's words are kept with the
call.

## Without a code

A dial whose dialer died, or that LiveKit ended, has no SIP code. What the leg's leaving says, and the carrier's own
[events](carriers.md), are then all there is. A dial that lasted its whole ring time-out is `USER_DID_NOT_PICK_UP`.

| told | not rung | rang briefly | rang long |
|---|---|---|---|"""

_AFTER_ANSWER = f"""
## After the answer

What the [agent](agents.md) and the carrier told decides, by how the conversation ended. An end that somebody asked for
(the API, the agent's `hang_up`, a limit) has the reason it was asked for; one at the longest duration is
`MAX_DURATION_REACHED`; without an agent in the room it is `AGENT_DID_NOT_JOIN`. Of callers who rang in, nobody is a
voicemail.

| told | {" | ".join(what for what, _ in _ENDS)} |
|---|---|---|---|---|"""

_FOOT = ""


if __name__ == "__main__":
    PAGE.write_text(page())
