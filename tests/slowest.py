"""The slowest tests of a run in two parts (`make test`), told at the end of the second, where somebody reads it: the
first notes its own in a file. Of each part pytest itself tells behind its tests."""

import json
from pathlib import Path
from typing import Any

import pytest

_SHOWN = 15
_PHASES = ("setup", "call", "teardown")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--note-slowest", metavar="FILE", type=Path, help="note the slowest tests of this run there")
    parser.addoption("--tell-slowest", metavar="FILE", type=Path, help="tell at the end which were noted there")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    noted, told = config.getoption("--note-slowest"), config.getoption("--tell-slowest")
    if noted is not None:
        noted.write_text(json.dumps(slowest(_reports(terminalreporter))))
    if told is not None and told.exists():
        terminalreporter.section(f"slowest {_SHOWN} of the part before")
        for seconds, phase, name in json.loads(told.read_text()):
            terminalreporter.write_line(f"{seconds:.2f}s {phase:<8} {name}")


def _reports(terminalreporter: Any) -> list[pytest.TestReport]:
    return [
        report
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when in _PHASES
    ]


def slowest(reports: list[pytest.TestReport]) -> list[tuple[float, str, str]]:
    """The longest first: seconds, phase and name."""
    taken = [(report.duration, str(report.when), report.nodeid) for report in reports]
    return sorted(taken, reverse=True)[:_SHOWN]
