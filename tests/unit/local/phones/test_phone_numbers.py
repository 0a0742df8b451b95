"""The sandbox's telephone book, and what LiveKit makes of SIP codes."""

import pytest

from local.pages.reasons import NOT_RUNG, reason_for
from local.pages.sandbox import page
from local.phones.model import legs, sip_status
from local.phones.numbers import book
from local.phones.numbers.beyond import BEYOND_NUMBERS
from local.phones.numbers.callees import AgentDeed, Refusal
from local.phones.numbers.sandbox_number import PICKS_UP, STAYS_ON
from local.phones.rooms.counts import HeadCount, LateCount
from local.trips.outcomes import Outcome, not_reached
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import (
    VOICEMAIL_GREETING_MIN_S,
    VOICEMAIL_GREETING_S,
    VOICEMAIL_RING_MAX_S,
    VOICEMAIL_RING_MIN_S,
)


@pytest.mark.parametrize(
    ("sip_code", "twirp_code", "reason"),
    [
        (302, "not_found", "CLIENT_INITIATED"),
        (400, "invalid_argument", "USER_REJECTED"),
        (404, "not_found", "USER_UNAVAILABLE"),
        (408, "deadline_exceeded", "USER_UNAVAILABLE"),
        (410, "not_found", "USER_REJECTED"),
        (416, "out_of_range", "USER_REJECTED"),
        (480, "resource_exhausted", "USER_UNAVAILABLE"),
        (486, "resource_exhausted", "USER_REJECTED"),
        (487, "aborted", "USER_REJECTED"),
        (503, "failed_precondition", "CLIENT_INITIATED"),
        (504, "deadline_exceeded", "CLIENT_INITIATED"),
        (600, "resource_exhausted", "USER_REJECTED"),
        (604, "not_found", "USER_REJECTED"),
        (608, "permission_denied", "USER_REJECTED"),
    ],
)
def test_a_sip_code_becomes_a_twirp_code_and_a_disconnect_reason(sip_code: int, twirp_code: str, reason: str) -> None:
    seen = sip_status.failure(sip_code)
    assert (seen.twirp_code, seen.disconnect_reason) == (twirp_code, reason)


@pytest.mark.parametrize(
    ("sip_code", "text", "reason"),
    [
        (503, "32001 SIP: Trunk CPS limit exceeded", "USER_REJECTED"),
        (599, "Concurrent Call Limit Exceeded", "USER_REJECTED"),
        (503, "limit exceeded", "CLIENT_INITIATED"),
        (503, "channel limit reached", "CLIENT_INITIATED"),
        (302, "cps limit exceeded", "CLIENT_INITIATED"),
        (480, "cps limit exceeded", "USER_UNAVAILABLE"),
    ],
)
def test_a_carrier_at_its_limit_is_no_broken_carrier(sip_code: int, text: str, reason: str) -> None:
    assert legs.refused(sip_code, text).reason == reason


@pytest.mark.parametrize("sip_code", [401, 407])
@pytest.mark.parametrize(
    ("has_credentials", "words"), [(False, "no username or password"), (True, "max auth retry attempts")]
)
def test_a_challenge_is_never_a_final_response(sip_code: int, has_credentials: bool, words: str) -> None:
    for family in (1, 2, 3):
        end = book.callee_for(f"+1555010{family}{sip_code}").fate(has_credentials=has_credentials).end
        assert end is not None
        assert end.failure is not None
        assert (end.reason, end.failure.code, end.failure.metadata) == ("USER_REJECTED", "failed_precondition", {})
        assert words in end.failure.text


@pytest.mark.parametrize(
    ("sip_code", "twirp_code"), [(499, "invalid_argument"), (599, "failed_precondition"), (699, "invalid_argument")]
)
def test_an_unlisted_code_is_classed_by_its_hundred(sip_code: int, twirp_code: str) -> None:
    assert sip_status.failure(sip_code).twirp_code == twirp_code


def test_every_listed_code_stands_under_one_twirp_code() -> None:
    listed = [sip_code for sip_codes in sip_status._TWIRP_CODES.values() for sip_code in sip_codes]
    assert len(listed) == len(sip_status.SIP_CODES)


@pytest.mark.parametrize("sip_code", [403, 480, 500, 607])
def test_the_families_refuse_with_the_code_in_the_number(sip_code: int) -> None:
    at_once, ringing, long = (book.callee_for(f"+1555010{family}{sip_code}") for family in (1, 2, 3))
    assert at_once.refusal == ringing.refusal == long.refusal == Refusal(sip_code)
    assert at_once.rings_after_s is None
    assert 0 < ringing.refuses_after_s < long.refuses_after_s


def test_a_callee_that_refuses_so_many_times_answers_the_next_dial_and_begins_again() -> None:
    callee = book.callee_for("+15550102503")
    dials = [callee.at_dial(turn) for turn in range(1, 7)]
    refusal = Refusal(503, "cps limit exceeded")
    assert [dial.refusal for dial in dials] == [refusal, refusal, None, refusal, refusal, None]
    assert [dial.rings_after_s is None for dial in dials] == [True, True, False, True, True, False]
    assert book.callee_for("+15550103503").at_dial(3).refusal == Refusal(503, "concurrent call limit exceeded")


