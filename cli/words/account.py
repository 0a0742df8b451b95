"""Why nothing of an account rings, from what `GET /v1/account` tells."""

from collections.abc import Iterator
from typing import Any

from cli.words.moments import length, until
from cli.words.reasons import waits_for

type Document = dict[str, Any]


def why_account(account: Document, now_ms: int) -> list[str]:
    """Sentences, the most telling first."""
    return [*_lines(account), *_waiting(account, now_ms), *_rests(account, now_ms), *_open(account)]


def _lines(account: Document) -> Iterator[str]:
    lines = account.get("lines") or {}
    if lines.get("cap") == 0:
        yield "The cap is 0: the account's dialling is paused. An operator raises it: `ringline account set`."
        return
    yield f"{lines.get('in_use')} of {lines.get('cap')} lines are in use."


def _waiting(account: Document, now_ms: int) -> Iterator[str]:
    waiting = account.get("waiting") or {}
    count = waiting.get("calls") or 0
    if not count:
        yield "No call waits: whatever was asked for has been dialled."
        return
    least = "" if waiting.get("counts_all", True) else "At least "
    waits = "waits" if count == 1 else "wait"
    for_s = waiting.get("longest_wait_s")
    yield f"{_calls(count, least)} {waits}" + (f", the first of them for {length(for_s)}." if for_s else ".")
    for block in account.get("blocked_by") or ():
        words = waits_for(block.get("what"))
        names = f" ({', '.join(block['names'])})" if block.get("names") else ""
        ends = f" That is over in {until(block['until'], now_ms)}." if block.get("until") else ""
        yield f"{_calls(block.get('calls') or 0)}{names}: {_of_many(words.says)}{ends}"
        if words.advice:
            yield words.advice
    if waiting.get("next_start_at"):
        yield f"The next one may be dialled in {until(waiting['next_start_at'], now_ms)}."


def _rests(account: Document, now_ms: int) -> Iterator[str]:
    livekit = account.get("livekit") or {}
    if livekit.get("is_away"):
        yield f"LiveKit is away, and tried again in {until(livekit.get('tried_again_at'), now_ms)}."
    for agent in account.get("agents") or ():
        if agent.get("rests_until"):
            missing = until(agent["rests_until"], now_ms)
            yield f"The agent {agent['agent_id']} was waited for in vain, and is tried again in {missing}."
    for trunk in account.get("trunks") or ():
        if trunk.get("is_slowed_until"):
            slow = until(trunk["is_slowed_until"], now_ms)
            yield f"The carrier behind {trunk['trunk_id']} was full: it goes slower for {slow}."


def _open(account: Document) -> Iterator[str]:
    not_known = account.get("not_known") or ()
    if not_known:
        yield f"Nobody can tell {'; nor '.join(not_known)}."


def _calls(count: int, least: str = "") -> str:
    return f"{least}{count} {'call' if count == 1 else 'calls'}"


def _of_many(says: str) -> str:
    """A sentence about one call, after a colon."""
    return says[0].lower() + says[1:]
