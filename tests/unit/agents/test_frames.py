"""What runners send is read as the SDK writes it, and whatever else comes has no effect."""

import json
from typing import Any

import pytest

from ringline.agents.model.frames import (
    LONGEST_FRAME,
    Heartbeat,
    JobAck,
    JobLost,
    Received,
    Register,
    Unread,
    job_assign,
    not_registered,
    read_frame,
    registered,
)
from tests.sample_events import event_of

REGISTER: dict[str, Any] = json.loads(event_of("serve_runners", "register")["body"])


def a_register(**capabilities: Any) -> str:
    return json.dumps(REGISTER | {"capabilities": REGISTER["capabilities"] | capabilities})


def test_a_runner_says_who_it_is_and_how_many_calls_it_takes() -> None:
    assert read_frame(json.dumps(REGISTER)) == Register(
        worker_id="AGENT_1#a10699a7",
        agent_id="AGENT_1",
        pool="AGENT_1",
        transport="dial_out",
        max_concurrent=50,
        hostname="runner-1",
        region=None,
        deployment="local",
        kind="brain",
    )


def test_a_speech_worker_says_where_runners_dial_it_and_is_of_its_pool() -> None:
    capabilities = {"max_concurrent": 10, "kind": "media", "bridge_base": "wss://speech.example"}
    told = {"type": "register", "worker_id": "speech#1", "pool": "ringline-speech", "capabilities": capabilities}
    assert read_frame(json.dumps(told)) == Register(
        worker_id="speech#1",
        agent_id="ringline-speech",
        pool="ringline-speech",
        transport=None,
        max_concurrent=10,
        kind="media",
        bridge_base="wss://speech.example",
    )


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ({"call": "c", "dispatch": 2, "token": "t", "attempt": 9, "account_id": "another"}, JobLost("c", 2, "t")),
        ({"call": "c", "token": "t"}, JobLost("c", 1, "t")),
        ({"call": "c", "dispatch": -3, "token": "t"}, JobLost("c", 1, "t")),
        ({"call": "c", "dispatch": 1, "token": "t" * 5000}, Unread("no_job")),
        ({"call": "c", "dispatch": 1}, Unread("no_job")),
        ({"call": 7, "dispatch": 1, "token": "t"}, Unread("no_job")),
    ],
)
def test_a_lost_job_is_named_by_its_call_its_dispatch_and_its_token(told: dict[str, Any], read: Received) -> None:
    assert read_frame(json.dumps({"type": "job_lost", **told})) == read


@pytest.mark.parametrize(("told", "places"), [(0, 0), (-3, 0), (None, 0), ("12", 0), (10**9, 100_000), (7, 7)])
def test_places_are_a_number_of_0_or_more(told: Any, places: int) -> None:
    frame = read_frame(a_register(max_concurrent=told))
    assert isinstance(frame, Register) and frame.max_concurrent == places


def test_keys_of_a_later_version_are_passed_over() -> None:
    later = json.dumps(REGISTER | {"version": "9", "capabilities": REGISTER["capabilities"] | {"gpu": True}})
    assert read_frame(later) == read_frame(json.dumps(REGISTER))
    assert read_frame('{"type": "heartbeat", "active_jobs": 3, "mood": "good"}') == Heartbeat(3)


@pytest.mark.parametrize("told", [None, "many", -1, 1.5])
def test_a_beat_counts_whatever_it_says_of_its_jobs(told: Any) -> None:
    assert read_frame(json.dumps({"type": "heartbeat", "active_jobs": told})) == Heartbeat(0)


def test_an_answer_names_its_assignment() -> None:
    text = event_of("serve_runners", "refused")["body"]
    job_id, assign_id = "call_01JD5Z0000000000000000000A.1.1", "asg_01KAJ0000000000000000000AA"
    assert read_frame(text) == JobAck(job_id, assign_id, accepted=False, reason="at_capacity")
    assert read_frame('{"type": "job.ack", "job_id": "a.1.1", "accepted": true}') == JobAck("a.1.1", "", accepted=True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not_json"),
        ("{", "not_json"),
        ('{"type": "heartbeat", "note": "\\ud800"}', "not_json"),
        ("[" * 100_000, "not_json"),
        ("[]", "not_an_object"),
        ('{"type": "drain"}', "unknown_type"),
        ('{"type": ["heartbeat"]}', "unknown_type"),
        ("{}", "unknown_type"),
        ('{"type": "register", "worker_id": "a", "pool": "a"}', "no_capabilities"),
        ('{"type": "job.ack", "job_id": "a.1.1", "accepted": 1}', "no_job"),
        ('{"type": "job.ack", "accepted": true}', "no_job"),
        (" " * (LONGEST_FRAME + 1), "too_long"),
    ],
)
def test_what_cannot_be_read_has_no_effect(text: str, why: str) -> None:
    assert read_frame(text) == Unread(why)


@pytest.mark.parametrize("name", ["worker_id", "pool"])
@pytest.mark.parametrize("told", [None, "", "a" * 201, "a\nb", 7])
def test_a_runner_without_a_name_is_none(name: str, told: Any) -> None:
    assert read_frame(json.dumps(REGISTER | {name: told})) == Unread("no_name")


def test_what_a_runner_is_told_says_its_reason_in_a_key_that_the_sdk_passes_over() -> None:
    refusal = json.loads(not_registered("agent_not_found"))
    assert refusal["transport_ack"] != "dial_out"
    assert refusal["detail"] == "agent_not_found"
    assert json.loads(registered()) == {"type": "registered", "heartbeat_interval_s": 10, "transport_ack": "dial_out"}


def test_an_assignment_fits_into_a_frame_whatever_its_call_is() -> None:
    longest = "x" * 2048
    frame = job_assign(
        job_id=longest, assign_id=longest, call_id=longest, agent_id=longest, bridge_url=longest, call_token=longest
    )
    assert len(frame.encode()) < LONGEST_FRAME // 4
