"""What is started is stopped, and nothing else is."""

import os
import signal
import subprocess
import sys
from copy import replace
from pathlib import Path

import psutil
import pytest

from local.tools import processes
from local.tools.processes import Child, StackError

# Prints the id of a child of its own, then waits with it.
PARENT = """
import subprocess, time
print("ready", subprocess.Popen(["sleep", "60"]).pid, flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready yes", flush=True)
time.sleep(60)
"""


def started(program: str, log_dir: Path) -> Child:
    child = processes.start("child", [sys.executable, "-c", program], log_dir, processes.clean_environment())
    processes.wait_until(child, lambda: processes.ready_line(child) is not None, 10)
    return child


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_stopping_a_process_stops_what_it_has_started(tmp_path: Path) -> None:
    child = started(PARENT, tmp_path)
    grandchild = int(processes.ready_line(child) or 0)
    assert is_running(grandchild)
    processes.stop(child)
    assert not child.is_alive()
    assert not is_running(grandchild)


def test_what_a_crashed_process_has_started_is_stopped_too(tmp_path: Path) -> None:
    child = started(PARENT, tmp_path)
    grandchild = int(processes.ready_line(child) or 0)
    os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)
    processes.stop(child)
    assert not is_running(grandchild)


def test_a_process_that_ignores_the_signal_to_end_is_killed(tmp_path: Path) -> None:
    child = started(STUBBORN, tmp_path)
    processes.stop(child, grace_s=0.1)
    assert not child.is_alive()


def test_an_id_that_belongs_to_somebody_else_by_now_is_left_alone(tmp_path: Path) -> None:
    child = started(STUBBORN, tmp_path)
    predecessor = replace(child, started_at=child.started_at - 3600)
    assert not predecessor.is_alive()
    processes.stop(predecessor)
    assert child.is_alive()
    processes.stop(child, grace_s=0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="a boot has a name there")
def test_a_group_of_the_same_id_after_a_boot_is_left_alone(tmp_path: Path) -> None:
    child = started(PARENT, tmp_path)
    grandchild = int(processes.ready_line(child) or 0)
    os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)
    processes.stop(replace(child, boot="the boot before"), grace_s=0.1)
    assert is_running(grandchild), "its group has the id, and nobody leads it"
    processes.stop(child, grace_s=0.1)


def test_a_child_reads_and_writes_utf_8_whatever_the_locale_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    assert processes.clean_environment()["PYTHONUTF8"] == "1"


@pytest.mark.skipif(sys.platform != "linux", reason="the start is known as a moment there, which no clock moves")
def test_a_clock_that_is_set_hides_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = started(STUBBORN, tmp_path)
    create_time = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: create_time(process) + 3600)
    assert child.is_alive()
    assert not replace(child, boot="another boot").is_alive(), "ids begin anew with each boot"
    processes.stop(child, grace_s=0.1)
    assert not child.is_alive()


def test_what_was_noted_by_a_release_before_is_known_by_its_moment(tmp_path: Path) -> None:
    child = started(STUBBORN, tmp_path)
    noted = replace(child, boot="", started_at=psutil.Process(child.pid).create_time())
    assert noted.is_alive()
    processes.stop(noted, grace_s=0.1)
    assert not child.is_alive()


def test_stopping_twice_does_nothing_the_second_time(tmp_path: Path) -> None:
    child = started(STUBBORN, tmp_path)
    processes.stop(child, grace_s=0.1)
    processes.stop(child)


def test_a_process_that_ends_while_starting_is_reported_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such port')"]
    child = processes.start("phones", command, tmp_path, processes.clean_environment())
    with pytest.raises(StackError, match=r"phones ended while starting:\nno such port"):
        processes.wait_until(child, lambda: False, 10)


def test_a_child_gets_little_of_the_callers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    command = [sys.executable, "-c", "import os; print(sorted(os.environ))"]
    outcome = subprocess.run(command, env=processes.clean_environment(), capture_output=True, text=True, check=True)
    assert "'PATH'" in outcome.stdout
    assert "AWS_PROFILE" not in outcome.stdout
    assert "PYTHONDONTWRITEBYTECODE" not in outcome.stdout
