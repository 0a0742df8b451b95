"""What a call's end must be called where nothing went wrong: the callees, the agent and the customer's policy alone
decide."""

from copy import replace

from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import AGENT_SUCCESSOR_S
from simulation.actors.conversations import BEEPS_AFTER_MS, DEED_TAKES_MS, LENT_FOR_MS, SPEAKS_AFTER_MS
from simulation.actors.phones import RINGS_AFTER_MS
from simulation.actors.scene import Scene
from simulation.plan.drawing import GREETING_MS
from simulation.plan.planned import NOBODY, Plan, PlannedCall, PlannedDesk
from simulation.watch.book import CallBook
from simulation.watch.findings import Findings
from simulation.watch.handovers.reasons import handed_over_reasons

_R = EndReason

_TALK_ON = {"stays_out", "brings_in"}
_HANDED_OVER = _TALK_ON | {"lends"}
_LEFT_ALONE = {"deserts", "begins"}
_LENT_MARGIN_MS = 15_000
_REFUSED = {
    "busy": {_R.USER_BUSY, _R.USER_HUNG_UP_RINGING},
    "declines": {_R.USER_HUNG_UP_RINGING, _R.USER_BUSY},
    "wrong": {_R.SIP_FAILED_WRONG_NUMBER},
    "unavailable": {_R.USER_DID_NOT_PICK_UP, _R.VOICEMAIL_DETECTED_PRECONNECT},
    "trunk_down": {_R.SIP_FAILED_TRUNK},
    "misconfigured": {_R.SIP_FAILED_TRUNK},
    "rings_out": {_R.USER_DID_NOT_PICK_UP},
}
_UNANSWERED = set[EndReason]().union({_R.NO_AGENT_AVAILABLE}, *_REFUSED.values())
_DID = {
    "says_bye": {_R.AGENT_HUNG_UP},
    "minds_silence": {_R.AGENT_HUNG_UP_SILENCE_DETECTED},
    "flees_silence": {_R.AGENT_HUNG_UP_SILENCE_DETECTED},
    "transfers": {_R.CALL_TRANSFERRED},
    "stays_out": {_R.CALL_TRANSFERRED},
    "brings_in": {_R.CALL_TRANSFERRED},
    "lends": {_R.CALL_TRANSFERRED},
    "deserts": {_R.CALL_TRANSFERRED},
    # Whoever hangs up before it is left alone has been on the way to somebody else.
    "begins": {_R.AGENT_FAILED, _R.CALL_TRANSFERRED},
}
_VOICEMAIL = {_R.AGENT_HUNG_UP_VOICEMAIL_DETECTED}
_MARGIN_MS = 2_000
"""Where two things happen this close to each other, either may come first."""
_SHORT_MS = SPEAKS_AFTER_MS + _MARGIN_MS
"""A conversation this short may be over before it is told that somebody spoke."""


class TrueReasons:
    """In a world in which nothing went wrong every call ended for a reason that tells the truth."""

    def __init__(self, findings: Findings, scene: Scene, book: CallBook, plan: Plan) -> None:
        self._findings = findings
        self._scene = scene
        self._book = book
        self._plan = plan

    def at_the_end(self) -> None:
        if not self._plan.is_faultless:
            return
        for call in self._book.calls.values():
            expected = true_reasons(self._scene.plan_of(call), self._plan)
            if expected is not None and call.end_reason not in expected:
                self._findings.fail(
                    "wrong_reason", f"{call.call_id} ended {call.end_reason} and not {sorted(expected)}"
                )


def true_reasons(call: PlannedCall, plan: Plan) -> set[EndReason] | None:
    """The reasons that tell the truth of an undisturbed call; None where it depends on who is faster."""
    if not plan.is_thought_for(call) or plan.may_find_no_channel(call):
        return None
    if call.browser is not None:
        return _of_a_browser(call)
    if call.rings_in:
        return _of_a_caller(call, plan)
    if call.hang_ups_after or call.expires_after is not None:
        return None
    if call.retry is None:
        return _reasons(call, plan, 1)
    final: set[EndReason] = set()
    for attempt in range(1, call.retry.max_attempts + 1):
        reasons = _reasons(call, plan, attempt)
        if reasons is None:
            return None
        tried_again = {reason for reason in reasons if call.retry.names(reason)}
        if attempt == call.retry.max_attempts or not tried_again:
            return final | reasons
        if call.handovers and tried_again - _UNANSWERED:
            # What was wished too late for this conversation may be heard in the next one.
            return None
        final |= reasons - tried_again
    return final


