"""What functions do without until they need it: each second of a dialer's start is one in which nobody is called, and
whoever hears of an event answers it (docs/adr/0003-light-imports.md). What is imported at a module's head again is
noticed here, and not by a clock."""

import os
import subprocess
import sys

import pytest

_NEEDED_BY_FEW_CALLS = (
    "ringline.routing.records",
    "ringline.agents.model.frames",
    "ringline.telephony.carriers.refusals",
    "pydantic",
)
_NEEDED_BY_FEW_EVENTS = ("asyncio", "pydantic", "livekit", "aiohttp", "ringline.webhooks.replaying.steps")
_LATER = {
    **dict.fromkeys(("dial_next", "carry_out_transfer"), _NEEDED_BY_FEW_CALLS),
    **dict.fromkeys(
        (
            *("authorize_request", "deliver_webhook", "receive_livekit_event", "receive_sip_event"),
            *("relay_call_changes", "sweep"),
        ),
        _NEEDED_BY_FEW_EVENTS,
    ),
}


@pytest.mark.parametrize("function", _LATER)
def test_a_function_starts_without_what_few_of_its_runs_need(function: str) -> None:
    program = f"import sys, ringline.composition.{function}; print(*sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    started = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert not set(started.stdout.split()) & set(_LATER[function])
