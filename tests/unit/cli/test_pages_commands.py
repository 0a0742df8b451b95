"""Every `ringline` command that a page of the documentation prints is one that there is, asked as it may be."""

import re
import shlex
from itertools import takewhile
from pathlib import Path

import pytest

from local.tools.places import ROOT
from tests.unit.cli.test_every_command import run

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^ *```console\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^ *\$ (?:\.venv/bin/)?(ringline .*)$", re.MULTILINE)


def commands_in(page: Path) -> list[str]:
    return [
        command
        for block in _BLOCK.findall(page.read_text())
        for command in _COMMAND.findall(re.sub(r"\\\n\s*", " ", block))
    ]


_SHELLS_OWN = {"|", ">"}

COMMANDS = sorted({(page.name, command) for page in PAGES for command in commands_in(page)})


_OF_AN_OPERATOR = """
[profiles.{name}]
stack = "ringline"
api_url = "https://api.example.com"
api_key = "sk_1"
"""

_OF_AN_ACCOUNT = """
[profiles.{name}]
api_url = "https://api.example.com"
api_key = "sk_1"
"""

PROFILES = {
    **{name: _OF_AN_ACCOUNT.format(name=name) for name in ("acme", "drill-acme")},
    **{name: _OF_AN_OPERATOR.format(name=name) for name in ("prod", "dev", "drill")},
}


def profiles_before(words: list[str]) -> str:
    """What a reader has kept by then: all but the profile that the command is to make."""
    made = words[words.index("--save-profile") + 1] if "--save-profile" in words else None
    return "".join(section for name, section in PROFILES.items() if name != made)


def words_of(command: str) -> list[str]:
    """As a reader types it, up to what a shell makes of its output: something in the place of `<this>` and of `-`, the
    first of several that a `|` divides."""
    filled = re.sub(r"<[^>]+>", "15550100200", command)
    words = takewhile(lambda word: word not in _SHELLS_OWN, shlex.split(filled, comments=True)[1:])
    return ["asked" if word == "-" else word.partition("|")[0] for word in words]


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_of_a_page_is_understood(page: str, command: str, tmp_path: Path) -> None:
    words = words_of(command)
    (tmp_path / "config.toml").write_text(profiles_before(words))
    for word in words:
        if word.startswith("@"):
            (tmp_path / word[1:]).write_text("{}")
    told = run([*words, "--json"], tmp_path)
    assert told.exit_code != 2, (page, told.stderr)


def test_the_pages_have_commands() -> None:
    assert len(COMMANDS) > 10
