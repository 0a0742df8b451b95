"""A worker is as full as its places are taken, whatever the machine does."""

from types import SimpleNamespace

import pytest

from speech.worker.places import FULL, PlacesServer


def a_worker(places: int, *, jobs: int, accepted: int = 0) -> PlacesServer:
    server = PlacesServer(places=places, num_idle_processes=1, ws_url="ws://x", api_key="k", api_secret="s")
    running = [SimpleNamespace(running_job=object()) for _ in range(jobs)]
    server._proc_pool = SimpleNamespace(processes=running)  # type: ignore[assignment]
    server._reserved_slots = accepted
    server._worker_load = server.load()
    server._devmode = False
    return server


@pytest.mark.parametrize(
    ("jobs", "accepted", "available"),
    [(0, 0, True), (0, 1, True), (0, 2, True), (0, 3, False), (2, 0, True), (2, 1, False), (3, 0, False)],
)
def test_a_job_that_was_accepted_has_its_place_before_it_begins(jobs: int, accepted: int, available: bool) -> None:
    assert a_worker(3, jobs=jobs, accepted=accepted)._is_available() is available


def test_the_load_is_the_share_of_places() -> None:
    assert a_worker(4, jobs=1).load() == 0.25
    assert a_worker(4, jobs=4).load() == 1.0 > FULL


def test_the_last_free_place_of_many_is_no_full_worker() -> None:
    assert a_worker(500, jobs=499)._is_available()


def test_a_worker_that_drains_has_no_place_to_give_away() -> None:
    worker = a_worker(4, jobs=1)
    assert worker.taken == 1
    worker._draining = True
    assert worker.taken == 4
