"""One function on one event through AWS's runtime client, as `make invoke-<function> EVENT=<case>` does it."""

import json
from pathlib import Path

import pytest

from local.aws import build
from local.stack.record import Stack
from local.trips import invoke


@pytest.fixture(autouse=True)
def without_a_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The user's own stack, if one is up, is none of these tests' business."""
    monkeypatch.setenv("RINGLINE_STATE_DIR", str(tmp_path))


def a_function(folder: Path, body: str) -> Path:
    folder.mkdir()
    (folder / "handler.py").write_text(f"def lambda_handler(event, context):\n    {body}\n")
    return folder


def test_a_function_answers_an_event_of_its_folder(capfd: pytest.CaptureFixture[str]) -> None:
    assert invoke.main(["authorize-request", "no_key"]) == 0
    printed = capfd.readouterr()
    assert json.loads(printed.out)["context"] == {"refusal": "missing_key"}
    assert "no stack is up" in printed.err


def test_a_function_works_on_the_running_stack(stack: Stack) -> None:
    event = {"headers": {"authorization": f"Bearer {stack.api_key}"}}
    answer, _ = invoke.invoke("authorize_request", json.dumps(event).encode(), stack)
    assert answer is not None
    assert answer.body["context"]["account_id"] == stack.account_id


def test_a_function_that_raises_is_shown_and_fails_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = a_function(tmp_path / "authorize_request", "raise ValueError('out of order')")
    monkeypatch.setattr(build, "build_functions", lambda: {"authorize_request": broken})
    assert invoke.main(["authorize_request", "no_key"]) == 1
    assert json.loads(capfd.readouterr().out)["errorMessage"] == "out of order"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["authorise", "no_key"], "there are: assign_brain, authorize_request"),
        (["authorize_request", "nothing"], "events/authorize_request has: bearer, no_key"),
        (["authorize_request"], "EVENT=<case>"),
    ],
)
def test_what_there_is_not_is_answered_with_what_there_is(
    arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert invoke.main(arguments) == 2
    assert said in capfd.readouterr().err
