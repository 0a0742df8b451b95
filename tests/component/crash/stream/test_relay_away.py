"""The stream of the table is not told of: its reader is away for minutes, for hours or for a day, gives a record up, or
stumbles over a row. The end of every call is announced once all the same, whoever is struck meanwhile: the sweep, which
tells of it, or the reader, once it is back."""

import json
from collections import Counter
from copy import replace
from typing import Any

import pytest

from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import END_TOLD_WITHIN_S
from ringline.runtime import aws
from tests.component.crash.rig.acts import nothing, one_talks_and_one_waits
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Act, Scenario, strike_at_every_step
from tests.component.crash.rig.table import RELAY, CallChange
from tests.component.crash.rig.world import World
from tests.component.one_table import PARKED_BUCKET, LocalAws

# Of what a killed run of the sweep had in hand some was never begun.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")

_R = EndReason
TALKED = {_R.USER_HUNG_UP_IN_CALL}

MINUTES_S, HOURS_S, A_DAY_S = 600, 6 * 3600, 24 * 3600
UNREADABLE_FOR_S = 600


# --- the reader is away ----------------------------------------------------------------------------------------------


def away_for(seconds: int) -> Act:
    """Two calls in that time, of each of which the sweep has told while nobody read the stream."""

    def prepare(world: World) -> None:
        world.stream.fails = True
        for number in (1, 2):
            world.create()
            world.settle()
            assert len(world.posts) == number, "the end of a call waits for the stream's reader"
            world.clock.move(seconds / 2)

    return prepare


def away_for_and_on(seconds: int) -> Act:
    """And a third, which has just ended."""

    def prepare(world: World) -> None:
        away_for(seconds)(world)
        world.create()
        world.pass_until(world.is_there(State.ENDED, calls=3))

    return prepare


def owed_to_the_sweep(prepare: Act) -> Act:
    """The next sweep tells of an end."""

    def prepared(world: World) -> None:
        prepare(world)
        world.clock.move(END_TOLD_WITHIN_S)

    return prepared


def the_reader_is_back_after_the_sweep(world: World) -> None:
    world.settle()
    each_end_was_told_once(world)
    world.stream.fails = False


def the_reader_is_back(world: World) -> None:
    world.stream.fails = False


def each_end_was_told_once(world: World) -> None:
    told = Counter(body["data"]["call_id"] for _, body in world.posts)
    assert told == dict.fromkeys(world.accepted, 1), "an end reached the customer twice, or never"


def _ends_given_up(world: World) -> int:
    return len([change for change in world.stream.given_up if change.is_an_end])


def nothing_was_given_up(world: World) -> None:
    each_end_was_told_once(world)
    assert not world.stream.given_up


def only_the_oldest_were_given_up(world: World) -> None:
    each_end_was_told_once(world)
    assert _ends_given_up(world) == 1, "the stream kept a record for longer than it does, or for less"


# --- a record is given up --------------------------------------------------------------------------------------------


def ends_are_given_up(world: World) -> None:
    one_talks_and_one_waits(world)
    world.stream.gives_up = lambda change: change.is_an_end


def all_is_given_up(world: World) -> None:
    world.stream.gives_up = lambda _change: True
    one_talks_and_one_waits(world)


def hang_up(world: World) -> None:
    world.phones.hang_up()


def hung_up(prepare: Act) -> Act:
    def prepared(world: World) -> None:
        prepare(world)
        hang_up(world)
        world.pass_until(world.is_there(State.ENDED))

    return prepared


def both_ends_were_given_up(world: World) -> None:
    each_end_was_told_once(world)
    assert _ends_given_up(world) == 2


# --- a row cannot be read --------------------------------------------------------------------------------------------


def unreadable_by(*functions: str) -> Act:
    """Two talk, and of the first one's row nobody of these can make anything once it is over."""

    def prepare(world: World) -> None:
        world.set_lines(2)
        one_talks_and_one_waits(world)
        world.pass_until(world.is_there(State.ACTIVE, calls=2))
        world.table.garbled[world.accepted[0]] = frozenset(functions)

    return prepare


def hang_up_and_have_it_readable_later(world: World) -> None:
    world.phones.hang_up()
    world.phones.after(UNREADABLE_FOR_S, world.table.garbled.clear)


