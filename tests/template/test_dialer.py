"""Who dials: the function or the container, what each may do and is told, and how many AWS lets dial at once."""

from pathlib import Path
from typing import Any

import pytest

from dialer import worker
from dialer.__main__ import DialerSettings
from local.aws.template import events_of, read_template
from local.tools.places import ROOT
from ringline.runtime import aws
from ringline.runtime.settings import variables_of
from tests.template.test_settings import READ_BY_POWERTOOLS
from tests.template.test_template import (
    FUNCTIONS,
    GLOBALS,
    PARAMETERS,
    RESOURCES,
    TEMPLATE_READ,
    holds,
    refusals,
)

DIALER = read_template(ROOT / "dialer" / "template.yaml")
(CONTAINER,) = DIALER["Resources"]["DialerTaskDefinition"]["Properties"]["ContainerDefinitions"]
VARIABLES: dict[str, Any] = {each["Name"]: each["Value"] for each in CONTAINER["Environment"]}
FUNCTION = FUNCTIONS["DialNextFunction"]["Properties"]
NESTED = RESOURCES["DialerStack"]
(DOORBELL,) = [mapping for function, mapping in events_of(TEMPLATE_READ, "SQS") if function == "DialNextFunction"]
A_NETWORK = {"DialerVpcId": "vpc-1", "DialerSubnetIds": "subnet-1,subnet-2"}

FARGATE_KILLS_AFTER_S = 120
"""The most that lies between SIGTERM and SIGKILL."""


def is_true(condition: str, given: dict[str, str]) -> bool:
    return bool(holds(TEMPLATE_READ["Conditions"][condition], given))


@pytest.mark.parametrize(
    ("given", "function_dials", "on_fargate"),
    [
        ({}, True, False),
        ({"Dialer": "function", "DialerImage": "dialer:1"}, True, False),
        ({"Dialer": "container"}, False, False),
        ({"Dialer": "container", "DialerImage": "dialer:1"}, False, True),
    ],
)
def test_one_of_the_two_dials_and_a_container_without_an_image_is_run_by_somebody_else(
    given: dict[str, str], function_dials: bool, on_fargate: bool
) -> None:
    condition, enabled, disabled = DOORBELL["Enabled"]["Fn::If"]
    assert (is_true(condition, given), enabled, disabled) == (function_dials, True, False)
    assert is_true(NESTED["Condition"], given) == on_fargate


@pytest.mark.parametrize("missing", sorted(A_NETWORK))
def test_an_image_without_a_network_is_refused_before_anything_is_made(missing: str) -> None:
    given = {"DialerImage": "dialer:1", **A_NETWORK}
    assert refusals(given) == []
    (why,) = refusals({**given, missing: ""})
    assert missing in why


def test_the_container_is_told_what_the_function_is_told() -> None:
    told = {**GLOBALS["Environment"]["Variables"], **FUNCTION["Environment"]["Variables"]}
    own = set(VARIABLES) - set(told)
    assert own == {"DIALER_ALIVE_FILE", "AWS_DEFAULT_REGION"}
    assert set(told) <= set(VARIABLES)
    assert variables_of(DialerSettings) == set(VARIABLES) - READ_BY_POWERTOOLS - {"AWS_DEFAULT_REGION"}
    given = NESTED["Properties"]["Parameters"]
    for name, value in told.items():
        assert given[VARIABLES[name]["Ref"]] == value, name


def test_every_parameter_of_the_nested_stack_is_given_or_has_a_default() -> None:
    given = set(NESTED["Properties"]["Parameters"])
    assert given <= set(DIALER["Parameters"])
    assert all("Default" in DIALER["Parameters"][name] for name in set(DIALER["Parameters"]) - given)


def test_the_nested_stack_is_the_one_beside_the_image() -> None:
    assert (ROOT / NESTED["Properties"]["TemplateURL"]) == ROOT / "dialer" / "template.yaml"


def named(value: Any) -> Any:
    """A statement with the nested stack's parameters in place of what they are given."""
    given = {name: value for name, value in NESTED["Properties"]["Parameters"].items() if isinstance(value, dict)}
    if isinstance(value, list):
        return [named(each) for each in value]
    if isinstance(value, dict):
        if set(value) == {"Ref"}:
            return given.get(value["Ref"], value)
        return {name: named(each) for name, each in value.items()}
    return value


