"""What is promised of runners, whoever dies between them and a call: a place is held by exactly one call and given back
with it, an assignment is sent once, and nobody is rung before a runner thinks for them."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ringline.calls.model.call import Call, holder_name
from ringline.runtime.table import DUE_SHARD, EXPIRES_SHARD, WAITING_PK, places_in
from tests.component.crash.rig.world import World

_MAY_BE_IN_SHARDS = (DUE_SHARD, EXPIRES_SHARD)


def look_at_the_places(items: Iterable[dict[str, Any]], calls: Iterable[Call]) -> None:
    """Whenever one looks: the `in_use` of a runner counts the calls that hold a place of its, the rows of a speech
    worker name them, and both are within the places that there are."""
    kept = list(calls)
    held = Counter(call.holds_place_of for call in kept)
    for row in items:
        if row["pk"].endswith("#RUNNERS") and "#R#" in row["sk"]:
            assert row["in_use"] == held[row["worker_id"]], f"{row['worker_id']}: a place too many, or too few"
            assert row["in_use"] <= row["max_concurrent"], "a runner was given more than it takes"
        elif row["pk"].endswith("#RUNNERS") and "#P#" in row["sk"]:
            holders = {holder_name(call) for call in kept if call.holds_speech_place_of == row["sk"]}
            assert set(row.get("held", ())) == holders, f"{row['sk']}: a place too many, or too few"
            assert len(holders) <= places_in(row["sk"]), "more places were taken than there are"


def look_at_the_caps(items: Iterable[dict[str, Any]], calls: Iterable[Call]) -> None:
    """Whenever one looks: a counter counts the calls in it, and lets in no more than its cap."""
    counted = Counter(name for call in calls for name in call.counts_in)
    for row in items:
        if row["pk"].endswith("#CAPS"):
            assert row.get("in_use", 0) == counted[row["sk"]], f"{row['sk']}: a call too many, or too few"
            assert row.get("in_use", 0) <= row.get("max_calls", 1_000), "a claim passed a cap"


def look_at_the_lists(items: Iterable[dict[str, Any]], world: World) -> None:
    """Whenever one looks: everything stands in the lists that the deployment keeps, unless there was another before."""
    if len(world.in_shards) > 1:
        return
    (in_shards,) = world.in_shards
    stand_in = {row["due_shard"] for row in items if row.get("due_shard", "").partition("#")[0] in _MAY_BE_IN_SHARDS}
    stand_in |= {row["pk"] for row in items if row["pk"].partition("#")[0] == WAITING_PK}
    assert all(("#" in each) is in_shards for each in stand_in), f"{stand_in}: a row in a list of the other kind"


def look_at_the_runners(world: World) -> None:
    """At the end."""
    rows = [item for item in world.table.items() if item["pk"].endswith("#RUNNERS") and "#R#" in item["sk"]]
    assert rows and not any(row["in_use"] for row in rows), "a place was kept by nobody"
    sent = Counter(frame["job_id"] for _, frame in world.speech.fleet.frames if frame["type"] == "job.assign")
    assert set(sent.values()) <= {1}, "one assignment was sent twice"
    thought_for = {room for room, _ in world.spoken_for}
    rang = {call.room_name for call in world.table.calls.values() if call.leg_identity in world.phones.rang}
    assert rang <= thought_for, "somebody was rung, and nobody thought for them"
    in_hand = {job for runner in world.speech.fleet.runners.values() for job in runner.jobs}
    assert not in_hand, "a runner thinks on for a call that is over"
