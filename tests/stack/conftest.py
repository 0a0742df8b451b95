"""One stack for the session, with its own ports and state folder: a stack that the user has up is left alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack.lifecycle import running_stack
from local.stack.record import Stack
from local.stack.wishes import Wishes


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The deployed template with the phone network: cap 2, no webhook endpoint."""
    with running_stack(Wishes(state_dir=tmp_path_factory.mktemp("stack"), port=0, cap=2)) as running:
        yield running


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """A state folder for a stack of the test's own."""
    return tmp_path / "state"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
