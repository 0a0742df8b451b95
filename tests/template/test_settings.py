"""Each function's `Settings` and the variables that template.yaml sets for it are the same: a variable that is missing
there keeps the function from starting on AWS, and one that nobody reads misleads whoever reads the template."""

import importlib

import pytest

from local.aws.template import read_template, resources_of
from local.tools.places import TEMPLATE
from ringline.runtime.settings import SettingsModel, variables_of

TEMPLATE_READ = read_template(TEMPLATE)
COMMON: dict[str, object] = TEMPLATE_READ["Globals"]["Function"]["Environment"]["Variables"]
FUNCTIONS = {
    function["Properties"]["CodeUri"].removeprefix("functions/"): function["Properties"]
    for function in resources_of(TEMPLATE_READ, "AWS::Serverless::Function").values()
}

READ_BY_POWERTOOLS = {"LOG_LEVEL", "POWERTOOLS_METRICS_NAMESPACE"}
"""Its Logger reads this itself."""


def settings_of(function: str) -> type[SettingsModel]:
    settings: type[SettingsModel] = importlib.import_module(f"ringline.composition.{function}").Settings
    return settings


def set_for(function: str) -> set[str]:
    own = FUNCTIONS[function].get("Environment", {}).get("Variables", {})
    return {*COMMON, *own}


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_is_given_the_variables_that_it_reads_and_no_others(function: str) -> None:
    # AWS_* are set by Lambda, or by the emulator.
    asked_for = {name for name in variables_of(settings_of(function)) if not name.startswith("AWS_")}
    assert set_for(function) - READ_BY_POWERTOOLS == asked_for


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_sets_no_variable_that_all_functions_have(function: str) -> None:
    assert not set(COMMON) & set(FUNCTIONS[function].get("Environment", {}).get("Variables", {}))
