"""A conversation without an agent, as a look finds it. Pure, and apart from the rules of who comes and goes, which
hooks import: they start without what a look is made of."""

from collections.abc import Iterator

from ringline.calls.model.call import Call
from ringline.calls.model.events import AgentLeft, Event, OtherLeft, OthersTalk
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import Others
from ringline.calls.model.timing import ms
from ringline.calls.model.transfers.transfer import under_way
from ringline.calls.rules.presence_rules import successor_waits_s


def without_agent(call: Call, others: Others, now: int) -> Event | EndReason | None:
    """What a look means that finds no agent in a conversation: an event of which nobody told, the reason for which the
    call is to end, or None while its time is not over."""
    if call.agent_left_at is None:
        return AgentLeft(now, call.attempt, call.agent_sid or "", None)
    if others is Others.TALK:
        return OthersTalk(now, call.attempt)
    if others is Others.MAY_COME or under_way(call.transfers) is not None:
        # Whoever is asked for comes, or the transfer is over soon.
        return None
    if call.handed_over_at is not None and call.other_left_at is None:
        return OtherLeft(now, call.attempt)
    alone_since = max(call.agent_left_at, call.other_left_at or 0, *_another_was_awaited_until(call))
    return _why_left_alone(call) if now - alone_since >= ms(successor_waits_s(call)) else None


def _another_was_awaited_until(call: Call) -> Iterator[int]:
    """The ends of the transfers during which the agent's own speech worker was lost: only then another was sent."""
    for transfer in call.transfers:
        if transfer.former is not None and transfer.former.lost_at is not None and transfer.ended_at is not None:
            yield transfer.ended_at


def _why_left_alone(call: Call) -> EndReason:
    """Whoever was handed over has been served; a transfer that was only begun has left them with nobody."""
    told = call.reports
    is_transferred = told.transferred_at is not None and not told.transfer_only_started
    return EndReason.CALL_TRANSFERRED if is_transferred or call.handed_over_at is not None else EndReason.AGENT_FAILED
