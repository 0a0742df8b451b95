"""Which number does what: the sandbox's telephone book.

Every number a user can dial without a telephone, what the phone at its end does, and the end reason a product should
give the call. `callee_for` also knows two families and treats any other number as an ordinary one that picks up:

    +1 555 0101 NNN   refuses at once with SIP code NNN
    +1 555 0102 NNN   rings, then refuses with NNN
    +1 555 0103 NNN   rings for 22 s, then refuses with NNN
"""

import re
from copy import replace

from local.phones.model.sip_status import TOO_FAST
from local.phones.numbers.callees import Callee, Refusal
from local.phones.numbers.sandbox_number import PICKS_UP, RINGS_OUT, STAYS_ON, Chapter, SandboxNumber, Wish
from local.phones.numbers.spoken import RUNNERS_TEXT, WITH_A_RUNNER
from local.phones.numbers.telling import OF_OUR_OWN, OF_THE_AGENT, OF_THE_CARRIER, TOO_MANY_TEXT, WHO_CALL_US
from local.phones.numbers.troubled import TROUBLED

BRIEF_RING_S = 2.0
"""How long a phone rings before its owner refuses the call."""

VOICEMAIL_RING_S = 4.0
"""How long it rings before the carrier says 480: within the window in which the product takes that for voicemail. A
test ties the two."""

LONG_RING_S = 22.0
"""How long it rings where the same 480 is past that window."""

FRAUD_TEXT = "32203 Call blocked: suspected fraud"
"""What Twilio adds to a 603. The carrier says this, so it is written down here and not taken from the product, whose
reading of it is what is proven."""

CALLER_ID_TEXT = "Caller Origination Number is Invalid D35"
BLOCKED_ACCOUNT_TEXT = "Account is blocked D19"
"""What Telnyx adds to a 403 and to a 404 that are about whoever calls, and not about the number that is called."""

TOO_FAST_TEXT = TOO_FAST.lower()

REFUSES_AT_ONCE = "+15550101"
REFUSES_AFTER_RINGING = "+15550102"
REFUSES_AFTER_LONG = "+15550103"
_ANY_NUMBER = re.compile(r"\+1555010\d{4}")
_DIALLED_NUMBER = re.compile(r'"to(?:_number)?"\s*:\s*"(\+1555010\d{4})"')


_ORDINARY = (
    SandboxNumber("+15550100200", PICKS_UP, "answers, talks 4 s, hangs up", "USER_HUNG_UP_IN_CALL"),
    SandboxNumber(
        "+15550100201", STAYS_ON, "answers and never hangs up", "MAX_DURATION_REACHED", wish=Wish.SHORT_LIMIT
    ),
    SandboxNumber(
        "+15550100203",
        replace(PICKS_UP, hangs_up_after_s=3.0),
        "answers, hangs up after 3 s: as a call with early media (183), which LiveKit tells as ringing",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100181",
        Callee(answers_after_s=3.0, hangs_up_after_s=3.0),
        "answers after 3 s, hangs up 3 s later: as one that is forwarded (181), which LiveKit tells as ringing",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber("+15550100000", RINGS_OUT, "rings and is never answered", "USER_DID_NOT_PICK_UP"),
    SandboxNumber(
        "+15550100002",
        Callee(silent=True),
        "the carrier never answers the INVITE (given up after 32 s, or the ring time-out)",
        "USER_DID_NOT_PICK_UP or SIP_FAILED_TRUNK",
    ),
)

_REFUSING_WITH_WORDS = (
    SandboxNumber(
        "+15550100603",
        Callee(refusal=Refusal(603, FRAUD_TEXT), refuses_after_s=BRIEF_RING_S),
        "rings, 603 with the carrier's fraud code 32203",
        "SIP_FAILED_NUMBER_BLOCKED",
    ),
    SandboxNumber(
        "+15550100403",
        Callee(rings_after_s=None, refusal=Refusal(403, CALLER_ID_TEXT)),
        "403 at once, because our caller id is not valid there (Telnyx's D35)",
        "SIP_FAILED_ACCOUNT",
    ),
    SandboxNumber(
        "+15550100404",
        Callee(rings_after_s=None, refusal=Refusal(404, BLOCKED_ACCOUNT_TEXT)),
        "404 at once, because our account with the carrier is blocked (Telnyx's D19)",
        "SIP_FAILED_ACCOUNT",
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


def _family_callee(number: str) -> Callee:
    family, code_text = number[:-3], number[-3:]
    if not code_text.isdecimal() or not 300 <= int(code_text) < 700:
        return PICKS_UP
    refusal = Refusal(int(code_text))
    if family == REFUSES_AFTER_LONG:
        return Callee(refusal=refusal, refuses_after_s=LONG_RING_S)
    if family == REFUSES_AFTER_RINGING:
        ring_s = VOICEMAIL_RING_S if refusal.sip_code == 480 else BRIEF_RING_S
        return Callee(refusal=refusal, refuses_after_s=ring_s)
    if family == REFUSES_AT_ONCE:
        # A request that timed out did ring, and a challenge is not yet a refusal.
        if refusal.sip_code == 408:
            return Callee(refusal=refusal, refuses_after_s=BRIEF_RING_S)
        return Callee(rings_after_s=None, refusal=refusal, wants_credentials=refusal.sip_code in (401, 407))
    return PICKS_UP


CHAPTERS = (
    Chapter("Who picks up, and who does not", _ORDINARY),
    Chapter(
        "Who refuses",
        (
            *(SandboxNumber(number, _family_callee(number), does, reason) for number, does, reason in _REFUSING),
            *_REFUSING_WITH_WORDS,
        ),
    ),
    Chapter("Where the carrier takes no more calls", _LIMITED),
    Chapter("Where something breaks", TROUBLED),
    Chapter("Where the agent tells more than LiveKit knows", OF_THE_AGENT),
    Chapter("Where a runner of yours thinks", WITH_A_RUNNER, RUNNERS_TEXT),
    Chapter("Where the carrier tells more than LiveKit knows", OF_THE_CARRIER),
    Chapter("Where you do something, or Ringline cannot go on", OF_OUR_OWN),
    Chapter("Numbers of ours, which somebody calls", WHO_CALL_US),
)
"""The whole telephone book, in the order in which it is read."""

NUMBERS = tuple(entry for chapter in CHAPTERS for entry in chapter.entries)
_BY_NUMBER = {entry.number: entry for entry in NUMBERS}

MOST_USED = tuple(
    _BY_NUMBER[number]
    for number in (
        "+15550100200",  # answers
        "+15550100000",  # rings out
        "+15550101486",  # is busy
        "+15550102480",  # voicemail before the answer
        "+15550100210",  # voicemail after the answer
        "+15550101404",  # a wrong number
        "+15550101503",  # the trunk is down
        "+15550100351",  # no agent comes
    )
)
"""The numbers that one wants first: the README shows these alone."""
