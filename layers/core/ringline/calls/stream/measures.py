"""What a change of a call adds to the deployment's metrics. Pure. The relay tells them all: of each
change once, when its announcements are sent, give or take a run that died; and nobody waits for it.

| metric        | of        | counts
|---------------|-----------|---------------------------------------------------------------
| CallsAccepted | direction | calls that were taken on: asked for, rung in, from a browser
| QueueWait     |           | ms from when a call could be dialled until its phone was dialled, told with the outcome:
|               |           | with the wait for a slow agent, and without it where the agent was there within 1.5 s
|               |           | or none came; then it ends with the claim
| Dials         | outcome   | attempts that are over or answered: `answered`, `not_answered`, `put_back`, `unknown`
| RingTime      |           | ms from the dial to the answer
| AgentJoin     |           | ms from the answer to the conversation
| CallsEnded    | category  | calls that are over; the line says the reason
"""

from collections.abc import Iterator

from ringline.calls.model.call import Call
from ringline.calls.model.reasons import MEANINGS, EndReason
from ringline.calls.views.relay import Change
from ringline.runtime.metrics import Measure, Unit

_MS = Unit.MILLISECONDS


def measures_of(change: Change) -> Iterator[Measure]:
    """The measures that a change is worth, none for most."""
    before, after = change.before, change.after
    if before is None:
        yield Measure("CallsAccepted", 1, of=("direction", after.direction.value))
        return
    if before.state.is_terminal:
        return
    yield from _of_the_dial(before, after)
    if before.active_at is None and after.active_at is not None and after.answered_at is not None:
        yield Measure("AgentJoin", max(0, after.active_at - after.answered_at), _MS)
    if after.state.is_terminal and after.end_reason is not None:
        meaning = MEANINGS.get(after.end_reason)
        category = "of_a_later_release" if meaning is None else meaning.category.value
        yield Measure("CallsEnded", 1, of=("category", category), said={"end_reason": after.end_reason.value})


def _of_the_dial(before: Call, after: Call) -> Iterator[Measure]:
    if after.comes_in or not before.in_flight:
        return
    is_answered = before.answered_at is None and after.answered_at is not None
    if (is_answered or (before.answered_at is None and not after.in_flight)) and before.dialed_at is not None:
        # Of the claim itself the relay does not hear.
        yield Measure("QueueWait", max(0, before.dialed_at - before.eligible_at), _MS)
    if is_answered and after.answered_at is not None and after.dialed_at is not None:
        yield Measure("Dials", 1, of=("outcome", "answered"))
        yield Measure("RingTime", max(0, after.answered_at - after.dialed_at), _MS)
    elif before.answered_at is None and not after.in_flight:
        yield Measure("Dials", 1, of=("outcome", _without_an_answer(before, after)))


def _without_an_answer(before: Call, after: Call) -> str:
    """An attempt that counts has rung somebody, or nobody knows whether it has; what was put back has rung nobody."""
    if after.state.is_terminal:
        reason = after.end_reason
    elif len(after.attempts) > len(before.attempts):
        reason = after.attempts[-1].end_reason
    else:
        return "put_back"
    return "unknown" if reason is EndReason.DIAL_STATE_UNKNOWN else "not_answered"
