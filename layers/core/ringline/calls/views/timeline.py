"""What happened to a call and when, read from its record: the answer to "what became of my call?"."""

from collections.abc import Iterator
from typing import Any

from ringline.calls.model.call import Call
from ringline.runtime.clock import MS_PER_S, iso


def timeline(call: Call) -> list[dict[str, Any]]:
    """Each moment as `{at, what}` and what belongs to it, oldest first. `dial` is the number of the dial, whose room
    ends with it; several dials may make one attempt."""
    moments = [*_before_the_dials(call), *_past_attempts(call), *_notes(call), *_transfers(call), *_present(call)]
    known_moments = [moment for moment in moments if moment[0] is not None]
    known_moments.sort(key=lambda moment: moment[0] or 0)
    return [{"at": iso(at or 0), "what": what} | _known(more) for at, what, more in known_moments]


type _Moment = tuple[int | None, str, dict[str, Any]]


def _before_the_dials(call: Call) -> Iterator[_Moment]:
    yield call.created_at, "accepted", {"scheduled_at": call.scheduled_at and iso(call.scheduled_at)}


def _past_attempts(call: Call) -> Iterator[_Moment]:
    for number, attempt in enumerate(call.attempts, start=1):
        dial = {"attempt": number, "dial": attempt.dial}
        yield attempt.dialed_at, "dialed", dial
        yield attempt.answered_at, "answered", dial
        yield (
            attempt.ended_at,
            "attempt_ended",
            dial | {"reason": attempt.end_reason, "sip_code": attempt.sip_code},
        )


def _notes(call: Call) -> Iterator[_Moment]:
    """Notes read `dial_<n>_<what>`, some with the reason behind a colon."""
    for note in call.notes:
        word, _, why = note.what.partition(": ")
        _, dial, what = word.split("_", 2)
        yield note.at, what, {"dial": int(dial), "why": why or None}


def _transfers(call: Call) -> Iterator[_Moment]:
    for transfer in call.transfers:
        of = {"dial": transfer.dial, "transfer_id": transfer.transfer_id}
        asked = {"to": transfer.target.name, "mode": transfer.mode.value, "asked_by": transfer.asked_by.value}
        yield transfer.requested_at, "transfer_requested", of | asked
        yield transfer.ringing_at, "transfer_ringing", of
        yield transfer.joined_at, "transfer_joined", of
        failed = {"reason": transfer.reason, "sip_code": transfer.sip_code}
        # Both of one moment: what an end leads to stands behind it.
        yield transfer.ended_at, f"transfer_{transfer.state.value}", of | failed


def _present(call: Call) -> Iterator[_Moment]:
    dial = {"attempt": call.attempt_number or None, "dial": call.attempt or None}
    evidence = call.evidence
    if call.dialed_at is not None:
        waited_s = max(0, call.dialed_at - call.eligible_at) / MS_PER_S
        yield call.dialed_at, "dialed", dial | {"waited_for_line_s": waited_s}
        yield call.answered_at, "answered", dial
        yield from _carriers_words(call, dial)
        yield from _agents_words(call, dial)
        yield call.agent_joined_at, "agent_joined", dial
        yield call.dispatched_at, "agent_dispatched_again", dial | {"dispatches": call.dispatches}
        yield call.agent_left_at, "agent_left", dial
        yield call.handed_over_at, "handed_over", dial
        yield call.other_left_at, "other_left", dial
        yield evidence.leg_left_at, "leg_left", dial | {"reason": evidence.disconnect_reason}
        yield evidence.room_finished_at, "room_finished", dial
    for listener in call.listeners:
        whose = dial | {"listener_id": listener.identity, "mode": listener.mode}
        yield listener.joined_at, "listener_joined", whose
        yield listener.left_at, "listener_left", whose
    asked = {"reason": call.end_asked_reason, "words": call.reports.hung_up_for}
    yield call.end_asked_at, "end_asked", dial | asked
    ended = {"reason": call.end_reason, "sip_code": evidence.sip_code, "sip_status": evidence.sip_status}
    yield call.ended_at, "ended", dial | ended


def _carriers_words(call: Call, dial: dict[str, Any]) -> Iterator[_Moment]:
    carrier = call.carrier
    yield carrier.rang_at, "ringing", dial
    forwarded = {"to": carrier.forwarded_to, "to_voicemail": carrier.to_voicemail or None}
    yield carrier.forwarded_at, "forwarded", dial | forwarded
    yield (
        carrier.failed_at,
        "carrier_failed",
        dial | {"sip_code": call.evidence.sip_code, "cause": carrier.cause},
    )
    ended = {"cause": carrier.cause, "of_another_leg": carrier.end_is_doubted or None}
    yield carrier.ended_at, "carrier_ended", dial | ended


def _agents_words(call: Call, dial: dict[str, Any]) -> Iterator[_Moment]:
    reports = call.reports
    yield reports.ready_at, "agent_ready", dial | {"can_report": list(reports.can_report) or None}
    yield reports.user_spoke_at, "user_spoke", dial
    yield reports.silent_since, "silence_began", dial
    yield reports.voicemail_at, "voicemail_heard", dial | {"why": reports.voicemail_why}
    yield reports.transferred_at, "transferred", dial | {"to": reports.transferred_to}


def _known(more: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in more.items() if value is not None}
