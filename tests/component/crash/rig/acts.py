"""What leads up to the moment when a function is struck, where more than one scenario begins with it."""

from ringline.calls.model.call import State
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.world import World
from tests.sample_events import event_of


def nothing(_world: World) -> None: ...


def one_talks(world: World) -> None:
    world.create()
    world.pass_until(world.is_there(State.ACTIVE))


def one_talks_and_one_waits(world: World) -> None:
    one_talks(world)
    world.create()


def one_is_over(world: World) -> None:
    world.create()
    world.settle()


def hangs_up_and_nobody_tells(world: World) -> None:
    world.phones.hang_up()
    world.phones.hooks.clear()
    world.clock.move(6)
    world.phones.happen()
    world.phones.hooks.clear()


def canceled_while_it_rings(world: World) -> None:
    world.create()
    world.phones.after(2, world.hang_up)


def end_is_asked_and_livekit_not(world: World) -> None:
    """The first call's customer wants it to end; whoever took the wish died with it recorded."""
    world.strike("manage", Trouble.KILLED, "PutItem")
    path = f"/v1/calls/{world.accepted[0]}/hangup"
    assert world.invoke("manage", event_of("manage", "hang_up") | {"rawPath": path}).is_dead
