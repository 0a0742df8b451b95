"""Every final response to an INVITE, as the versions of LiveKit report it, and what each word of LiveKit's is worth
without its code."""

from typing import NamedTuple

import pytest

from local.pages.reasons import NOT_RUNG, RANG_BRIEFLY, RANG_LONG, Ring
from local.phones.model.sip_status import SIP_CODES, failure
from ringline.calls.model.call import Call, State
from ringline.calls.model.events import DialRefused, FoundOver, LegLeft
from ringline.calls.model.outcomes import Refused
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Moved
from ringline.calls.rules.lifecycle import apply
from ringline.telephony.dial_errors import from_twirp
from tests.builders import a_call, at

R = EndReason
RINGS = (NOT_RUNG, RANG_BRIEFLY, RANG_LONG)

WORDS = {
    "TRUNK": R.SIP_FAILED_TRUNK,
    "WRONG_NUMBER": R.SIP_FAILED_WRONG_NUMBER,
    "BLOCKED": R.SIP_FAILED_NUMBER_BLOCKED,
    "NOT_PICKED_UP": R.USER_DID_NOT_PICK_UP,
    "VOICEMAIL": R.VOICEMAIL_DETECTED_PRECONNECT,
    "DECLINED": R.USER_HUNG_UP_RINGING,
    "BUSY": R.USER_BUSY,
    "UNKNOWN": R.DIAL_STATE_UNKNOWN,
    "AGENT": R.AGENT_HUNG_UP,
}

# code, Twirp code, the leg's disconnect reason from LiveKit up to August 2026 and after it; then the end reason where
# the phone had not rung, had rung briefly, and long.
TABLE = """
300 invalid_argument    CLIENT_INITIATED UNKNOWN_REASON    TRUNK         TRUNK         TRUNK
301 not_found           CLIENT_INITIATED UNKNOWN_REASON    WRONG_NUMBER  WRONG_NUMBER  WRONG_NUMBER
302 not_found           CLIENT_INITIATED UNKNOWN_REASON    WRONG_NUMBER  WRONG_NUMBER  WRONG_NUMBER
305 invalid_argument    CLIENT_INITIATED UNKNOWN_REASON    TRUNK         TRUNK         TRUNK
380 invalid_argument    CLIENT_INITIATED UNKNOWN_REASON    TRUNK         TRUNK         TRUNK
400 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
401 permission_denied   USER_REJECTED    USER_REJECTED     TRUNK         TRUNK         TRUNK
402 permission_denied   USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
403 permission_denied   USER_REJECTED    USER_REJECTED     BLOCKED       BLOCKED       BLOCKED
404 not_found           USER_UNAVAILABLE USER_UNAVAILABLE  WRONG_NUMBER  WRONG_NUMBER  WRONG_NUMBER
405 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
406 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
407 unauthenticated     USER_REJECTED    USER_REJECTED     TRUNK         TRUNK         TRUNK
408 deadline_exceeded   USER_UNAVAILABLE USER_UNAVAILABLE  NOT_PICKED_UP NOT_PICKED_UP NOT_PICKED_UP
409 failed_precondition USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
410 not_found           USER_REJECTED    USER_UNAVAILABLE  WRONG_NUMBER  WRONG_NUMBER  WRONG_NUMBER
411 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
412 failed_precondition USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
413 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
414 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
415 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
416 out_of_range        USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
417 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
420 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
421 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
422 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
423 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
424 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
425 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
428 unauthenticated     USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
429 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
430 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
433 permission_denied   USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
436 unauthenticated     USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
437 unauthenticated     USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
438 unauthenticated     USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
439 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
440 resource_exhausted  USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
469 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
470 permission_denied   USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
480 resource_exhausted  USER_UNAVAILABLE USER_UNAVAILABLE  NOT_PICKED_UP VOICEMAIL     NOT_PICKED_UP
481 not_found           USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
482 failed_precondition USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
483 failed_precondition USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
484 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  WRONG_NUMBER  WRONG_NUMBER  WRONG_NUMBER
485 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  WRONG_NUMBER  WRONG_NUMBER  WRONG_NUMBER
486 resource_exhausted  USER_REJECTED    USER_REJECTED     BUSY          DECLINED      DECLINED
487 aborted             USER_REJECTED    USER_UNAVAILABLE  NOT_PICKED_UP NOT_PICKED_UP NOT_PICKED_UP
488 invalid_argument    USER_REJECTED    USER_REJECTED     TRUNK         TRUNK         TRUNK
489 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
491 aborted             USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
493 invalid_argument    USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
494 unauthenticated     USER_REJECTED    USER_UNAVAILABLE  TRUNK         TRUNK         TRUNK
500 failed_precondition CLIENT_INITIATED SIP_TRUNK_FAILURE TRUNK         TRUNK         TRUNK
501 failed_precondition CLIENT_INITIATED SIP_TRUNK_FAILURE TRUNK         TRUNK         TRUNK
502 failed_precondition CLIENT_INITIATED SIP_TRUNK_FAILURE TRUNK         TRUNK         TRUNK
503 failed_precondition CLIENT_INITIATED SIP_TRUNK_FAILURE TRUNK         TRUNK         TRUNK
504 deadline_exceeded   CLIENT_INITIATED SIP_TRUNK_FAILURE TRUNK         TRUNK         TRUNK
505 invalid_argument    CLIENT_INITIATED SIP_TRUNK_FAILURE TRUNK         TRUNK         TRUNK
513 invalid_argument    CLIENT_INITIATED SIP_TRUNK_FAILURE TRUNK         TRUNK         TRUNK
600 resource_exhausted  USER_REJECTED    USER_REJECTED     BUSY          DECLINED      DECLINED
603 permission_denied   USER_REJECTED    USER_REJECTED     BUSY          DECLINED      DECLINED
604 not_found           USER_REJECTED    USER_REJECTED     WRONG_NUMBER  WRONG_NUMBER  WRONG_NUMBER
606 invalid_argument    USER_REJECTED    USER_REJECTED     TRUNK         TRUNK         TRUNK
607 permission_denied   USER_REJECTED    USER_REJECTED     BLOCKED       BLOCKED       BLOCKED
608 permission_denied   USER_REJECTED    USER_REJECTED     BLOCKED       BLOCKED       BLOCKED
"""

