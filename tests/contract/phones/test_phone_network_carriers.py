"""The sandbox's carriers tell our hooks what becomes of a call, signed as each provider signs."""

import base64
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from livekit.api import ServerError, SipCallError
from livekit.protocol import room as room_messages
from standardwebhooks.webhooks import Webhook
from twilio.request_validator import RequestValidator

from local.phones.carrier.forms import telnyx_public_key
from ringline.calls.model.carrier_event import CarrierEvent
from ringline.telephony.carriers.providers import PROVIDERS
from ringline.telephony.carriers.request import HookRequest
from tests.contract.phones.phone_network import (
    ANSWERS,
    CARRIER_SECRETS,
    RINGS_OUT,
    ROOM,
    Lab,
    Product,
    dial,
    finished,
    in_a_lab,
    the_leg,
)

THROUGH_GENERIC, THROUGH_TELNYX, THROUGH_TWILIO = "+15550100220", "+15550100221", "+15550100222"


def generic(product: Product) -> list[dict[str, Any]]:
    return [each.json for each in product.from_carrier("generic")]


def types(product: Product) -> list[str]:
    return [event["type"] for event in generic(product)]


def telnyx(product: Product) -> list[dict[str, Any]]:
    return [each.json["data"] for each in product.from_carrier("telnyx")]


def twilio(product: Product) -> list[dict[str, str]]:
    return [dict(parse_qsl(each.body.decode())) for each in product.from_carrier("twilio")]


@in_a_lab()
async def test_a_carrier_tells_of_ringing_answer_and_end_and_names_the_call(lab: Lab) -> None:
    await dial(lab, THROUGH_GENERIC, headers=True)
    await lab.product.until(lambda product: "call.ended" in types(product))
    assert types(lab.product) == ["call.ringing", "call.answered", "call.ended"]
    events = generic(lab.product)
    assert {event["data"]["call"] for event in events} == {ROOM}
    assert len({event["data"]["provider_call_id"] for event in events}) == 1
    moments = [datetime.fromisoformat(event["timestamp"]) for event in events]
    assert moments == sorted(moments)
    assert moments[0].tzinfo is not None


@in_a_lab()
async def test_the_generic_form_is_signed_as_standard_webhooks_say(lab: Lab) -> None:
    await dial(lab, THROUGH_GENERIC, headers=True)
    await lab.product.until(lambda product: "call.ended" in types(product))
    for posted in lab.product.posted:
        headers = {name.lower(): value for name, value in posted.headers.items()}
        verified = Webhook(CARRIER_SECRETS.generic or "").verify(posted.body, headers)
        assert verified == posted.json
    assert len({each.headers["webhook-id"] for each in lab.product.posted}) == 3


@in_a_lab()
async def test_telnyx_names_the_call_at_its_beginning_and_afterwards_by_its_own_ids(lab: Lab) -> None:
    await dial(lab, THROUGH_TELNYX, headers=True)
    attributes = (await the_leg(lab)).attributes
    await lab.product.until(lambda product: len(telnyx(product)) == 3)
    events = telnyx(lab.product)
    assert [event["event_type"] for event in events] == ["call.initiated", "call.answered", "call.hangup"]
    named = [event["payload"].get("custom_headers") for event in events]
    assert named == [[{"name": "X-Ringline-Call", "value": ROOM}], None, None]
    ids = {(event["payload"]["call_leg_id"], event["payload"]["call_session_id"]) for event in events}
    assert ids == {(attributes["sip.telnyx.callLegID"], attributes["sip.telnyx.callSessionID"])}
    hangup = events[-1]["payload"]
    assert (hangup["hangup_cause"], hangup["hangup_source"]) == ("normal_clearing", "callee")


@in_a_lab()
async def test_telnyx_signs_with_its_private_key(lab: Lab) -> None:
    await dial(lab, THROUGH_TELNYX)
    await lab.product.until(lambda product: len(telnyx(product)) == 3)
    public = telnyx_public_key(CARRIER_SECRETS.telnyx_key or "")
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))
    posted = lab.product.posted[0]
    signature = base64.b64decode(posted.headers["telnyx-signature-ed25519"])
    key.verify(signature, posted.headers["telnyx-timestamp"].encode() + b"|" + posted.body)
    with pytest.raises(InvalidSignature):
        key.verify(signature, b"0|" + posted.body)


