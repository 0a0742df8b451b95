"""Who may still speak in a dial of a call that was handed over to another agent, and for which part of it. Each agent
is known by the number of the dispatch that brought it, which its token proves. Pure."""

from collections.abc import Iterable

from ringline.calls.model.transfers.transfer import Transfer, TransferState, of_dial

HANDED_OVER = "handed_over"


def has_lost_call(transfers: Iterable[Transfer], dial: int, dispatch: int | None) -> bool:
    """Whether the conversation is another agent's: one that was asked for later is there or has been, or this one was
    asked for and has failed to take it. None stands for an agent whose dispatch nobody knows."""
    if dispatch is None:
        return False
    for transfer in _to_agents(transfers, dial):
        if transfer.state is TransferState.FAILED and transfer.dispatch == dispatch:
            return True
        if transfer.state in {TransferState.JOINED, TransferState.COMPLETED} and dispatch < (transfer.dispatch or 0):
            return True
    return False


def part_of(transfers: Iterable[Transfer], dial: int, dispatch: int | None) -> int:
    """Which agent's part of a conversation the agent of a dispatch has: 1 for the first agent's, else the dispatch of
    the transfer that began it. Who replaces a speech worker that was lost has the part of that one."""
    number = dispatch or 1
    begun = [
        each.dispatch
        for each in _to_agents(transfers, dial)
        if each.dispatch == number or each.state is not TransferState.FAILED
    ]
    return max([1, *(each for each in begun if each is not None and each <= number)])


def parts_of(transfers: Iterable[Transfer], dial: int) -> tuple[int, ...]:
    """The parts that a conversation may have, in their order."""
    return (1, *(each.dispatch or 1 for each in _to_agents(transfers, dial)))


def agent_of_part(transfers: Iterable[Transfer], dial: int, part: int, present: str | None) -> str | None:
    """The id of the agent that has, or had, a part; `present` is whom the call has now."""
    to_agents = _to_agents(transfers, dial)
    if part > 1:
        return next((each.target.name for each in to_agents if each.dispatch == part), present)
    former = to_agents[0].former if to_agents else None
    return present if former is None else former.agent_id


def _to_agents(transfers: Iterable[Transfer], dial: int) -> list[Transfer]:
    return [each for each in of_dial(transfers, dial) if each.is_to_agent and each.dispatch is not None]
