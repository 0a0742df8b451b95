"""Why functions have no aliases, and so neither canary nor SnapStart: what SAM makes of a template like ours
(docs/adr/0005-no-aliases.md). Where one of these fails, SAM has changed, and that decision is to be looked at again."""

import json
import subprocess
from functools import cache
from typing import Any

import pytest

from local.tools.places import LOCAL, ROOT

SAM_PYTHON = LOCAL / "sam" / "bin" / "python"
TRANSFORM = """
import json, sys
from samtranslator.translator.transform import transform

class Policies:
    def load(self):
        return {"AWSLambdaBasicExecutionRole": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}

def resources(template, values):
    try:
        made = transform(template, values, Policies())["Resources"]
        return {"types": {name: each["Type"] for name, each in made.items()}}
    except Exception as refused:
        return {"refused": " ".join(cause.message for cause in refused.causes)}

print(json.dumps({name: resources(*each) for name, each in json.load(sys.stdin).items()}))
"""

LIVE: dict[str, Any] = {"AutoPublishAlias": "live"}
OF_ALL: dict[str, Any] = LIVE | {"AutoPublishAliasAllProperties": True}
ONE, OTHER = "s3://bucket/one", "s3://bucket/other"
PARAMETERS = {"Alias": {"Type": "String", "Default": ""}, "Canary": {"Type": "String", "Default": "false"}}


def template(*, layer: str = ONE, code: str = ONE, **properties: Any) -> dict[str, Any]:
    """A function whose code is nearly all in a layer."""
    function = {"CodeUri": code, "Handler": "h.h", "Runtime": "python3.13", "Layers": [{"Ref": "Core"}], **properties}
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": PARAMETERS,
        "Conditions": {"HasAlias": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Alias"}, ""]}]}},
        "Resources": {
            "Core": {"Type": "AWS::Serverless::LayerVersion", "Properties": {"LayerName": "core", "ContentUri": layer}},
            "Dial": {"Type": "AWS::Serverless::Function", "Properties": function},
        },
    }


def released(release: str) -> dict[str, Any]:
    return {"Environment": {"Variables": {"RELEASE": release}}}


CASES: dict[str, dict[str, Any]] = {
    "as it is": template(**LIVE),
    "another layer": template(layer=OTHER, **LIVE),
    "other code": template(code=OTHER, **LIVE),
    "all properties": template(**OF_ALL),
    "all properties, another layer": template(layer=OTHER, **OF_ALL),
    "a description": template(**OF_ALL, VersionDescription="1"),
    "another description": template(**OF_ALL, VersionDescription="2"),
    "a release": template(**OF_ALL, **released("1")),
    "another release": template(**OF_ALL, **released("2")),
    "a release, another layer": template(layer=OTHER, **OF_ALL, **released("1")),
    "a hash": template(**LIVE, AutoPublishCodeSha256="0" * 64),
    "another hash": template(layer=OTHER, **LIVE, AutoPublishCodeSha256="1" * 64),
    "no alias by a parameter": template(AutoPublishAlias={"Ref": "Alias"}),
    "no alias by a condition": template(AutoPublishAlias={"Fn::If": ["HasAlias", "live", {"Ref": "AWS::NoValue"}]}),
    "no canary by a parameter": template(
        **LIVE, DeploymentPreference={"Enabled": {"Ref": "Canary"}, "Type": "Canary10Percent5Minutes"}
    ),
}


@cache
def transformed() -> dict[str, dict[str, Any]]:
    values = {"Alias": "", "Canary": "false"}
    outcome = subprocess.run(
        [str(SAM_PYTHON), "-c", TRANSFORM],
        input=json.dumps({name: (each, values) for name, each in CASES.items()}),
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    found: dict[str, dict[str, Any]] = json.loads(outcome.stdout)
    return found


def made(case: str, kind: str) -> set[str]:
    return {name for name, of in transformed()[case]["types"].items() if of == f"AWS::{kind}"}


def version(case: str) -> set[str]:
    """The version that would be published: CloudFormation does nothing where the stack has it."""
    found = made(case, "Lambda::Version")
    assert len(found) == 1
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("as it is", "another layer"),
        ("all properties", "all properties, another layer"),
        ("a description", "another description"),
        ("a release", "a release, another layer"),
    ],
)
def test_a_layer_that_changes_alone_publishes_nothing(before: str, after: str) -> None:
    assert version(before) == version(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [("as it is", "other code"), ("a release", "another release"), ("a hash", "another hash")],
)
def test_what_the_function_itself_says_publishes(before: str, after: str) -> None:
    assert version(before) != version(after)


def test_the_layer_itself_would_be_another() -> None:
    assert made("as it is", "Lambda::LayerVersion") != made("another layer", "Lambda::LayerVersion")


@pytest.mark.parametrize("case", ["no alias by a parameter", "no alias by a condition"])
def test_an_alias_cannot_be_left_out_by_a_parameter(case: str) -> None:
    assert "lias" in transformed()[case]["refused"]


def test_a_canary_can() -> None:
    assert made("no canary by a parameter", "CodeDeploy::DeploymentGroup") == set()
    assert made("no canary by a parameter", "Lambda::Alias") == {"DialAliaslive"}


def test_the_template_has_none() -> None:
    assert "AutoPublish" not in (ROOT / "template.yaml").read_text()
