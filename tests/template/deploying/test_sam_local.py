"""`sam local invoke`, as docs/deploy.md has it: a line for each function, and variables for all of them. It needs a
container engine, which CI's docker job has; here it is held that the lines name what is there."""

import json
import re

import pytest

from local.tools.places import ROOT
from tests.template.test_template import FUNCTIONS, GLOBALS, folder_of

PAGE = (ROOT / "docs/deploy.md").read_text()
LINES = dict(re.findall(r"^\$ sam local invoke (\w+) --event (\S+) --env-vars events/env.json ", PAGE, re.MULTILINE))


def test_there_is_one_line_for_each_function() -> None:
    assert set(LINES) == set(FUNCTIONS)


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_line_names_an_event_of_its_function(function: str) -> None:
    event = ROOT / LINES[function]
    assert event.parent == ROOT / "events" / folder_of(function)
    assert isinstance(json.loads(event.read_text()), dict)


def test_every_variable_of_a_function_has_a_value() -> None:
    """SAM passes those alone that the template names."""
    functions = [function["Properties"].get("Environment", {}).get("Variables", {}) for function in FUNCTIONS.values()]
    named = {name for variables in (GLOBALS["Environment"]["Variables"], *functions) for name in variables}
    given = json.loads((ROOT / "events/env.json").read_text())["Parameters"]
    assert set(given) == named
    assert all(isinstance(value, str) for value in given.values())
