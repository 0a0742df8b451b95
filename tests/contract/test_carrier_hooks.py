"""Our verdicts on carriers' signatures beside those of the providers' own libraries."""

import base64
import hashlib
import json
import time
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError
from twilio.request_validator import RequestValidator

from ringline.telephony.carriers import standard, twilio
from ringline.telephony.carriers.request import HookRefused, HookRequest
from tests.carrier_requests import GENERIC_SECRET, OTHER_SECRETS, SENT_AT_S, TWILIO_TOKEN, request_of, sent, signed
from tests.sample_events import event_of

FORM = {"content-type": "application/x-www-form-urlencoded"}
VALIDATOR = RequestValidator(TWILIO_TOKEN)
SENT_AT = formatdate(SENT_AT_S)


def twilio_believes(request: HookRequest) -> bool:
    told = parse_qs(request.body.decode(), keep_blank_values=True)

    class Fields(dict[str, list[str]]):
        """As web frameworks hand a form on: each name with all its values."""

        def getlist(self, name: str) -> list[str]:
            return self[name]

    return bool(VALIDATOR.validate(request.url, Fields(told), request.headers.get("x-twilio-signature", "")))


def we_believe_twilio(request: HookRequest) -> bool:
    try:
        twilio.verify(request, (TWILIO_TOKEN,), SENT_AT_S)
    except HookRefused:
        return False
    return True


@pytest.mark.parametrize("case", ["twilio_ringing", "twilio_answered", "twilio_busy", "twilio_ended", "twilio_machine"])
def test_twilios_own_validator_believes_our_sample_events_as_we_do(case: str) -> None:
    request = request_of(event_of("receive_sip_event", case))
    assert twilio_believes(request) and we_believe_twilio(request)


_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
_NAMES = st.sampled_from(["CallSid", "CallStatus", "To", "a", "A", "ä", "a b", "[]"]) | _TEXTS.filter(bool)


@given(
    st.lists(st.tuples(_NAMES, _TEXTS), max_size=8),
    st.sampled_from(["https://a.example.com", "https://a.example.com:443", "http://a.example.com:8080", "http://b"]),
    st.sampled_from(["", "?call=acc.call_1.1", "?a=b&c=%2Bd+e"]),
    st.sampled_from(["as signed", "with port", "other value", "other url", "other token"]),
)
def test_any_form_that_twilio_can_sign_has_the_same_verdict(
    told: list[tuple[str, str]], origin: str, query: str, case: str
) -> None:
    told = [(name, value) for name, value in told if name != "Timestamp"] + [("Timestamp", SENT_AT)]
    url = f"{origin}/hooks/sip/twilio{query}"
    signer = RequestValidator("0" * 32) if case == "other token" else VALIDATOR
    signed_url = (
        url.replace("/hooks", ":443/hooks") if case == "with port" and origin == "https://a.example.com" else url
    )
    body = urlencode(told)
    params: dict[str, list[str]] = parse_qs(body, keep_blank_values=True)
    text = signed_url + "".join(name + value for name in sorted(params) for value in sorted(set(params[name])))
    signature = signer.compute_signature(text, {})
    if case == "other value":
        body = urlencode([*told, ("extra", "1")])
    sent_url = url.replace("sip", "sap") if case == "other url" else url
    request = HookRequest(sent_url, FORM | {"x-twilio-signature": signature}, body.encode())
    assert we_believe_twilio(request) == twilio_believes(request) == (case in {"as signed", "with port"})


@pytest.mark.parametrize("algorithm", ["HMAC_SHA1", "HMAC_SHA256"])
@pytest.mark.parametrize("tampered", [False, True])
def test_a_json_body_is_believed_by_its_hash_in_the_signed_url(algorithm: str, tampered: bool) -> None:
    body = json.dumps({"CallSid": "CA1", "CallStatus": "busy", "Timestamp": SENT_AT})
    url = f"https://api.example.com/hooks/sip/twilio?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    signature = VALIDATOR.compute_signature(url, {}, algorithm)
    arrived = body.replace("busy", "failed") if tampered else body
    headers = {
        "content-type": "application/json",
        "x-twilio-signature": signature,
        "x-twilio-webhooks-signature-settings": f"key=sharedkey_1,algorithm={algorithm}",
    }
    ours = we_believe_twilio(HookRequest(url, headers, arrived.encode()))
    assert ours == VALIDATOR.validate(url, arrived, signature, algorithm) == (not tampered)


@pytest.mark.parametrize(
    "case", ["good", "other body", "other secret", "old", "future", "other id", "other version", "second of two"]
)
def test_we_believe_and_refuse_what_the_standard_webhooks_library_does(case: str) -> None:
    now = int(time.time())
    at_s = {"old": now - 310, "future": now + 310}.get(case, now)
    event = sent("generic_failed", at_s)
    request = request_of(event)
    headers = dict(request.headers)
    signature = headers["webhook-signature"]
    secret = OTHER_SECRETS["generic"] if case == "other secret" else GENERIC_SECRET
    if case == "other id":
        headers["webhook-id"] = "msg_2"
    if case == "other version":
        headers["webhook-signature"] = signature.replace("v1,", "v2,")
    if case == "second of two":
        headers["webhook-signature"] = f"v1,{base64.b64encode(bytes(32)).decode()} {signature}"
    body = request.body + (b" " if case == "other body" else b"")
    ours = _believed(lambda: standard.verify(HookRequest(request.url, headers, body), (secret,), now), HookRefused)
    theirs = _believed(lambda: Webhook(secret).verify(body, headers), WebhookVerificationError)
    assert ours == theirs == (case in {"good", "second of two"})


def _believed(verify: Any, refused: type[Exception]) -> bool:
    try:
        verify()
    except refused:
        return False
    return True


def test_what_twilio_signs_is_what_our_tests_sign() -> None:
    event = signed(event_of("receive_sip_event", "twilio_busy"), SENT_AT_S)
    told = dict(parse_qsl(event["body"]))
    assert VALIDATOR.compute_signature(request_of(event).url, told) == event["headers"]["x-twilio-signature"]
