"""A call as an item of the table and back. Absent attributes mean None; what is derivable is not stored. What a later
release keeps of a call is carried along (`ringline.later`), also in what is nested in it.

A call fits in one write unit (1 KB), long instructions having a row of their own (`asked.rows`): each attribute name
counts, and so does each note.
"""

import json
from dataclasses import fields
from typing import Any

from ringline.calls.model.call import (
    AgentReports,
    AnswerFrom,
    Attempt,
    Call,
    CarrierWords,
    ConsentMethod,
    ConsentStatus,
    Direction,
    Evidence,
    Listener,
    Note,
    Recording,
    RecordingConsent,
    State,
    Status,
    VoicemailPolicy,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.model.transfers.transfer import transfer_from_record, transfer_to_record
from ringline.calls.tables.asked.rows import as_text
from ringline.later import carried_from
from ringline.runtime.items import Item, from_item
from ringline.runtime.rows import OF_EVERY_ROW, attributes_of, known_to, to_row
from ringline.runtime.table import DUE_SHARD, EXPIRES_SHARD, calls_pk, shard_for

ITEM_KIND = "call"

_EVIDENCE = tuple(each.name for each in fields(Evidence))
_DERIVED = {"account_id", "call_id", "state", "evidence", "notes", "transfers", "asked_is_read", "carried"}
_PLAIN = tuple(each.name for each in fields(Call) if each.name not in _DERIVED)
_KNOWN = frozenset({*_PLAIN, *_EVIDENCE, "state", "notes", "transfers", "in_last_words", *OF_EVERY_ROW})


def call_to_item(call: Call, *, in_shards: bool = False) -> Item:
    """The row of a call. `in_shards`: what is due is kept in shards."""
    record: dict[str, Any] = dict(call.carried)
    record |= {name: getattr(call, name) for name in _PLAIN}
    record |= {name: getattr(call.evidence, name) for name in _EVIDENCE}
    record |= {
        "pk": calls_pk(call.account_id),
        "sk": call.call_id,
        "item_kind": ITEM_KIND,
        # The release before knows no last words: it reads the call as active, works out the wait anew, loses nothing.
        "state": State.ACTIVE if call.state is State.LAST_WORDS else call.state,
        "in_last_words": True if call.state is State.LAST_WORDS else None,
        # What has a row of its own is written there once.
        "instructions": None if call.asked_key else call.instructions,
        # These are kept as text, so that what JSON can express and DynamoDB cannot (numbers of any length, deep
        # nesting) comes back as it came.
        "data": None if call.asked_key else as_text(call.data),
        "metadata": None if call.metadata_apart else as_text(call.metadata),
        "metadata_apart": call.metadata_apart or None,
        "former_leg_sids": list(call.former_leg_sids) or None,
        "former_agent_sids": list(call.former_agent_sids) or None,
        "eligible_at": None if call.eligible_at == call.created_at else call.eligible_at,
        "active_at": None if call.active_at == call.answered_at else call.active_at,
        "attempt": call.attempt or None,
        "unsent": call.unsent or None,
        "dispatches": None if call.dispatches == 1 else call.dispatches,
        "deferrals": call.deferrals or None,
        "recording": call.recording or None,
        "recording_consent": (
            None if call.recording_consent is None else _without_none(attributes_of(call.recording_consent))
        ),
        # Only what is unusual is stored.
        "other_may_come_back": call.other_may_come_back or None,
        "agent_first": None if call.agent_first else False,
        "tries_agent": call.tries_agent or None,
        "takes_line": call.takes_line or None,
        "from_pool": call.from_pool or None,
        "counters": list(call.counters) or None,
        "transcript_turns": call.transcript_turns or None,
        "carrier": _reported(call.carrier),
        "reports": _reported(call.reports),
        "recorded": None if call.recorded is None else _recording(call.recorded),
        "recording_segment": None if call.recording_segment == 1 else call.recording_segment,
        "listeners": [_without_none(attributes_of(each)) for each in call.listeners] or None,
        "former_recordings": [_recording(each) for each in call.former_recordings] or None,
        "retry": None if call.retry is None else attributes_of(call.retry),
        "attempts": [_without_none(attributes_of(attempt)) for attempt in call.attempts] or None,
        "notes": [f"{note.at} {note.what}" for note in call.notes] or None,
        "transfers": [transfer_to_record(each) for each in call.transfers] or None,
        "due_shard": _shard(call, in_shards=in_shards),
    }
    return to_row(record)


def call_from_item(item: Item) -> Call:
    record = from_item(item)
    known = {name: record[name] for name in _PLAIN if name in record}
    state = State.LAST_WORDS if record.get("in_last_words") else State.kept(record["state"])
    if state.status in {Status.ACTIVE, Status.COMPLETED}:
        known.setdefault("active_at", record.get("answered_at"))
    return Call(
        **known
        | {
            "account_id": record["pk"].split("#")[1],
            "call_id": record["sk"],
            "direction": Direction.kept(record["direction"]),
            "state": state,
            "eligible_at": record.get("eligible_at", record["created_at"]),
            "end_reason": EndReason.kept_or_none(record.get("end_reason")),
            "end_asked_reason": EndReason.kept_or_none(record.get("end_asked_reason")),
            # What a later release keeps beside these stands in the row itself, which does not say of what it is.
            "evidence": Evidence(**{name: record[name] for name in _EVIDENCE if name in record}),
            "data": json.loads(record.get("data", "{}")),
            "metadata": json.loads(record.get("metadata", "{}")),
            "former_leg_sids": tuple(record.get("former_leg_sids", ())),
            "former_agent_sids": tuple(record.get("former_agent_sids", ())),
            "counters": tuple(record.get("counters", ())),
            "transfer_allowed_numbers": _listed(record.get("transfer_allowed_numbers")),
            "transfer_allowed_prefixes": _listed(record.get("transfer_allowed_prefixes")),
            "answer_from": AnswerFrom.kept_or_none(record.get("answer_from")),
            "voicemail_policy": VoicemailPolicy.kept_or_none(record.get("voicemail_policy")),
            "carrier": CarrierWords(**known_to(CarrierWords, record.get("carrier", {}), ())),
            "reports": _reports(record.get("reports", {})),
            "recorded": Recording(**known_to(Recording, record["recorded"], ())) if "recorded" in record else None,
            "recording_consent": _consent(record.get("recording_consent")),
            "listeners": tuple(Listener(**known_to(Listener, each, ())) for each in record.get("listeners", [])),
            "former_recordings": tuple(
                Recording(**known_to(Recording, each, ())) for each in record.get("former_recordings", [])
            ),
            "retry": _retry(record.get("retry")),
            "attempts": tuple(_attempt(each) for each in record.get("attempts", [])),
            "notes": tuple(_note(line) for line in record.get("notes", [])),
            "transfers": tuple(transfer_from_record(each) for each in record.get("transfers", [])),
            "carried": carried_from(record, _KNOWN),
        }
    )


def _shard(call: Call, *, in_shards: bool) -> str | None:
    if call.due_at is None:
        return None
    whole = EXPIRES_SHARD if call.due_at == call.expires_at and not call.in_flight else DUE_SHARD
    return shard_for(call.account_id, whole, in_shards=in_shards)


def _listed(kept: list[str] | None) -> tuple[str, ...] | None:
    return None if kept is None else tuple(kept)


def _reported(words: CarrierWords | AgentReports | Recording) -> dict[str, Any] | None:
    """The fields that were reported, without those that were not; None where nothing was reported."""
    fields_and_values = attributes_of(words).items()
    return {
        name: value for name, value in fields_and_values if value is not None and value is not False and value != []
    } or None


def _recording(recording: Recording) -> dict[str, Any] | None:
    kept = _reported(recording)
    if kept is not None and recording.segment == 1:
        del kept["segment"]
    return kept


def _reports(record: dict[str, Any]) -> AgentReports:
    known = known_to(AgentReports, record, ())
    return AgentReports(**known | {"can_report": tuple(record.get("can_report", ()))})


def _without_none(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if value is not None}


def _consent(record: dict[str, Any] | None) -> RecordingConsent | None:
    if record is None:
        return None
    words = {"status": ConsentStatus.kept(record["status"]), "method": ConsentMethod.kept(record["method"])}
    return RecordingConsent(**known_to(RecordingConsent, record, ()) | words)


def _attempt(record: dict[str, Any]) -> Attempt:
    return Attempt(**known_to(Attempt, record, ()) | {"end_reason": EndReason.kept(record["end_reason"])})


def _retry(record: dict[str, Any] | None) -> RetryPolicy | None:
    if record is None:
        return None
    known = known_to(RetryPolicy, record, ())
    return RetryPolicy(**known | {"on": tuple(record["on"]), "delays_s": tuple(record["delays_s"])})


def _note(line: str) -> Note:
    at, _, what = line.partition(" ")
    return Note(int(at), what)


def released(before: Call, after: Call) -> bool:
    """Whether a change gave back a line, or a place that a waiting call may be stopped by: under a cap, or a runner's,
    which a caller also has who holds no line."""
    if (before.holds_slot and not after.holds_slot) or set(before.counts_in) - set(after.counts_in):
        return True
    return before.holds_place_of is not None and before.holds_place_of != after.holds_place_of
