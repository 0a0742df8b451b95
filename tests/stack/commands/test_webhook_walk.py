"""A newcomer has a verified webhook, a rotation and a replay by copying: docs/webhooks.md is typed as it stands."""

import os
import signal
from pathlib import Path

from local.stack.record import Stack
from local.tools.places import ROOT
from tests.stack.commands.page_commands import commands_of
from tests.stack.commands.shell import state_of, type_in

PAGE, SECTION = ROOT / "docs" / "webhooks.md", "## Ten minutes on this machine"


def test_the_page_of_webhooks_prints_what_its_commands_print(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / ".local").symlink_to(state_of(stack))
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    commands = list(commands_of(PAGE, SECTION))
    assert {" ".join(each.command.split()[:3]) for each in commands} >= {
        "ringline webhook ping",
        "ringline webhook replay",
    }
    try:
        for shown in commands:
            told = type_in(tmp_path, shown.command)
            printed = told.stdout + told.stderr
            assert told.returncode == 0, (shown.command, printed)
            assert shown.missing_in(printed) == [], (shown.command, printed)
    finally:
        # The page ends the receiver itself, and takes the note of it away.
        if (tmp_path / "receiver.pid").exists():
            os.kill(int((tmp_path / "receiver.pid").read_text()), signal.SIGKILL)
