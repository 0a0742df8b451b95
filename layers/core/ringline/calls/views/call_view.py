"""A call as the API and the webhooks show it: the SDK's names and nulls, and whatever more we know as extra fields."""

from typing import Any

from ringline.calls.model.call import (
    Call,
    Listener,
    Recording,
    RecordingConsent,
    State,
    VoicemailPolicy,
    assert_whole,
    room_name,
)
from ringline.calls.model.reasons import MEANINGS, EndReason
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.rules.voicemail import voicemail_evidence
from ringline.calls.views.transfer_view import transfer_view
from ringline.runtime.clock import MS_PER_S, iso, iso_or_none, iso_s


def call_view(call: Call) -> dict[str, Any]:
    """The SDK's `Call`, of one that is whole. Fields that its model does not take as null are left out where
    unknown."""
    assert_whole(call)
    meaning = None if call.end_reason is None else MEANINGS.get(call.end_reason)
    return {
        "call_id": call.call_id,
        "org_id": call.account_id,
        "pipe_id": call.pipe_id,
        "agent_id": call.agent_id,
        "direction": call.direction.value,
        "from_number": call.from_number,
        "to_number": call.to_number,
        "trunk_id": call.trunk_id,
        "brain": call.brain or "livekit",
        "runner_id": call.runner_id,
        "session_id": session_id(call),
        "room_name": call.room_name,
        "instructions": call.instructions,
        "data": call.data,
        "metadata": call.metadata,
        "status": call.state.status.value,
        "state": call.state.value,
        "attempt": call.attempt_number,
        "attempts": attempts(call),
        "retry": None if call.retry is None else retry_view(call.retry),
        "next_attempt_at": iso(call.eligible_at) if call.attempts and call.state is State.QUEUED else None,
        "end_reason": call.end_reason,
        "end_category": None if meaning is None else meaning.category.value,
        "ended_by": None if meaning is None else meaning.ended_by.value,
        "retryable": None if meaning is None else meaning.retryable,
        "sip_code": call.evidence.sip_code,
        "sip_status": call.evidence.sip_status,
        "created": iso(call.created_at),
        "scheduled_at": iso_or_none(call.scheduled_at),
        "expires_at": iso_or_none(call.expires_at),
        "unique_to": call.unique_to,
        "started_at": iso_or_none(call.dialed_at),
        "ended_at": iso_or_none(call.ended_at),
        "duration_s": talk_s(call),
        "voicemail": voicemail_evidence(call),
        "voicemail_policy": policy_of(call).value,
        "agent_reports": agent_reports(call),
        "transfers": [transfer_view(call, transfer) for transfer in call.transfers],
        "recording": call.recording,
        "recording_consent": None if call.recording_consent is None else consent_view(call.recording_consent),
        "recording_status": recording_status(call),
        "recording_error": None if call.recorded is None else call.recorded.error,
        "recording_paused_at": iso_or_none(call.recording_paused_at),
        "recording_segments": [segment_view(each) for each in recordings_of(call)],
        "listeners": [listener_view(each) for each in call.listeners],
        "traces": {"call_timings": timings(call)} if call.dialed_at is not None else {},
        "transcript_turns": call.transcript_turns,
        "recording_pending": recording_is_pending(call),
        "transcript_pending": transcript_is_pending(call),
        "content_erased_at": iso_or_none(call.content_erased_at),
    }


def consent_view(consent: RecordingConsent) -> dict[str, Any]:
    return {
        "status": consent.status,
        "method": consent.method,
        "at": iso(consent.at),
        "given_by": consent.given_by,
        "reference": consent.reference,
    }


def retry_view(policy: RetryPolicy) -> dict[str, Any]:
    return {"max_attempts": policy.max_attempts, "on": list(policy.on), "delays_s": list(policy.delays_s)}


def recording_status(call: Call) -> str | None:
    if call.recording_paused_at is not None and call.in_flight:
        return "paused"
    known = recordings_of(call)
    return known[-1].status if known else None


def recordings_of(call: Call) -> list[Recording]:
    """The segments of the present attempt's recording, as far as they are known, in their order."""
    return [*call.former_recordings, *([] if call.recorded is None else [call.recorded])]


def recording_is_pending(call: Call) -> bool:
    """Whether a file of the conversation is still to come: `recording.ready` or `recording.failed` follows."""
    if not call.recording or call.active_at is None or call.content_erased_at is not None:
        return False
    known = recordings_of(call)
    return not known or any(each.status == "started" for each in known)