def test_the_container_may_do_what_the_function_may_and_hear_the_doorbells() -> None:
    """SAM lets the function hear every queue, which is taken back there; nobody lets the container."""
    (policy,) = DIALER["Resources"]["DialerTaskRole"]["Properties"]["Policies"]
    *shared, hears = [named(each) for each in policy["PolicyDocument"]["Statement"]]
    of_function = [each for policy in FUNCTION["Policies"] for each in policy["Statement"]]
    assert shared == [each for each in of_function if "NotResource" not in each]
    assert hears == {
        "Effect": "Allow",
        "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
        "Resource": {"Fn::GetAtt": ["DoorbellQueue", "Arn"]},
    }


def test_nothing_secret_is_a_variable_and_logs_are_kept_for_a_time() -> None:
    assert {name for name in VARIABLES if "SECRET" in name or "KEY" in name} == {"STACK_SECRETS"}
    assert DIALER["Resources"]["DialerLogGroup"]["Properties"]["RetentionInDays"] == {"Ref": "LogsKeptDays"}


def test_a_dialer_that_has_to_stop_is_done_before_it_is_killed() -> None:
    assert CONTAINER["StopTimeout"] == FARGATE_KILLS_AFTER_S
    assert aws.LONG_POLL_S + worker.DRAIN_S < FARGATE_KILLS_AFTER_S


def test_the_image_has_what_the_process_imports_and_is_watched_by_the_file_that_it_touches() -> None:
    dockerfile = (ROOT / "dialer" / "Dockerfile").read_text()
    assert "COPY layers/core/ringline /app/ringline" in dockerfile and "COPY dialer /app/dialer" in dockerfile
    assert "--require-hashes" in dockerfile and "requirements/runtime.txt" in dockerfile
    assert f"DIALER_ALIVE_FILE={VARIABLES['DIALER_ALIVE_FILE']}" in dockerfile
    check = CONTAINER["HealthCheck"]["Command"][-1]
    assert check in dockerfile and VARIABLES["DIALER_ALIVE_FILE"] in check
    allowed = (ROOT / "dialer" / "Dockerfile.dockerignore").read_text().split()
    assert {"!requirements/runtime.txt", "!layers/core/ringline", "!dialer"} <= set(allowed)
    assert Path(ROOT / "layers/deps/requirements.txt").resolve() == ROOT / "requirements" / "runtime.txt"


# --- how many at once ------------------------------------------------------------------------------------------------


def test_how_many_dialers_there_are_is_the_operators_word() -> None:
    assert DOORBELL["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "DialerConcurrency"}}
    parameter = PARAMETERS["DialerConcurrency"]
    assert (parameter["MinValue"], parameter["MaxValue"]) == (2, 1000), "as AWS has it"


def test_how_many_deliver_at_once_is_the_operators_word() -> None:
    mapping = FUNCTIONS["DeliverWebhookFunction"]["Properties"]["Events"]["Delivery"]["Properties"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "DeliveryConcurrency"}}
    parameter = PARAMETERS["DeliveryConcurrency"]
    assert (parameter["MinValue"], parameter["MaxValue"]) == (2, 1000), "as AWS has it"


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_functions_memory_is_the_operators_word(function: str) -> None:
    parameter = f"{function.removesuffix('Function')}Memory"
    assert FUNCTIONS[function]["Properties"]["MemorySize"] == {"Ref": parameter}
    assert (PARAMETERS[parameter]["MinValue"], PARAMETERS[parameter]["MaxValue"]) == (128, 10240), "as AWS has it"


def test_a_new_account_with_ten_runs_at_once_deploys() -> None:
    """AWS refuses to reserve what would leave fewer than ten for all others, and refuses nothing else."""
    reserved = [
        function["Properties"]["ReservedConcurrentExecutions"]["Fn::If"]
        for function in FUNCTIONS.values()
        if "ReservedConcurrentExecutions" in function["Properties"]
    ]
    assert len(reserved) == 3
    for condition, _, without in reserved:
        assert not is_true(condition, {})
        assert without == {"Ref": "AWS::NoValue"}
