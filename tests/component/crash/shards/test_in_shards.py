"""What is due and who waits is listed in shards: sweep and dialer, struck at each of their steps, find it there as they
find it in whole lists; and where the setting changes while calls are under way."""

from copy import replace

import pytest

from ringline.calls.model.reasons import EndReason
from ringline.runtime.table import WAITING_PK
from tests.component.crash import test_dialing, test_sweep
from tests.component.crash.rig.acts import hangs_up_and_nobody_tells, nothing, one_talks_and_one_waits
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Scenario, strike_at_every_step
from tests.component.crash.rig.world import ACCOUNT, World
from tests.component.one_table import LocalAws

# Of what a killed run of the sweep had in hand some was never begun.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")

TALKED = {EndReason.USER_HUNG_UP_IN_CALL}
CLAIMS = (
    "it is answered",
    "two calls side by side",
    "it is canceled while it rings",
    "it has expired",
    "the agent of two calls is missing at first",
    "the carrier tells that it has no channel free at first",
)


def in_both(world: World) -> dict[bool, list[str]]:
    """The calls that are due and the accounts that wait: in whole lists, and in shards."""
    found: dict[bool, list[str]] = {False: [], True: []}
    for row in sorted(world.table.items(), key=lambda row: (row["pk"], row["sk"])):
        is_mark = row["pk"].partition("#")[0] == WAITING_PK
        if is_mark or (row["pk"].endswith("#CALLS") and row.get("due_shard")):
            found["#" in (row["pk"] if is_mark else row["due_shard"])].append(row["sk"])
    return found


def goes_back_to_whole_lists(world: World) -> None:
    """Where the sweep has noted that there are shards."""
    one_talks_on_and_one_waits(world)
    world.sweep()
    world.drain()
    assert in_both(world) == {False: [], True: [world.accepted[0], ACCOUNT]}
    world.deploy(in_shards=False)


def goes_over_to_shards(world: World) -> None:
    """Only the sweep can find out that the call is over which stands in the whole list."""
    one_talks_on_and_one_waits(world)
    assert in_both(world) == {False: [world.accepted[0], ACCOUNT], True: []}
    world.deploy(in_shards=True)
    world.phones.callees_hang_up = True
    hangs_up_and_nobody_tells(world)


def one_talks_on_and_one_waits(world: World) -> None:
    world.phones.callees_hang_up = False
    one_talks_and_one_waits(world)


def hangs_up_after_the_sweep(world: World) -> None:
    world.phones.callees_hang_up = True
    world.phones.after(90, world.phones.hang_up)


def nothing_is_left_in_shards(world: World) -> None:
    assert not in_both(world)[True]


goes_back = Scenario(
    "the sweep puts back what stands in shards",
    "sweep",
    goes_back_to_whole_lists,
    (TALKED,),
    act=hangs_up_after_the_sweep,
    hearing="Scheduled Event",
    steps=frozenset({"UpdateItem", "PutItem", "DeleteItem"}),
    calls=2,
    in_shards=True,
    also=nothing_is_left_in_shards,
)
_DIALS = {scenario.name: scenario for scenario in test_dialing.SCENARIOS}

SCENARIOS = [
    *(replace(scenario, in_shards=True) for scenario in test_sweep.SCENARIOS),
    *(replace(_DIALS[name], in_shards=True, loses_reads=False) for name in CLAIMS),
    replace(
        goes_back,
        name="the sweep finds what is listed in both",
        prepare=goes_over_to_shards,
        reasons=({EndReason.IDLE_TIMEOUT}, TALKED),
        act=nothing,
        in_shards=False,
        steps=frozenset({"delete_room", "TransactWriteItems", "SendMessage"}),
        also=nothing,
    ),
    goes_back,
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_whoever_reads_lists_in_shards_keeps_the_promises_in_trouble(
    local: LocalAws, scenario: Scenario, trouble: Trouble
) -> None:
    assert strike_at_every_step(local, scenario, trouble)
