"""The dashboard and the saved queries name what there is: every metric and dimension that the code tells, every field
and message that it logs."""

import ast
import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from local.aws.template import read_template, resources_of
from local.tools.places import ROOT, TEMPLATE
from ringline.calls.model.call import Direction
from ringline.calls.model.reasons import MEANINGS

READ = read_template(TEMPLATE)
RESOURCES: dict[str, dict[str, Any]] = READ["Resources"]
BODY: str = RESOURCES["OperationsDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
WIDGETS: list[dict[str, Any]] = json.loads(BODY)["widgets"]
QUERIES = {name: each["Properties"] for name, each in resources_of(READ, "AWS::Logs::QueryDefinition").items()}
STACK = "${AWS::StackName}"

OF_AWS = {
    "AWS/Lambda": ({"Duration", "Invocations", "Errors", "IteratorAge"}, "FunctionName", "AWS::Serverless::Function"),
    "AWS/ApiGateway": ({"Count", "4xx", "5xx"}, "ApiId", "AWS::Serverless::HttpApi"),
}
"""What AWS measures, as its documentation names it: metrics, dimension, and the kind of resource that it names."""

VALUES = {
    "CallsAccepted": {each.value for each in Direction},
    "CallsEnded": {each.category.value for each in MEANINGS.values()},
}
"""What a dimension may say, where it is not said in the code by itself."""

OF_EVERY_LINE = {"@timestamp", "service", "level", "message", "version", "exception_name"}
"""What the logger, and CloudWatch, add."""


def modules() -> Iterator[ast.Module]:
    paths = chain((ROOT / "layers" / "core").rglob("*.py"), (ROOT / "functions").rglob("*.py"))
    yield from (ast.parse(Path(path).read_text()) for path in paths)


CALLS = [node for module in modules() for node in ast.walk(module) if isinstance(node, ast.Call)]


def _is_in_metrics(function: ast.expr) -> bool:
    """As in `metrics.count(...)`; texts can be counted in, too."""
    if not isinstance(function, ast.Attribute) or function.attr != "count":
        return False
    return isinstance(function.value, ast.Name) and function.value.id == "metrics"


def told() -> dict[str, str | None]:
    """Each metric that the code tells, with its dimension."""
    found: dict[str, str | None] = {}
    for call in CALLS:
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        is_of_metrics = name == "Measure" or getattr(call.func, "id", "") == "count" or _is_in_metrics(call.func)
        if not is_of_metrics or not call.args or not isinstance(call.args[0], ast.Constant):
            continue
        of = next((each.value for each in call.keywords if each.arg == "of"), None)
        if of is None and name == "count" and len(call.args) > 1:
            of = call.args[1]
        dimension = of.elts[0].value if isinstance(of, ast.Tuple) and isinstance(of.elts[0], ast.Constant) else None
        found[str(call.args[0].value)] = None if dimension is None else str(dimension)
    return found


TOLD = told()
WORDS = {each.value for module in modules() for each in ast.walk(module) if isinstance(each, ast.Constant)}


def logged() -> tuple[set[str], set[str]]:
    """Messages of the logs, and names of the fields beside them."""
    messages: set[str] = set()
    fields: set[str] = set()
    for call in CALLS:
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if method == "append_keys":
            fields |= {str(each.arg) for each in call.keywords}
        if method in {"info", "warning", "error", "exception", "debug"} and call.args:
            messages |= {str(each.value) for each in ast.walk(call.args[0]) if isinstance(each, ast.Constant)}
            for extra in (each.value for each in call.keywords if each.arg == "extra"):
                keys = (each.keys for each in ast.walk(extra) if isinstance(each, ast.Dict))
                fields |= {str(key.value) for each in keys for key in each if isinstance(key, ast.Constant)}
    # What is said of a measure stands in its line.
    fields |= {str(each.arg) for call in CALLS if getattr(call.func, "id", "") == "count" for each in call.keywords}
    return messages, fields


def shown() -> list[list[Any]]:
    return [metric for widget in WIDGETS for metric in widget["properties"].get("metrics", ())]


def test_the_code_tells_metrics_at_all() -> None:
    assert TOLD["HooksRefused"] == "from" and TOLD["Swept"] is None and TOLD["CallsRefused"] is None
    assert len(TOLD) >= 16


@pytest.mark.parametrize("metric", shown(), ids=lambda metric: "-".join(str(each) for each in metric[:4]))
def test_a_metric_of_the_dashboard_is_told(metric: list[Any]) -> None:
    namespace, name, *of, how = metric
    assert set(how) == {"stat", "label"} and re.fullmatch(r"Sum|Maximum|p\d\d", how["stat"])
    if namespace == STACK:
        assert name in TOLD
        assert (of[0] if of else None) == TOLD[name]
        assert not of or of[1] in VALUES.get(name, WORDS)
        return
    names, dimension, kind = OF_AWS[namespace]
    assert name in names and of[0] == dimension
    assert RESOURCES[of[1].removeprefix("${").removesuffix("}")]["Type"] == kind


def test_every_metric_that_is_told_is_on_the_dashboard() -> None:
    assert {name for namespace, name, *_ in shown() if namespace == STACK} == set(TOLD)


def test_they_are_as_many_as_the_page_says() -> None:
    """AWS takes money for each, each month."""
    series = {(name, *of) for namespace, name, *of, _ in shown() if namespace == STACK}
    (said,) = re.findall(r"They are (\d+)\sseries", (ROOT / "docs/operating.md").read_text())
    assert len(series) == int(said) <= 38


@pytest.mark.parametrize("name", VALUES)
def test_every_value_of_a_dimension_is_a_line_of_its_own(name: str) -> None:
    assert {each[3] for each in shown() if each[1] == name} == VALUES[name]


def test_widgets_lie_beside_each_other() -> None:
    cells = [
        (x, y)
        for each in WIDGETS
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) == 23


def test_there_is_a_query_for_each_question() -> None:
    assert {each["Name"]["Fn::Sub"].partition("/")[2] for each in QUERIES.values()} == {
        "a call", "an account", "failures", "refused hooks", "failed dials",
    }  # fmt: skip


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_asks_for_what_is_logged_of_functions_that_there_are(name: str) -> None:
    messages, fields = logged()
    query = QUERIES[name]["QueryString"]
    bare = re.sub(r'"[^"]*"', "", query)
    made = set(re.findall(r"\bas (\w+)", bare))
    words = {"fields", "filter", "sort", "stats", "limit", "by", "in", "and", "or", "as", "asc", "desc"}
    words |= {"count", "latest"}
    asked = set(re.findall(r"@?[a-z_]+", bare)) - words - made
    assert asked <= fields | OF_EVERY_LINE, asked - fields - OF_EVERY_LINE
    assert asked - OF_EVERY_LINE, "it asks for something of ours"
    for message in re.findall(r'message = "([^"]+)"', query) + re.findall(r"message in \[([^\]]+)\]", query):
        assert {each.strip(' "') for each in message.split(",")} <= messages
    dialers = {
        "Fn::If": ["DialsOnFargate", {"Fn::GetAtt": ["DialerStack", "Outputs.LogGroupName"]}, {"Ref": "AWS::NoValue"}]
    }
    for group in QUERIES[name]["LogGroupNames"]:
        if group == dialers:
            continue
        assert group["Ref"] in {
            each["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
            for each in resources_of(READ, "AWS::Serverless::Function").values()
        }


@pytest.mark.parametrize(
    ("partition", "console"),
    [
        ("aws", "console.aws.amazon.com"),
        ("aws-cn", "console.amazonaws.cn"),
        ("aws-us-gov", "console.amazonaws-us-gov.com"),
    ],
)
def test_the_dashboards_address_is_that_of_the_partitions_console(partition: str, console: str) -> None:
    url, named = READ["Outputs"]["DashboardUrl"]["Value"]["Fn::Sub"]
    host = named["Console"]
    while isinstance(host, dict):
        condition, so, otherwise = host["Fn::If"]
        (_, of) = READ["Conditions"][condition]["Fn::Equals"]
        host = so if of == partition else otherwise
    assert url.startswith("https://${AWS::Region}.${Console}/cloudwatch/") and host == console
