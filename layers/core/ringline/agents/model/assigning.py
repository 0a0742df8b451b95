"""What follows from a request for a brain, and from a runner's answer, given what was assigned before. Pure.

join -> [sent] -- refused ------------------> the next runner, at once
               -- 2 s without an answer ----> the next runner, with the speech worker's next request
               -- accepted, 5 s no bridge --> the next runner, and the one before is told to stop
        three runners in a round, then nobody; a second later a round of its own begins
lost -> the same, the runner whose bridge broke last of all
"""

from enum import StrEnum
from typing import Any

from ringline.agents.model.records import Assignment, AssignmentState
from ringline.agents.model.timing import ACK_WITHIN_S, ASK_AGAIN_S, DIAL_WITHIN_S, MOST_RUNNERS, REPEATED_WITHIN_S
from ringline.calls.model.timing import MS_PER_S
from ringline.record import Record

NO_RUNNER = "no_runner"
ALL_REFUSED = "all_refused"


class Why(StrEnum):
    """Why the speech worker asks."""

    JOIN = "join"
    """It has come into the room and has no brain yet."""
    NO_DIAL = "no_dial"
    """The runner that it was told of has not dialled its bridge."""
    LOST = "lost"
    """The bridge broke in the call."""


class Asked(Record):
    """A request for a brain. `number` counts the requests of one speech worker from 1, `dispatch` its dispatches to the
    attempt; the same request may come twice."""

    number: int
    why: Why
    bridge_url: str
    dispatch: int = 1


class Step(Record):
    """Another runner is to be assigned: none of `tried`, and `lost` only if there is no other. `cancels` says that the
    assignment before was accepted, and is to be ended once another has the call."""

    tried: tuple[str, ...] = ()
    lost: str | None = None
    cancels: bool = False

    @property
    def may_go_on(self) -> bool:
        return len(self.tried) < MOST_RUNNERS


def step_after(kept: Assignment | None, asked: Asked, now: int, speaking: int | None = None) -> Step | None:
    """The step that a request leads to; None where it is answered by what was assigned before. `speaking` is the
    dispatch whose speech worker has the conversation, as far as that is known.

    Two may ask for one call, where the first was slow: each counts its own requests, and what is kept is of the one
    that asked last. Either is given a runner, because nobody here knows yet which of them stays in the room. Of an
    earlier dispatch only the one that speaks is: any other is gone, or about to be put out.
    """
    if kept is None or _is_of_another_worker(kept, asked, now):
        return Step()
    if asked.dispatch < kept.dispatch and (asked.dispatch != speaking or asked.why is Why.JOIN):
        return None
    is_its_own = _is_its_own(kept, asked)
    if is_its_own and asked.number <= kept.request:
        return None
    if asked.why is Why.LOST:
        # Also where another speech worker was told of that runner last: it has several places, and held this call, too.
        return Step(lost=kept.worker_id or kept.lost)
    if asked.why is Why.JOIN:
        return Step()
    if remaining_ms(kept, now) > 0:
        return None
    if kept.state is AssignmentState.NOBODY:
        return Step(lost=kept.lost)
    if is_its_own and kept.state is AssignmentState.ACCEPTED and asked.number == kept.request + 1:
        # It asks within ACK_WITHIN_S of an assignment. This request was on its way for long, and the runner may have
        # dialled meanwhile; who is still without one asks again at once.
        return None
    # Of two speech workers in one room either may have the runner that the other was told of.
    return Step(kept.tried, kept.lost, cancels=is_its_own and kept.state is AssignmentState.ACCEPTED)


def _is_its_own(kept: Assignment, asked: Asked) -> bool:
    """Whether what is kept is of the speech worker that asks."""
    return asked.dispatch == kept.dispatch and asked.bridge_url == kept.bridge_url


def _is_of_another_worker(kept: Assignment, asked: Asked, now: int) -> bool:
    """Whether a speech worker asks that has come after the one that asked before, and counts its requests anew."""
    begins = asked.number == 1 and asked.dispatch == kept.dispatch
    is_no_repetition = asked.bridge_url != kept.bridge_url or now - kept.changed_at > REPEATED_WITHIN_S * MS_PER_S
    return asked.dispatch > kept.dispatch or (begins and is_no_repetition)


def step_after_refusal(kept: Assignment) -> Step:
    return Step(kept.tried, kept.lost)


def remaining_ms(kept: Assignment, now: int) -> int:
    """How long what was assigned may take before another runner is asked; 0 or less when that time is over."""
    match kept.state:
        case AssignmentState.ACCEPTED:
            return (kept.accepted_at or kept.changed_at) + DIAL_WITHIN_S * MS_PER_S - now
        case AssignmentState.NOBODY:
            return kept.changed_at + ASK_AGAIN_S * MS_PER_S - now
    return kept.changed_at + ACK_WITHIN_S * MS_PER_S - now


def answer_of(kept: Assignment, asked: Asked, now: int) -> dict[str, Any]:
    """What the speech worker is told of an assignment. Times in seconds, as far as they are not over.

    A job of another speech worker is not named: whoever hears of one waits for its runner, which dials the other, and
    turns its own away.
    """
    remaining_s = round(max(remaining_ms(kept, now), 0) / MS_PER_S, 3)
    match kept.state:
        case AssignmentState.NOBODY:
            return {"result": "none", "why": kept.why or NO_RUNNER, "again_in_s": float(ASK_AGAIN_S)}
        case _ if not _is_its_own(kept, asked):
            return {"result": "wait", "wait_s": remaining_s or float(ASK_AGAIN_S)}
        case AssignmentState.ACCEPTED:
            return {"result": "wait", "wait_s": remaining_s, **_job(kept)}
    return {"result": "assigned", "dial_within_s": remaining_s, **_job(kept)}


def _job(kept: Assignment) -> dict[str, Any]:
    return {"job_id": kept.job_id, "assign_id": kept.assign_id, "worker_id": kept.worker_id}
