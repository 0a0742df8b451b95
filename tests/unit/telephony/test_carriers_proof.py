"""That it is the carrier who speaks, and now."""

import json
from copy import replace
from typing import Any

import pytest

from ringline.telephony.carriers.providers import PROVIDERS
from ringline.telephony.carriers.request import MAX_AGE_S, HookRefused, HookRequest, secrets_of
from tests.carrier_requests import (
    OTHER_SECRETS,
    SECRETS,
    SENT_AT_S,
    provider_of,
    request_of,
    sent,
    signed,
)
from tests.sample_events import EVENTS, event_of

CASES = sorted(path.stem for path in (EVENTS / "receive_sip_event").glob("*.json") if path.stem != "forged")
ONE_OF_EACH = ["telnyx_answered", "twilio_answered", "generic_answered"]


def verify(
    case: str | dict[str, Any], now_s: float = SENT_AT_S, secrets: tuple[str, ...] | None = None, **parts: Any
) -> None:
    event = event_of("receive_sip_event", case) if isinstance(case, str) else case
    name = provider_of(event)
    PROVIDERS[name].verify(replace(request_of(event), **parts), secrets or (SECRETS[name],), now_s)


def refusal(*arguments: Any, **options: Any) -> str:
    with pytest.raises(HookRefused) as refused:
        verify(*arguments, **options)
    return str(refused.value)


@pytest.mark.parametrize("case", CASES)
def test_what_the_carrier_signed_is_believed(case: str) -> None:
    verify(case)


@pytest.mark.parametrize("case", ONE_OF_EACH)
def test_any_of_several_secrets_will_do_while_they_are_rotated(case: str) -> None:
    name = case.partition("_")[0]
    verify(case, secrets=(OTHER_SECRETS[name], SECRETS[name]))
    verify(case, secrets=(SECRETS[name], OTHER_SECRETS[name]))
    assert refusal(case, secrets=(OTHER_SECRETS[name],)) == "signature differs"
    assert secrets_of(f" {SECRETS[name]}, {OTHER_SECRETS[name]},") == (SECRETS[name], OTHER_SECRETS[name])


@pytest.mark.parametrize("case", ONE_OF_EACH)
def test_another_body_is_not_the_carriers(case: str) -> None:
    body = (
        event_of("receive_sip_event", case)["body"].replace("acc_1", "acc_2").replace("answered", "answerex") + "&a=b"
    )
    assert refusal(case, body=body.encode()) == "signature differs"


@pytest.mark.parametrize("case", ONE_OF_EACH)
@pytest.mark.parametrize(("late_s", "why"), [(MAX_AGE_S + 1, "too old"), (-MAX_AGE_S - 1, "from the future")])
def test_what_is_not_of_now_is_refused_either_way(case: str, late_s: int, why: str) -> None:
    assert refusal(case, SENT_AT_S + late_s) == why
    verify(case, SENT_AT_S + late_s - (1 if late_s > 0 else -1))


SIGNATURES = {
    "telnyx": ["telnyx-signature-ed25519", "telnyx-timestamp"],
    "twilio": ["x-twilio-signature"],
    "generic": ["webhook-id", "webhook-timestamp", "webhook-signature"],
}


@pytest.mark.parametrize(
    ("case", "header"), [(case, name) for case in ONE_OF_EACH for name in SIGNATURES[case.partition("_")[0]]]
)
def test_a_missing_or_garbled_header_is_refused(case: str, header: str) -> None:
    headers = event_of("receive_sip_event", case)["headers"]
    without = {name: value for name, value in headers.items() if name != header}
    assert refusal(case, headers=without) == f"no {header}"
    for garbled in ("", "garbage", "v1,", "1e9", "-1", "١٢٣", "A" * 88, "9" * 400):
        refusal(case, headers=headers | {header: garbled})


def test_a_moment_moved_by_the_sender_is_not_the_signed_one() -> None:
    for case, header in (("telnyx_answered", "telnyx-timestamp"), ("generic_answered", "webhook-timestamp")):
        headers = event_of("receive_sip_event", case)["headers"] | {header: str(SENT_AT_S + 1)}
        assert refusal(case, headers=headers) == "signature differs"


