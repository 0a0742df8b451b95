"""Which number does what: the sandbox's telephone book.

Every number a user can dial without a telephone, what the phone at its end does, and the end reason a product should
give the call. `callee_for` also knows two families and treats any other number as an ordinary one that picks up:

    +1 555 0101 NNN   refuses at once with SIP code NNN
    +1 555 0102 NNN   rings, then refuses with NNN
    +1 555 0103 NNN   rings for 22 s, then refuses with NNN
"""

import re
from dataclasses import replace

from local.phones.numbers.callees import (
    AgentDeed,
    AgentScript,
    Callee,
    DialTrouble,
    HookTrouble,
    LineTrouble,
    Refusal,
)
from local.phones.numbers.sandbox_number import PICKS_UP, RING_S, RINGS_OUT, STAYS_ON, SandboxNumber, Wish
from local.phones.numbers.telling import TELLING, TOO_MANY_TEXT

BRIEF_RING_S = 2.0  # ringing before a refusal
VOICEMAIL_RING_S = 4.0  # ringing before the carrier's 480: long enough to be a phone, too short to be a time-out
LONG_RING_S = 22.0
FRAUD_TEXT = "32203 Call blocked: suspected fraud"
TOO_FAST_TEXT = "cps limit exceeded"

_REFUSES_AT_ONCE = "+15550101"
_REFUSES_AFTER_RINGING = "+15550102"
_REFUSES_AFTER_LONG = "+15550103"
_ANY_NUMBER = re.compile(r"\+1555010\d{4}")
_DIALLED_NUMBER = re.compile(r'"to(?:_number)?"\s*:\s*"(\+1555010\d{4})"')


def _agent(deed: AgentDeed, after_s: float = 2.0) -> AgentScript:
    return AgentScript(deed, after_s)


