"""The console beside the one table: asked as its server asks it. The tests in a browser are collected where there is
one (`make console-pictures`)."""

import os
import shutil
from pathlib import Path

import pytest

from tests.component.cli.console.browsing import Browsing
from tests.component.cli.terminal import Terminal, a_terminal
from tests.component.one_table import LocalAws

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
collect_ignore = [] if CHROMIUM and "RINGLINE_PICTURES" in os.environ else ["test_in_a_browser.py"]
# `make console-pictures` is for it: whichever browser a machine happens to have is no part of the other tests.


@pytest.fixture
def terminal(local: LocalAws, tmp_path: Path) -> Terminal:
    return a_terminal(local, tmp_path)


@pytest.fixture
def browsing(terminal: Terminal) -> Browsing:
    return Browsing(terminal)
