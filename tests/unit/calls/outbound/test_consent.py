"""Consent to recording: who gave it, how and when, and that nothing is recorded where it was denied."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ringline.calls.model.call import (
    Call,
    ConsentMethod,
    ConsentStatus,
    Direction,
    RecordingConsent,
    State,
    may_record,
)
from ringline.calls.model.events import ContentErased
from ringline.calls.model.results import Moved
from ringline.calls.outbound.requests import CreateCallRequest
from ringline.calls.rules.lifecycle import apply
from ringline.calls.tables.records import call_from_item, call_to_item
from ringline.calls.views.call_view import call_view
from ringline.calls.web.ticket import a_ticket
from ringline.routing.resolve import Route
from ringline.runtime.web.bodies import read_body
from ringline.runtime.web.problems import Problem
from tests.builders import NOW, a_call

AT = "2026-11-20T10:00:00Z"
AT_MS = round(datetime(2026, 11, 20, 10, tzinfo=UTC).timestamp() * 1000)
GRANTED = {"status": "granted", "method": "verbal", "at": AT}
CONSENT = RecordingConsent(ConsentStatus.GRANTED, ConsentMethod.VERBAL, AT_MS, "Ada Lovelace", "case 7")


def read(consent: Any) -> CreateCallRequest:
    return read_body(CreateCallRequest, {"to_number": "+15550100200", "pipe_id": "p", "recording_consent": consent})


def said(consent: Any, now: int = AT_MS) -> RecordingConsent | None:
    request = read(consent).recording_consent
    return None if request is None else request.consent(now)


def test_who_consented_how_and_when_is_read() -> None:
    assert said(GRANTED | {"given_by": " Ada Lovelace ", "reference": "case 7"}) == CONSENT
    assert said(None) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "maybe"),
        ("method", "telepathy"),
        ("at", "2026-11-20"),
        ("at", "2026-11-20T10:00:00"),
        ("given_by", ""),
        ("given_by", "x" * 201),
        ("reference", "a\nb"),
        ("colour", "red"),
    ],
)
def test_what_is_no_consent_is_refused_by_the_fields_name(field: str, value: Any) -> None:
    with pytest.raises(Problem) as refused:
        read(GRANTED | {field: value})
    assert [each.field for each in refused.value.errors] == [f"recording_consent.{field}"]


@pytest.mark.parametrize("missing", ["status", "method", "at"])
def test_a_consent_without_what_proves_it_is_refused(missing: str) -> None:
    with pytest.raises(Problem) as refused:
        read({name: value for name, value in GRANTED.items() if name != missing})
    assert [each.field for each in refused.value.errors] == [f"recording_consent.{missing}"]


@pytest.mark.parametrize(("at", "now"), [(AT, AT_MS - 301_000), ("0001-01-01T00:00:00Z", AT_MS)])
def test_a_moment_that_is_to_come_or_long_gone_is_refused(at: str, now: int) -> None:
    with pytest.raises(Problem) as refused:
        said(GRANTED | {"at": at}, now)
    assert [each.field for each in refused.value.errors] == ["recording_consent.at"]


def test_a_clock_that_goes_ahead_is_no_reason_to_refuse() -> None:
    consent = said(GRANTED, AT_MS - 299_000)
    assert consent is not None
    assert consent.at == AT_MS - 299_000


@pytest.mark.parametrize("is_wanted", [True, False])
def test_denied_means_that_nothing_is_recorded(is_wanted: bool) -> None:
    denied = RecordingConsent(ConsentStatus.DENIED, ConsentMethod.WRITTEN, AT_MS)
    assert may_record(denied, is_wanted=is_wanted) is False
    assert may_record(CONSENT, is_wanted=is_wanted) is is_wanted
    assert may_record(None, is_wanted=is_wanted) is is_wanted


def test_a_caller_in_a_browser_who_denied_it_is_not_recorded() -> None:
    route = Route(pipe_id="p", agent_id="a", from_number="+15550100000", max_call_duration_s=600, recording=True)
    denied = RecordingConsent(ConsentStatus.DENIED, ConsentMethod.WEB_FORM, AT_MS)
    assert a_ticket("acct", "call_1", route, NOW).call.recording is True
    call = a_ticket("acct", "call_1", route, NOW, recording_consent=denied).call
    assert (call.direction, call.recording, call.recording_consent) == (Direction.WEB, False, denied)


def a_call_with_consent(**fields: Any) -> Call:
    return a_call(State.ENDED, recording_consent=CONSENT, **fields)


def test_it_is_kept_with_the_call_and_shown() -> None:
    call = call_from_item(call_to_item(a_call_with_consent()))
    assert call.recording_consent == CONSENT
    assert call_view(call)["recording_consent"] == {
        "status": "granted",
        "method": "verbal",
        "at": "2026-11-20T10:00:00.000Z",
        "given_by": "Ada Lovelace",
        "reference": "case 7",
    }
    assert call_view(call_from_item(call_to_item(a_call(State.ENDED))))["recording_consent"] is None


def test_words_of_a_later_release_are_carried_through() -> None:
    item = call_to_item(a_call_with_consent())
    item["recording_consent"]["M"] |= {"method": {"S": "by_post"}, "stamp": {"S": "blue"}}
    assert call_to_item(call_from_item(item)) == item


@pytest.mark.parametrize(("number", "reference"), [(None, "case 7"), ("+15550100200", None)])
def test_it_outlives_the_content_without_the_name_of_the_person(number: str | None, reference: str | None) -> None:
    moved = apply(a_call_with_consent(), ContentErased(NOW + 1, number))
    assert isinstance(moved, Moved)
    consent = moved.call.recording_consent
    assert consent is not None
    assert (consent.status, consent.at, consent.given_by, consent.reference) == ("granted", AT_MS, None, reference)
