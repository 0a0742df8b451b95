"""How a run of the sweep cuts what it finds, and what a message of its queue says of a share."""

import json

import pytest

from ringline.calls.mending.shares import parts_of, shared_out
from ringline.calls.model.ports import Share
from ringline.calls.tables.queues import SqsLookQueue, call_to_look_at, share_to_work_on, worker_to_look_for

MINUTE = 60_000


def test_a_list_is_cut_at_its_places() -> None:
    parts = list(parts_of("due#03", [10, 20, 20, 20, 30, 40, 50], 2, lambda moment: moment, MINUTE))
    assert [part.share for part in parts] == [
        Share("due#03", 10, 20, MINUTE),
        Share("due#03", 30, 40, MINUTE),
        Share("due#03", 50, 50, MINUTE),
    ]
    assert [len(part.items) for part in parts] == [4, 2, 1], "what is due in one moment is nobody else's"


def test_a_run_takes_other_parts_each_minute_and_at_least_one() -> None:
    parts = list(parts_of("due", [1, 2, 3, 4, 5, 6], 2, lambda moment: moment, 0))
    taken = [
        [part.share.first for part in shared_out(parts, most, minute * MINUTE)[0]]
        for most, minute in ((4, 0), (4, 1), (4, 2), (1, 4))
    ]
    assert taken == [[1, 3], [3, 5], [5, 1], [3]]
    own, others = shared_out(parts, 4, 0)
    assert len(own) + len(others) == 3
    assert shared_out([], 4, 0) == ([], [])


class Sqs:
    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send_message(self, *, MessageBody: str, **_: object) -> None:
        self.bodies.append(MessageBody)


@pytest.mark.parametrize("share", [Share("due#03", 1, 2, MINUTE), Share("WAITING", "acct_1", "acct_2")])
def test_a_share_comes_out_of_the_queue_as_it_was_handed_out(share: Share) -> None:
    sqs = Sqs()
    SqsLookQueue(lambda: sqs, "url").hand_out(share)
    (body,) = sqs.bodies
    assert share_to_work_on(body) == share
    assert call_to_look_at(body) is None and worker_to_look_for(body) is None


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        json.dumps(["list"]),
        json.dumps({"account_id": "a", "call_id": "c"}),
        json.dumps({"list": "due", "first": 1}),
        json.dumps({"list": "due", "first": 1, "last": "b"}),
        json.dumps({"list": 3, "first": 1, "last": 2}),
        json.dumps({"list": "due", "first": None, "last": None}),
    ],
)
def test_what_is_no_share_is_dropped(message: str) -> None:
    assert share_to_work_on(message) is None
