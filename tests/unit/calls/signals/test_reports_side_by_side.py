"""A report that cannot be read keeps no other from being taken; a chat history is taken as frameworks keep it."""

from typing import Any

import pytest

from ringline.calls.model.events import AgentHangsUp
from ringline.calls.model.reasons import EndReason
from ringline.calls.signals.agent_reports import Report
from ringline.calls.signals.report_bodies import MOST_REPORTS, read_reports
from ringline.calls.tables.transcripts import Turn
from ringline.runtime.web.problems import Problem

HANG_UP = {"type": "hang_up", "reason": "goodbye"}
AT = 1_795_226_940_123


def transcript(*turns: Any) -> Report:
    (report,) = read_reports({"type": "transcript", "turns": list(turns)})
    return report


def said(report: Report) -> list[Turn]:
    assert report.transcript is not None
    return list(report.transcript.turns)


@pytest.mark.parametrize(
    "turn",
    [
        {"role": "system", "content": "Be kind."},
        {"role": "tool", "content": {"found": 3}, "tool_call_id": "c1"},
        {"role": "developer", "content": "Be kind."},
        {"type": "function_call", "name": "look_up", "arguments": "{}"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1"}]},
        {"role": "assistant", "content": []},
        {"role": "user", "content": [{"type": "image_url", "image_url": {}}]},
    ],
)
def test_turns_of_nobody_who_talks_are_skipped_and_counted(turn: dict[str, Any]) -> None:
    report = transcript(turn, {"role": "assistant", "content": "Hello."})
    assert said(report) == [Turn("agent", "Hello.")]
    assert report.shortcomings() == {"skipped_turns": 1}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Yes.", "Yes."),
        (["Yes."], "Yes."),
        (["Yes.", {"type": "image_url"}, "Please."], "Yes.\nPlease."),
        ([{"type": "text", "text": "Yes."}, {"type": "input_text", "text": "Please."}], "Yes.\nPlease."),
        ([{"type": "audio_content", "transcript": "Yes."}], "Yes."),
        ({"type": "text", "text": "Yes."}, "Yes."),
    ],
)
def test_the_texts_of_a_turn_are_joined(content: Any, text: str) -> None:
    report = transcript({"role": "user", "content": content})
    assert (said(report), report.shortcomings()) == ([Turn("user", text)], {})


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (1_795_226_940, "2026-11-21T02:09:00.000Z"),
        (1_795_226_940.123, "2026-11-21T02:09:00.123Z"),
        (1_795_226_940_123, "2026-11-21T02:09:00.123Z"),
        ("1795226940.123", "2026-11-21T02:09:00.123Z"),
        (1_795_226_940_123_000_000, "2026-11-21T02:09:00.123Z"),
        ("20261121", "2026-11-21T00:00:00.000"),
    ],
)
def test_the_moment_of_a_turn_may_be_a_number(told: Any, kept: str) -> None:
    (turn,) = said(transcript({"role": "user", "content": "Yes.", "timestamp": told}))
    assert turn.timestamp == kept


@pytest.mark.parametrize("told", [12.5, -1, True, 1e300, "12.5", {"seconds": 1}])
def test_a_number_that_counts_from_somewhere_else_is_no_moment(told: Any) -> None:
    with pytest.raises(Problem) as refused:
        transcript({"role": "user", "content": "Yes.", "timestamp": told})
    assert [each.field for each in refused.value.errors] == ["turns.0.timestamp"]


@pytest.mark.parametrize("told", [AT, AT / 1000, str(AT), "2026-11-21T02:09:00.123Z"])
def test_a_report_may_say_when_it_happened_by_a_number(told: Any) -> None:
    (report,) = read_reports({"type": "user_spoke", "at": told})
    assert report.at == AT


@pytest.mark.parametrize(
    "beside",
    [
        {"type": "transcript", "turns": [{"role": "user", "content": 7}]},
        {"type": "transcript", "turns": [{"role": "user", "content": "x", "timestamp": "noon"}]},
        {"type": "transcript", "usage": {"x": "y" * 70_000}},
        {"type": "silence"},
        {"type": ["ready"]},
        {},
        7,
        None,
    ],
)
def test_what_cannot_be_read_keeps_no_hang_up_from_being_taken(beside: Any) -> None:
    wrong, hang_up = read_reports({"events": [beside, HANG_UP]})
    assert wrong.errors and all(each.field.startswith("events.0") for each in wrong.errors)
    assert (wrong.event, wrong.transcript) == (None, None)
    assert hang_up.event is not None
    assert hang_up.event(AT, 1) == AgentHangsUp(AT, 1, EndReason.AGENT_HUNG_UP, "goodbye")


def test_of_too_many_events_the_hang_up_is_taken() -> None:
    reports = read_reports({"events": [{"type": "user_spoke"}] * MOST_REPORTS + [HANG_UP]})
    assert [report.kind for report in reports if not report.errors] == ["hang_up"]


@pytest.mark.parametrize(
    "field", [{"reason": "x" * 500}, {"reason": 7}, {"reason": {"why": "goodbye"}}, {"at": "noon"}]
)
def test_a_hang_up_is_taken_whatever_its_reason_and_moment_look_like(field: dict[str, Any]) -> None:
    (report,) = read_reports(HANG_UP | field)
    assert report.event is not None and report.at is None
    told = report.event(AT, 1)
    assert isinstance(told, AgentHangsUp) and len(told.words or "") <= 80
