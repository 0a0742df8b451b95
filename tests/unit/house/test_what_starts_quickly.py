"""What the dialers do without until they need it: each second of their start is one in which nobody is called."""

import os
import subprocess
import sys

import pytest

_LATER = (
    "ringline.routing.records",
    "ringline.agents.model.frames",
    "ringline.telephony.carriers.refusals",
    "pydantic",
)


@pytest.mark.parametrize("function", ["dial_next", "carry_out_transfer"])
def test_a_dialer_starts_without_what_few_calls_need(function: str) -> None:
    program = f"import sys, ringline.composition.{function}; print(*sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    started = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert not set(started.stdout.split()) & set(_LATER)