def _of_a_caller(call: PlannedCall, plan: Plan) -> set[EndReason] | None:
    if call.desk is not None and _is_rejected(call.desk):
        return {_R.CALL_CANCELED}
    taken = _of_a_taken_caller(call)
    # Whether there was a line for them others look at.
    may_be_full = call.desk is not None and (bool(plan.reserves) or bool(plan.caps))
    return taken | {_R.NO_AGENT_AVAILABLE} if taken is not None and may_be_full else taken


def _of_a_browser(call: PlannedCall) -> set[EndReason] | None:
    """Others look at whether there was a line, and at who comes again."""
    is_alone = call.browser is not None and call.browser.habit == "once"
    taken = _of_a_taken_caller(call) if is_alone else None
    return None if taken is None else taken | {_R.NO_LINE_FREE}


def _is_rejected(desk: PlannedDesk) -> bool:
    """Whether their server says so, or says nothing and the number does."""
    is_told = desk.decides in {"accepts", "rejects", "chooses"}
    return desk.decides == "rejects" if is_told or desk.decides is None else desk.default == "reject"


def _of_a_taken_caller(call: PlannedCall) -> set[EndReason] | None:
    if call.agent == "absent":
        return {_R.AGENT_DID_NOT_JOIN}
    if call.agent not in {"there", "busy"}:
        return None
    reasons = _talked(replace(call, agent="there"), call.callee)
    # A caller's runner has no place kept for them, and their speech worker comes with it or not at all.
    return reasons if reasons is None or call.runners_agent is None else reasons | {_R.AGENT_DID_NOT_JOIN}


def _reasons(call: PlannedCall, plan: Plan, attempt: int) -> set[EndReason] | None:
    """Why that attempt ended."""
    if call.agent_first and call.agent == "absent":
        return {_R.NO_AGENT_AVAILABLE}
    if call.agent_first and (call.agent == "busy" or call.lost_dispatches):
        # Between two looks for its agent it may wait for a line, for longer than a call waits for its agent in all.
        in_time = _of_the_dialled(call, plan, attempt)
        return None if in_time is None else in_time | {_R.NO_AGENT_AVAILABLE}
    return _of_the_dialled(call, plan, attempt)