@in_a_lab()
async def test_twilio_names_the_call_with_the_leg_that_comes_in_and_then_tells_of_its_child(lab: Lab) -> None:
    await dial(lab, THROUGH_TWILIO, headers=True)
    sid = (await the_leg(lab)).attributes["sip.twilio.callSid"]
    await lab.product.until(lambda product: len(twilio(product)) == 4)
    events = twilio(lab.product)
    assert [event["CallStatus"] for event in events] == ["ringing", "ringing", "in-progress", "completed"]
    assert [event.get("SipHeader_X-Ringline-Call") for event in events] == [ROOM, None, None, None]
    assert events[0]["CallSid"] == sid
    assert {(event["ParentCallSid"], event["Direction"]) for event in events[1:]} == {(sid, "outbound-dial")}
    assert len({event["CallSid"] for event in events}) == 2


@in_a_lab()
async def test_twilios_own_library_takes_the_signature(lab: Lab) -> None:
    await dial(lab, THROUGH_TWILIO)
    await lab.product.until(lambda product: len(twilio(product)) == 4)
    events = twilio(lab.product)
    assert abs((parsedate_to_datetime(events[0]["Timestamp"]) - datetime.now(UTC)).total_seconds()) < 60
    validator = RequestValidator(CARRIER_SECRETS.twilio_token)
    for posted, event in zip(lab.product.posted, events, strict=True):
        assert validator.validate(posted.url, event, posted.headers["X-Twilio-Signature"])
        assert not validator.validate(posted.url, event | {"CallStatus": "busy"}, posted.headers["X-Twilio-Signature"])


@in_a_lab()
async def test_a_carrier_tells_of_a_refusal(lab: Lab) -> None:
    with pytest.raises(SipCallError):
        await dial(lab, "+15550100223", headers=True)
    await lab.product.until(generic)
    (event,) = generic(lab.product)
    assert (event["type"], event["data"]["sip_code"], event["data"]["sip_status"]) == ("call.failed", 486, "Busy Here")


@pytest.mark.parametrize(
    "case",
    [
        ("twilio", {"refusal": 486}, "busy"),
        ("twilio", {"refusal": 480}, "no-answer"),
        ("twilio", {"refusal": 503}, "failed"),
        ("telnyx", {"refusal": 486}, "user_busy"),
        ("telnyx", {"refusal": 603}, "call_rejected"),
        ("telnyx", {"refusal": 500}, "unspecified"),
    ],
)
@in_a_lab()
async def test_a_refusal_is_told_in_the_providers_words(lab: Lab, case: tuple[str, dict[str, int], str]) -> None:
    form, refuses, words = case
    await lab.control("PUT", f"numbers/{ANSWERS}", json={**refuses, "carrier": {"form": form}})
    with pytest.raises(SipCallError):
        await dial(lab, ANSWERS)
    if form == "twilio":
        await lab.product.until(lambda product: twilio(product)[2:])
        last = twilio(lab.product)[-1]
        assert (last["CallStatus"], last["SipResponseCode"]) == (words, str(refuses["refusal"]))
    else:
        await lab.product.until(lambda product: telnyx(product)[1:])
        last = telnyx(lab.product)[-1]["payload"]
        assert (last["hangup_cause"], last["sip_hangup_cause"]) == (words, str(refuses["refusal"]))


@in_a_lab()
async def test_a_carrier_that_called_two_places_tells_of_the_one_that_did_not_answer(lab: Lab) -> None:
    await dial(lab, "+15550100227", headers=True)
    await lab.product.until(lambda product: "call.failed" in types(product))
    assert types(lab.product) == ["call.ringing", "call.answered", "call.failed"]
    assert generic(lab.product)[-1]["data"]["sip_code"] == 487
    assert (await the_leg(lab)).attributes["sip.callStatus"] == "active"


@in_a_lab()
async def test_a_carrier_tells_that_it_forwards_to_voicemail_while_the_phone_rings(lab: Lab) -> None:
    await dial(lab, "+15550100224", wait=False, headers=True)
    await lab.product.until(lambda product: "call.forwarded" in types(product))
    assert types(lab.product) == ["call.ringing", "call.forwarded"]
    assert generic(lab.product)[-1]["data"]["to_voicemail"] is True
    assert (await the_leg(lab)).attributes["sip.callStatus"] == "ringing"
    await lab.livekit.room.delete_room(room_messages.DeleteRoomRequest(room=ROOM))
    await lab.product.until(lambda product: "call.failed" in types(product))
    assert generic(lab.product)[-1]["data"]["sip_code"] == 487


