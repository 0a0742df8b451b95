"""The page of the command line says what the commands are, and its build what the Makefile pins."""

import re
import tomllib

from local.pages.command_line import PAGE, page
from local.tools.places import ROOT


def test_the_page_of_the_command_line_is_what_the_commands_are() -> None:
    assert PAGE.read_text() == page(), "run `make cli-page`"


def test_the_console_script_is_built_by_the_uv_that_the_makefile_pins() -> None:
    pinned = re.search(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert pinned is not None
    assert project["build-system"]["requires"] == [f"uv_build=={pinned[1]}"]
    assert project["project"]["scripts"] == {"ringline": "cli.main:main"}
