"""Measures for CloudWatch, written as lines of the log (Embedded Metric Format): no request, nothing to wait for.

A measure is counted for the deployment as a whole, or by one dimension of few values. No account, call or number is
ever a dimension: each value would be a series of its own, for which AWS takes money each month. What a measure says
beside its value is in the line, where a saved query finds it.
"""

import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ringline.record import Record
from ringline.version import VERSION

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

NAMESPACE = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Ringline")
"""The stack's name, so that two stacks in one account are told apart. It is a setting of the package's own."""


class Unit(StrEnum):
    COUNT = "Count"
    MILLISECONDS = "Milliseconds"


class Measure(Record):
    """One value of a metric. `of` is its dimension, a name and a value; what is `said` stands in the line alone."""

    name: str
    value: float
    unit: Unit = Unit.COUNT
    of: tuple[str, str] | None = None
    said: Mapping[str, Any] | None = None


def count(name: str, of: tuple[str, str] | None = None, **said: Any) -> None:
    """Tells that something has happened once."""
    tell([Measure(name, 1, of=of, said=said)])


def count_failure(log: "Logger", **said: Any) -> None:
    """Tells that a function's own code failed, where the function answers all the same: Lambda counts no error then,
    and `FailuresAlarm` rings for this instead."""
    count("Failures", function=log.service, **said)


def tell(measures: Iterable[Measure]) -> None:
    """Writes a line for each dimension among the measures. Never raises: what is measured must not fail for it."""
    together: dict[tuple[tuple[str, str] | None, str], list[Measure]] = {}
    for measure in measures:
        together.setdefault((measure.of, repr(measure.said)), []).append(measure)
    for (of, _), those in together.items():
        _write(of, those)


def _write(of: tuple[str, str] | None, measures: list[Measure]) -> None:
    # Its package is loaded with the logger; the part that writes lines only where something is told.
    from aws_lambda_powertools.metrics import EphemeralMetrics

    line = EphemeralMetrics(namespace=NAMESPACE)
    for measure in measures:
        line.add_metric(measure.name, measure.unit.value, measure.value)
    if of is not None:
        line.add_dimension(*of)
    for name, value in {**(measures[0].said or {}), "version": VERSION}.items():
        line.add_metadata(name, value)
    line.flush_metrics()