def transcript_is_pending(call: Call) -> bool:
    """Whether the agent has promised a transcript and not told all of it yet: `transcript.ready` follows."""
    promised = call.reports.has_promised_transcript and call.active_at is not None
    return promised and not call.reports.said_all and call.content_erased_at is None


def segment_view(recording: Recording) -> dict[str, Any]:
    return {
        "segment": recording.segment,
        "status": recording.status,
        "from": iso_or_none(recording.began_at),
        "to": iso_or_none(recording.over_at),
        "duration_s": recording.duration_s,
        "error": recording.error,
    }


def listener_view(listener: Listener) -> dict[str, Any]:
    return {
        "listener_id": listener.identity,
        "mode": listener.mode,
        "joined_at": iso(listener.joined_at),
        "left_at": iso_or_none(listener.left_at),
    }


def session_id(call: Call) -> str | None:
    """The session of the present attempt; None before the first attempt. It is not named after the room, for a room
    that LiveKit named may have had other callers before."""
    return room_name(call.account_id, call.call_id, call.attempt) if call.attempt else None


def policy_of(call: Call) -> VoicemailPolicy:
    return call.voicemail_policy or VoicemailPolicy.HANG_UP


def agent_reports(call: Call) -> dict[str, Any] | None:
    """What the agent reported; None if it has reported nothing."""
    reports = call.reports
    view = {
        "ready_at": reports.ready_at and iso(reports.ready_at),
        "can_report": list(reports.can_report) or None,
        "user_spoke_at": reports.user_spoke_at and iso(reports.user_spoke_at),
        "silent_since": reports.silent_since and iso(reports.silent_since),
        "voicemail_at": reports.voicemail_at and iso(reports.voicemail_at),
        "hung_up_for": reports.hung_up_for,
        "transferred_to": reports.transferred_to,
    }
    return {name: value for name, value in view.items() if value is not None} or None


def attempts(call: Call) -> list[dict[str, Any]]:
    """Each attempt with its dial, its end and its reason, the present one included; empty before the first."""
    rows: list[tuple[int, int | None, int | None, EndReason | None, int | None, str | None]] = [
        (
            each.dialed_at,
            each.answered_at,
            each.ended_at,
            each.end_reason,
            each.sip_code,
            each.from_number or call.from_number,
        )
        for each in call.attempts
    ]
    if call.dialed_at is not None:
        sip_code = call.evidence.sip_code
        rows.append((call.dialed_at, call.answered_at, call.ended_at, call.end_reason, sip_code, call.from_number))
    return [
        {
            "attempt": number,
            "dialed_at": iso(dialed_at),
            "answered_at": iso_or_none(answered_at),
            "ended_at": iso_or_none(ended_at),
            "end_reason": end_reason,
            "sip_code": sip_code,
            "from_number": from_number,
        }
        for number, (dialed_at, answered_at, ended_at, end_reason, sip_code, from_number) in enumerate(rows, start=1)
    ]


def timings(call: Call) -> dict[str, Any]:
    """The SDK's `call_timings`: moments to the second, durations in seconds; what has not happened is left out."""
    ring_until = call.answered_at or call.ended_at
    known = {
        "call_dialed_at": call.dialed_at and iso_s(call.dialed_at),
        "call_connected_at": call.answered_at and iso_s(call.answered_at),
        "call_ended_at": call.ended_at and iso_s(call.ended_at),
        "ring_duration_seconds": _seconds(call.dialed_at, ring_until),
        "talk_duration_seconds": talk_s(call),
    }
    return {name: value for name, value in known.items() if value is not None}


def talk_s(call: Call) -> float | None:
    """Seconds from the answer to the end; None for a call that was not answered or is not over."""
    return _seconds(call.answered_at, call.ended_at)


def _seconds(since: int | None, until: int | None) -> float | None:
    return None if since is None or until is None else max(0, until - since) / MS_PER_S


STATES_OF_STATUS = {
    "pending": frozenset({State.QUEUED}),
    "ringing": frozenset({State.DIALING, State.RINGING}),
    "active": frozenset({State.ACTIVE, State.LAST_WORDS}),
    "completed": frozenset({State.ENDED}),
    "failed": frozenset({State.NOT_CONNECTED, State.CANCELED}),
    "scheduled": frozenset({State.QUEUED}),
    "dispatching": frozenset({State.DIALING}),
    "connected": frozenset({State.ENDED}),
    "notConnected": frozenset({State.NOT_CONNECTED, State.CANCELED}),
}
"""For filters: the states behind each visible status, and behind the words newer SDKs document for them."""
