"""`make invoke-<function>` without a stack: the function starts all the same, and reaches nobody's AWS account."""

import importlib

import pytest

from local.aws.template import read_template, resources_of
from local.tools.places import TEMPLATE
from local.trips.invoke import _function_environment
from ringline.runtime.settings import read

FUNCTIONS = {
    logical_id: function["Properties"]["CodeUri"].removeprefix("functions/")
    for logical_id, function in resources_of(read_template(TEMPLATE), "AWS::Serverless::Function").items()
}


@pytest.mark.parametrize("logical_id", FUNCTIONS)
def test_without_a_stack_a_function_is_given_settings_with_which_it_starts(logical_id: str) -> None:
    settings = importlib.import_module(f"ringline.composition.{FUNCTIONS[logical_id]}").Settings
    assert read(settings, _function_environment(logical_id, None)) is not None
