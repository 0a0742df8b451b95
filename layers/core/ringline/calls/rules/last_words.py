"""A call that waits for last words. Its leg has left for good, and by all that is known so far it was a voicemail's
greeting, played to nobody: its agent may still be about to say that somebody spoke. Or it was to be sent away, and
LiveKit is about to say whether it was, or has hung up. Pure.

leg leaves ---> LAST_WORDS --- a word that settles the reason, a wish to end it, or the deadline ---> over
                    |--------- the leg is back under another sid ---------------------------------> ACTIVE
"""

from collections.abc import Callable
from copy import replace
from typing import Any

from ringline.calls.model.call import ROOM_ENDED, Call, State
from ringline.calls.model.events import (
    AgentHangsUp,
    AgentReady,
    CarrierForwarded,
    EndAsked,
    FoundOver,
    GivenUp,
    LegJoined,
    LegLeft,
    SilenceHeard,
    TranscriptKept,
    Transferred,
    UserSpoke,
    VoicemailHeard,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM, Moved, Result, Rule, Unmoved
from ringline.calls.model.timing import DIALER_SILENCE_S, LAST_WORDS_S, PROMISED_WORDS_S
from ringline.calls.model.transfers.transfer_events import TransferCompleted, TransferFailed
from ringline.calls.rules.agent_rules import (
    with_silence,
    with_speech,
    with_transfer,
    with_turns,
    with_voicemail,
    with_wish_to_hang_up,
)
from ringline.calls.rules.carrier_rules import with_forwarding
from ringline.calls.rules.ending import changed, last_sign_of, over
from ringline.calls.rules.leg_rules import awaits_words, leg_joins
from ringline.calls.rules.transfers.steps import OF_TRANSFERS, waits_for_word_of_refer

_SEEN_BY_AGENTS = {
    EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED,
    EndReason.USER_HUNG_UP_IN_CALL,
    EndReason.CALL_TRANSFERRED,
}
"""How an agent can tell that a call ended which it did not end itself."""


def last_words_wait_s(call: Call) -> int:
    """How many seconds after its leg has left the call waits at most."""
    if waits_for_word_of_refer(call):
        return DIALER_SILENCE_S
    return PROMISED_WORDS_S if call.reports.has_promised_transcript else LAST_WORDS_S


def in_its_state(call: Call) -> Call:
    """The call, in LAST_WORDS where the release before has left it to wait as ACTIVE."""
    if call.state is State.ACTIVE and call.end_asked_at is None and awaits_words(call):
        return replace(call, state=State.LAST_WORDS)
    return call


def _word(with_fact: Callable[[Call, Any], Call | Unmoved]) -> Rule:
    """The rule of a report that comes while the call waits: it ends the call if it settles the reason."""

    def rule(call: Call, event: Any) -> Result:
        known = with_fact(call, event)
        if isinstance(known, Unmoved):
            return known
        return Moved(changed(known)) if awaits_words(known) else _over(known)

    return rule


def _of_transfer(call: Call, event: TransferCompleted | TransferFailed) -> Result:
    result = OF_TRANSFERS[type(event)](call, event)
    if isinstance(result, Unmoved):
        return result
    return Moved(changed(result.call)) if awaits_words(result.call) else _over(result.call)


def _over(call: Call) -> Moved:
    return Moved(over(call, last_sign_of(call) or call.created_at), END_ROOM)


def _hangs_up(call: Call, event: AgentHangsUp) -> Result:
    """An agent that hangs up after the leg has left tells how the call ended, or wishes what has happened already."""
    if waits_for_word_of_refer(call):
        return Unmoved("waits_for_word_of_refer")
    if call.evidence.disconnect_reason in ROOM_ENDED or event.reason in _SEEN_BY_AGENTS:
        return _over(with_wish_to_hang_up(call, event))
    return Unmoved("leg_has_left")


def _end_asked(call: Call, event: EndAsked) -> Result:
    """The other side was faster. Whoever hangs up wants no further attempt."""
    return _over(replace(call, retry=None) if event.reason is EndReason.API_HUNG_UP else call)


def _found_over(call: Call, _: FoundOver | GivenUp) -> Result:
    return _over(call)


def _leg_leaves_again(_: Call, __: LegLeft) -> Result:
    return Unmoved("leg_left_before")


def _ready(_: Call, __: AgentReady) -> Result:
    """Who is ready only now has heard nothing of the call."""
    return Unmoved("leg_has_left")


def _leg_joins(call: Call, event: LegJoined) -> Result:
    """A leg under another sid is the call's own, back after all: the conversation goes on."""
    result = leg_joins(call, event)
    if isinstance(result, Unmoved) or awaits_words(result.call):
        return result
    return Moved(replace(result.call, state=State.ACTIVE), result.effects)


OF_LAST_WORDS: dict[type, Rule] = {
    UserSpoke: _word(with_speech),
    SilenceHeard: _word(with_silence),
    VoicemailHeard: _word(with_voicemail),
    Transferred: _word(with_transfer),
    TranscriptKept: _word(with_turns),
    CarrierForwarded: _word(with_forwarding),
    AgentReady: _ready,
    AgentHangsUp: _hangs_up,
    EndAsked: _end_asked,
    GivenUp: _found_over,
    FoundOver: _found_over,
    LegJoined: _leg_joins,
    LegLeft: _leg_leaves_again,
    TransferCompleted: _of_transfer,
    TransferFailed: _of_transfer,
}