_ORDINARY = (
    SandboxNumber("+15550100200", PICKS_UP, "answers, talks 4 s, hangs up", "USER_HUNG_UP_IN_CALL"),
    SandboxNumber(
        "+15550100201", STAYS_ON, "answers and never hangs up", "MAX_DURATION_REACHED", wish=Wish.SHORT_LIMIT
    ),
    SandboxNumber(
        "+15550100203", replace(PICKS_UP, hangs_up_after_s=3.0), "early media, then answers", "USER_HUNG_UP_IN_CALL"
    ),
    SandboxNumber(
        "+15550100181",
        Callee(answers_after_s=3.0, hangs_up_after_s=3.0),
        "is forwarded (181), answers after 3 s",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber("+15550100000", RINGS_OUT, "rings and is never answered", "USER_DID_NOT_PICK_UP"),
    SandboxNumber(
        "+15550100002",
        Callee(silent=True),
        "the carrier never answers the INVITE (given up after 32 s, or the ring time-out)",
        "USER_DID_NOT_PICK_UP or SIP_FAILED_TRUNK",
    ),
    SandboxNumber(
        "+15550100603",
        Callee(refusal=Refusal(603, FRAUD_TEXT), refuses_after_s=BRIEF_RING_S),
        "rings, 603 with the carrier's fraud code 32203",
        "SIP_FAILED_NUMBER_BLOCKED",
    ),
)

_REFUSING = (
    ("+15550102480", "rings 4 s, then 480: voicemail before the connection", "VOICEMAIL_DETECTED_PRECONNECT"),
    ("+15550103480", "rings 22 s, then 480", "USER_DID_NOT_PICK_UP"),
    ("+15550101408", "rings 2 s, then 408", "USER_DID_NOT_PICK_UP"),
    ("+15550101486", "is busy (486) without ringing", "USER_BUSY"),
    ("+15550102486", "rings, is declined with 486", "USER_HUNG_UP_RINGING"),
    ("+15550102603", "rings, is declined with 603", "USER_HUNG_UP_RINGING"),
    ("+15550101404", "does not exist (404)", "SIP_FAILED_WRONG_NUMBER"),
    ("+15550101484", "is incomplete (484)", "SIP_FAILED_WRONG_NUMBER"),
    ("+15550101302", "has moved (302)", "SIP_FAILED_WRONG_NUMBER"),
    ("+15550101403", "is forbidden (403)", "SIP_FAILED_NUMBER_BLOCKED"),
    ("+15550101607", "is unwanted (607)", "SIP_FAILED_NUMBER_BLOCKED"),
    ("+15550101608", "is rejected by the carrier (608)", "SIP_FAILED_NUMBER_BLOCKED"),
    ("+15550101401", "the carrier wants credentials the trunk does not have", "SIP_FAILED_TRUNK"),
    ("+15550101500", "the carrier fails (500)", "SIP_FAILED_TRUNK"),
    ("+15550101503", "the trunk is down (503)", "SIP_FAILED_TRUNK"),
)

_LIMITED = (
    SandboxNumber(
        "+15550102503",
        replace(PICKS_UP, refusal=Refusal(503, TOO_FAST_TEXT), refuses_times=2),
        "the carrier finds us too fast (503 at once) twice, then it rings and answers",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550103503",
        Callee(rings_after_s=None, refusal=Refusal(503, TOO_MANY_TEXT)),
        "the carrier has too many of our calls (503 at once), every time: deferred until the call's `expires_at`",
        "EXPIRED_IN_QUEUE",
        Wish.SHORT_EXPIRY,
    ),
)

_TROUBLED = (
    SandboxNumber(
        "+15550100300",
        replace(PICKS_UP, hangs_up_after_s=2.0, hooks=HookTrouble.LAST_LOST),
        "answers, hangs up after 2 s, and the webhooks of the end are lost",
        "IDLE_TIMEOUT",
    ),
    SandboxNumber(
        "+15550100301",
        replace(PICKS_UP, hangs_up_after_s=2.0, hooks=HookTrouble.ALL_LOST),
        "answers, hangs up after 2 s, and every webhook is lost",
        "IDLE_TIMEOUT",
    ),
    SandboxNumber(
        "+15550100302",
        replace(PICKS_UP, hooks=HookTrouble.DOUBLED),
        "answers; every webhook comes twice",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100303",
        replace(PICKS_UP, hooks=HookTrouble.REORDERED),
        "answers; webhooks overtake each other",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100304",
        replace(PICKS_UP, hooks=HookTrouble.LATE),
        "answers; every webhook is 5 s late",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100310",
        replace(PICKS_UP, dial=DialTrouble.CONNECTION_DROPPED),
        "the dial's connection drops after the INVITE; the phone answers",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100311",
        replace(PICKS_UP, dial=DialTrouble.BAD_GATEWAY),
        "the dial answers 502 after the INVITE; the phone answers",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100312",
        replace(RINGS_OUT, dial=DialTrouble.CONNECTION_DROPPED),
        "the dial's connection drops after the INVITE; the phone rings out",
        "USER_DID_NOT_PICK_UP",
    ),
    SandboxNumber(
        "+15550100320",
        replace(PICKS_UP, dial=DialTrouble.NO_BRIDGE_AT_FIRST),
        "no SIP bridge twice (nothing rang), then answers",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100321",
        replace(PICKS_UP, dial=DialTrouble.NO_BRIDGE),
        "never a SIP bridge: nothing ever rings",
        "SIP_FAILED_TRUNK",
    ),
    SandboxNumber(
        "+15550100330",
        replace(STAYS_ON, agent=_agent(AgentDeed.ABSENT)),
        "answers; no agent joins",
        "AGENT_DID_NOT_JOIN",
    ),
    SandboxNumber(
        "+15550100331",
        Callee(answers_after_s=RING_S, hangs_up_after_s=8.0, agent=AgentScript(joins_after_s=5.0)),
        "answers; the agent joins 5 s after its dispatch",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100332",
        replace(STAYS_ON, agent=_agent(AgentDeed.LEAVE)),
        "answers; the agent leaves after 2 s, the caller stays",
        "AGENT_FAILED",
    ),
    SandboxNumber(
        "+15550100333",
        replace(STAYS_ON, agent=_agent(AgentDeed.CRASH)),
        "answers; the agent crashes after 2 s, seen 20 s later",
        "AGENT_FAILED",
    ),
    SandboxNumber(
        "+15550100334",
        replace(STAYS_ON, agent=_agent(AgentDeed.HANG_UP, 3.0)),
        "answers; the agent hangs up after 3 s",
        "AGENT_HUNG_UP",
    ),
    SandboxNumber(
        "+15550100340",
        replace(STAYS_ON, line=LineTrouble.BRIDGE_DIES_ACTIVE),
        "answers; the SIP bridge dies 2 s into the call, seen 21 s later",
        "IDLE_TIMEOUT",
    ),
    SandboxNumber(
        "+15550100341",
        replace(RINGS_OUT, line=LineTrouble.BRIDGE_DIES_RINGING),
        "the SIP bridge dies while the phone rings",
        "DIAL_STATE_UNKNOWN",
    ),
    SandboxNumber(
        "+15550100342",
        Callee(answers_after_s=RING_S, hangs_up_after_s=8.0, line=LineTrouble.SERVER_RESTARTS_ACTIVE),
        "answers; LiveKit restarts in the call and the leg joins again with a new sid",
        "USER_HUNG_UP_IN_CALL",
    ),
)


def callee_for(number: str) -> Callee:
    """What the phone behind `number` does. Unknown numbers pick up and hang up like +15550100200."""
    named = _BY_NUMBER.get(number)
    return named.callee if named else _family_callee(number)


def number_named_in(text: str) -> str | None:
    """The number of the sandbox that a text such as a room's metadata is about: the dialled one where it says so, or
    else the first."""
    if dialled := _DIALLED_NUMBER.search(text):
        return dialled.group(1)
    found = _ANY_NUMBER.search(text)
    return found.group() if found else None


def table_markdown() -> str:
    """The telephone book as a table in Markdown, for people who read a README."""
    lines = ["| number | the phone | end reason |", "|---|---|---|"]
    lines += [f"| `{entry.number}` | {entry.does} | {entry.end_reason} |" for entry in NUMBERS]
    lines += [
        f"| `{_REFUSES_AT_ONCE}NNN` | refuses at once with SIP code NNN | by the code |",
        f"| `{_REFUSES_AFTER_RINGING}NNN` | rings, then refuses with NNN | by the code |",
        f"| `{_REFUSES_AFTER_LONG}NNN` | rings {LONG_RING_S:.0f} s, then refuses with NNN | by the code |",
        "| any other | as `+15550100200` | USER_HUNG_UP_IN_CALL |",
    ]
    return "\n".join(lines) + "\n"


def _family_callee(number: str) -> Callee:
    family, code_text = number[:-3], number[-3:]
    if not code_text.isdecimal() or not 300 <= int(code_text) < 700:
        return PICKS_UP
    refusal = Refusal(int(code_text))
    if family == _REFUSES_AFTER_LONG:
        return Callee(refusal=refusal, refuses_after_s=LONG_RING_S)
    if family == _REFUSES_AFTER_RINGING:
        ring_s = VOICEMAIL_RING_S if refusal.sip_code == 480 else BRIEF_RING_S
        return Callee(refusal=refusal, refuses_after_s=ring_s)
    if family == _REFUSES_AT_ONCE:
        # A request that timed out did ring, and a challenge is not yet a refusal.
        if refusal.sip_code == 408:
            return Callee(refusal=refusal, refuses_after_s=BRIEF_RING_S)
        return Callee(rings_after_s=None, refusal=refusal, wants_credentials=refusal.sip_code in (401, 407))
    return PICKS_UP


NUMBERS = (
    *_ORDINARY,
    *(SandboxNumber(number, _family_callee(number), does, reason) for number, does, reason in _REFUSING),
    *_LIMITED,
    *_TROUBLED,
    *TELLING,
)
_BY_NUMBER = {entry.number: entry for entry in NUMBERS}
