"""CloudWatch's evaluation of an alarm, as far as the template's alarms use it.

A value belongs to the series of its namespace, its name and all of its dimensions: an alarm that names one dimension
less sees nothing of it. The values of each period make a data point by the alarm's statistic; of the last
`EvaluationPeriods` data points `DatapointsToAlarm` must be beyond the threshold. What stands for a period without
values says `TreatMissingData`.
"""

import json
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {"Sum": sum, "Maximum": max, "Minimum": min}
_BEYOND: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_STANDS_FOR_MISSING = {"breaching": True, "notBreaching": False}


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a metric, so many seconds after the beginning."""

    at_s: int
    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]
    value: float


def values_in(lines: str, at_s: int) -> Iterator[Value]:
    """What CloudWatch takes from lines in its embedded metric format; a line in another is none of its business."""
    for line in lines.splitlines():
        document = json.loads(line)
        for told in document.get("_aws", {}).get("CloudWatchMetrics", ()):
            for names in told["Dimensions"]:
                dimensions = frozenset((name, str(document[name])) for name in names)
                for metric in told["Metrics"]:
                    found = document[metric["Name"]]
                    for value in found if isinstance(found, list) else [found]:
                        yield Value(at_s, told["Namespace"], metric["Name"], dimensions, value)


def is_alarm(alarm: Mapping[str, Any], resolve: Callable[[Any], str], values: Iterable[Value], now_s: int) -> bool:
    """Whether the alarm rings at that moment. `resolve` says what a Ref or GetAtt of the template comes to."""
    dimensions = frozenset((each["Name"], resolve(each["Value"])) for each in alarm.get("Dimensions", ()))
    series = (resolve(alarm["Namespace"]), alarm["MetricName"], dimensions)
    own = [each for each in values if (each.namespace, each.name, each.dimensions) == series]
    points = alarm["EvaluationPeriods"]
    beyond = [_is_beyond(alarm, own, now_s - back * alarm["Period"]) for back in range(points)]
    return sum(beyond) >= int(alarm.get("DatapointsToAlarm", points))


def _is_beyond(alarm: Mapping[str, Any], values: Iterable[Value], until_s: int) -> bool:
    """Whether the data point of the period that ends then is beyond the threshold."""
    within = [each.value for each in values if until_s - alarm["Period"] <= each.at_s < until_s]
    if not within:
        return _STANDS_FOR_MISSING[alarm["TreatMissingData"]]
    return _BEYOND[alarm["ComparisonOperator"]](_STATISTICS[alarm["Statistic"]](within), alarm["Threshold"])
