"""What the carrier's own events do to a call. Pure.

Where the dialer waits for the answer, its word comes within milliseconds of the carrier's and knows more: the carrier's
is kept as evidence, and decides only if the dialer stays silent. Where calls are answered by the carrier's word
(`AnswerFrom.CARRIER`), nobody else speaks, and it decides at once. That a phone was answered is an `Answered` in both
cases, once LiveKit shows the leg.
"""

from copy import replace

from ringline.calls.model.call import AnswerFrom, Call, Refusal, State, VoicemailPolicy
from ringline.calls.model.events import CarrierEnded, CarrierFailed, CarrierForwarded, CarrierRang
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM, LOOK_AGAIN, Moved, Result, Rule, Unmoved
from ringline.calls.rules.ending import as_far_as_known, asked, changed, over, told_to_be_full
from ringline.calls.rules.unanswered import NEEDS_LEGS_WORD, REQUEST_TERMINATED


def _rang(call: Call, event: CarrierRang) -> Result:
    if call.carrier.rang_at is not None:
        return Unmoved("rang_before")
    if call.answered_at is not None:
        return Unmoved("answered_before")
    rang = changed(call, state=State.RINGING, carrier=replace(call.carrier, rang_at=event.at))
    # The dial came to a room that had been closed, and made it anew: nobody waits for whoever picks up.
    return Moved(rang, END_ROOM if call.end_asked_at is not None else frozenset())


def with_forwarding(call: Call, event: CarrierForwarded) -> Call | Unmoved:
    """The call that its carrier passed on to another place."""
    known = call.carrier
    if known.forwarded_at is not None and (known.to_voicemail or not event.to_voicemail):
        return Unmoved("forwarded_before")
    carrier = replace(
        known,
        forwarded_at=known.forwarded_at or event.at,
        forwarded_to=event.to or known.forwarded_to,
        to_voicemail=event.to_voicemail,
    )
    return replace(call, carrier=carrier)


def _forwarded(call: Call, event: CarrierForwarded) -> Result:
    forwarded = with_forwarding(call, event)
    if isinstance(forwarded, Unmoved):
        return forwarded
    leaves_message = call.voicemail_policy is VoicemailPolicy.LEAVE_MESSAGE
    if not event.to_voicemail or leaves_message or call.end_asked_at is not None:
        return Moved(changed(forwarded))
    before_connect = call.answered_at is None
    reason = EndReason.VOICEMAIL_DETECTED_PRECONNECT if before_connect else EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED
    return Moved(changed(asked(forwarded, event.at, reason)), END_ROOM)


def _failed(call: Call, event: CarrierFailed) -> Result:
    if call.answered_at is not None and event.at <= call.answered_at:
        # The carrier rang several places: this one did not answer, another one did.
        return Unmoved("answered_since")
    if call.answered_at is not None:
        return _told_to_be_over(call, event, is_failure=True)
    if call.carrier.failed_at is not None:
        return Unmoved("failed_before")
    failed = replace(
        call,
        carrier=replace(call.carrier, failed_at=event.at, cause=event.cause),
        evidence=replace(
            call.evidence,
            sip_code=event.sip_code if call.evidence.sip_code is None else call.evidence.sip_code,
            sip_status=event.sip_status if call.evidence.sip_code is None else call.evidence.sip_status,
            refusal=call.evidence.refusal or event.refusal,
        ),
    )
    # 487 answers a CANCEL, for whatever reason that was sent: like a failure without a code it leaves the word to the
    # leg.
    says_it_all = event.sip_code not in {None, REQUEST_TERMINATED} or call.evidence.leg_left_at is not None
    decides = call.answer_from is AnswerFrom.CARRIER and says_it_all
    if call.end_asked_at is None and not decides:
        return Moved(changed(failed), LOOK_AGAIN)
    if event.refusal is Refusal.LIMIT:
        return told_to_be_full(failed, event.at)
    # It may have been answered, and the carrier's word of that got lost.
    return Moved(over(as_far_as_known(failed, event.at), event.at), END_ROOM)


def waits_for_legs_word(call: Call, event: CarrierFailed) -> bool:
    """Whether the carrier's failure decides, and its reason hangs on whether the phone rang, which nobody has told yet.

    The carrier's word of the ringing may come after its word of the failure. The leg knows of both, and leaves at the
    same moment."""
    if call.answer_from is not AnswerFrom.CARRIER or call.answered_at is not None or call.end_asked_at is not None:
        return False
    if call.carrier.rang_at is not None or call.evidence.leg_left_at is not None:
        return False
    if event.sip_code == REQUEST_TERMINATED:
        return False
    return event.refusal is Refusal.LIMIT or event.sip_code in NEEDS_LEGS_WORD


def _ended(call: Call, event: CarrierEnded) -> Result:
    return _told_to_be_over(call, event, is_failure=False)


def _told_to_be_over(call: Call, event: CarrierEnded | CarrierFailed, *, is_failure: bool) -> Result:
    """LiveKit reports the same end within moments, and knows more of it; but its report may get lost. If an earlier end
    was, or may have been, another leg's, this one still counts."""
    known = call.carrier
    may_be_anothers = known.end_is_doubted or (known.end_is_failure and not is_failure)
    if known.ended_at is not None and not (may_be_anothers and event.at > known.ended_at):
        return Unmoved("ended_before")
    carrier = replace(known, ended_at=event.at, cause=event.cause, end_is_failure=is_failure, end_is_doubted=False)
    return Moved(changed(call, carrier=carrier), LOOK_AGAIN)


OF_THE_CARRIER: dict[type, Rule] = {
    CarrierRang: _rang,
    CarrierForwarded: _forwarded,
    CarrierFailed: _failed,
    CarrierEnded: _ended,
}
OF_THE_CARRIER_IN_CALL: dict[type, Rule] = {
    rule: OF_THE_CARRIER[rule] for rule in (CarrierForwarded, CarrierFailed, CarrierEnded)
}
