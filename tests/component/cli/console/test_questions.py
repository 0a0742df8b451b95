"""docs/operating.md answers an operator's questions, each by one command and by one place in the console."""

import re
import shlex

import pytest

from local.tools.places import ROOT
from tests.component.cli.console.browsing import Browsing
from tests.component.cli.console.scene import Scene, a_busy_afternoon
from tests.component.cli.terminal import Terminal

_PAGE = ROOT / "docs" / "operating.md"
_ROW = re.compile(r"^\| (.+\?) \| `ringline ([^`]+)`(.*) \| \*\*(.+)\*\*: (.+) \|$", re.MULTILINE)
QUESTIONS = _ROW.findall(_PAGE.read_text().partition("\n## Questions\n")[2].partition("\n## ")[0])
PATHS = {"Now": "now", "Calls": "calls", "A call": "calls/{}", "Webhooks": "webhooks", "Set-up": "setup"}


@pytest.fixture
def scene(terminal: Terminal) -> Scene:
    return a_busy_afternoon(terminal)


def test_all_questions_are_answered() -> None:
    about = ("not ring", "stuck", "customer", "LiveKit", "webhooks late", "deploy", "gate")
    assert len(QUESTIONS) == len(about)
    assert all(word in question for word, (question, *_) in zip(about, QUESTIONS, strict=True))


@pytest.mark.parametrize(("question", "command", "checks", "page", "place"), QUESTIONS)
def test_a_question_is_answered_by_its_command_and_in_its_place(
    terminal: Terminal, scene: Scene, question: str, command: str, checks: str, page: str, place: str
) -> None:
    told = terminal.type("--json", *shlex.split(command.replace("<call>", scene.stuck)))
    assert told.exit_code == 0 or command == "doctor", (question, told.err)
    named = set(re.findall(r"`(\w+)`", checks))
    assert named <= {each["name"] for each in told.document.get("checks", ())}
    assert bool(named) == (command == "doctor")
    assert told.document.get("data", [1]), f"{question}: the command finds nothing"
    assert place in Browsing(terminal).get(PATHS[page].format(scene.stuck)).text