def _of_the_dialled(call: PlannedCall, plan: Plan, attempt: int) -> set[EndReason] | None:
    callee = call.callee_in(attempt)
    if callee in {"busy", "declines"} and call.answers_after > RINGS_AFTER_MS[1]:
        # By then its phone is said to ring: who declines now hangs up a ringing one.
        return {_R.USER_HUNG_UP_RINGING}
    if callee in _REFUSED:
        return _REFUSED[callee]
    ring_ms = call.ring_timeout_s * 1000
    if abs(call.answers_after - ring_ms) < _MARGIN_MS or abs(call.answers_after // 2 - ring_ms) < _MARGIN_MS:
        return None
    if callee == "forwarded" and plan.carrier_speaks:
        return _forwarded(call)
    if call.answers_after > ring_ms:
        return {_R.USER_DID_NOT_PICK_UP}
    if callee in NOBODY:
        return _recorded(call, callee)
    return _talked(call, callee) if call.agent == "there" else _left_by_its_agent(call, callee)


def _left_by_its_agent(call: PlannedCall, callee: str) -> set[EndReason] | None:
    """What such an agent does and what becomes of a wish to be handed over meet in more ways than are worth telling."""
    if call.handovers:
        return None
    hung_up_first = callee != "talks_on" and call.talks_for < call.agent_acts_after + _MARGIN_MS
    if call.agent != "hangs_up" or hung_up_first:
        return None
    return {_R.AGENT_HUNG_UP} | _if_heard(call, call.agent_acts_after)


def _if_heard(call: PlannedCall, talk_ms: int) -> set[EndReason]:
    """An agent that can hear, and heard nobody in a talk that short, is taken to have met a voicemail."""
    return _VOICEMAIL if call.hears and talk_ms < _SHORT_MS else set()


def _forwarded(call: PlannedCall) -> set[EndReason] | None:
    """Its carrier says in the middle of its ringing that it is passed on to a voicemail."""
    if call.leaves_message or call.agent != "there":
        return None
    return {_R.VOICEMAIL_DETECTED_PRECONNECT, _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED}


def _recorded(call: PlannedCall, callee: str) -> set[EndReason] | None:
    """Nobody is there: a greeting that soon is over, or a machine that records."""
    if not call.hears or call.agent != "there" or (callee == "greeting" and not _is_a_greeting(call)):
        return None
    if any(handover.after < call.talks_for + _MARGIN_MS for handover in call.handovers):
        # Whoever comes in the agent's place has heard nothing of what that one heard.
        return None
    acts_after = call.talks_for if call.deed == "talks" else call.agent_acts_after
    if callee == "greeting":
        return _VOICEMAIL if call.deed == "talks" or call.talks_for < acts_after - _MARGIN_MS else None
    return _VOICEMAIL if call.talks_for > BEEPS_AFTER_MS[1] + _MARGIN_MS else None


def _is_a_greeting(call: PlannedCall) -> bool:
    """Whether it lasts as long as greetings do: another callee's talk may be shorter or longer, and is its, too, when
    it is met in a later attempt."""
    return GREETING_MS[0] <= call.talks_for <= GREETING_MS[1]


def _asked_over(call: PlannedCall, callee: str) -> set[EndReason] | None:
    """Somebody wishes in it that it be handed over."""
    as_without = _talked(replace(call, handovers=()), callee)
    if as_without is None:
        return None
    limit_ms = call.max_call_duration_s * 1000
    return handed_over_reasons(call, min(limit_ms, limit_ms if callee == "talks_on" else call.talks_for), as_without)


def _talked(call: PlannedCall, callee: str) -> set[EndReason] | None:
    if call.handovers:
        return _asked_over(call, callee)
    limit_ms = call.max_call_duration_s * 1000
    talk_ms = limit_ms if callee == "talks_on" else call.talks_for
    done_ms = call.agent_acts_after + DEED_TAKES_MS + _MARGIN_MS
    if call.deed in _HANDED_OVER | _LEFT_ALONE:
        # Only a look shows that the conversation goes on, and whoever is alone is looked at before that.
        done_ms += (AGENT_SUCCESSOR_S + 1) * 1000 + _MARGIN_MS
    if call.deed != "talks" and min(talk_ms, limit_ms) > call.agent_acts_after - _MARGIN_MS:
        if min(talk_ms, limit_ms) < done_ms or ("silence" in call.deed and call.agent_acts_after < _SHORT_MS):
            return None
        if call.deed in _HANDED_OVER and abs(talk_ms - limit_ms) < _MARGIN_MS and callee != "talks_on":
            return None
        if call.deed == "lends" and abs(limit_ms - done_ms - LENT_FOR_MS) < _LENT_MARGIN_MS:
            return None
        # On the line on which it left its caller somebody else talks on.
        outlasts = call.deed in _TALK_ON or (call.deed == "lends" and limit_ms < done_ms + LENT_FOR_MS)
        return {_R.MAX_DURATION_REACHED} if outlasts and talk_ms >= limit_ms else _DID[call.deed]
    if callee == "talks_on" or call.talks_for > limit_ms + 60_000:
        return {_R.MAX_DURATION_REACHED}
    if call.talks_for >= limit_ms - _MARGIN_MS:
        return None
    return {_R.USER_HUNG_UP_IN_CALL} | _if_heard(call, call.talks_for)
