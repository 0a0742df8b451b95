"""What every command holds to, whoever wrote it: `--json`, an example, exit codes, fields, completion."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer._completion_classes import BashComplete

from cli.frame.command import EXAMPLE
from cli.frame.surroundings import Surroundings
from cli.model.failures import NotReachable
from cli.model.profiles import Profile
from tests.typed_commands import COMMAND, Typed, typed

REACHES_NOTHING = {
    "profile add": "writes the settings file",
    "profile list": "reads the settings file",
    "profile use": "writes the settings file",
    "profile show": "reads the settings file",
    "profile remove": "writes the settings file",
}
FAILS_IN_ITS_OWN_WAY = {"doctor": "tells what does not answer as a finding, with an exit code of its own"}


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by the words that name it."""
    if not hasattr(command, "commands"):
        yield " ".join(path), command
        return
    for name, each in command.commands.items():
        yield from walk(each, (*path, name))


COMMANDS = dict(walk(COMMAND))
every_command = pytest.mark.parametrize("path", COMMANDS)


def example_of(path: str) -> list[str]:
    return shlex.split(COMMANDS[path].epilog.removeprefix(EXAMPLE))


class Refuses(httpx.BaseTransport):
    """An API that refuses whatever is asked, or is away."""

    def __init__(self, refusal: httpx.Response | None) -> None:
        self._refusal = refusal

    def handle_request(self, _request: httpx.Request) -> httpx.Response:
        if self._refusal is None:
            raise httpx.ConnectError("refused")
        return self._refusal


def run(words: list[str], folder: Path, refusal: httpx.Response | None = None) -> Typed:
    def away(*_asked: object) -> Any:
        raise NotReachable("AWS", "refused")

    profile = Profile(name="one", api_url="https://api.example.com", api_key="sk_1")
    (folder / "secret.txt").write_text("whsec_c2VjcmV0")
    (folder / "password.txt").write_text("hunter2")
    (folder / "customer.json").write_text("{}")
    around = Surroundings(
        environ={"RINGLINE_CONFIG": str(folder / "config.toml")},
        transport=Refuses(refusal),
        find_deployment=away,
        aws_client=away,
        running_stack=lambda _environ: profile,
        sleep=lambda _seconds: None,
    )
    placed = [word.replace("@", f"@{folder}/") if word.startswith("@") else word for word in words]
    return typed(placed, around)


def problem_of(told: Typed) -> dict[str, Any]:
    """The one line of stderr, below what it asked for, with nothing on stdout."""
    assert told.stdout == "", told.stdout
    document = json.loads(told.stderr.splitlines()[-1])
    assert {"title", "status", "code"} <= set(document)
    return dict(document)


@every_command
def test_it_has_help_an_example_of_its_own_and_what_every_command_has(path: str) -> None:
    command = COMMANDS[path]
    assert command.help and command.help.rstrip().endswith((".", ":", "quotas.")), command.help
    options = {option for each in command.params for option in each.opts}
    assert {"--json", "--profile", "--help"} <= {*options, "--help"}
    words = example_of(path)
    assert " ".join(words).startswith(path.removesuffix(" place")), words
    assert [each.help for each in command.params if not each.help and each.param_type_name == "option"] == []


@every_command
def test_its_example_is_understood_and_an_api_that_is_away_ends_it_with_the_code_of_that(
    path: str, tmp_path: Path
) -> None:
    told = run([*example_of(path), "--json"], tmp_path)
    if path in FAILS_IN_ITS_OWN_WAY:
        assert told.exit_code == 5
    elif path in REACHES_NOTHING:
        assert told.exit_code in {0, 2} and "No such option" not in told.stderr
    else:
        assert told.exit_code == 3, told.stderr
        assert problem_of(told)["code"] == "not_reachable"


ASK_THE_API = [
    path
    for path, command in COMMANDS.items()
    if path not in {*REACHES_NOTHING, *FAILS_IN_ITS_OWN_WAY} and not command.help.startswith("(operator)")
]


