"""Why a call stands where it stands, from what the API tells of it."""

from collections.abc import Iterator
from typing import Any

from cli.words.moments import clock_time, date_and_time, length, since, until
from cli.words.reasons import ended, waits_for

type Document = dict[str, Any]

OVER = frozenset({"completed", "failed"})


def why_call(call: Document, now_ms: int) -> list[str]:
    """Sentences, the most telling first."""
    status = call.get("status")
    if status in OVER:
        return [*_ended(call), *_attempts(call)]
    if status == "pending":
        return [*_waiting(call, now_ms), *_attempts(call)]
    return [*_under_way(call, now_ms), *_attempts(call)]


def _ended(call: Document) -> Iterator[str]:
    reason = call.get("end_reason")
    words = ended(reason)
    yield f"The call {call.get('status')}: {reason}. {words.says}"
    by = call.get("ended_by")
    when = date_and_time(call.get("ended_at"))
    talked = length(call.get("duration_s"))
    yield f"It was ended by the {by} at {when}" + (f", after a conversation of {talked}." if talked else ".")
    if call.get("sip_code"):
        text = f" {call['sip_status']}" if call.get("sip_status") else ""
        yield f"The carrier's answer was SIP {call['sip_code']}{text}."
    evidence = call.get("voicemail")
    if evidence:
        yield f"What speaks for a voicemail: {evidence}."
    if call.get("retryable") is not None:
        yield "Calling again may well succeed." if call["retryable"] else "Calling again changes nothing."
    if words.advice:
        yield words.advice


def _waiting(call: Document, now_ms: int) -> Iterator[str]:
    place = call.get("queue") or {}
    words = waits_for(place.get("blocked_by"))
    blocked = place.get("blocked_by")
    yield f"The call has waited for {since(call.get('created'), now_ms)}. {words.says}"
    if blocked == "schedule":
        yield f"It may be dialled from {date_and_time(call.get('scheduled_at'))} on."
    if blocked == "retry_delay":
        yield f"Its next attempt is due in {until(call.get('next_attempt_at'), now_ms)}."
    if place:
        least = "" if place.get("counts_all", True) else "at least "
        yield (
            f"It stands at place {least}{place.get('position')} of the queue;"
            f" {place.get('in_use')} of {place.get('cap')} lines are in use."
        )
        if place.get("cap") == 0:
            yield "The account's cap is 0: its dialling is paused."
    if place.get("estimated_start_at"):
        yield f"It will probably be dialled in {until(place['estimated_start_at'], now_ms)}."
    if call.get("expires_at"):
        yield f"It expires in {until(call['expires_at'], now_ms)}."
    if words.advice:
        yield words.advice


def _under_way(call: Document, now_ms: int) -> Iterator[str]:
    timings = (call.get("traces") or {}).get("call_timings") or {}
    match call.get("state"):
        case "dialing":
            yield f"The call is being dialled since {since(call.get('started_at'), now_ms)}."
            yield "The phone rings as soon as the carrier takes the call."
        case "ringing" if call.get("direction") == "inbound":
            yield "The caller waits for the agent to join."
        case "ringing":
            yield f"The phone rings since {since(call.get('started_at'), now_ms)}, and nobody has answered."
        case "last_words":
            yield "The conversation is over; the agent's last report is waited for."
        case _:
            yield f"The conversation is under way since {since(timings.get('call_connected_at'), now_ms)}."


def _attempts(call: Document) -> Iterator[str]:
    attempts = call.get("attempts") or []
    if len(attempts) < 2:
        return
    for each in attempts:
        reason = f" and ended as {each['end_reason']}" if each.get("end_reason") else " and is under way"
        code = f" (SIP {each['sip_code']})" if each.get("sip_code") else ""
        yield f"Attempt {each.get('attempt')} was dialled at {clock_time(each.get('dialed_at'))}{reason}{code}."
