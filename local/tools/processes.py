"""The stack's processes: each leads a process group of its own, writes to a log file, and is known by its id and the
moment it started, so that an id which the system has given to somebody else since is never signalled."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from local.tools.places import ROOT

_POLL_S = 0.02
_LOG_TAIL_LINES = 15
_SAME_START_WITHIN_S = 2.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_FIELD = 22
"""Of `/proc/<pid>/stat` (proc_pid_stat(5)): `starttime`, in clock ticks since the boot."""

# What a child gets of the caller's environment. Everything else stays out: the emulator hands its own to the functions,
# and on Lambda they would find nothing of this machine.
_PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy",
)  # fmt: skip

# Files are read and written as UTF-8, whatever the locale says.
_PYTHONS = {"PYTHONUNBUFFERED": "1", "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"}


class StackError(RuntimeError):
    """The stack cannot start or go on; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class Child:
    """One process of the stack. `started_at` tells it from a later owner of the same id: where `boot` names the boot of
    the system, in seconds since that, which no clock that is set can move; else since 1970."""

    name: str
    pid: int
    started_at: float
    log_path: str
    boot: str = ""

    def is_alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            return self.is_the_same(process) and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def is_the_same(self, process: psutil.Process) -> bool:
        if self.boot:
            return self.boot == _boot() and _since_boot_s(process.pid) == self.started_at
        # The system reckons the start from its boot time, which moves a little when its clock is set.
        return abs(process.create_time() - self.started_at) < _SAME_START_WITHIN_S

    def log_tail(self) -> str:
        path = Path(self.log_path)
        return "\n".join(path.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]) if path.exists() else ""


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child: the little that it needs of this one, loopback kept off any proxy, and `extra`."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    loopback = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    return {**environment, **loopback, **_PYTHONS, **(extra or {})}


def start(
    name: str, command: Sequence[str], log_dir: Path, environment: Mapping[str, str], pass_fds: Sequence[int] = ()
) -> Child:
    """Starts a process at the head of a new group, with its output in `<log_dir>/<name>.log`."""
    log_dir.mkdir(parents=True, exist_ok=True)
    log_path = log_dir / f"{name}.log"
    with log_path.open("wb") as log:
        popen = subprocess.Popen(
            list(command),
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=tuple(pass_fds),
        )
    # `stop` looks after the process, here or in a later `down`; Popen would warn about it.
    popen.returncode = 0
    boot = _boot()
    started_at = _since_boot_s(popen.pid) if boot else psutil.Process(popen.pid).create_time()
    return Child(name, popen.pid, started_at, str(log_path), boot)


@cache
def _boot() -> str:
    """Linux's name of this boot; empty where there is none."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _since_boot_s(pid: int) -> float:
    """When a process of Linux began. Raises NoSuchProcess."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        raise psutil.NoSuchProcess(pid) from None
    # Behind the name, which may have blanks and brackets in it: field 3 is the first.
    return int(fields.rpartition(")")[2].split()[_START_FIELD - 3]) / os.sysconf("SC_CLK_TCK")


def wait_until(child: Child, is_ready: Callable[[], bool], timeout_s: float) -> None:
    """Returns when the child is ready. Raises StackError with the end of its log if it dies or takes too long."""
    deadline = time.monotonic() + timeout_s
    while not is_ready():
        if not child.is_alive():
            raise StackError(f"{child.name} ended while starting:\n{child.log_tail()}")
        if time.monotonic() > deadline:
            raise StackError(f"{child.name} was not ready within {timeout_s:.0f} s:\n{child.log_tail()}")
        time.sleep(_POLL_S)


def ready_line(child: Child) -> str | None:
    """What a child printed behind the word `ready` on a line of its own, or None."""
    for line in Path(child.log_path).read_text(errors="replace").splitlines():
        if line.startswith("ready "):
            return line.removeprefix("ready ").strip()
    return None


def stop(child: Child, grace_s: float = 3.0) -> None:
    """Ends the child and its whole group, also when the child itself has died before, and returns when all are gone.
    Does nothing if they are. Raises StackError if one does not even end when killed."""
    if _belongs_to_another(child):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + grace_s
        _signal_group(child.pid, number)
        while _runs_in_group(child.pid) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
    try:
        os.waitpid(child.pid, os.WNOHANG)
    except ChildProcessError:
        pass  # it is no child of ours: an earlier `make up` has started it
    if _runs_in_group(child.pid):
        raise StackError(f"{child.name} (process {child.pid}) does not end")


def kill(child: Child) -> None:
    """Ends the child without a word, as a crash does, and returns when it is gone."""
    if child.is_alive():
        _signal_group(child.pid, signal.SIGKILL)
        while child.is_alive():
            time.sleep(_POLL_S)


def _belongs_to_another(child: Child) -> bool:
    """Whether the id is a later process's. While nobody has it, its group is still the child's: an id is not given out
    again while a group bears it. After a boot all ids are others', and so are groups whose head has ended."""
    if child.boot and child.boot != _boot():
        return True
    try:
        return not child.is_the_same(psutil.Process(child.pid))
    except psutil.NoSuchProcess:
        return False


def _runs_in_group(group_id: int) -> bool:
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group_id and process.status() != psutil.STATUS_ZOMBIE:
                return True
        except (ProcessLookupError, PermissionError, psutil.Error):
            continue  # it has just ended, or it is not one of ours
    return False


def _signal_group(group_id: int, number: signal.Signals) -> None:
    try:
        os.killpg(group_id, number)
    except (ProcessLookupError, PermissionError):
        pass  # nobody is left in it (macOS says the latter of a group of ended processes)
