"""The guard over all tests: what fails because it left something running, and what does not."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.tools.places import ROOT

LEAKING_TESTS = '''
import asyncio, subprocess, sys, threading
import pytest

def a_process():
    """It ends with its standard input, and so with this run of pytest."""
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

@pytest.fixture(scope="module")
def process_of_the_module():
    process = a_process()
    yield
    process.communicate()

@pytest.fixture
def process_of_the_test():
    process = a_process()
    yield
    process.communicate()

def test_thread_that_goes_on():
    threading.Thread(target=threading.Event().wait, name="for ever", daemon=True).start()

def test_thread_that_ends():
    threading.Thread(target=lambda: None).start()

def test_process_that_goes_on():
    globals()["kept"] = a_process()

def test_process_of_a_fixture(process_of_the_module, process_of_the_test):
    pass

def test_task_that_is_cancelled():
    async def nobody_awaits_this():
        await asyncio.sleep(60)

    async def main():
        globals()["kept_task"] = asyncio.create_task(nobody_awaits_this())
        await asyncio.sleep(0)

    asyncio.run(main())

def test_task_that_is_awaited():
    async def main():
        await asyncio.create_task(asyncio.sleep(0))

    asyncio.run(main())

@pytest.mark.anyio
async def test_task_of_an_asynchronous_test():
    globals()["kept_task"] = asyncio.create_task(asyncio.sleep(60))

@pytest.fixture
def anyio_backend():
    return "asyncio"
'''


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says of the tests above, under the guard of our own."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "conftest.py").write_text(
        "import tests.remains\nfrom tests.conftest import _nothing_is_left_behind\ntests.remains.GONE_WITHIN_S = 1.0\n"
    )
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_leaking.py").write_text(LEAKING_TESTS)
    outcome = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(ROOT, "layers", "core"))])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return outcome.stdout + outcome.stderr


@pytest.mark.parametrize(
    ("test", "what"),
    [
        ("test_thread_that_goes_on", "thread for ever"),
        ("test_process_that_goes_on", r"process \d+: .* -c input\(\)"),
        ("test_task_that_is_cancelled", "task .*nobody_awaits_this"),
        ("test_task_of_an_asynchronous_test", "task sleep"),
    ],
)
def test_what_goes_on_after_its_test_fails_it_and_is_named(report: str, test: str, what: str) -> None:
    assert re.search(rf"^ERROR .*::{test} - ", report, re.MULTILINE), report
    of_the_test = report.partition(f"ERROR at teardown of {test} ")[2].partition("_____")[2]
    assert re.search(what, of_the_test), report


@pytest.mark.parametrize("test", ["test_thread_that_ends", "test_process_of_a_fixture", "test_task_that_is_awaited"])
def test_what_ends_with_its_test_or_belongs_to_a_fixture_that_lives_on_is_no_leak(report: str, test: str) -> None:
    assert re.search(rf"^PASSED .*::{test}$", report, re.MULTILINE), report
    assert f"teardown of {test} " not in report
