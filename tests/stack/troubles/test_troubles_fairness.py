"""An account with a long queue keeps nobody else waiting. How many milliseconds that costs is the benchmark's to say
(`local/bench/fairness.py`); here it is who comes first."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from local.bench.fairness import count_waiting, queue_up
from local.stack.record import Stack
from ringline.accounts.store import AccountStore
from tests.stack.callers import Customer, a_customer, a_quick_callee, emulator_client, eventually, phones, rung
from tests.stack.troubles.troubled_calls import right_ending, troubled_calls

pytestmark = pytest.mark.anyio

_LINES = 2
_WAITING = 300
_BUSY = {"rings_after_s": None, "refusal": 486}


@pytest.fixture
async def crowd(stack: Stack) -> AsyncIterator[Customer]:
    """An account of two lines that will be left with a queue: its gate is closed in the end."""
    customer = a_customer(stack, cap=_LINES)
    yield customer
    AccountStore(emulator_client(stack, "dynamodb"), stack.table_name).set_cap(customer.account_id, 0)


async def test_another_accounts_first_call_goes_out_before_a_queue_of_hundreds(stack: Stack, crowd: Customer) -> None:
    holders, waiters = await a_quick_callee(stack, hangs_up_after_s=120), await a_quick_callee(stack)
    async with crowd.client() as client, troubled_calls(stack) as calls:
        for _ in range(_LINES):
            await client.calls.create(pipe_id=crowd.pipe_id, to_number=holders)
        talking = await eventually(lambda: _answered(stack, holders))
        waiting = await client.calls.create(pipe_id=crowd.pipe_id, to_number=waiters)
        queue_up(stack, crowd.account_id, waiting.call_id, _WAITING - 1)

        at_a_full_gate = await calls.place(_BUSY)
        await at_a_full_gate.hears("call_end")
        assert count_waiting(stack, crowd.account_id) == _WAITING
        assert await rung(stack, waiters) == [], "nobody came in beyond the cap"

        for held in talking:
            await phones(stack, "POST", f"calls/{held['id']}/hangup")
        await eventually(lambda: rung(stack, waiters))
        while_lines_change_hands = await calls.place(_BUSY)
        await while_lines_change_hands.hears("call_end")
        assert count_waiting(stack, crowd.account_id) > _WAITING / 2, "it did not wait for the queue"

        for call in (at_a_full_gate, while_lines_change_hands):
            assert await call.ending() == right_ending("failed", "USER_BUSY")
        gone_out = await rung(stack, waiters)
    for invited in gone_out:
        beside = [one for one in gone_out if one["invited_at"] <= invited["invited_at"] < (one["ended_at"] or 1e12)]
        assert len(beside) <= _LINES


async def _answered(stack: Stack, number: str) -> list[dict[str, Any]]:
    """The calls of a number once all lines are answered."""
    calls = [call for call in await rung(stack, number) if call["answered_at"] is not None]
    return calls if len(calls) == _LINES else []
