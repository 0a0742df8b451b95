"""Each test belongs to one category, which is the folder it lies in: what lies elsewhere is not collected but
refused. A test that leaves something running behind it fails. Tests of the table find here the DynamoDB they run on.
Where a run has workers, `tests.side_by_side` says who runs what."""

import faulthandler
import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from hypothesis import HealthCheck, settings

from tests.dynamodb.stand_ins import StandIn, running
from tests.remains import alive, left_behind, living_on, noted_tasks
from tests.side_by_side import Spreading

CATEGORIES = {"unit", "property", "component", "contract", "dynamodb", "template", "stack"}
_TESTS = Path(__file__).parent

_HANGS_S = 900
_WATCH_ANEW_S = 60
_WATCHED_SINCE = pytest.StashKey[float]()

# How fast an example is depends on what else the machine does, and is no finding.
settings.register_profile("ringline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Each run at a desk draws new examples. What may land is told by the same ones each time: a rare one that is found
# there would say nothing about the change that met it.
settings.register_profile("same-examples", settings.get_profile("ringline"), derandomize=True, database=None)
settings.load_profile(os.environ.get("RINGLINE_TEST_EXAMPLES", "ringline"))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> None:
    if file_path.name.startswith("test_") and file_path.suffix == ".py" and category_of(file_path) is None:
        raise pytest.UsageError(f"{file_path} is in none of tests/{{{','.join(sorted(CATEGORIES))}}}")


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker(category_of(item.path) or "unit")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Where a test hangs, all threads are told of after a quarter of an hour: a dump of one that is only slow, on a
    busy machine, can take the process with it. pytest's own `faulthandler_timeout` starts and ends a thread for each
    test: where ten thousand of them take some milliseconds each, and the machine is busy, that is most of their time.
    """
    now = time.monotonic()
    if now - item.session.stash.get(_WATCHED_SINCE, 0.0) > _WATCH_ANEW_S:
        item.session.stash[_WATCHED_SINCE] = now
        faulthandler.dump_traceback_later(_HANGS_S, file=item.config.stash[fault_handler_stderr_fd_key])


def pytest_collection_finish() -> None:
    """What has been imported and collected stays: the collector need not look at it behind each simulated world."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    faulthandler.cancel_dump_traceback_later()


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Says which fields differ: pytest does for dataclasses whose methods are compiled, and ours are not always."""
    names = getattr(type(left), "__dataclass_fields__", None) or getattr(type(left), "_names", None)
    if op != "==" or names is None or type(left) is not type(right):
        return None
    pairs = ((name, getattr(left, name), getattr(right, name)) for name in names)
    differ = [f"{name}: {ours!r} != {theirs!r}" for name, ours, theirs in pairs if ours != theirs]
    return [f"two {type(left).__name__} of which {len(differ)} fields differ", *differ]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return Spreading(config, log)


@cache
def category_of(path: Path) -> str | None:
    """The category of a test module, or None if it lies outside of the folders."""
    if not path.is_relative_to(_TESTS):
        return None
    folder = path.relative_to(_TESTS).parts[0]
    return folder if folder in CATEGORIES else None


@pytest.fixture(autouse=True)
def _environment_as_it_was() -> Iterator[None]:
    """Set up before the test's other fixtures. Two of them that change one variable (`local_aws` and `monkeypatch`)
    may be taken down in the wrong order, and the one that comes last puts back what the other had set."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    """Set up before the test's other fixtures and taken down after them, so that what they stop is stopped."""
    before = alive()
    with noted_tasks(before.cancelled):
        yield
    remains = left_behind(before)
    if remains:
        pytest.fail("the test left behind:\n" + "\n".join(remains), pytrace=False)


@pytest.fixture(scope="session")
def dynamodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[StandIn], str]]:
    """The URL of a stand-in for DynamoDB, which is started for the first test that asks for it."""
    with ExitStack() as started:

        @cache
        def start(stand_in: StandIn) -> str:
            with living_on():
                return started.enter_context(running(stand_in, tmp_path_factory.mktemp(stand_in)))

        yield start