@in_a_lab(time_scale=0.05)
async def test_a_forwarded_phone_may_turn_unavailable_after_25_s(lab: Lab) -> None:
    with pytest.raises(SipCallError) as caught:
        await dial(lab, "+15550100225", headers=True)
    assert caught.value.sip_status_code == 480
    await lab.product.until(lambda product: "call.failed" in types(product))
    assert types(lab.product) == ["call.ringing", "call.forwarded", "call.failed"]
    forwarded, failed = lab.product.posted[1:]
    assert forwarded.json["data"]["forwarded_to"] == "+15550100998"
    assert "to_voicemail" not in forwarded.json["data"]
    assert failed.at_s - forwarded.at_s == pytest.approx(24, abs=1.5)


@in_a_lab()
async def test_a_carrier_may_find_after_ringing_that_it_has_too_many_calls(lab: Lab) -> None:
    with pytest.raises(SipCallError) as caught:
        await dial(lab, "+15550100226")
    assert (caught.value.sip_status_code, caught.value.sip_status) == (503, "concurrent call limit exceeded")
    call = (await lab.calls())[0]
    assert call["ended_at"] - call["rang_at"] == pytest.approx(0.2, abs=0.1)
    assert lab.product.posted == []


@pytest.mark.parametrize(
    "case",
    [
        (THROUGH_GENERIC, CARRIER_SECRETS.generic, "ringing answered ended"),
        (THROUGH_TELNYX, telnyx_public_key(CARRIER_SECRETS.telnyx_key or ""), "other answered ended"),
        (THROUGH_TWILIO, CARRIER_SECRETS.twilio_token, "other ringing answered ended"),
    ],
)
@in_a_lab()
async def test_the_product_takes_and_understands_what_a_carrier_sends(lab: Lab, case: tuple[str, str, str]) -> None:
    number, secret, kinds = case
    await dial(lab, number, headers=True)
    await lab.product.until(lambda product: len(product.posted) == len(kinds.split()))
    read: list[CarrierEvent] = []
    for posted in lab.product.posted:
        headers = {name.lower(): value for name, value in posted.headers.items()}
        request = HookRequest(posted.url, headers, posted.body)
        provider = PROVIDERS[posted.path.rpartition("/")[2]]
        provider.verify(request, (secret,), time.time())
        read += provider.read(request)
    assert [str(event.kind) for event in read] == kinds.split()
    assert read[0].room == ROOM
    assert len({event.provider_call_ids[0] for event in read}) == 1


@in_a_lab()
async def test_the_words_a_carrier_has_can_be_chosen(lab: Lab) -> None:
    await lab.control("PUT", f"numbers/{ANSWERS}", json={"carrier": {"words": ["answered"]}})
    await dial(lab, ANSWERS, headers=True)
    await finished(lab)
    assert types(lab.product) == ["call.answered"]


@in_a_lab()
async def test_a_carriers_ids_are_on_the_leg_from_the_first_response_on(lab: Lab) -> None:
    await lab.control("PUT", f"numbers/{RINGS_OUT}", json={"carrier": {"form": "telnyx"}, "rings_after_s": 3})
    with pytest.raises(ServerError):
        await dial(lab, RINGS_OUT, ring_s=4)
    await finished(lab)
    joined, left = (
        next(hook.body["participant"]["attributes"] for hook in lab.recorder.hooks if hook.event == event)
        for event in ("participant_joined", "participant_left")
    )
    assert "sip.telnyx.callLegID" not in joined
    assert left["sip.telnyx.callLegID"] == telnyx(lab.product)[0]["payload"]["call_leg_id"]


@in_a_lab()
async def test_an_ordinary_number_has_a_carrier_that_tells_nothing(lab: Lab) -> None:
    await dial(lab, ANSWERS, headers=True)
    await finished(lab)
    assert lab.product.posted == []


@in_a_lab()
async def test_a_dial_that_does_not_wait_is_followed_by_its_carriers_events(lab: Lab) -> None:
    dialed = await dial(lab, THROUGH_GENERIC, wait=False, headers=True)
    await lab.product.until(lambda product: "call.answered" in types(product))
    leg = await the_leg(lab)
    assert (leg.sid, leg.attributes["sip.callStatus"]) == (dialed.participant_id, "active")
    await lab.product.until(lambda product: "call.ended" in types(product))
    assert (await lab.calls())[0]["ended_by"] == "callee"
