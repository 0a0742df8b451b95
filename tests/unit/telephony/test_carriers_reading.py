"""What carriers send, reduced to what calls need."""

import json
from typing import Any

import pytest

from ringline.calls.model.call import Refusal
from ringline.calls.model.carrier_event import CarrierEvent, Kind
from ringline.telephony.carriers.providers import PROVIDERS
from ringline.telephony.carriers.reading import CALL_HEADER, names_voicemail
from ringline.telephony.carriers.request import HookRequest, HookUnreadable
from ringline.telephony.livekit import CALL_HEADER as SENT_HEADER
from tests.carrier_requests import ROOM, SENT_AT_S, provider_of, request_of, sent
from tests.sample_events import event_of

SESSION, LEG = "63dcc852-e29f-11ee-ab82-02420a0d0870", "63e33fb6-e29f-11ee-815b-02420a0d0870"
PARENT, CHILD = "CA1f2e3d4c5b6a79881f2e3d4c5b6a7988", "CA0a1b2c3d4e5f60718293a4b5c6d7e8f9"


def read(case: str, **changes: Any) -> list[CarrierEvent]:
    event = sent(case, SENT_AT_S, **changes) if changes else event_of("receive_sip_event", case)
    return list(PROVIDERS[provider_of(event)].read(request_of(event)))


def kinds(case: str, **changes: Any) -> list[Kind]:
    return [event.kind for event in read(case, **changes)]


def test_the_header_we_read_is_the_one_we_send() -> None:
    assert SENT_HEADER.lower() == CALL_HEADER


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("telnyx_initiated", [Kind.OTHER]),
        ("telnyx_answered", [Kind.ANSWERED]),
        ("telnyx_busy", [Kind.FAILED]),
        ("telnyx_ended", [Kind.ENDED]),
        ("telnyx_machine", [Kind.FORWARDED]),
        ("twilio_ringing", [Kind.RINGING]),
        ("twilio_answered", [Kind.ANSWERED]),
        ("twilio_busy", [Kind.FAILED]),
        ("twilio_ended", [Kind.ENDED]),
        ("twilio_leg_ended", [Kind.ENDED]),
        ("twilio_machine", [Kind.OTHER, Kind.FORWARDED]),
        ("generic_ringing", [Kind.RINGING]),
        ("generic_forwarded", [Kind.FORWARDED]),
        ("generic_answered", [Kind.ANSWERED]),
        ("generic_failed", [Kind.FAILED]),
        ("generic_ended", [Kind.ENDED]),
    ],
)
def test_each_providers_events_are_told_apart(case: str, expected: list[Kind]) -> None:
    events = read(case)
    assert [event.kind for event in events] == expected
    assert all(event.provider == case.partition("_")[0] for event in events)
    assert all(event.at in {SENT_AT_S * 1000, None} for event in events)


def test_telnyx_names_the_room_with_the_first_event_and_its_session_with_each() -> None:
    (first,) = read("telnyx_initiated")
    (later,) = read("telnyx_answered")
    assert (first.room, later.room) == (ROOM, None)
    assert first.provider_call_ids == later.provider_call_ids == (SESSION, LEG)


def test_twilio_names_the_room_in_our_header_or_in_the_callbacks_own_url() -> None:
    (leg,) = read("twilio_leg_ended")
    (phone,) = read("twilio_ringing")
    assert leg.room == phone.room == ROOM
    assert leg.provider_call_ids == (PARENT,)
    assert phone.provider_call_ids == (PARENT, CHILD), "the leg from LiveKit is the one it knows"


def test_a_leg_that_livekit_sent_to_twilio_rings_before_any_phone_does() -> None:
    assert kinds("twilio_ringing", Direction="inbound") == [Kind.OTHER]
    assert kinds("twilio_answered", Direction="inbound") == [Kind.ANSWERED]


@pytest.mark.parametrize(
    ("case", "changes", "code"),
    [
        ("telnyx_busy", {}, 486),
        ("telnyx_busy", {"sip_hangup_cause": "unspecified"}, 486),
        ("telnyx_busy", {"sip_hangup_cause": "unspecified", "hangup_cause": "call_rejected"}, 603),
        ("telnyx_busy", {"sip_hangup_cause": "unspecified", "hangup_cause": "not_found"}, 404),
        ("telnyx_busy", {"sip_hangup_cause": "503", "hangup_cause": "unspecified"}, 503),
        ("twilio_busy", {}, 486),
        ("twilio_busy", {"CallStatus": "failed", "SipResponseCode": "404"}, 404),
        ("twilio_busy", {"CallStatus": "no-answer", "SipResponseCode": ""}, 408),
        ("twilio_busy", {"CallStatus": "failed", "SipResponseCode": "none"}, None),
        ("generic_failed", {}, 486),
        ("generic_failed", {"sip_code": "503"}, 503),
        ("generic_failed", {"sip_code": 4861}, None),
        ("generic_failed", {"sip_code": True}, None),
    ],
)
def test_a_failure_keeps_its_code_or_the_one_its_word_stands_for(
    case: str, changes: dict[str, Any], code: int | None
) -> None:
    (event,) = read(case, **changes)
    assert (event.kind, event.sip_code) == (Kind.FAILED, code)


