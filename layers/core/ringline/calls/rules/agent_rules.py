"""What the agent's reports do to a call: facts that decide its reason later, and wishes to end it. Pure.

A report counts for its own attempt only, from the dial on: an agent joins, and is ready, before the phone is answered,
and may hear the callee before our own record of the answer is written.
"""

from collections.abc import Callable
from copy import replace
from typing import Any

from ringline.calls.model.call import AgentReports, Call, VoicemailPolicy
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
from ringline.calls.model.timing import MS_PER_S
from ringline.calls.model.transfers.allowed import is_allowed, is_number
from ringline.calls.model.transfers.transfer import under_way
from ringline.calls.rules.ending import asked, changed
from ringline.calls.rules.kept_rules import no_news_in_transcript, with_transcript
from ringline.calls.rules.transfers.agents import ready_for_target
from ringline.calls.rules.transfers.steps import UNDER_WAY, told_completed

_SAME_SILENCE_MS = 2000
"""An agent that tells of one silence again and again counts from about the same moment each time."""

_FOR_SILENCE = {EndReason.AGENT_HUNG_UP_SILENCE_DETECTED, EndReason.IDLE_TIMEOUT}


def _ready(call: Call, event: AgentReady) -> Result:
    before = call
    for_whom = ready_for_target(call, event)
    if isinstance(for_whom, Unmoved):
        return for_whom
    call, known = for_whom, for_whom.reports
    can_report = tuple(dict.fromkeys((*known.can_report, *event.can_report)))
    # Of two that were dispatched the first to be ready speaks, until its job is lost.
    worker_id, dispatch = (event.worker_id, event.dispatch) if known.dispatch is None else _ready_one(known)
    ready = _reported(
        call, ready_at=known.ready_at or event.at, can_report=can_report, worker_id=worker_id, dispatch=dispatch
    )
    return Unmoved("ready_before") if ready == before else Moved(changed(ready))


def _ready_one(known: AgentReports) -> tuple[str | None, int | None]:
    return known.worker_id, known.dispatch


def with_speech(call: Call, event: UserSpoke) -> Call | Unmoved:
    """The call once its agent has heard the other side."""
    known = call.reports
    is_silent = known.silent_since is not None and _is_from_before(known, known.silent_since, event)
    if known.user_spoke_at is not None and (is_silent or known.silent_since is None):
        return Unmoved("spoke_before")
    return _reported(
        call, user_spoke_at=known.user_spoke_at or event.at, silent_since=known.silent_since if is_silent else None
    )


def _is_from_before(known: AgentReports, silent_since: int, event: UserSpoke) -> bool:
    """Whether a word was spoken before the silence that was told of sooner. Only the agent's own clock can say so, and
    only if it has dated both: against any other a clock that is behind would make each word an old one."""
    return known.silence_is_dated and _is_dated(event) and event.at < silent_since


def _is_dated(event: UserSpoke | SilenceHeard) -> bool:
    return event.told_at is not None and event.at < event.told_at


def with_silence(call: Call, event: SilenceHeard) -> Call | Unmoved:
    """The call whose agent has heard nobody for a while. Whoever speaks is told of as well, but not each time: until a
    silence has come to be known nobody can say when it was that somebody spoke last."""
    lasted_ms = round(event.silent_s * MS_PER_S)
    told_at = event.at if event.told_at is None else event.told_at
    # Before the dial there was nobody to be heard.
    since = max(event.at - lasted_ms, call.dialed_at or call.created_at)
    known, counts_from = call.reports.silent_since, call.reports.silence_counts_from
    if known is not None and since - known < _SAME_SILENCE_MS and told_at - lasted_ms <= (counts_from or 0):
        return Unmoved("silent_before")
    return _reported(call, silent_since=since, silence_told_at=told_at, silence_is_dated=_is_dated(event))


