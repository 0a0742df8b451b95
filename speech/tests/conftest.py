"""The speech worker's own tests: `make test-speech`, in its environment."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