def test_an_unknown_number_picks_up() -> None:
    assert book.callee_for("+4930123456") == PICKS_UP
    assert book.callee_for("+15550102007") == PICKS_UP


def test_every_number_of_the_table_is_found_and_stands_once() -> None:
    listed = [entry.number for entry in book.NUMBERS]
    assert len(listed) == len(set(listed))
    assert all(book.callee_for(entry.number) == entry.callee for entry in book.NUMBERS)
    assert all(f"| `{number}` |" in page() for number in listed)


def test_the_readme_shows_eight_numbers_that_end_differently() -> None:
    assert len({entry.end_reason for entry in book.MOST_USED}) == len(book.MOST_USED) == 8


@pytest.mark.parametrize("number", ["+15550100603", "+15550100403", "+15550100404"])
def test_a_refusal_with_words_ends_for_what_the_words_say(number: str) -> None:
    (entry,) = (each for each in book.NUMBERS if each.number == number)
    assert entry.callee.refusal is not None
    refused = entry.callee.refusal
    assert reason_for(refused.sip_code, NOT_RUNG, refused.text or "") == entry.end_reason
    assert reason_for(refused.sip_code, NOT_RUNG) != entry.end_reason, "the code alone says something else"


def test_a_480_of_the_sandbox_falls_on_the_side_of_the_voicemail_window_that_the_book_promises() -> None:
    assert VOICEMAIL_RING_MIN_S < book.VOICEMAIL_RING_S < VOICEMAIL_RING_MAX_S < book.LONG_RING_S


def test_the_greeting_of_the_sandboxs_voicemail_is_as_long_as_greetings_are() -> None:
    assert VOICEMAIL_GREETING_MIN_S < (book.callee_for("+15550100210").hangs_up_after_s or 0) < VOICEMAIL_GREETING_S


def test_every_reason_that_a_call_can_have_is_promised_by_a_number() -> None:
    promised = {reason for entry in book.NUMBERS for reason in entry.end_reason.split(" or ")}
    told = {each.end_reason for each in BEYOND_NUMBERS}
    assert promised.isdisjoint(told)
    assert promised | told == set(EndReason)


def test_who_calls_every_number_and_sees_what_it_promises_has_reached_all_that_numbers_reach() -> None:
    seen = [Outcome(entry, reason, 1.0) for entry in book.NUMBERS for reason in entry.end_reason.split(" or ")]
    assert not_reached(seen) == []
    assert not_reached([]) == sorted(set(EndReason) - {each.end_reason for each in BEYOND_NUMBERS})


def test_an_ordinary_callee_speaks_and_a_machine_does_not() -> None:
    assert book.callee_for("+15550100200").speaks_after_s is not None
    machines = {
        "+15550100210",
        "+15550100211",
        "+15550100212",
        "+15550100213",
        "+15550100219",
        "+15550100224",
        "+15550100242",
    }
    assert {entry.number for entry in book.NUMBERS if entry.callee.speaks_after_s is None} == machines


def test_ordinary_numbers_and_families_have_carriers_that_tell_nothing() -> None:
    telling = {entry.number for entry in book.NUMBERS if entry.callee.carrier is not None}
    assert telling == {f"+1555010022{last}" for last in (0, 1, 2, 3, 4, 5, 7)}
    assert book.callee_for("+15550101486").carrier is None


def test_a_number_is_found_in_metadata() -> None:
    assert book.number_named_in('{"to": "+15550100330"}') == "+15550100330"
    assert book.number_named_in('{"to": "+4930123456"}') is None
    assert book.number_named_in('{"from_number": "+15550100000", "to_number":"+15550100330"}') == "+15550100330"


def test_a_callee_can_be_changed_from_json() -> None:
    changed = STAYS_ON.with_changes(
        {"refusal": {"sip_code": 603, "text": "no"}, "agent": {"deed": "crash", "after_s": 1}}
    )
    assert changed.refusal == Refusal(603, "no")
    assert changed.agent.deed is AgentDeed.CRASH
    with pytest.raises(ValueError, match="sings"):
        STAYS_ON.with_changes({"sings": True})


def test_a_count_shows_when_it_is_written_every_5_s() -> None:
    count = LateCount(created_at_s=100.0)
    count.change(HeadCount(1, 0), 100.1)
    count.change(HeadCount(1, 1), 100.2)
    assert count.reported(104.9) == HeadCount()
    assert count.reported(105.0) == HeadCount(1, 1)
    count.change(HeadCount(0, 0), 106.0)
    assert count.reported(109.9) == HeadCount(1, 1)
    assert count.reported(110.0) == HeadCount()


def test_a_count_shows_at_once_when_none_was_written_for_5_s() -> None:
    count = LateCount(created_at_s=0.0)
    count.change(HeadCount(1, 1), 0.1)
    count.change(HeadCount(0, 1), 32.0)
    assert count.reported(32.0) == HeadCount(0, 1)
    count.change(HeadCount(0, 0), 32.1)
    assert count.reported(32.2) == HeadCount(0, 1)
