"""What a terminal or a file cannot take: signs that its encoding lacks, and a stdout that the shell has closed."""

import io
import json
import sys

import pytest
from typer.main import get_command

from cli.frame.surroundings import Surroundings
from cli.main import app
from cli.model.profiles import Profile

HERE = Profile(name="local", api_url="https://caf\N{LATIN SMALL LETTER E WITH ACUTE}.example.com")
AROUND = Surroundings(environ={"RINGLINE_CONFIG": "/nowhere/config.toml"}, running_stack=lambda _environ: HERE)


def typed(monkeypatch: pytest.MonkeyPatch, stdout: io.TextIOWrapper | None, *words: str) -> int:
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(SystemExit) as ended:
        get_command(app).main(list(words), obj=AROUND)
    return int(ended.value.code or 0)


def ascii_alone() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii")


def written(stdout: io.TextIOWrapper) -> str:
    stdout.seek(0)
    return stdout.read()


def test_json_is_escaped_where_the_encoding_lacks_a_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = ascii_alone()
    assert typed(monkeypatch, stdout, "--json", "profile", "list") == 0
    assert json.loads(written(stdout))["data"][0]["api_url"] == HERE.api_url


def test_people_see_a_question_mark_where_the_encoding_lacks_a_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = ascii_alone()
    assert typed(monkeypatch, stdout, "profile", "list") == 0
    assert "https://caf?.example.com" in written(stdout)


@pytest.mark.parametrize("words", [("profile", "list"), ("--json", "profile", "list"), ("--help",)])
def test_a_closed_stdout_is_a_failure_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert typed(monkeypatch, None, *words) == 1
    assert "There is no stdout" in capsys.readouterr().err
