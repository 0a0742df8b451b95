"""There is one version, pyproject's: what the product and the template say of themselves is held to it."""

import json
import logging
import tomllib
from collections.abc import Iterator
from io import StringIO

import pytest

from local.aws.template import read_template
from local.tools.places import ROOT, TEMPLATE
from ringline.runtime.logging import make_logger
from ringline.version import VERSION
from speech.worker.logs import JsonLines
from tests.fakes import CONTEXT


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """What a function's logger writes in its second invocation."""
    log, lines = make_logger("a_function_of_its_own"), StringIO()
    handler = logging.getLogger("a_function_of_its_own").handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(lines)

    @log.inject_lambda_context(clear_state=True)
    def lambda_handler(_event: dict[str, str], _context: object) -> None:
        log.warning("something")
        logging.getLogger("ringline.some.module").warning("something in a module")

    lambda_handler({}, CONTEXT)
    lines.truncate(0)
    lines.seek(0)
    lambda_handler({}, CONTEXT)
    yield lines
    handler.setStream(before or lines)


def test_the_product_says_the_version_of_pyproject() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


def test_the_speech_worker_is_of_the_same_version_and_says_it_in_every_line() -> None:
    line = json.loads(JsonLines().format(logging.makeLogRecord({"msg": "something"})))
    assert line["version"] == VERSION


def test_the_stack_says_the_version_of_pyproject() -> None:
    assert read_template(TEMPLATE)["Outputs"]["Version"]["Value"] == VERSION


def test_every_log_line_says_the_version(lines: StringIO) -> None:
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [line["message"] for line in told] == ["something", "something in a module"]
    assert {line["version"] for line in told} == {VERSION}
