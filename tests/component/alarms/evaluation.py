"""CloudWatch's evaluation of an alarm, as far as the template's alarms use it.

A value belongs to the series of its namespace, its name and all of its dimensions: an alarm that names one dimension
less sees nothing of it. The values of each period make a data point by the alarm's statistic; of the last
`EvaluationPeriods` data points `DatapointsToAlarm` must be beyond the threshold. What stands for a period without
values says `TreatMissingData`. Where an alarm has `Metrics`, its data point is what their expression comes to.
"""

import ast
import json
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {"Sum": sum, "Maximum": max, "Minimum": min}
_BEYOND: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_OPERATORS: Mapping[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Lt: operator.lt,
    ast.GtE: operator.ge,
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


@dataclass(frozen=True, slots=True)
class Seen:
    """What an alarm goes by: the values, what a Ref or GetAtt of the template comes to, and AWS's quotas by the
    resource that they are of."""

    values: Sequence[Value]
    resolve: Callable[[Any], str]
    quotas: Mapping[str, float]


def is_alarm(alarm: Mapping[str, Any], seen: Seen, now_s: int) -> bool:
    """Whether the alarm rings at that moment."""
    points, period = alarm["EvaluationPeriods"], _period(alarm)
    beyond = [_is_beyond(alarm, _point(alarm, seen, now_s - back * period)) for back in range(points)]
    return sum(beyond) >= int(alarm.get("DatapointsToAlarm", points))


def metrics_of(alarm: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The metrics that the alarm reads: namespace, name and dimensions of each."""
    return [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", ()) if "MetricStat" in each] or [alarm]


def _period(alarm: Mapping[str, Any]) -> int:
    stats = [each["MetricStat"] for each in alarm.get("Metrics", ()) if "MetricStat" in each]
    (period,) = {each["Period"] for each in stats} or {alarm["Period"]}
    return int(period)


def _is_beyond(alarm: Mapping[str, Any], point: float | None) -> bool:
    if point is None:
        return _STANDS_FOR_MISSING[alarm["TreatMissingData"]]
    return _BEYOND[alarm["ComparisonOperator"]](point, alarm["Threshold"])


def _point(alarm: Mapping[str, Any], seen: Seen, until_s: int) -> float | None:
    """The data point of the period that ends then, None where there are no values."""
    if "Metrics" not in alarm:
        return _statistic(alarm, alarm["Statistic"], alarm["Period"], seen, until_s)
    (watched,) = [each for each in alarm["Metrics"] if each.get("ReturnData", True)]
    numbers: dict[str, float | None] = {}
    quotas: dict[str, float] = {}
    for each in alarm["Metrics"]:
        if (stat := each.get("MetricStat")) is not None:
            numbers[each["Id"]] = _statistic(stat["Metric"], stat["Stat"], stat["Period"], seen, until_s)
            resource = dict(_series(stat["Metric"], seen)[2]).get("Resource", "")
            if resource in seen.quotas:
                quotas[each["Id"]] = seen.quotas[resource]
    return _Maths(numbers, quotas).value(ast.parse(seen.resolve(watched["Expression"]), mode="eval").body)


def _series(metric: Mapping[str, Any], seen: Seen) -> tuple[str, str, frozenset[tuple[str, str]]]:
    dimensions = frozenset((each["Name"], seen.resolve(each["Value"])) for each in metric.get("Dimensions", ()))
    return seen.resolve(metric["Namespace"]), metric["MetricName"], dimensions


def _statistic(metric: Mapping[str, Any], statistic: str, period: int, seen: Seen, until_s: int) -> float | None:
    series = _series(metric, seen)
    own = (each for each in seen.values if (each.namespace, each.name, each.dimensions) == series)
    within = [each.value for each in own if until_s - period <= each.at_s < until_s]
    return _STATISTICS[statistic](within) if within else None


@dataclass(frozen=True, slots=True)
class _Maths:
    """Metric maths of one data point. What is made of a missing value is missing; FILL alone puts another in its
    place, and only of a metric, as CloudWatch has it."""

    numbers: Mapping[str, float | None]
    quotas: Mapping[str, float]

    def value(self, node: ast.expr) -> float | None:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return self.numbers[name]
            case ast.BinOp(left=left, op=op, right=right):
                return self._of_two(_OPERATORS[type(op)], left, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._of_two(_OPERATORS[type(op)], left, right)
            case ast.Call(func=ast.Name(id="FILL"), args=[ast.Name(id=name), instead]):
                found = self.numbers[name]
                return self.value(instead) if found is None else found
            case ast.Call(func=ast.Name(id="IF"), args=[condition, so, otherwise]):
                holds = self.value(condition)
                return None if holds is None else self.value(so if holds else otherwise)
            case ast.Call(func=ast.Name(id="SERVICE_QUOTA"), args=[ast.Name(id=name)]):
                return self.quotas[name]
        raise NotImplementedError(ast.dump(node))

    def _of_two(self, how: Callable[[float, float], float], left: ast.expr, right: ast.expr) -> float | None:
        one, other = self.value(left), self.value(right)
        return None if one is None or other is None else float(how(one, other))