def parked(call_id: str) -> dict[str, Any]:
    """What is kept of a call in the bucket of parked records, by its place there."""
    s3, prefix = aws.s3(), f"parked/{call_id}/"
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=PARKED_BUCKET, Prefix=prefix).get("Contents", [])]
    return {
        f"s3://{PARKED_BUCKET}/{key}": json.loads(s3.get_object(Bucket=PARKED_BUCKET, Key=key)["Body"].read())
        for key in keys
    }


def the_unreadable_one_is_parked_and_told(world: World) -> None:
    each_end_was_told_once(world)
    unreadable, readable = world.accepted
    kept, end = parked(unreadable), _end_of(world, unreadable)
    told = {json.loads(each.body)["parked"] for each in world.sent if each.queue == "parked"}
    assert told == set(kept), "somebody was told of what is not there, or nobody of what is"
    number, keys = end.record["dynamodb"]["SequenceNumber"], end.record["dynamodb"]["Keys"]
    (of_the_end,) = (each for key, each in kept.items() if key.endswith(f"/{number}.json"))
    assert of_the_end["record"]["dynamodb"]["Keys"] == keys
    assert of_the_end["record"]["dynamodb"]["NewImage"]["end_reason"] == {"S": _R.USER_HUNG_UP_IN_CALL}
    assert not parked(readable), "what can be read was put aside"


def _end_of(world: World, call_id: str) -> CallChange:
    (end,) = (change for change in world.table.changes if change.is_an_end and change.after.call_id == call_id)
    return end


TELLING = frozenset({"SendMessage", "UpdateItem"})

tells = Scenario(
    "away for minutes, and the sweep tells of an end",
    "sweep",
    owed_to_the_sweep(away_for_and_on(MINUTES_S)),
    (TALKED,),
    act=the_reader_is_back_after_the_sweep,
    hearing="Scheduled Event",
    steps=TELLING,
    calls=3,
    also=nothing_was_given_up,
)
is_back = replace(
    tells,
    name="back after minutes",
    function=RELAY,
    prepare=away_for_and_on(MINUTES_S),
    act=the_reader_is_back,
    hearing="USER_HUNG_UP_IN_CALL",
)
given_up = replace(
    tells,
    name="the records of ends are given up",
    prepare=owed_to_the_sweep(hung_up(ends_are_given_up)),
    act=nothing,
    calls=2,
    also=both_ends_were_given_up,
)
unreadable = replace(
    is_back,
    name="a row that the reader cannot read",
    prepare=unreadable_by(RELAY),
    act=hang_up,
    hearing="unreadable",
    steps=frozenset({"PutObject", "SendMessage"}),
    calls=2,
    also=the_unreadable_one_is_parked_and_told,
)

SCENARIOS = [
    tells,
    replace(
        tells, name="away for hours, and the sweep tells of an end", prepare=owed_to_the_sweep(away_for_and_on(HOURS_S))
    ),
    replace(
        tells,
        name="away for a day, and the sweep tells of an end",
        prepare=owed_to_the_sweep(away_for_and_on(A_DAY_S)),
        also=only_the_oldest_were_given_up,
    ),
    is_back,
    replace(is_back, name="back after hours", prepare=away_for_and_on(HOURS_S)),
    replace(
        is_back,
        name="back after a day",
        prepare=away_for_and_on(A_DAY_S),
        also=only_the_oldest_were_given_up,
    ),
    given_up,
    replace(given_up, name="every record is given up", prepare=owed_to_the_sweep(hung_up(all_is_given_up))),
    replace(
        unreadable,
        name="a row that the reader cannot read, and the sweep tells of its end",
        function="sweep",
        prepare=owed_to_the_sweep(hung_up(unreadable_by(RELAY))),
        act=nothing,
        hearing="Scheduled Event",
        steps=TELLING,
    ),
    replace(
        unreadable,
        name="a row that neither reader nor sweep can read for a while",
        prepare=unreadable_by(RELAY, "sweep"),
        act=hang_up_and_have_it_readable_later,
    ),
    unreadable,
]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_every_end_is_announced_once_whatever_becomes_of_the_stream(
    local: LocalAws, scenario: Scenario, trouble: Trouble
) -> None:
    assert strike_at_every_step(local, scenario, trouble)
