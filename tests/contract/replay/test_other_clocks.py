"""The simulation and the world of the crash tests do what the real LiveKit was recorded doing, as far as the product
hears of it, trace by trace."""

from collections.abc import Callable
from copy import replace

import pytest

from local.phones.model import agents, legs, room, sip_status
from tests.contract.replay.heard import as_heard
from tests.contract.replay.on_stepped_clock import PlayedInCrashWorld
from tests.contract.replay.on_virtual_clock import PlayedInSimulation
from tests.contract.replay.played import Played
from tests.contract.replay.test_traces import NAMES, a_trace
from tests.contract.replay.trace_differences import differences


@pytest.mark.parametrize("name", NAMES)
def test_the_simulation_does_what_livekit_did(name: str) -> None:
    trace = a_trace(name)
    assert differences(as_heard(trace), PlayedInSimulation(trace).run()) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_world_of_the_crash_tests_does_what_livekit_did(name: str) -> None:
    trace = a_trace(name)
    assert differences(as_heard(trace), PlayedInCrashWorld(trace).run()) == []


def test_each_recording_tells_the_product_something_but_that_of_a_number_that_nobody_has() -> None:
    """Nobody rings in on it: that it is not taken up is the sandbox's to know."""
    assert [name for name in NAMES if not as_heard(a_trace(name))["events"]] == ["inbound-unknown-number"]


def _nobody_is_followed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(agents, "FOLLOWED", frozenset())


def _another_reason(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sip_status, "_disconnect_reason", lambda _code, _text: "ROOM_CLOSED")


def _another_error(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(legs, "PUT_OUT", replace(legs.PUT_OUT, failure=legs.NO_BRIDGE))


def _rooms_stand_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(room.Room, "closes_at", property(lambda room: room.since + 60_000))


def _hangs_up_without_a_word(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(legs, "HANGS_UP", replace(legs.HANGS_UP, hung_up=False))


@pytest.mark.parametrize("world", [PlayedInSimulation, PlayedInCrashWorld])
@pytest.mark.parametrize(
    ("falsify", "name"),
    [
        (_nobody_is_followed, "worker-stays"),
        (_another_reason, "busy-after-ringing"),
        (_another_error, "delete-room-while-ringing"),
        (_rooms_stand_on, "ring-timeout"),
        (_hangs_up_without_a_word, "answered-callee-hangs-up"),
    ],
)
def test_what_is_wrong_in_the_one_description_shows_in_both_worlds(
    falsify: Callable[[pytest.MonkeyPatch], None],
    name: str,
    world: type[Played],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    falsify(monkeypatch)
    trace = a_trace(name)
    assert differences(as_heard(trace), world(trace).run()) != []
