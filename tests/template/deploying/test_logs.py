"""Where functions write their logs: one group each, that outlives the stack and does not grow for ever."""

import logging
from typing import Any

import pytest

from local.aws.template import resources_of
from ringline.runtime.logging import make_logger
from tests.template.test_template import FUNCTIONS, GLOBALS, PARAMETERS, TEMPLATE_READ, holds

GROUPS = resources_of(TEMPLATE_READ, "AWS::Logs::LogGroup")


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_logs_are_kept_for_as_long_as_the_parameter_says_and_longer_than_the_stack(name: str) -> None:
    group = GROUPS[name]
    assert group["Properties"] == {"RetentionInDays": {"Ref": "LogsKeptDays"}}
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_every_function_has_a_group_of_its_own_that_bears_its_name() -> None:
    wanted = {name: {"LogGroup": {"Ref": f"{name.removesuffix('Function')}LogGroup"}} for name in FUNCTIONS}
    assert {name: function["Properties"]["LoggingConfig"] for name, function in FUNCTIONS.items()} == wanted
    assert {group["LogGroup"]["Ref"] for group in wanted.values()} <= set(GROUPS)


@pytest.mark.parametrize("level", PARAMETERS["LogLevel"]["AllowedValues"])
def test_lambda_drops_neither_metrics_nor_lines_that_the_functions_write(level: str) -> None:
    """Lambda takes a line without a level for INFO, as metrics are: above that it would drop them, and ring alarms."""
    config: dict[str, Any] = GLOBALS["LoggingConfig"]
    assert (config["LogFormat"], config["SystemLogLevel"]) == ("JSON", "INFO")
    condition, debug, else_info = config["ApplicationLogLevel"]["Fn::If"]
    chosen = debug if holds(TEMPLATE_READ["Conditions"][condition], {"LogLevel": level}) else else_info
    assert chosen == ("DEBUG" if level == "DEBUG" else "INFO")


def test_a_function_keeps_to_its_own_level_beside_lambdas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", "INFO")
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    make_logger("quiet")
    assert logging.getLogger("quiet").level == logging.WARNING
