"""What agents report, read from their requests; and what they mean by their reasons for hanging up."""

import json
from datetime import datetime
from typing import Any

import pytest
from unpod.models.session import TranscriptEntry

from ringline.calls.model.events import (
    AgentHangsUp,
    AgentReady,
    Event,
    SilenceHeard,
    Transferred,
    UserSpoke,
    VoicemailHeard,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.signals.agent_reports import Report
from ringline.calls.signals.agent_words import KNOWN_TO_AGENTS, meant_by
from ringline.calls.signals.report_bodies import MOST_REPORTS, MOST_SUMMARY, MOST_USAGE_BYTES, read_reports
from ringline.calls.tables.transcripts import Transcript, Turn
from ringline.calls.views.session_view import transcript_view
from ringline.runtime.web.problems import Problem

_R = EndReason
AT = 1_795_224_871_000
TURN = {"role": "user", "content": "Yes."}


def read(event: dict[str, Any]) -> Report:
    (report,) = read_reports(event)
    return report


def faults(body: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(Problem) as refused:
        read_reports(body)
    assert (refused.value.status, refused.value.code) == (422, "invalid_request")
    return {each.field: each.message for each in refused.value.errors}


@pytest.mark.parametrize(
    ("told", "event"),
    [
        ({"type": "ready"}, AgentReady(AT, 2, ())),
        (
            {"type": "ready", "can_report": ["voicemail", "user_spoke", "laughter", "voicemail"]},
            AgentReady(AT, 2, ("user_spoke", "voicemail")),
        ),
        ({"type": "user_spoke"}, UserSpoke(AT, 2)),
        ({"type": "silence", "silent_s": 4.5}, SilenceHeard(AT, 2, 4.5)),
        ({"type": "silence", "silent_s": 0}, SilenceHeard(AT, 2, 0)),
        ({"type": "voicemail"}, VoicemailHeard(AT, 2, None)),
        ({"type": "voicemail", "why": "a beep"}, VoicemailHeard(AT, 2, "a beep")),
        ({"type": "hang_up"}, AgentHangsUp(AT, 2, _R.AGENT_HUNG_UP, None)),
        ({"type": "hang_up", "reason": "idle"}, AgentHangsUp(AT, 2, _R.IDLE_TIMEOUT, "idle")),
        ({"type": "transfer"}, Transferred(AT, 2, None, failed=False)),
        (
            {"type": "transfer", "to": "sales", "status": "started"},
            Transferred(AT, 2, "sales", failed=False, only_started=True),
        ),
        ({"type": "transfer", "status": "failed"}, Transferred(AT, 2, None, failed=True)),
    ],
)
def test_each_report_becomes_the_event_it_tells_of(told: dict[str, Any], event: Event) -> None:
    report = read({**told, "color": "unknown fields are ignored"})
    assert (report.kind, report.transcript) == (told["type"], None)
    assert report.event is not None
    assert report.event(AT, 2) == event


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"type": "transcript", "turns": []}, Transcript()),
        (
            {"type": "transcript", "turns": [{**TURN, "timestamp": "2026-11-21T02:09:00.123Z", "words": 1}]},
            Transcript((Turn("user", "Yes.", "2026-11-21T02:09:00.123Z"),)),
        ),
        ({"type": "transcript", "summary": "Short.", "usage": None}, Transcript(summary="Short.")),
        (
            {"type": "transcript", "turns": [TURN], "summary": "Short.", "usage": {"tokens": 3}},
            Transcript((Turn("user", "Yes."),), "Short.", {"tokens": 3}),
        ),
        ({"type": "usage", "usage": {"cost": {"total": 0.5}}}, Transcript(usage={"cost": {"total": 0.5}})),
    ],
)
def test_words_and_usage_are_kept_as_they_were_told(told: dict[str, Any], kept: Transcript) -> None:
    report = read(told)
    assert (report.transcript, report.event) == (kept, None)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (None, None),
        ("2026-11-21T02:09:00.123Z", "2026-11-21T02:09:00.123Z"),
        ("2026-11-21 12:00:00.123+00", "2026-11-21T12:00:00.123Z"),
        ("2026-11-21T12:00:00.123456+01:00", "2026-11-21T12:00:00.123456+01:00"),
        ("2026-11-21T12:00:00,5-0330", "2026-11-21T12:00:00.500-03:30"),
        ("20261121T120000Z", "2026-11-21T12:00:00.000Z"),
        ("2026-11-21T12:00:00+05:53:28", "2026-11-21T06:06:32.000Z"),
        ("2026-11-21T12:00", "2026-11-21T12:00:00.000"),
        ("2026-W47-6", "2026-11-21T00:00:00.000"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00.000+14:00"),
    ],
)
def test_the_moment_of_a_turn_is_kept_in_a_form_that_the_sdk_reads(told: str | None, kept: str | None) -> None:
    words = read({"type": "transcript", "turns": [{**TURN, "timestamp": told}]}).transcript
    assert words is not None
    assert [turn.timestamp for turn in words.turns] == [kept]
    shown = TranscriptEntry.model_validate({"role": "user", "content": "Yes.", "timestamp": kept})
    assert (shown.timestamp is None) is (kept is None)
    if kept is not None:
        assert told is not None
        assert shown.timestamp == datetime.fromisoformat(told)


