"""LiveKit goes away and comes back while calls are under way: for all of them at once, so these tests run alone. On a
busy machine it may take twenty seconds until all of them are told to be under way; what happens then is later still."""

import asyncio

import pytest

from local.stack.record import Stack
from tests.stack.callers import eventually, phones, sweep_now
from tests.stack.troubles.troubled_calls import SWEPT_WITHIN_S, right_ending, troubled_calls

pytestmark = pytest.mark.anyio

_ANSWERED = {"rings_after_s": 0.2, "answers_after_s": 0.3}
_RINGS_OUT = {"rings_after_s": 0.2, "answers_after_s": None}


async def test_a_conversation_and_a_ringing_phone_outlive_a_restart_of_livekit(stack: Stack) -> None:
    """Both legs are back with new sids and a status that says `dialing`, in the middle of the conversation too."""
    async with troubled_calls(stack) as calls:
        talking = await calls.place({**_ANSWERED, "hangs_up_after_s": 20})
        ringing = await calls.place(_RINGS_OUT, ring_timeout_s=20)
        await talking.hears("call_active")
        await ringing.hears("call_ringing")
        await _livekit_goes_away(stack, for_s=3)
        await talking.hears("call_end")
        await ringing.hears("call_end")
        await calls.come_to_rest()
        assert await talking.ending() == right_ending("completed", "USER_HUNG_UP_IN_CALL")
        assert await ringing.ending() == right_ending("failed", "USER_DID_NOT_PICK_UP")
        assert [note.what.endswith("leg_rejoined") for note in talking.record().notes] == [True]


async def test_half_a_minute_without_livekit_costs_no_call_its_right_end(stack: Stack) -> None:
    async with troubled_calls(stack) as calls:
        outlives = await calls.place({**_ANSWERED, "hangs_up_after_s": 62})
        hangs_up_unheard = await calls.place({**_ANSWERED, "hangs_up_after_s": 25})
        rings_out = await calls.place(_RINGS_OUT, ring_timeout_s=58)
        for call, event in ((outlives, "call_active"), (hangs_up_unheard, "call_active"), (rings_out, "call_ringing")):
            await call.hears(event)
        await _livekit_goes_away(stack, for_s=30)
        await eventually(hangs_up_unheard.leg_is_over)
        waits = await calls.place({**_ANSWERED, "hangs_up_after_s": 1})
        await waits.hears("call_end", within_s=SWEPT_WITHIN_S)
        for call in (outlives, rings_out):
            await call.hears("call_end", within_s=SWEPT_WITHIN_S)
        await asyncio.to_thread(sweep_now, stack)
        await hangs_up_unheard.hears("call_end")
        await calls.come_to_rest()
        assert await outlives.ending() == right_ending("completed", "USER_HUNG_UP_IN_CALL")
        assert await hangs_up_unheard.ending() == right_ending("completed", "IDLE_TIMEOUT")
        assert await rings_out.ending() == right_ending("failed", "USER_DID_NOT_PICK_UP")
        assert await waits.ending() == right_ending("completed", "USER_HUNG_UP_IN_CALL")


async def _livekit_goes_away(stack: Stack, for_s: float) -> None:
    await phones(stack, "POST", "faults", {"kind": "restart_livekit", "for_s": for_s})
