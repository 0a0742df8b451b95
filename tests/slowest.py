"""The slowest tests of a run in parts (`make test`), told at the end of the last, where somebody reads it: the others
note theirs in files. Of each part pytest itself tells behind its tests."""

import json
from pathlib import Path
from typing import Any

import pytest

_SHOWN = 15
_PHASES = ("setup", "call", "teardown")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--note-slowest", metavar="FILE", type=Path, help="note the slowest tests of this run there")
    parser.addoption(
        "--tell-slowest",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="tell at the end which were noted there",
    )


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    noted, told = config.getoption("--note-slowest"), config.getoption("--tell-slowest")
    if noted is not None:
        noted.write_text(json.dumps(slowest(_reports(terminalreporter))))
    before = [one for file in told if file.exists() for one in json.loads(file.read_text())]
    if before:
        terminalreporter.section(f"slowest {_SHOWN} of the parts before")
        for seconds, phase, name in sorted(before, reverse=True)[:_SHOWN]:
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