def sent(turns: list[dict[str, Any]]) -> int:
    """What Lambda counts of the answer that shows those turns: a text within its JSON."""
    shown = transcript_view(Transcript(tuple(Turn(turn["role"], turn["content"]) for turn in turns)))
    body = json.dumps(shown, separators=(",", ":"), ensure_ascii=False)
    return len(json.dumps({"body": body}, ensure_ascii=False).encode())


@pytest.mark.parametrize("content", ["", "yes", 'say "yes"', "C:\\>", "ça va 🙂", "\x01", "words " * 5000])
def test_a_transcript_is_taken_only_if_the_answer_that_shows_it_can_be_sent(content: str) -> None:
    turn = {"role": "user", "content": content}
    most = 5 * 2**20 // (sent([turn] * 2) - sent([turn]))
    words = read({"type": "transcript", "turns": [turn] * (most - 1)}).transcript
    assert words is not None
    assert len(words.turns) == most - 1
    assert sent([turn] * (most - 1)) < 5.1 * 2**20
    assert set(faults({"type": "transcript", "turns": [turn] * (most + 1)})) == {"turns"}


def test_a_type_of_a_later_version_is_taken_and_means_nothing() -> None:
    assert read({"type": "laughed", "silent_s": "ages"}) == Report("laughed")


@pytest.mark.parametrize(
    ("told", "at"),
    [
        (None, None),
        ("2026-11-21T02:09:00.123Z", 1_795_226_940_123),
        ("2026-11-21T03:09:00.123+01:00", 1_795_226_940_123),
    ],
)
def test_a_report_may_say_when_it_happened(told: str | None, at: int | None) -> None:
    assert read({"type": "user_spoke", "at": told}).at == at
    assert read({"type": "usage", "usage": {}, "at": told}).at == at