@pytest.mark.parametrize(
    ("name", "secret"), [("telnyx", "garbage"), ("telnyx", "QUJD"), ("generic", "whsec_"), ("generic", "é")]
)
def test_a_secret_that_is_none_believes_nobody(name: str, secret: str) -> None:
    assert refusal(f"{name}_answered", secrets=(secret,)).startswith("the configured")


# --- Twilio ----------------------------------------------------------------------------------------------------------


def test_twilios_url_is_signed_with_its_query() -> None:
    url = request_of(event_of("receive_sip_event", "twilio_answered")).url
    assert refusal("twilio_answered", url=url.replace("acc_1", "acc_2")) == "signature differs"
    assert refusal("twilio_answered", url=url.replace("https", "http")) == "signature differs"
    assert refusal("twilio_answered", url=url.replace("api.", "apo.")) == "signature differs"


def test_an_answering_machine_callback_says_no_time_and_is_believed_at_any() -> None:
    verify("twilio_machine", SENT_AT_S + 3 * 86_400)


def test_a_time_of_twilios_that_cannot_be_read_is_refused() -> None:
    event = sent("twilio_answered", SENT_AT_S, Timestamp="yesterday")
    assert refusal(event) == "timestamp is not one"


@pytest.mark.parametrize("cut", [("Timestamp",), ("Timestamp", "CallStatus")])
@pytest.mark.parametrize("case", ["twilio_answered", "twilio_ended"])
def test_an_old_callback_cut_otherwise_has_its_signature_and_is_refused(case: str, cut: tuple[str, ...]) -> None:
    # A machine's word in a status callback makes the cut one look like one of the detection's, which says no time.
    event = sent(case, SENT_AT_S, AnsweredBy="machine_start")
    for name in cut:
        before, _, after = event["body"].partition(f"{name}=")
        event = event | {"body": f"{before}{name}{after[0]}={after[1:]}"}
    assert refusal(event, now_s=SENT_AT_S + 26 * 86_400) == "no timestamp"
    assert refusal(event) == "no timestamp"


@pytest.mark.parametrize("case", ["twilio_answered", "twilio_busy", "twilio_ended", "twilio_ringing"])
def test_a_status_callback_without_its_time_is_refused(case: str) -> None:
    event = sent(case, SENT_AT_S)
    left = [pair for pair in event["body"].split("&") if not pair.startswith("Timestamp=")]
    assert refusal(signed(event | {"body": "&".join(left)}, SENT_AT_S)) == "no timestamp"


@pytest.mark.parametrize("stamp", ["Sat, 21 Nov 2026 01:34:40 +00", "Sat, 21 Nov 2026 01:34:40 +0000To", "21 Nov 2026"])
def test_a_time_of_twilios_that_was_cut_off_is_refused(stamp: str) -> None:
    assert refusal(sent("twilio_answered", SENT_AT_S, Timestamp=stamp)) == "timestamp is not one"


def test_a_json_body_of_twilios_whose_hash_is_not_signed_is_refused() -> None:
    event = event_of("receive_sip_event", "twilio_answered")
    as_json = event | {"headers": event["headers"] | {"content-type": "application/json"}, "body": json.dumps({})}
    assert refusal(as_json) == "body is not signed"


def test_a_signature_made_in_a_way_nobody_knows_is_refused() -> None:
    event = event_of("receive_sip_event", "twilio_answered")
    settings = {"x-twilio-webhooks-signature-settings": "key=k,algorithm=HMAC_MD5"}
    assert refusal("twilio_answered", headers=event["headers"] | settings) == "signed in an unknown way"


def test_a_request_needs_a_host_that_is_one() -> None:
    assert refusal("twilio_answered", url="https://api.example.com:99999999/hooks/sip/twilio") == "host is not one"


def test_headers_of_a_request_are_found_by_their_lower_case_names() -> None:
    request = HookRequest("https://a/?call=x&call=y", {"a": " b "}, b"")
    assert (request.header("a"), request.query("call"), request.query("none")) == ("b", "x", None)
