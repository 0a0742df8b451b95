"""A terminal beside the one table."""

from pathlib import Path

import pytest

from tests.component.cli.terminal import Terminal, a_terminal
from tests.component.one_table import LocalAws


@pytest.fixture
def terminal(local: LocalAws, tmp_path: Path) -> Terminal:
    return a_terminal(local, tmp_path)