@pytest.mark.parametrize("far", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_moments_at_the_ends_of_time_are_read(far: str) -> None:
    assert read({"type": "user_spoke", "at": far}).at == int(datetime.fromisoformat(far).timestamp() * 1000)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"type"}),
        ({"type": None}, {"type"}),
        ({"type": ["ready"]}, {"type"}),
        ({"type": ""}, {"type"}),
        ({"type": "x" * 81}, {"type"}),
        ({"type": "ready", "can_report": "silence"}, {"can_report"}),
        ({"type": "ready", "can_report": [1]}, {"can_report.0"}),
        ({"type": "user_spoke", "at": "yesterday"}, {"at"}),
        ({"type": "user_spoke", "at": "2026-11-21T02:09:00"}, {"at"}),
        ({"type": "silence"}, {"silent_s"}),
        ({"type": "silence", "silent_s": -1}, {"silent_s"}),
        ({"type": "silence", "silent_s": 1e300}, {"silent_s"}),
        ({"type": "voicemail", "why": "x" * 201}, {"why"}),
        ({"type": "transfer", "to": "x" * 81, "status": "perhaps"}, {"to", "status"}),
        ({"type": "transcript", "turns": None}, {"turns"}),
        ({"type": "transcript", "turns": [TURN, {"role": "agent"}]}, {"turns.1.content"}),
        ({"type": "transcript", "turns": [{**TURN, "timestamp": "noon"}]}, {"turns.0.timestamp"}),
        (
            {"type": "transcript", "turns": [{**TURN, "timestamp": "0001-01-01T00:00:00+05:53:28"}]},
            {"turns.0.timestamp"},
        ),
        ({"type": "transcript", "summary": "x" * (MOST_SUMMARY + 1)}, {"summary"}),
        ({"type": "transcript", "usage": {"x": "é" * (MOST_USAGE_BYTES // 2)}}, {"usage"}),
        ({"type": "usage"}, {"usage"}),
        ({"type": "usage", "usage": [1]}, {"usage"}),
        ({"type": "ready", "dispatch": 10**39}, {"dispatch"}),
        ({"type": "user_spoke", "at": 10**309}, {"at"}),
        ({"type": "transcript", "turns": [TURN | {"timestamp": 10**309}]}, {"turns.0.timestamp"}),
        ({"events": None}, {"events"}),
        ({"events": {"type": "ready"}}, {"events"}),
        ({"events": [{"type": "ready"}] * (MOST_REPORTS + 1)}, {"events"}),
        ({"events": [{"type": "silence"}, 7]}, {"events.0.silent_s", "events.1"}),
    ],
)
def test_what_is_wrong_is_named(body: dict[str, Any], fields: set[str]) -> None:
    wrong = faults(body)
    assert set(wrong) == fields
    assert all(wrong.values())


def test_every_event_of_a_request_is_checked() -> None:
    events = [{"type": "silence"}, 7, {"type": "transcript", "turns": [{**TURN, "content": 7}, TURN]}]
    assert set(faults({"events": events})) == {"events.0.silent_s", "events.1", "events.2.turns.0.content"}


def test_a_moment_of_hundreds_of_digits_keeps_no_wish_to_end_the_call_from_being_heard() -> None:
    spoke, hangs_up = read_reports({"events": [{"type": "user_spoke", "at": 10**309}, {"type": "hang_up"}]})
    assert [each.field for each in spoke.errors] == ["events.0.at"]
    assert hangs_up.event is not None
    assert read({"type": "hang_up", "at": 10**309}).at is None


def test_several_events_keep_their_order() -> None:
    kinds = ["ready", "usage", "laughed", "user_spoke"]
    reports = read_reports({"events": [{"type": kind, "usage": {}} for kind in kinds]})
    assert [report.kind for report in reports] == kinds


def test_a_transcript_that_is_wrong_in_every_turn_is_refused_in_few_words() -> None:
    wrong = faults({"events": [{"type": "transcript", "turns": [{"role": "user"}] * 10_000}]})
    assert 10 < len(wrong) <= 100
    assert len(json.dumps(wrong)) < 10_000


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (None, _R.AGENT_HUNG_UP),
        ("", _R.AGENT_HUNG_UP),
        ("the caller said goodbye", _R.AGENT_HUNG_UP),
        ("a long silence", _R.AGENT_HUNG_UP),
        ("silence", _R.AGENT_HUNG_UP_SILENCE_DETECTED),
        ("silence_timeout", _R.AGENT_HUNG_UP_SILENCE_DETECTED),
        ("  Silence: 20 s", _R.AGENT_HUNG_UP_SILENCE_DETECTED),
        ("voicemail_detected", _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED),
        ("Voicemail - message left", _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED),
        ("max_duration", _R.MAX_DURATION_REACHED),
        ("Max Duration reached", _R.MAX_DURATION_REACHED),
        ("max-duration", _R.MAX_DURATION_REACHED),
        ("maximum fun", _R.AGENT_HUNG_UP),
        ("idle", _R.IDLE_TIMEOUT),
        ("transferred to sales", _R.CALL_TRANSFERRED),
        ("error: no words", _R.AGENT_FAILED),
        ("failed", _R.AGENT_FAILED),
        ("user_hung_up_in_call", _R.USER_HUNG_UP_IN_CALL),
        ("a reason of the future", _R.AGENT_HUNG_UP),
    ],
)
def test_the_words_of_an_agent_have_a_reason(words: str | None, reason: EndReason) -> None:
    assert meant_by(words) is reason


@pytest.mark.parametrize("reason", sorted(KNOWN_TO_AGENTS))
def test_an_agent_may_name_the_reasons_that_it_can_know(reason: EndReason) -> None:
    assert meant_by(reason.value) is reason


@pytest.mark.parametrize("reason", sorted(set(EndReason) - KNOWN_TO_AGENTS))
def test_a_name_that_an_agent_cannot_know_is_words_like_any_others(reason: EndReason) -> None:
    begins_like_voicemail = reason is _R.VOICEMAIL_DETECTED_PRECONNECT
    meant = _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED if begins_like_voicemail else _R.AGENT_HUNG_UP
    assert meant_by(reason.value) is meant


def test_no_agent_speaks_for_the_carrier_the_api_or_ourselves() -> None:
    others = ("SIP_", "API_", "USER_DID", "USER_BUSY", "EXPIRED", "NUMBER_", "INTERNAL", "DIAL_", "CALL_CANCELED")
    assert not [reason for reason in KNOWN_TO_AGENTS if reason.value.startswith(others)]
