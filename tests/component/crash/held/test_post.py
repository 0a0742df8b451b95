"""LiveKit's webhooks of the crash tests' world wait in a line for each room, as LiveKit's do."""

import pytest

from tests.component.crash.rig.process import Invocation
from tests.component.crash.rig.webhooks.post import Post
from tests.fakes import HandClock


def named(post: Post) -> str | None:
    hook = post.next()
    return None if hook is None else str(hook.document["event"])


def test_an_event_that_is_not_taken_holds_up_its_room_and_no_other() -> None:
    clock = HandClock()
    post = Post(clock)
    for room, event in (("a", "joined"), ("a", "left"), ("b", "joined there")):
        post.put(room, {"event": event})
    first = post.next()
    assert first is not None and first.document["event"] == "joined"
    assert post.tried(first, is_taken=False) == 1
    assert (named(post), named(post)) == ("joined there", None)
    clock.move(1)
    again = post.next()
    assert again is first
    assert post.tried(first, is_taken=True) is None
    assert named(post) == "left"


def test_nothing_of_a_room_is_sent_while_an_event_of_it_is_under_way() -> None:
    post = Post(HandClock())
    post.put("a", {"event": "joined"})
    post.put("a", {"event": "left"})
    assert (named(post), named(post)) == ("joined", None)


def test_what_waited_too_long_behind_another_is_dropped() -> None:
    clock = HandClock()
    post = Post(clock)
    post.put("a", {"event": "joined"})
    post.put("a", {"event": "left"})
    first = post.next()
    clock.move(31)
    post.put("a", {"event": "finished"})
    assert first is not None
    post.tried(first, is_taken=True)
    assert named(post) == "finished"


def test_an_event_is_tried_five_times() -> None:
    clock = HandClock()
    post = Post(clock)
    post.put("a", {"event": "joined"})
    waits = []
    while (hook := post.next()) is not None:
        waits.append(post.tried(hook, is_taken=False))
        clock.move(waits[-1] or 0)
    assert waits == [1, 2, 4, 8, None]


@pytest.mark.parametrize(
    ("status", "is_repeated"), [(200, False), (404, False), (429, True), (500, True), (501, False)]
)
def test_an_answer_is_read_as_livekit_reads_it(status: int, is_repeated: bool) -> None:
    assert Invocation("receive_livekit_event", answer={"statusCode": status}).needs_repeat is is_repeated
