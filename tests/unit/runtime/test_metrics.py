"""Measures as lines of the log: CloudWatch's embedded metric format."""

import json
from typing import Any

import pytest

from ringline.runtime.metrics import NAMESPACE, Measure, Unit, count, tell
from ringline.version import VERSION

MOST_VALUES_READ = 100
"""So many values of one metric CloudWatch reads of one line."""


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_measure_is_a_line_with_its_release(capsys: pytest.CaptureFixture[str]) -> None:
    count("CallsRefused", code="too_many")
    (line,) = _lines(capsys)
    (metrics,) = line["_aws"]["CloudWatchMetrics"]
    assert metrics == {
        "Namespace": NAMESPACE,
        "Dimensions": [[]],
        "Metrics": [{"Name": "CallsRefused", "Unit": "Count"}],
    }
    assert (line["CallsRefused"], line["code"], line["version"]) == ([1.0], "too_many", VERSION)


def test_what_has_one_dimension_shares_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    tell(
        [
            Measure("RingTime", 900, Unit.MILLISECONDS),
            Measure("Dials", 1, of=("outcome", "answered")),
            Measure("RingTime", 1100, Unit.MILLISECONDS),
        ]
    )
    without, by_outcome = _lines(capsys)
    assert without["RingTime"] == [900.0, 1100.0]
    assert (by_outcome["Dials"], by_outcome["outcome"]) == ([1.0], "answered")


def test_more_values_than_a_line_may_hold_are_all_told(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Measure("RingTime", value, Unit.MILLISECONDS) for value in range(250))
    told = [line["RingTime"] for line in _lines(capsys)]
    assert sorted(value for values in told for value in values) == list(range(250))
    assert all(len(values) <= MOST_VALUES_READ for values in told)


def test_nothing_is_written_where_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    tell([])
    assert capsys.readouterr().out == ""
