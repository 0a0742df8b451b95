"""What happened to a call and when, told from its record: the answer to "what became of my call?"."""

from collections.abc import Iterator
from typing import Any

from ringline.calls.model.call import Call
from ringline.runtime.clock import MS_PER_S, iso


def timeline(call: Call) -> list[dict[str, Any]]:
    """Each moment as `{at, what}` and what belongs to it, oldest first. `dial` is the number of the dial, whose room
    ends with it; several dials may make one attempt."""
    moments = [*_before_the_dials(call), *_past_attempts(call), *_notes(call), *_present(call)]
    told = [moment for moment in moments if moment[0] is not None]
    told.sort(key=lambda moment: moment[0] or 0)
    return [{"at": iso(at or 0), "what": what} | _known(more) for at, what, more in told]


type _Moment = tuple[int | None, str, dict[str, Any]]


def _before_the_dials(call: Call) -> Iterator[_Moment]:
    yield call.created_at, "accepted", {"scheduled_at": call.scheduled_at and iso(call.scheduled_at)}


def _past_attempts(call: Call) -> Iterator[_Moment]:
    for number, attempt in enumerate(call.attempts, start=1):
        of_it = {"attempt": number, "dial": attempt.dial}
        yield attempt.dialed_at, "dialed", of_it
        yield attempt.answered_at, "answered", of_it
        yield attempt.ended_at, "attempt_ended", of_it | {"reason": attempt.end_reason, "sip_code": attempt.sip_code}


def _notes(call: Call) -> Iterator[_Moment]:
    """Notes read `dial_<n>_<what>`, some with the reason behind a colon."""
    for note in call.notes:
        word, _, why = note.what.partition(": ")
        _, dial, what = word.split("_", 2)
        yield note.at, what, {"dial": int(dial), "why": why or None}


def _present(call: Call) -> Iterator[_Moment]:
    of_it = {"attempt": call.attempt_number or None, "dial": call.attempt or None}
    evidence = call.evidence
    if call.dialed_at is not None:
        waited_s = max(0, call.dialed_at - call.eligible_at) / MS_PER_S
        yield call.dialed_at, "dialed", of_it | {"waited_for_line_s": waited_s}
        yield call.answered_at, "answered", of_it
        yield from _carriers_words(call, of_it)
        yield from _agents_words(call, of_it)
        yield call.agent_joined_at, "agent_joined", of_it
        yield call.agent_left_at, "agent_left", of_it
        yield evidence.leg_left_at, "leg_left", of_it | {"reason": evidence.disconnect_reason}
        yield evidence.room_finished_at, "room_finished", of_it
    asked = {"reason": call.end_asked_reason, "words": call.reports.hung_up_for}
    yield call.end_asked_at, "end_asked", of_it | asked
    ended = {"reason": call.end_reason, "sip_code": evidence.sip_code, "sip_status": evidence.sip_status}
    yield call.ended_at, "ended", of_it | ended


def _carriers_words(call: Call, of_it: dict[str, Any]) -> Iterator[_Moment]:
    said = call.carrier
    yield said.rang_at, "ringing", of_it
    forwarded = {"to": said.forwarded_to, "to_voicemail": said.to_voicemail or None}
    yield said.forwarded_at, "forwarded", of_it | forwarded
    yield said.failed_at, "carrier_failed", of_it | {"sip_code": call.evidence.sip_code, "cause": said.cause}
    ended = {"cause": said.cause, "of_another_leg": said.end_is_doubted or None}
    yield said.ended_at, "carrier_ended", of_it | ended


def _agents_words(call: Call, of_it: dict[str, Any]) -> Iterator[_Moment]:
    told = call.reports
    yield told.ready_at, "agent_ready", of_it | {"can_report": list(told.can_report) or None}
    yield told.user_spoke_at, "user_spoke", of_it
    yield told.silent_since, "silence_began", of_it
    yield told.voicemail_at, "voicemail_heard", of_it | {"why": told.voicemail_why}
    yield told.transferred_at, "transferred", of_it | {"to": told.transferred_to}


def _known(more: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in more.items() if value is not None}
