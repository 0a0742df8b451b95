"""What the agent's reports do to a call: facts that decide its reason later, and wishes to end it. Pure.

A report counts for its own attempt only, from the dial on: an agent joins, and is ready, before the phone is answered,
and may hear the callee before our own record of the answer is written.
"""

from dataclasses import replace
from typing import Any

from ringline.calls.model.call import AgentReports, Call, Direction, VoicemailPolicy
from ringline.calls.model.events import (
    AgentHangsUp,
    AgentReady,
    SilenceHeard,
    TranscriptKept,
    Transferred,
    UserSpoke,
    VoicemailHeard,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM, Moved, Result, Rule, Unmoved
from ringline.calls.rules.ending import asked, changed
from ringline.calls.rules.kept_rules import transcript_kept, with_transcript
from ringline.calls.rules.verdict import ROOM_ENDED, awaits_last_words

_SEEN_BY_AGENTS = {
    EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED,
    EndReason.USER_HUNG_UP_IN_CALL,
    EndReason.CALL_TRANSFERRED,
}

_SAME_SILENCE_MS = 2000
"""An agent that tells of one silence again and again counts from about the same moment each time."""


def _ready(call: Call, event: AgentReady) -> Result:
    if awaits_last_words(call):
        return Unmoved("leg_has_left")
    can_report = tuple(dict.fromkeys((*call.reports.can_report, *event.can_report)))
    if call.reports.ready_at is not None and can_report == call.reports.can_report:
        return Unmoved("ready_before")
    return _told(call, ready_at=call.reports.ready_at or event.at, can_report=can_report)


def _user_spoke(call: Call, event: UserSpoke) -> Result:
    known = call.reports
    # A word from before the silence may be told after it.
    is_silent = known.silent_since is not None and event.at < known.silent_since
    if known.user_spoke_at is not None and (is_silent or known.silent_since is None):
        return Unmoved("spoke_before")
    return _told(
        call, user_spoke_at=known.user_spoke_at or event.at, silent_since=known.silent_since if is_silent else None
    )


def _silence(call: Call, event: SilenceHeard) -> Result:
    # Before the dial there was nobody to be heard.
    since = max(event.at - round(event.silent_s * 1000), call.dialed_at or call.created_at)
    known = call.reports.silent_since
    if known is not None and since - known < _SAME_SILENCE_MS:
        return Unmoved("silent_before")
    return _told(call, silent_since=since)


def _voicemail(call: Call, event: VoicemailHeard) -> Result:
    if call.direction is Direction.INBOUND:
        return Unmoved("callers_are_no_voicemail")
    if call.reports.voicemail_at is not None:
        return Unmoved("voicemail_before", END_ROOM if call.end_asked_at is not None else frozenset())
    heard = replace(call, reports=replace(call.reports, voicemail_at=event.at, voicemail_why=event.why))
    if call.end_asked_at is not None or call.voicemail_policy is VoicemailPolicy.LEAVE_MESSAGE:
        return Moved(changed(heard))
    return Moved(changed(asked(heard, event.at, EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED)), END_ROOM)


def _hangs_up(call: Call, event: AgentHangsUp) -> Result:
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked", END_ROOM)
    if awaits_last_words(call) and not _tells_how_it_ended(call, event):
        # The other side was faster.
        return Unmoved("leg_has_left")
    told = replace(call, reports=replace(call.reports, hung_up_for=event.words))
    is_voicemail = event.reason is EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED
    # Who rings in is no voicemail, whatever the agent takes them for.
    reason = EndReason.AGENT_HUNG_UP if is_voicemail and call.direction is Direction.INBOUND else event.reason
    return Moved(changed(asked(told, event.at, reason)), END_ROOM)


def _tells_how_it_ended(call: Call, event: AgentHangsUp) -> bool:
    """Whether an agent that reports after the leg has left tells of that very end: its own, or one that it saw."""
    return call.evidence.disconnect_reason in ROOM_ENDED or event.reason in _SEEN_BY_AGENTS


def _transferred(call: Call, event: Transferred) -> Result:
    if event.failed:
        if call.reports.transferred_at is None:
            return Unmoved("not_transferred")
        return _told(call, transferred_at=None, transferred_to=None)
    if call.reports.transferred_at is not None and event.to in {None, call.reports.transferred_to}:
        return Unmoved("transferred_before")
    return _told(call, transferred_at=event.at, transferred_to=event.to)


def _transcript_kept(call: Call, event: TranscriptKept) -> Result:
    """Whoever has a turn has spoken."""
    kept = with_transcript(call, event)
    known = call.reports
    reports = replace(
        known,
        user_spoke_at=known.user_spoke_at or (event.at if event.user_spoke else None),
        said_all=known.said_all or event.is_final,
    )
    if reports == known:
        return transcript_kept(call, event)
    return Moved(changed(kept, reports=reports))


def _told(call: Call, **facts: Any) -> Result:
    reports: AgentReports = replace(call.reports, **facts)
    return Moved(changed(call, reports=reports))


OF_THE_AGENT: dict[type, Rule] = {
    AgentReady: _ready,
    UserSpoke: _user_spoke,
    SilenceHeard: _silence,
    VoicemailHeard: _voicemail,
    AgentHangsUp: _hangs_up,
    Transferred: _transferred,
    TranscriptKept: _transcript_kept,
}
