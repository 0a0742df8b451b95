"""The simulation and the world of the crash tests do what the real LiveKit was recorded doing, as far as the product
hears of it, trace by trace."""

import pytest

from tests.contract.replay.heard import as_heard
from tests.contract.replay.on_virtual_clock import PlayedInSimulation
from tests.contract.replay.test_traces import NAMES, a_trace
from tests.contract.replay.trace_differences import differences


@pytest.mark.parametrize("name", NAMES)
def test_the_simulation_does_what_livekit_did(name: str) -> None:
    trace = a_trace(name)
    assert differences(as_heard(trace), PlayedInSimulation(trace).run()) == []
