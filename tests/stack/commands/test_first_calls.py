"""A newcomer brings a carrier's trunk and a number to its first calls, with the command line alone: docs/numbers.md is
typed as it stands."""

from pathlib import Path

from local.stack.record import Stack
from local.tools.places import ROOT
from tests.stack.commands.page_commands import Shown, commands_of
from tests.stack.commands.shell import state_of, type_in

PAGE, SECTION = ROOT / "docs" / "numbers.md", "## The first calls on this machine"


def test_the_page_of_numbers_prints_what_its_commands_print(stack: Stack, tmp_path: Path) -> None:
    commands = list(commands_of(PAGE, SECTION))
    assert {each.command.split()[1] for each in commands if each.command.startswith("ringline ")} >= {"trunk", "call"}
    (tmp_path / ".local").symlink_to(state_of(stack))
    remembered = ""
    for shown in commands:
        if shown.command.startswith("PHONES="):
            remembered = shown.command
            continue
        told = type_in(tmp_path, f"{remembered}\n{shown.command}")
        printed = told.stdout + told.stderr
        assert (told.returncode != 0) is shown.is_refused, (shown.command, printed)
        assert shown.missing_in(printed) == [], (shown.command, printed)


def test_what_a_page_shows_is_held_against_what_is_printed() -> None:
    shown = Shown("ringline calls", ("call_... inbound", "... of conversation"))
    assert shown.missing_in("call_id  direction\ncall_1   inbound  \n 12 s of conversation") == []
    assert shown.missing_in("12 s of conversation\ncall_1   inbound") == ["... of conversation"]
