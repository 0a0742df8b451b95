"""What whoever deploys is asked, and what they have to copy from a stack that stands."""

import re
import tomllib
from typing import Any

import pytest

from local.tools.places import ROOT
from tests.template.test_template import NEEDED, PARAMETERS, TEMPLATE_READ, holds, keeps_its_pattern

GROUPS: list[dict[str, Any]] = TEMPLATE_READ["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
OUTPUTS: dict[str, dict[str, Any]] = TEMPLATE_READ["Outputs"]
EXAMPLE = ROOT / "samconfig.example.toml"
STAGES: dict[str, Any] = {name: told for name, told in tomllib.loads(EXAMPLE.read_text()).items() if name != "version"}


def test_each_parameter_is_shown_in_one_group_and_the_needed_ones_first() -> None:
    shown = [name for group in GROUPS for name in group["Parameters"]]
    assert sorted(shown) == sorted(PARAMETERS)
    assert tuple(GROUPS[0]["Parameters"]) == NEEDED
    assert all(group["Label"]["default"] for group in GROUPS)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_a_parameter_says_what_it_is_and_a_pattern_what_it_wants(name: str) -> None:
    assert len(PARAMETERS[name]["Description"]) > 20


def given_in(stage: str) -> dict[str, str]:
    overrides: list[str] = STAGES[stage]["deploy"]["parameters"]["parameter_overrides"]
    return dict(each.split("=", 1) for each in overrides)


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_an_example_that_was_not_filled_in_is_refused_and_names_what_is_needed(stage: str) -> None:
    refused = {name for name, value in given_in(stage).items() if not keeps_its_pattern(name, value)}
    assert refused == set(NEEDED) - {"SecretsName"}


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_each_stage_of_the_example_is_a_stack_with_secrets_and_agents_of_its_own(stage: str) -> None:
    settings = STAGES[stage]["deploy"]["parameters"]
    stack = settings["stack_name"]
    assert set(given_in(stage)) <= set(PARAMETERS)
    assert given_in(stage)["SecretsName"] == stack
    assert f"stage={stage}" in settings["tags"] or stage == "default"
    others = [each for each in STAGES if each != stage]
    assert all(STAGES[each]["deploy"]["parameters"]["stack_name"] != stack for each in others)
    assert all(given_in(each)["AgentName"] != given_in(stage)["AgentName"] for each in others)


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_the_example_allows_all_that_cloudformation_asks_to_be_allowed(stage: str) -> None:
    """Roles without names of their own, and a stack within the stack, which is expanded: the container's."""
    kinds = {each["Type"] for each in TEMPLATE_READ["Resources"].values()}
    assert "AWS::CloudFormation::Stack" in kinds
    allowed = STAGES[stage]["deploy"]["parameters"]["capabilities"]
    assert allowed.split() == ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]


def test_the_real_settings_are_not_tracked() -> None:
    assert "samconfig.toml" in (ROOT / ".gitignore").read_text().split()


@pytest.mark.parametrize("name", [name for name in sorted(OUTPUTS) if name.endswith("Url") and "Queue" not in name])
def test_a_url_to_copy_says_where_it_goes(name: str) -> None:
    assert OUTPUTS[name]["Description"].endswith(".")


@pytest.mark.parametrize("name", ["SdkUrl", "HealthUrl", "LivekitHooksUrl", "TelnyxHooksUrl", "TwilioHooksUrl"])
def test_a_url_to_copy_is_under_the_domain_of_ones_own_where_there_is_one(name: str) -> None:
    condition, own, of_aws = OUTPUTS[name]["Value"]["Fn::If"]
    path = own["Fn::Sub"].removeprefix("${PublicUrl}")
    assert of_aws["Fn::Sub"].endswith(f"${{AWS::URLSuffix}}{path}")
    assert holds(TEMPLATE_READ["Conditions"][condition], {"PublicUrl": "https://calls.example"})
    assert not holds(TEMPLATE_READ["Conditions"][condition], {})


def test_every_hook_of_a_carrier_is_an_output() -> None:
    page = (ROOT / "docs/carriers.md").read_text()
    told = {output["Value"]["Fn::If"][1]["Fn::Sub"] for name, output in OUTPUTS.items() if name.endswith("HooksUrl")}
    assert {f"${{PublicUrl}}{path}" for path in re.findall(r"\| `(/hooks/sip/\w+)` \|", page)} <= told