def test_a_hangup_at_telnyx_that_its_words_leave_open_is_an_end_for_our_record_to_judge() -> None:
    assert kinds("telnyx_ended", sip_hangup_cause="unspecified") == [Kind.ENDED]
    assert kinds("telnyx_ended", sip_hangup_cause="200", hangup_cause="timeout") == [Kind.ENDED]


def test_twilios_error_number_tells_a_blocked_number_from_a_person_who_declined() -> None:
    (event,) = read("twilio_busy", CallStatus="failed", SipResponseCode="603", ErrorCode="32203")
    assert (event.sip_code, event.sip_status) == (603, "32203")


@pytest.mark.parametrize(
    ("case", "changes", "refusal"),
    [
        ("twilio_busy", {"CallStatus": "failed", "SipResponseCode": "603", "ErrorCode": "10001"}, Refusal.OUR_SIDE),
        ("twilio_busy", {"CallStatus": "busy", "ErrorCode": "32204"}, Refusal.OUR_SIDE),
        ("twilio_busy", {"CallStatus": "failed", "SipResponseCode": "603", "ErrorCode": "32203"}, Refusal.FRAUD),
        ("twilio_busy", {"CallStatus": "failed", "SipResponseCode": "503", "ErrorCode": "32001"}, Refusal.LIMIT),
        ("twilio_busy", {}, None),
        ("generic_failed", {"sip_code": 404, "sip_status": "Account is blocked D19"}, Refusal.OUR_SIDE),
        ("generic_failed", {"sip_code": 403, "cause": "insufficient balance"}, Refusal.OUR_SIDE),
        ("generic_failed", {"sip_code": 503, "sip_status": "CPS limit exceeded"}, Refusal.LIMIT),
        ("generic_failed", {}, None),
        ("telnyx_busy", {"sip_hangup_cause": "404", "hangup_cause": "account is blocked D19"}, Refusal.OUR_SIDE),
        ("telnyx_busy", {}, None),
    ],
)
def test_a_refusals_words_are_read_before_its_code(case: str, changes: dict[str, Any], refusal: Refusal | None) -> None:
    (event,) = read(case, **changes)
    assert (event.kind, event.refusal) == (Kind.FAILED, refusal)


@pytest.mark.parametrize("machine", ["machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other"])
def test_a_machine_that_twilio_heard_is_a_voicemail(machine: str) -> None:
    *_, heard = read("twilio_machine", AnsweredBy=machine)
    assert (heard.kind, heard.to_voicemail) == (Kind.FORWARDED, True)


@pytest.mark.parametrize("person", ["human", "fax", "unknown", ""])
def test_who_is_no_machine_is_no_voicemail(person: str) -> None:
    assert kinds("twilio_machine", AnsweredBy=person) == [Kind.OTHER]
    assert kinds("telnyx_machine", result=person or "human_residence") == [Kind.OTHER]


@pytest.mark.parametrize("result", [{}, ["machine"], {"machine": True}, None, 7])
def test_a_detection_without_a_word_for_its_result_is_no_voicemail(result: Any) -> None:
    assert kinds("telnyx_machine", result=result) == [Kind.OTHER]


def test_a_machine_is_told_of_after_the_answer_and_before_the_end() -> None:
    assert kinds("twilio_answered", AnsweredBy="machine_start") == [Kind.ANSWERED, Kind.FORWARDED]
    assert kinds("twilio_ended", AnsweredBy="machine_start") == [Kind.FORWARDED, Kind.ENDED]


def test_a_diversion_that_telnyx_shows_is_our_own_invites() -> None:
    diversion = [{"name": "Diversion", "value": "<sip:111@192.0.2.1>"}]
    assert kinds("telnyx_answered", sip_headers=diversion) == [Kind.ANSWERED]