# What the leg said when nobody learned the code; the reasons as above.
WITHOUT_CODE = """
USER_UNAVAILABLE    UNKNOWN       VOICEMAIL     NOT_PICKED_UP
USER_REJECTED       UNKNOWN       DECLINED      DECLINED
CLIENT_INITIATED    TRUNK         TRUNK         TRUNK
SIP_TRUNK_FAILURE   TRUNK         TRUNK         TRUNK
MEDIA_FAILURE       TRUNK         TRUNK         TRUNK
SERVER_SHUTDOWN     TRUNK         TRUNK         TRUNK
ROOM_DELETED        AGENT         AGENT         AGENT
PARTICIPANT_REMOVED AGENT         AGENT         AGENT
UNKNOWN_REASON      UNKNOWN       UNKNOWN       UNKNOWN
ROOM_CLOSED         UNKNOWN       UNKNOWN       UNKNOWN
JOIN_FAILURE        UNKNOWN       UNKNOWN       UNKNOWN
SIGNAL_CLOSE        UNKNOWN       UNKNOWN       UNKNOWN
CONNECTION_TIMEOUT  UNKNOWN       UNKNOWN       UNKNOWN
STATE_MISMATCH      UNKNOWN       UNKNOWN       UNKNOWN
MIGRATION           UNKNOWN       UNKNOWN       UNKNOWN
SOMETHING_NEW       UNKNOWN       UNKNOWN       UNKNOWN
"""


class Row(NamedTuple):
    code: int
    twirp_code: str
    leg_says: tuple[str, str]
    reasons: tuple[EndReason, ...]


def _rows() -> list[Row]:
    split = [line.split() for line in TABLE.split("\n") if line]
    return [
        Row(int(code), twirp, (old, new), tuple(WORDS[word] for word in words))
        for code, twirp, old, new, *words in split
    ]


ROWS = _rows()
LEG_SAYS = {
    says: tuple(WORDS[word] for word in words) for says, *words in map(str.split, WITHOUT_CODE.split("\n")[1:-1])
}


def _rung(ring: Ring, disconnect_reason: str | None) -> Call:
    """A call whose leg has left, after that much ringing."""
    # UNKNOWN_REASON is a zero, which LiveKit leaves out of its JSON.
    says = None if disconnect_reason == "UNKNOWN_REASON" else disconnect_reason
    left = apply(a_call(State.DIALING), LegLeft(at(1 + ring.for_s), 1, "PA_leg", says, ring.status.value))
    assert isinstance(left, Moved)
    return left.call


def _refused(row: Row, call: Call) -> Call:
    """The call after its dialer's answer, as LiveKit words it."""
    error = failure(row.code)
    outcome = from_twirp(row.twirp_code, f"twirp error unknown: {error.message}", error.metadata(row.code))
    assert isinstance(outcome, Refused)
    event = DialRefused(
        at(1 + RANG_LONG.for_s), 1, outcome.sip_code, outcome.sip_status, outcome.twirp_code, outcome.message
    )
    result = apply(call, event)
    assert isinstance(result, Moved)
    return result.call


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.code))
def test_a_response_means_the_same_in_every_version_of_livekit(row: Row) -> None:
    for disconnect_reason in row.leg_says:
        calls = [_refused(row, _rung(ring, disconnect_reason)) for ring in RINGS]
        assert tuple(call.end_reason for call in calls) == row.reasons
        assert {(call.state, call.evidence.sip_code) for call in calls} == {(State.NOT_CONNECTED, row.code)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.code))
def test_a_response_whose_dialer_was_faster_than_its_leg_is_told_by_time(row: Row) -> None:
    ended_at_s = 1 + RANG_LONG.for_s
    calls = [_refused(row, a_call(State.DIALING, dialed_at=at(ended_at_s - ring.for_s))) for ring in RINGS]
    assert tuple(call.end_reason for call in calls) == row.reasons


def test_the_sandbox_and_the_page_of_reasons_know_the_responses_of_this_table() -> None:
    assert list(SIP_CODES) == [row.code for row in ROWS]
    for row in ROWS:
        error = failure(row.code)
        assert (error.twirp_code, error.disconnect_reason) == (row.twirp_code, row.leg_says[0])


@pytest.mark.parametrize(("says", "reasons"), LEG_SAYS.items(), ids=LEG_SAYS)
def test_a_leg_whose_dialer_died_is_told_by_its_own_word(says: str, reasons: tuple[EndReason, ...]) -> None:
    for ring, reason in zip(RINGS, reasons, strict=True):
        settled = apply(_rung(ring, says), FoundOver(at(90), 1))
        assert isinstance(settled, Moved)
        assert settled.call.end_reason is reason
        assert settled.call.evidence.disconnect_reason == (None if says == "UNKNOWN_REASON" else says)
