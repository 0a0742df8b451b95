"""Recordings that are paused and go on: whoever is asked for it, and whoever begins the next one, struck at each step.
Nothing is recorded for long that is not to be, and no file is written twice."""

from collections import Counter
from dataclasses import replace

import pytest

from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import OWED_WITHIN_MS, Scenario, strike_at_every_step
from tests.component.crash.rig.stage import RECORDED
from tests.component.crash.rig.world import World
from tests.component.one_table import LocalAws

_TALKS_ON_S = 200
"""For longer than a run of the sweep is away."""


def is_recorded(world: World) -> None:
    world.phones.callees_hang_up = False
    world.create(pipe_id=RECORDED)
    world.pass_until(world.is_there(State.ACTIVE))
    world.pass_until(lambda: bool(world.phones.tapes))
    world.phones.after(_TALKS_ON_S, world.phones.hang_up)


def is_paused(world: World) -> None:
    is_recorded(world)
    world.control_recording("pause")


def pauses(world: World) -> None:
    world.control_recording("pause")


def goes_on(world: World) -> None:
    world.control_recording("resume")


def nothing_was_recorded_for_long(world: World) -> None:
    call = world.call()
    assert call.recording_paused_at is not None
    over_at = world.phones.over_at[call.room_name or ""]
    for tape in world.phones.tapes.values():
        assert (tape.ended_at or over_at) - call.recording_paused_at <= OWED_WITHIN_MS, "it was recorded on"
    no_file_was_written_twice(world)


def no_file_was_written_twice(world: World) -> None:
    assert set(Counter(tape.key for tape in world.phones.tapes.values()).values()) == {1}


def two_files_were_written(world: World) -> None:
    no_file_was_written_twice(world)
    assert world.call().recording_paused_at is None and world.call().recording_segment == 2
    assert len(world.phones.tapes) == 2, "what goes on is another file"


paused = Scenario(
    "a recording is paused",
    "manage",
    is_recorded,
    ({EndReason.USER_HUNG_UP_IN_CALL},),
    act=pauses,
    hearing="/recording/pause",
    steps=frozenset({"PutItem", "SendMessage", "list_egress", "stop_egress"}),
    calls=1,
    also=nothing_was_recorded_for_long,
)
SCENARIOS = [
    replace(paused, loses_reads=True),
    replace(
        paused,
        name="a recording is to go on",
        prepare=is_paused,
        act=goes_on,
        hearing="/recording/resume",
        steps=frozenset({"PutItem"}),
        also=two_files_were_written,
    ),
    replace(
        paused,
        name="the next file of a recording is begun",
        function="relay_call_changes",
        prepare=is_paused,
        act=goes_on,
        hearing="",
        steps=frozenset({"list_egress", "start_egress"}),
        also=no_file_was_written_twice,
    ),
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_who_pauses_a_recording_keeps_the_promises_in_trouble(
    local: LocalAws, scenario: Scenario, trouble: Trouble
) -> None:
    assert strike_at_every_step(local, scenario, trouble)
