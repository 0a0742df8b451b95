"""The dialer's container struck at each of its steps, as its function is: where it claims, has made the room, waits for
the agent, has sent the INVITE, settles, answers a doorbell or keeps it hidden."""

from copy import replace

import pytest

from tests.component.crash import test_dialing
from tests.component.crash.container.process import in_container
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Scenario, strike_at_every_step
from tests.component.one_table import LocalAws

# Of what a killed container had in hand some was never begun.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")

_OF_THE_FUNCTION = {scenario.name: scenario for scenario in test_dialing.SCENARIOS}
_ANSWERS = frozenset({"TransactWriteItems", "create_room", "dial", "PutItem", "DeleteMessage"})


def contained(name: str, *steps: str) -> Scenario:
    scenario = _OF_THE_FUNCTION[name]
    steps_too = scenario.steps | {"DeleteMessage", *steps}
    return replace(scenario, prepare=in_container(scenario.prepare), steps=steps_too, loses_reads=False)


# Not those that turn on what happens within seconds: who keeps doorbells hidden has twenty seconds pass at once here.
SCENARIOS = [
    replace(contained("it is answered"), steps=_ANSWERS),
    contained("it is busy"),
    contained("two calls side by side"),
    contained("its agent comes late"),
    contained("the carrier has no channel free at first for a call from a pool"),
    contained("the carrier tells that it is answered"),
    contained("the carrier tells that it has no channel free at first"),
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_container_in_trouble_keeps_the_promises(local: LocalAws, scenario: Scenario, trouble: Trouble) -> None:
    assert strike_at_every_step(local, scenario, trouble)
