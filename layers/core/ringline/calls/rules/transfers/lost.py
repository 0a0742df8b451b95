"""A speech worker that is lost while another agent is awaited. Pure.

the worker of who is awaited ---> another brings it, within the same time
the worker of who asked      ---> nobody speaks until the other one is there; if that does not come, the agent before
                                  has the call again, and another worker is sent for it
"""

from collections.abc import Iterator
from copy import replace

from ringline.calls.model.call import Call
from ringline.calls.model.events import SpeechLost
from ringline.calls.model.results import Unmoved
from ringline.calls.model.timing import MOST_SUCCESSORS
from ringline.calls.model.transfers.transfer import Former, Transfer
from ringline.calls.rules.transfers.agents import agent_awaited_by, with_change


def speech_lost_while_awaiting(call: Call, event: SpeechLost) -> Call | Unmoved | None:
    """What the loss means while another agent is awaited, as the steps of a transfer tell it; None where none is."""
    transfer = agent_awaited_by(call)
    if transfer is None:
        return None
    former = transfer.former or Former()
    if event.dispatch == transfer.dispatch:
        return _target_is_lost(call, transfer, former, event)
    if call.reports.transferred_at is not None or call.handed_over_at is not None:
        return Unmoved("was_handed_over")
    # One that has not said that it is ready was the last one dispatched before.
    theirs = former.dispatch or (transfer.dispatch or 1) - 1
    if former.brain is None or former.lost_at is not None or event.dispatch != theirs:
        return Unmoved("another_was_dispatched")
    gone = with_change(call, transfer, former=replace(former, worker_id=None, dispatch=None, lost_at=event.at))
    return replace(gone, agent_left_at=call.agent_left_at or event.at)


def _target_is_lost(call: Call, transfer: Transfer, former: Former, event: SpeechLost) -> Call | Unmoved:
    if call.brain is None:
        return Unmoved("is_no_speech_worker")
    if transfer.begun_at is None or call.dispatches > MOST_SUCCESSORS:
        return Unmoved("target_has_not_come")
    told = replace(call.reports, worker_id=None, dispatch=None)
    if transfer.ready_at is not None:
        told = replace(told, ready_at=former.ready_at, can_report=former.can_report)
    again = with_change(call, transfer, dispatch=call.dispatches + 1, ready_at=None)
    return replace(again, dispatches=call.dispatches + 1, dispatched_at=event.at, reports=told)


def speaking_workers(call: Call) -> Iterator[tuple[str | None, int]]:
    """The speech workers that have the call, each with the dispatch that brought it."""
    yield call.reports.worker_id, call.reports.dispatch or call.dispatches
    transfer = agent_awaited_by(call)
    if transfer is not None and transfer.former is not None and transfer.former.dispatch is not None:
        yield transfer.former.worker_id, transfer.former.dispatch
