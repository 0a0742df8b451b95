"""What carriers' words for a refusal mean, and what becomes of a dial that is refused with them."""

import pytest

from ringline.calls.model.call import Refusal, State
from ringline.calls.model.events import DialRefused
from ringline.calls.model.outcomes import Refused
from ringline.calls.model.reasons import MEANINGS, Category, EndReason
from ringline.calls.model.results import Moved
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.rules.lifecycle import apply
from ringline.telephony.carriers.refusals import refusal_in
from ringline.telephony.dial_errors import from_twirp
from tests.builders import a_call, at


@pytest.mark.parametrize(
    ("sip_code", "text", "refusal"),
    [
        (403, "Caller Origination Number is Invalid D35", Refusal.OUR_SIDE),
        (403, "Dialed number +4930123456 is not included in whitelisted countries D13", Refusal.OUR_SIDE),
        (404, "Account is blocked D19", Refusal.OUR_SIDE),
        (404, "Connection is not active D18", Refusal.OUR_SIDE),
        (403, "Forbidden D38", Refusal.OUR_SIDE),
        (603, "10001 Account is not active", Refusal.OUR_SIDE),
        (603, "Decline 10001", Refusal.OUR_SIDE),
        (403, "32205 No International Permission", Refusal.OUR_SIDE),
        (486, "Insufficient balance", Refusal.OUR_SIDE),
        (480, "Invalid Caller-ID", Refusal.OUR_SIDE),
        (403, "CallerID not verified", Refusal.OUR_SIDE),
        (403, "32204 'From' phone number not verified", Refusal.OUR_SIDE),
        (403, "32204", Refusal.OUR_SIDE),
        (403, "21219 'To' phone number not verified", Refusal.OUR_SIDE),
        (603, "10005", Refusal.OUR_SIDE),
        (403, "Caller ID is unauthorized. A Valid Caller ID is one that you have verified", Refusal.OUR_SIDE),
        (403, "Unverified origination number", Refusal.OUR_SIDE),
        (403, "Invalid CLI", Refusal.OUR_SIDE),
        (403, "ANI not allowed", Refusal.OUR_SIDE),
        (403, "Invalid calling party number", Refusal.OUR_SIDE),
        (403, "Not enough credit", Refusal.OUR_SIDE),
        (403, "Negative account balance", Refusal.OUR_SIDE),
        (403, "Credit limit exceeded", Refusal.OUR_SIDE),
        (403, "Daily spend limit exceeded", Refusal.OUR_SIDE),
        (404, "Account has been deactivated", Refusal.OUR_SIDE),
        (403, "Account locked", Refusal.OUR_SIDE),
        (403, "Destination Country Barred", Refusal.OUR_SIDE),
        (403, "Country not allowed", Refusal.OUR_SIDE),
        (403, "International calling disabled", Refusal.OUR_SIDE),
        (403, "No outbound profile assigned", Refusal.OUR_SIDE),
        (403, "Account on hold", Refusal.OUR_SIDE),
        (403, "OUTGOING CALL BARRED", Refusal.OUR_SIDE),
        (403, "Unauthorized IP", Refusal.OUR_SIDE),
        (403, "IP Not Authorised", Refusal.OUR_SIDE),
        (403, "Source IP address is not whitelisted", Refusal.OUR_SIDE),
        (403, "Authentication failed", Refusal.OUR_SIDE),
        (403, "Invalid credentials", Refusal.OUR_SIDE),
        (603, "32203 Call blocked", Refusal.FRAUD),
        (403, "32224 Forwarded Call blocked by Twilio", Refusal.FRAUD),
        (503, "CPS limit exceeded", Refusal.LIMIT),
        (403, "User channel limit exceeded D1", Refusal.LIMIT),
        (403, "Forbidden D24", Refusal.LIMIT),
        (503, "32001 SIP: Trunk CPS limit exceeded", Refusal.LIMIT),
        (403, "Forbidden", None),
        (404, "Not Found", None),
        (403, "Destination Number 5550100900 is invalid D11", None),
        (486, "Busy Here", None),
        (486, "limit exceeded", None),
        (603, "Decline", None),
        (404, "No route to +1415100015", None),
        (404, "+10001 does not exist", None),
        (480, "Connection closed", None),
        (403, "Caller ID blocked by recipient", None),
        (403, "Number is blocked", None),
        (603, "Declined by CLIENT", None),
        (404, "Animal clinic not allowed", None),
        (603, None, None),
        (None, None, None),
    ],
)
def test_the_text_of_a_refusal_tells_what_its_code_does_not(
    sip_code: int | None, text: str | None, refusal: Refusal | None
) -> None:
    assert refusal_in(sip_code, text) is refusal
    assert refusal_in(sip_code, None, text) is refusal


@pytest.mark.parametrize(
    ("sip_code", "sip_status"),
    [
        (403, "Caller Origination Number is Invalid D35"),
        (403, "Number is not included in whitelisted countries D13"),
        (404, "Account is blocked D19"),
        (404, "Connection is not active D18"),
        (603, "10001 Account is not active"),
    ],
)
def test_a_refusal_for_our_own_side_blames_neither_number_nor_person_and_is_dialled_once(
    sip_code: int, sip_status: str
) -> None:
    metadata = {"sip_status_code": str(sip_code), "sip_status": sip_status}
    outcome = from_twirp("permission_denied", f"twirp error unknown: INVITE failed: {sip_status}", metadata)
    assert isinstance(outcome, Refused)
    refused = DialRefused(
        at(2), 1, outcome.sip_code, outcome.sip_status, outcome.twirp_code, outcome.message, outcome.refusal
    )
    wants_more = RetryPolicy(3, on=tuple(Category), delays_s=(60,))
    result = apply(a_call(State.DIALING, retry=wants_more), refused)
    assert isinstance(result, Moved)
    assert (result.call.state, result.call.end_reason) == (State.NOT_CONNECTED, EndReason.SIP_FAILED_ACCOUNT)
    assert MEANINGS[EndReason.SIP_FAILED_ACCOUNT].category is Category.CARRIER
    assert not MEANINGS[EndReason.SIP_FAILED_ACCOUNT].retryable
    assert (result.call.evidence.sip_code, result.call.evidence.sip_status) == (sip_code, sip_status), "as it was said"


def test_who_names_the_reason_wants_it_tried_again() -> None:
    assert RetryPolicy(3, on=("SIP_FAILED_ACCOUNT",)).delay_s(EndReason.SIP_FAILED_ACCOUNT, 1) is not None
    assert RetryPolicy(3, on=("carrier",)).delay_s(EndReason.SIP_FAILED_TRUNK, 1) is not None
