"""Amazon's own DynamoDB Local: fetched with Maven, checked against its pins, run on a loopback port, in memory.

It refuses what the emulator lets pass. It is a stand-in too: transactions wait for each other instead of conflicting,
nothing is throttled and no index lags.

    python -m local.aws.dynamodb_local fetch    what `make test-dynamodb` does before its tests
    python -m local.aws.dynamodb_local sums     pins what pom.xml names now
"""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.tools import processes
from local.tools.places import LOCAL, ROOT
from local.tools.processes import StackError

_HERE = Path(__file__).with_name("dynamodb_local_java")
_POM = _HERE / "pom.xml"
_SUMS = _HERE / "SHA256SUMS"
_LAUNCHER = _HERE / "OnLoopback.java"
_FETCHED = LOCAL / "dynamodb-local"
_JARS = _FETCHED / "jars"
_JAVA_AT_LEAST = 17
_READY_WITHIN_S = 60.0


def fetch() -> None:
    """Downloads what pom.xml names into `.local/dynamodb-local/jars`. Raises StackError if Java or Maven is missing or
    a file is not what SHA256SUMS says; nothing is left then that could be run."""
    _download()
    wrong = _differences(_sums_of(_JARS), _SUMS.read_text())
    if wrong:
        shutil.rmtree(_JARS)
        raise StackError(f"what Maven fetched is not what {_SUMS.relative_to(ROOT)} says:\n" + "\n".join(wrong))


def pin() -> None:
    """Writes SHA256SUMS for what pom.xml names. Raises StackError as `fetch` does."""
    _download()
    _SUMS.write_text(_sums_of(_JARS))


class NotInstalled(StackError):
    """It was not fetched."""


@contextmanager
def running(log_dir: Path) -> Iterator[str]:
    """A DynamoDB Local of one's own, empty, while the block runs: its URL. Raises NotInstalled, and StackError if
    it does not start."""
    if not _JARS.is_dir():
        raise NotInstalled("DynamoDB Local is not there: run `make test-dynamodb`")
    command = [
        _java(), f"-Dsqlite4java.library.path={_JARS}", "-cp", f"{_JARS}/*", str(_LAUNCHER),
        # Without the last option it reports its use to Amazon.
        "-inMemory", "-disableTelemetry",
    ]  # fmt: skip
    child = processes.start("dynamodb-local", command, log_dir, processes.clean_environment())
    try:
        processes.wait_until(child, lambda: processes.ready_line(child) is not None, _READY_WITHIN_S)
        yield processes.ready_line(child) or ""
    finally:
        processes.stop(child)


def _download() -> None:
    _java()
    maven = shutil.which("mvn")
    if maven is None:
        raise StackError("Maven (`mvn`) is needed to fetch DynamoDB Local, and is not on the PATH")
    shutil.rmtree(_JARS, ignore_errors=True)
    command = [
        maven, "--quiet", "--batch-mode", "--file", str(_POM), f"-Dmaven.repo.local={_FETCHED / 'maven'}",
        "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={_JARS}",
    ]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise StackError(f"Maven could not fetch DynamoDB Local:\n{done.stdout.strip()}")


def _java() -> str:
    """The `java` to run it with. Raises StackError if there is none, or an older one."""
    java = shutil.which("java")
    wanted = f"a JDK of version {_JAVA_AT_LEAST} or later is needed for DynamoDB Local"
    if java is None:
        raise StackError(f"{wanted}, and no `java` is on the PATH")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < _JAVA_AT_LEAST:
        raise StackError(f"{wanted}; `java` is {said.splitlines()[0] if said else 'mute'}")
    return java


def _sums_of(folder: Path) -> str:
    """One line for each file, as `sha256sum` writes them."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def _differences(found: str, pinned: str) -> list[str]:
    differing = set(found.splitlines()) ^ set(pinned.splitlines())
    return sorted({line.partition("  ")[2] for line in differing})


def main() -> int:
    match sys.argv[1:]:
        case ["fetch"]:
            action = fetch
        case ["sums"]:
            action = pin
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    try:
        action()
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