def with_voicemail(call: Call, event: VoicemailHeard) -> Call | Unmoved:
    """The call whose agent is sure to talk to a voicemail."""
    if call.comes_in:
        return Unmoved("callers_are_no_voicemail")
    if call.reports.voicemail_at is not None:
        return Unmoved("voicemail_before", END_ROOM if call.end_asked_at is not None else frozenset())
    return _reported(call, voicemail_at=event.at, voicemail_why=event.why)


def _voicemail(call: Call, event: VoicemailHeard) -> Result:
    heard = with_voicemail(call, event)
    if isinstance(heard, Unmoved):
        return heard
    if call.end_asked_at is not None or call.voicemail_policy is VoicemailPolicy.LEAVE_MESSAGE:
        return Moved(changed(heard))
    return Moved(changed(asked(heard, event.at, EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED)), END_ROOM)


def _hangs_up(call: Call, event: AgentHangsUp) -> Result:
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked", END_ROOM)
    transfer = under_way(call.transfers) if event.reason in _FOR_SILENCE else None
    if transfer is not None and transfer.makes_silence_mean_nothing:
        # Who waits for somebody has nothing to say, and wait and handing over have limits of their own.
        return Unmoved(UNDER_WAY)
    return Moved(changed(with_wish_to_hang_up(call, event)), END_ROOM)


def with_wish_to_hang_up(call: Call, event: AgentHangsUp) -> Call:
    """The call whose agent wants it to end, or has ended it."""
    # Who rings in is no voicemail, whatever the agent takes them for.
    is_voicemail = event.reason is EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED
    reason = EndReason.AGENT_HUNG_UP if is_voicemail and call.comes_in else event.reason
    return asked(_reported(call, hung_up_for=event.words), event.at, reason)


def with_transfer(call: Call, event: Transferred) -> Call | Unmoved:
    """The call that its agent hands over, or could not. What its agent asked us to do, we know better."""
    if event.to is not None and is_number(event.to) and not _may_go_to(call, event.to):
        return Unmoved("not_allowed")
    if under_way(call.transfers) is not None:
        has_target = not event.failed and not event.only_started
        handed_over = told_completed(call, event.at) if has_target else None
        return handed_over or Unmoved(UNDER_WAY)
    if event.failed:
        if call.reports.transferred_at is None:
            return Unmoved("not_transferred")
        return _reported(call, transferred_at=None, transferred_to=None, transfer_only_started=False)
    if call.reports.transferred_at is not None and event.to in {None, call.reports.transferred_to}:
        if event.only_started or not call.reports.transfer_only_started:
            return Unmoved("transferred_before")
        return _reported(call, transfer_only_started=False)
    return _reported(call, transferred_at=event.at, transferred_to=event.to, transfer_only_started=event.only_started)


def _may_go_to(call: Call, number: str) -> bool:
    return is_allowed(number, call.transfer_allowed_numbers, call.transfer_allowed_prefixes)


def with_turns(call: Call, event: TranscriptKept) -> Call | Unmoved:
    """The call with what its transcript tells: whoever has a turn has spoken."""
    known = call.reports
    heard = _reported(
        call,
        user_spoke_at=known.user_spoke_at or (event.at if event.user_spoke else None),
        said_all=known.said_all or event.is_final,
    )
    kept = with_transcript(heard, event)
    return no_news_in_transcript(call, event) if kept == call else kept


def _reported(call: Call, **facts: Any) -> Call:
    reports: AgentReports = replace(call.reports, **facts)
    return replace(call, reports=reports)


def _fact(with_fact: Callable[[Call, Any], Call | Unmoved]) -> Rule:
    """The rule of a report that the call only keeps."""

    def rule(call: Call, event: Any) -> Result:
        known = with_fact(call, event)
        return known if isinstance(known, Unmoved) else Moved(changed(known))

    return rule


OF_THE_AGENT: dict[type, Rule] = {
    AgentReady: _ready,
    UserSpoke: _fact(with_speech),
    SilenceHeard: _fact(with_silence),
    VoicemailHeard: _voicemail,
    AgentHangsUp: _hangs_up,
    Transferred: _fact(with_transfer),
    TranscriptKept: _fact(with_turns),
}
