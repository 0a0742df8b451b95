"""The functions between a call and the runner that thinks for it, struck at each of their steps: the claim with a
place, the control sockets, the speech worker's request, and the end that gives the place back."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest

from ringline.accounts.store import AccountStore
from ringline.agents.model.frames import Register
from ringline.agents.model.records import DEPLOYMENT
from ringline.agents.tables.registry import Registry
from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from tests.component.crash.rig.acts import nothing
from tests.component.crash.rig.places import look_at_the_runners
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Act, Scenario, strike_at_every_step
from tests.component.crash.rig.runners import NUMBER, PIPE, Habit
from tests.component.crash.rig.world import ACCOUNT, World
from tests.component.one_table import LocalAws

pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")

_R = EndReason
TALKED = {_R.USER_HUNG_UP_IN_CALL}
LOST = TALKED | {_R.AGENT_FAILED}


def runners_come(*names: str, habits: tuple[Habit, ...] = (Habit.ACCEPTS,), places: int = 1) -> Act:
    def come(world: World) -> None:
        key = AccountStore(world.aws.dynamodb, world.aws.table_name).add_key(ACCOUNT, "runners")
        world.speech.fleet.habits = list(habits)
        for name in names:
            world.speech.fleet.comes(name, key, places)
        world.drain()

    return come


def a_speech_worker_comes(world: World) -> None:
    """With one place. It beats as long as the world lasts."""
    registry = Registry(world.aws.dynamodb, world.aws.table_name, lambda: world.clock.now + 3_600_000)
    registry.connect("of speech#1", DEPLOYMENT)
    connection = registry.connection("of speech#1")
    assert connection is not None
    told = Register("speech#1", "ringline-speech", "ringline-speech", None, 1, kind="media")
    assert registry.register(connection, told)
    assert registry.beat(copy.replace(connection, agent_id="ringline-speech", worker_id="speech#1"), 0) is not None


def one_is_called(world: World) -> None:
    world.create(pipe_id=PIPE)


def somebody_rings_in(world: World) -> None:
    world.phones.ring_in(NUMBER)


def in_order(*acts: Callable[[World], object]) -> Act:
    def all_of_them(world: World) -> None:
        for act in acts:
            act(world)

    return all_of_them


def one_talks(world: World) -> None:
    one_is_called(world)
    world.pass_until(world.is_there(State.ACTIVE))


def its_runner_dies(world: World) -> None:
    world.speech.fleet.dies(world.spoken_for[-1][1])


def its_connection_drops(world: World) -> None:
    fleet = world.speech.fleet
    runner = fleet.runners[world.spoken_for[-1][1]]
    fleet.drops(runner)
    world.phones.after(0.7, lambda: fleet.connects(runner))


def two_lines_and_one_talks(world: World) -> None:
    world.set_lines(2)
    one_talks(world)


def another_took_over(world: World) -> None:
    look_at_the_runners(world)
    assert len({name for _, name in world.spoken_for}) == 2, "nobody took the call over"


claim = Scenario(
    "a call is claimed with a place",
    "dial_next",
    runners_come("bot#1"),
    (TALKED,),
    act=one_is_called,
    steps=frozenset({"TransactWriteItems", "create_room"}),
    calls=1,
    also=look_at_the_runners,
)
join = replace(
    claim,
    name="the speech worker asks for a runner",
    function="assign_brain",
    hearing="join",
    steps=frozenset({"PutItem", "post_to_connection"}),
)
socket = replace(claim, function="serve_runners")
answer = replace(socket, hearing="job.ack", steps=frozenset({"PutItem"}))

SCENARIOS = [
    claim,
    replace(join, loses_reads=True),
    replace(join, name="the speech worker asks for one of two runners", prepare=runners_come("bot#1", "bot#2")),
    replace(
        join,
        name="the speech worker of somebody who rings in asks for a runner",
        act=somebody_rings_in,
        steps=frozenset({"PutItem", "TransactWriteItems", "post_to_connection"}),
    ),
    replace(
        join,
        name="the one that it was told of does not dial",
        prepare=runners_come("bot#1", "bot#2", habits=(Habit.NEVER_DIALS, Habit.ACCEPTS)),
        hearing="no_dial",
        steps=frozenset(),
    ),
    replace(
        join,
        name="the one that it was told of does not answer",
        prepare=runners_come("bot#1", "bot#2", habits=(Habit.SILENT, Habit.ACCEPTS)),
        hearing="no_dial",
        steps=frozenset({"PutItem", "TransactWriteItems", "post_to_connection"}),
    ),
    replace(
        join,
        name="its runner dies in the call",
        prepare=in_order(runners_come("bot#1", "bot#2"), one_talks),
        act=its_runner_dies,
        hearing="lost",
        reasons=(LOST,),
        steps=frozenset({"PutItem", "TransactWriteItems", "post_to_connection"}),
        also=another_took_over,
    ),
    replace(
        socket,
        name="a runner connects",
        prepare=nothing,
        act=in_order(runners_come("bot#1"), one_is_called),
        hearing='"CONNECT"',
        steps=frozenset({"PutItem"}),
        loses_reads=True,
    ),
    replace(
        socket,
        name="a runner registers, for which a call waits",
        prepare=one_is_called,
        act=runners_come("bot#1"),
        hearing="max_concurrent",
        steps=frozenset({"UpdateItem", "post_to_connection", "SendMessage"}),
        loses_reads=True,
    ),
    replace(
        socket,
        name="a runner beats",
        prepare=runners_come("bot#1"),
        hearing="active_jobs",
        steps=frozenset({"UpdateItem"}),
    ),
    replace(
        socket,
        name="a runner's old connection is told to be closed when it is back",
        prepare=in_order(runners_come("bot#1"), one_talks),
        act=its_connection_drops,
        hearing='"DISCONNECT"',
        steps=frozenset({"DeleteItem"}),
    ),
    replace(
        claim,
        name="a call is claimed with a place of a speech worker, too",
        prepare=in_order(runners_come("bot#1"), a_speech_worker_comes),
        steps=frozenset({"TransactWriteItems"}),
    ),
    replace(answer, name="a runner accepts"),
    replace(answer, name="a runner accepts twice", prepare=runners_come("bot#1", habits=(Habit.TWICE,))),
    replace(
        answer,
        name="a runner accepts when another was asked",
        prepare=runners_come("bot#1", "bot#2", habits=(Habit.LATE, Habit.ACCEPTS)),
        hearing=".1.1",
        steps=frozenset({"post_to_connection"}),
    ),
    replace(
        answer,
        name="a runner refuses, and the next is asked",
        prepare=runners_come("bot#1", "bot#2", habits=(Habit.REFUSES, Habit.ACCEPTS)),
        steps=frozenset({"PutItem", "TransactWriteItems", "post_to_connection"}),
        loses_reads=True,
    ),
    replace(
        claim,
        name="the end gives the place to the call that waits for it",
        function="receive_livekit_event",
        prepare=in_order(runners_come("bot#1"), two_lines_and_one_talks, one_is_called),
        act=lambda world: world.phones.hang_up(),
        hearing="participant_left",
        steps=frozenset({"TransactWriteItems", "SendMessage"}),
        calls=2,
    ),
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_who_brings_calls_and_runners_together_keeps_the_promises_in_trouble(
    local: LocalAws, scenario: Scenario, trouble: Trouble
) -> None:
    assert strike_at_every_step(local, scenario, trouble)