@pytest.mark.parametrize(
    ("told", "to_voicemail"),
    [
        ({"sip_code": 181}, False),
        ({"forwarded_to": "+15550100999"}, False),
        ({"forwarded_to": "sip:vm@example.com"}, True),
        ({"diversion": "<sip:+15550100200@example.com>;reason=user-busy"}, False),
        ({"history_info": "<sip:+15550100200@a>;index=1, <sip:+15550100999@a;cause=302>;index=1.1"}, False),
        ({"history_info": "<sip:+15550100200@a>;index=1, <sip:voicemail@a;cause=486>;index=1.1"}, True),
        ({"cause": "call_forwarded"}, False),
        ({"cause": "CFNR"}, False),
        ({"to_voicemail": True}, True),
    ],
)
def test_a_forwarding_is_read_from_any_event_that_shows_it(told: dict[str, Any], to_voicemail: bool) -> None:
    first, second = read("generic_failed", **({"sip_code": 480} | told))
    assert (first.kind, first.to_voicemail, first.room) == (Kind.FORWARDED, to_voicemail, ROOM)
    assert second.kind is Kind.FAILED


@pytest.mark.parametrize(
    "told",
    [
        {"history_info": "<sip:+15550100200@example.com>;index=1"},
        {"cause": "user_busy"},
        {"diversion": ""},
        {"forwarded_to": None},
        {"to_voicemail": False},
        {"to_voicemail": "no"},
    ],
)
def test_what_shows_no_forwarding_is_none(told: dict[str, Any]) -> None:
    assert kinds("generic_failed", **told) == [Kind.FAILED]


@pytest.mark.parametrize(
    ("target", "is_voicemail"),
    [
        ("voicemail", True),
        ("vm", True),
        ("sip:voicemail@example.com", True),
        ("<sip:VM1002@pbx.example.com>", True),
        ("sip:1002-vm@pbx.example.com", True),
        ("sip:+15550100200@voicemail.example.com", True),
        ("sip:ivr@example.com;target=sip:voice-mail%40example.com;cause=408", True),
        ("sip:voicemail@example.com;target=sip:+15550100200%40example.com;cause=486", True),
        ("sip:+15550100999@example.com;cause=408", False),
        ("sip:+15550100999@example.com;cause=486", False),
        ("+15550100999;cause=486", False),
        ("sip:+15550100999@vm.example.com", False),
        ("sip:vmaria@example.com", False),
        ("+15550100999", False),
        ("", False),
        (None, False),
    ],
)
def test_a_place_is_a_voicemail_by_its_name_and_not_by_the_cause_of_the_forwarding(
    target: str | None, is_voicemail: bool
) -> None:
    assert names_voicemail(target) is is_voicemail


def test_names_of_events_and_fields_that_nobody_knows_yet_are_no_ones_trouble() -> None:
    event = event_of("receive_sip_event", "generic_ringing")
    document = json.loads(event["body"]) | {"type": "call.teleported", "new": {"deep": []}}
    (read_,) = PROVIDERS["generic"].read(request_of(event | {"body": json.dumps(document)}))
    assert (read_.kind, read_.room) == (Kind.OTHER, ROOM)
    assert kinds("twilio_ringing", CallStatus="levitating") == [Kind.OTHER]


@pytest.mark.parametrize("told", [{"call": 7}, {"call": ["a"]}, {"call": {"a": 1}}, {"provider_call_id": 9}])
def test_values_of_the_wrong_kind_are_read_as_far_as_they_can_be(told: dict[str, Any]) -> None:
    assert kinds("generic_ringing", **told) == [Kind.RINGING]


@pytest.mark.parametrize("provider", ["telnyx", "generic"])
@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{}", b"\xff", b'{"data": 7}', b'{"data": []}', b"[" * 100_000])
def test_a_body_that_is_no_event_is_told_so(provider: str, body: bytes) -> None:
    with pytest.raises(HookUnreadable):
        PROVIDERS[provider].read(HookRequest("https://api.example.com/", {"content-type": "application/json"}, body))


@pytest.mark.parametrize("body", [b"", b"CallStatus=busy", b"%ff", b"CallSid="])
def test_a_form_without_its_call_is_told_so(body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    with pytest.raises(HookUnreadable):
        PROVIDERS["twilio"].read(HookRequest("https://api.example.com/", headers, body))


def test_texts_of_any_length_leave_a_call_small() -> None:
    (event,) = read("generic_failed", cause="x" * 10_000, sip_status="y" * 10_000)
    assert len(event.cause or "") == len(event.sip_status or "") == 200
    assert read("generic_failed", provider_call_id="z" * 300)[0].provider_call_ids == ()
