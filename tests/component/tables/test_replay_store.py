"""Replays in the table: one of an endpoint at a time, each step once."""

from concurrent.futures import ThreadPoolExecutor
from copy import replace

import pytest

from ringline.webhooks.model.replay import Replay, ReplayOf, ReplayStatus
from ringline.webhooks.tables.replays import ReplayStore
from tests.builders import NOW
from tests.component.one_table import LocalAws

REPLAY = Replay(
    account_id="acct_1",
    endpoint_id="ep_1",
    replay_id="replay_1",
    only=ReplayOf.FAILED,
    from_sequence=1,
    until_sequence=50,
    created_at=NOW,
    next_sequence=1,
    event_types=("call.*",),
    due_at=NOW + 60_000,
)
STEPPED = replace(REPLAY, step=1, next_sequence=11, sent=10, looked_at=10, due_at=NOW + 90_000)
DONE = replace(STEPPED, step=2, status=ReplayStatus.DONE, finished_at=NOW + 5_000, due_at=None)


@pytest.fixture
def replays(local: LocalAws) -> ReplayStore:
    return ReplayStore(local.dynamodb, local.table_name)


def test_a_replay_is_read_back_whole_and_by_its_account_alone(replays: ReplayStore) -> None:
    assert replays.add(REPLAY)
    assert replays.replay("acct_1", "ep_1", "replay_1") == REPLAY
    assert replays.replay("acct_2", "ep_1", "replay_1") is None
    assert replays.newest("acct_1", "ep_1", 10) == [REPLAY]
    assert replays.newest("acct_1", "ep_", 10) == []


def test_of_several_that_begin_at_once_one_runs(replays: ReplayStore) -> None:
    several = [replace(REPLAY, replay_id=f"replay_{number}") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        begun = list(pool.map(replays.add, several))
    assert begun.count(True) == 1
    assert len(replays.newest("acct_1", "ep_1", 10)) == 1
    assert replays.add(replace(REPLAY, endpoint_id="ep_2"))


def test_a_step_is_written_once_and_an_end_gives_the_turn_back(replays: ReplayStore) -> None:
    replays.add(REPLAY)
    assert replays.move(REPLAY, STEPPED)
    assert not replays.move(REPLAY, STEPPED)
    assert replays.move(STEPPED, DONE)
    assert not replays.move(STEPPED, DONE)
    assert replays.replay("acct_1", "ep_1", "replay_1") == DONE
    assert replays.add(replace(REPLAY, replay_id="replay_2"))


def test_one_that_was_stopped_is_not_gone_on_with(replays: ReplayStore) -> None:
    replays.add(REPLAY)
    stopped = replace(REPLAY, status=ReplayStatus.STOPPED, due_at=None)
    assert replays.move(REPLAY, stopped)
    assert not replays.move(REPLAY, STEPPED)
    assert not replays.move(REPLAY, DONE)


def test_one_that_runs_is_due_until_it_is_over(replays: ReplayStore) -> None:
    replays.add(REPLAY)
    assert replays.due(NOW + 59_999, 10) == []
    assert replays.due(NOW + 60_000, 10) == [("acct_1", "ep_1", "replay_1")]
    replays.move(REPLAY, STEPPED)
    assert replays.due(NOW + 60_000, 10) == []
    replays.move(STEPPED, DONE)
    assert replays.due(NOW + 900_000, 10) == []
