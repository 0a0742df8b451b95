"""What stands in for DynamoDB in a run of tests: RINGLINE_TEST_DYNAMODB names it.

| stand-in       | what it is                        | right about                                |
|----------------|-----------------------------------|--------------------------------------------|
| moto           | in the test's process             | one thread at a time, valid requests       |
| emulator       | the pinned one, a process         | concurrent conditions and transactions too |
| dynamodb-local | Amazon's own, a process on a JVM  | what a request may ask, besides            |

None of them meets a transaction with a conflict, throttles, or has an index that lags.

Without the variable the stores' tests run on the emulator and the handlers' on moto; `make test-dynamodb` runs both on
DynamoDB Local.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from local.aws import dynamodb_local, emulator
from local.tools import processes
from local.tools.loopback import free_port

CHOSEN_BY = "RINGLINE_TEST_DYNAMODB"


class StandIn(StrEnum):
    MOTO = "moto"
    EMULATOR = "emulator"
    DYNAMODB_LOCAL = "dynamodb-local"


def chosen(usually: StandIn) -> StandIn:
    """The stand-in that the run asks for, or else the usual one. Raises ValueError for one that does not exist."""
    return StandIn(os.environ.get(CHOSEN_BY) or usually)


@contextmanager
def running(stand_in: StandIn, run_dir: Path) -> Iterator[str]:
    """A stand-in that is a process, while the block runs: its URL."""
    if stand_in is StandIn.DYNAMODB_LOCAL:
        with dynamodb_local.running(run_dir) as url:
            yield url
        return
    port = free_port()
    child = emulator.start(port, run_dir, run_dir)
    try:
        emulator.await_ready(child, port)
        yield emulator.url(port)
    finally:
        processes.stop(child)
