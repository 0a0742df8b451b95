"""`sam deploy --guided`, as the README has it: SAM's own questions, answered with three values and the Enter key."""

import json
import subprocess

import pytest

from local.tools.places import LOCAL, TEMPLATE
from tests.template.test_template import GIVEN, PARAMETERS, keeps_its_pattern, refusals

SAM_PYTHON = LOCAL / "sam" / "bin" / "python"

# Runs in SAM's own environment, where answers that are not echoed are read as the others are. SAM repeats a question
# whose empty answer it does not take for ever, so what cannot be answered shows as a time-out.
QUESTIONS = """
import json, sys
import click
from click.testing import CliRunner
from samcli.commands._utils.template import get_template_parameters
from samcli.commands.deploy.guided_context import GuidedContext

template, answers = sys.argv[1:]

@click.command()
def ask():
    context = GuidedContext(template, "ringline", None, None, None, None)
    given = context.prompt_parameters(get_template_parameters(template), {}, "", "")
    click.echo("GIVEN " + json.dumps({name: answer["Value"] for name, answer in given.items()}))

outcome = CliRunner().invoke(ask, input=answers)
print(outcome.output)
sys.exit(outcome.exit_code)
"""


def asked(answers: dict[str, str]) -> dict[str, str]:
    """What SAM makes of the answers: Enter alone where there is none. Raises TimeoutExpired if that does not do."""
    typed = "".join(answers.get(name, "") + "\n" for name in PARAMETERS)
    command = [str(SAM_PYTHON), "-c", QUESTIONS, str(TEMPLATE), typed]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    (line,) = [line for line in outcome.stdout.splitlines() if line.startswith("GIVEN ")]
    given: dict[str, str] = json.loads(line.removeprefix("GIVEN "))
    return given


def test_three_values_and_enter_for_everything_else_make_a_stack() -> None:
    given = asked(GIVEN)
    assert {name: given[name] for name in GIVEN} == GIVEN
    assert set(given) == set(PARAMETERS)
    assert all(keeps_its_pattern(name, value) for name, value in given.items())
    assert refusals(given) == []


@pytest.mark.parametrize("missing", sorted(GIVEN))
def test_a_value_that_was_left_out_is_refused_by_cloudformation(missing: str) -> None:
    given = asked({name: value for name, value in GIVEN.items() if name != missing})
    assert [name for name, value in given.items() if not keeps_its_pattern(name, value)] == [missing]