@pytest.mark.parametrize("path", ASK_THE_API)
def test_what_the_api_refuses_is_told_by_its_field(path: str, tmp_path: Path) -> None:
    document = {"title": "No", "status": 409, "code": "no", "errors": [{"field": "name", "message": "is bad"}]}
    told = run([*example_of(path), "--json"], tmp_path, httpx.Response(409, json=document))
    assert told.exit_code == 1, told.stderr
    assert problem_of(told)["errors"] == document["errors"]


@every_command
def test_what_is_not_understood_is_told_by_what_the_command_line_calls_it(path: str, tmp_path: Path) -> None:
    needs = [each for each in COMMANDS[path].params if each.required and each.param_type_name == "argument"]
    if needs:
        told = run([*path.split(), "--json"], tmp_path)
        assert told.exit_code == 2
        assert problem_of(told)["errors"][0]["field"] == str(needs[0].metavar or needs[0].name).upper()
    told = run([*path.split(), "--no-such-option", "--json"], tmp_path)
    assert told.exit_code == 2
    assert problem_of(told)["errors"][0]["field"] == "--no-such-option"


def test_an_option_whose_value_cannot_be_is_named(tmp_path: Path) -> None:
    """Each option once, whichever commands it is of."""
    options = {
        (max(each.opts, key=len), each.help): path
        for path, command in COMMANDS.items()
        for each in command.params
        if each.param_type_name == "option" and not each.is_flag and path not in REACHES_NOTHING
    }
    refused = set()
    for (flag, _help), path in options.items():
        told = run([*example_of(path), flag, "?", "--json"], tmp_path)
        if told.exit_code == 2 and flag != "--profile":
            refused.add(flag)
            assert flag in {each["field"] for each in problem_of(told)["errors"]}
    assert {"--limit", "--max-calls", "--transport", "--country", "--event-types", "--number", "--data"} <= refused


NAMES_A_THING = frozenset({"AGENT", "PIPE", "TRUNK", "NUMBER", "VOICE", "ENDPOINT", "KEY"})
NO_THING_OF_THE_ACCOUNTS = {
    "--endpoint-key": "a secret",
    "--tts-voice": "a provider's voice",
    "--fallback-number": "anybody's phone",
}
BY_ID_ALONE = {
    "agent create AGENT": "the id of what is to be made",
    "agent put AGENT": "the id of what may be to be made",
    "pipe put PIPE": "the id of what may be to be made",
    "voice put VOICE": "the id of what may be to be made",
    "voice delete VOICE": "an operator's, who has no key of the API",
    "number add NUMBER": "a number that is not there yet",
    "account set --default-number": "an operator's, who has no key of the API",
    "call place NUMBER": "anybody's phone",
    "erase-number NUMBER": "anybody's phone",
    "transfer --number": "anybody's phone",
    "call transfer --number": "anybody's phone",
}


def test_what_names_a_thing_takes_its_name_or_says_why_it_does_not() -> None:
    by_id = set()
    for path, command in COMMANDS.items():
        for each in command.params:
            called = max(each.opts, key=len) if each.param_type_name == "option" else str(each.metavar or "").upper()
            if str(each.metavar).strip("{}[]") in NAMES_A_THING and called not in {
                *command.callback.names,
                *NO_THING_OF_THE_ACCOUNTS,
            }:
                by_id.add(f"{path} {called}")
    assert by_id == set(BY_ID_ALONE)


@every_command
def test_its_options_are_completed(path: str) -> None:
    completion = BashComplete(COMMAND, {}, "ringline", "_RINGLINE_COMPLETE")
    words = path.removesuffix(" place").split()
    offered = {each.value for each in completion.get_completions(words, "--")}
    expected = {max(each.opts, key=len) for each in COMMANDS[path].params if each.param_type_name == "option"}
    assert expected <= offered


def test_commands_are_completed_below_their_group() -> None:
    completion = BashComplete(COMMAND, {}, "ringline", "_RINGLINE_COMPLETE")
    assert {"account", "agent", "audit"} == {each.value for each in completion.get_completions([], "a")}
    assert {"message", "monitor"} == {each.value for each in completion.get_completions(["call"], "m")}
