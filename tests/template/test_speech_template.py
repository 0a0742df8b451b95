"""The speech workers' own stack."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from speech.worker.settings import Settings
from speech.worker.voices.table import TABLE

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "speech" / "template.yaml"


class _Intrinsics(yaml.SafeLoader):
    """Reads `!Ref x` as `{"!Ref": "x"}`."""


def _intrinsic(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {f"!{tag}": loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {f"!{tag}": loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {f"!{tag}": loader.construct_mapping(node, deep=True)}


_Intrinsics.add_multi_constructor("!", _intrinsic)
STACK = yaml.load(TEMPLATE.read_text(), _Intrinsics)
(CONTAINER,) = STACK["Resources"]["SpeechTaskDefinition"]["Properties"]["ContainerDefinitions"]
ENVIRONMENT = {variable["Name"] for variable in CONTAINER["Environment"]}
SECRETS = {
    secret["Name"] for each in CONTAINER["Secrets"] for secret in (each["!If"][1:2] if "!If" in each else [each])
}


def test_cfn_lint_finds_nothing() -> None:
    cfn_lint = Path(sys.executable).parent / "cfn-lint"
    command = [str(cfn_lint), "--template", str(TEMPLATE), "--regions", "us-east-1", "eu-central-1"]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_each_variable_of_the_container_is_one_that_the_worker_reads() -> None:
    read = {field.alias for field in Settings.model_fields.values()}
    keys = {offer.key for offers in TABLE.values() for offer in offers.values()}
    assert read >= ENVIRONMENT
    assert SECRETS - read <= keys


def test_what_is_secret_comes_from_secrets_manager_and_nothing_of_it_is_a_plain_variable() -> None:
    assert {"LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"} <= SECRETS
    assert not {name for name in ENVIRONMENT if "SECRET" in name or name.endswith("_API_KEY")}


def test_livekits_key_and_secret_come_from_one_secret_that_its_role_may_read() -> None:
    told = {each["Name"]: each["ValueFrom"] for each in CONTAINER["Secrets"] if "Name" in each}
    assert told == {
        "LIVEKIT_API_KEY": {"!Sub": "${LivekitSecretArn}:api_key::"},
        "LIVEKIT_API_SECRET": {"!Sub": "${LivekitSecretArn}:api_secret::"},
    }
    (policy,) = STACK["Resources"]["SpeechExecutionRole"]["Properties"]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert {"!Ref": "LivekitSecretArn"} in statement["Resource"]
    assert not {name for name in STACK["Parameters"] if "ApiKey" in name or "ApiSecret" in name}


def test_every_role_takes_the_boundary_that_an_aws_account_asks_for() -> None:
    roles = [each["Properties"] for each in STACK["Resources"].values() if each["Type"] == "AWS::IAM::Role"]
    bounded = {"!If": ["HasPermissionsBoundary", {"!Ref": "PermissionsBoundary"}, {"!Ref": "AWS::NoValue"}]}
    assert roles and all(each.get("PermissionsBoundary") == bounded for each in roles)


def test_every_provider_of_the_table_can_be_given_its_key() -> None:
    keys = {offer.key for offers in TABLE.values() for offer in offers.values() if offer.key}
    assert keys - SECRETS == {"LIVEKIT_INFERENCE_API_KEY"}, "inference takes LiveKit Cloud's own key"


def test_logs_are_kept_for_a_time() -> None:
    assert STACK["Resources"]["SpeechLogGroup"]["Properties"]["RetentionInDays"] == {"!Ref": "LogsKeptDays"}


def test_every_text_that_somebody_types_has_a_pattern() -> None:
    free = {"DefaultVoice"}
    typed = {
        name
        for name, parameter in STACK["Parameters"].items()
        if parameter["Type"] == "String" and "AllowedValues" not in parameter
    }
    assert typed - free == {name for name in typed if "AllowedPattern" in STACK["Parameters"][name]}


def test_the_dockerfile_takes_what_the_worker_imports_and_nothing_of_its_tests() -> None:
    dockerfile = (ROOT / "speech" / "Dockerfile").read_text()
    for folder in ("speech/bridge", "speech/worker"):
        assert f"COPY {folder} /app/{folder}" in dockerfile
    assert "speech/tests" not in dockerfile
    assert "--require-hashes" in dockerfile and "requirements/speech.txt" in dockerfile


def test_an_aws_account_that_never_used_ecs_can_make_the_stack() -> None:
    """A cluster with capacity providers is refused there ('Unable to assume the service linked role'): ECS makes its
    role with the first cluster, too late for them. The service says itself where it runs."""
    assert "CapacityProviders" not in STACK["Resources"]["SpeechCluster"].get("Properties", {})
    assert STACK["Resources"]["SpeechService"]["Properties"]["LaunchType"] == "FARGATE"
