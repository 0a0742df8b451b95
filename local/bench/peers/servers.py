"""Redis and Postgres of the system's packages, each in a folder of its own, on a port or a socket of this machine."""

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import redis

from local.tools.loopback import free_port
from local.tools.processes import StackError

_READY_WITHIN_S = 30.0


class NotThere(RuntimeError):
    """The system has no such server; the message says which package brings it."""


@contextmanager
def redis_server() -> Iterator[str]:
    """The URL of an empty Redis that writes each command to its disk, as one keeps calls in."""
    program = shutil.which("redis-server")
    if program is None:
        raise NotThere("Redis is not there (package redis-server)")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [
            program,
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--dir",
            folder,
            "--save",
            "",
            "--appendonly",
            "yes",
        ]
        with _running(command):
            url = f"redis://127.0.0.1:{port}"
            _await("Redis", lambda: bool(redis.Redis.from_url(url).ping()), redis.ConnectionError)
            yield url


@contextmanager
def postgres_server() -> Iterator[str]:
    """How to connect to an empty Postgres with its own settings."""
    folders = [Path(found).parent for found in [shutil.which("initdb")] if found]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    programs = next((folder for folder in folders if (folder / "initdb").exists()), None)
    if programs is None:
        raise NotThere("Postgres is not there (package postgresql)")
    # Postgres does not run as root, whom containers often are.
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if _is_root() else []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        data = f"{folder}/data"
        made = subprocess.run(
            [*as_user, str(programs / "initdb"), "--auth=trust", "--username=bench", "-D", data],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
        )
        if made.returncode:
            raise StackError(f"Postgres cannot be set up: {made.stderr.strip()}")
        server = [str(programs / "postgres"), "-D", data, "-k", folder, "-c", "listen_addresses="]
        with _running([*as_user, *server]):
            url = f"host={folder} user=bench dbname=postgres"
            _await("Postgres", lambda: _connects(url), psycopg.OperationalError)
            yield url


def _connects(url: str) -> bool:
    with psycopg.connect(url):
        return True


def _is_root() -> bool:
    return sys.platform != "win32" and psutil.Process().uids().real == 0


@contextmanager
def _running(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        # Postgres would wait for its clients after SIGTERM.
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(name: str, answers: Callable[[], bool], refused: type[Exception]) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline:
        try:
            if answers():
                return
        except refused:
            time.sleep(0.05)
    raise StackError(f"{name} does not start")
