"""`ringline secrets`: a stack's secrets are set, rotated and listed, and never shown."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from cli.frame.surroundings import Surroundings
from cli.model.profiles import Profile
from cli.reach.deployment import client_before_a_stack
from ringline.runtime.vault.document import read_document
from tests.component.one_table import LocalAws
from tests.typed_commands import Typed, typed

KEY, LATER_KEY = f"APIone:{'s' * 32}", f"APItwo:{'t' * 32}"


@pytest.fixture
def secrets(local: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Secrets":
    assert local.table_name
    return Secrets(tmp_path, monkeypatch)


class Secrets:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.manager = botocore.session.Session().create_client("secretsmanager", region_name="us-east-1")
        self.config = folder / "config.toml"
        self.asked_as: list[Profile | None] = []
        self._around = Surroundings(
            environ={"RINGLINE_CONFIG": str(self.config)},
            aws_client=self._client,
            running_stack=lambda _environ: None,
        )

    def _client(self, _service: str, profile: Profile | None) -> Any:
        self.asked_as.append(profile)
        return self.manager

    def type(self, *words: str, stdin: str = "") -> Typed:
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        return typed(["--json", "secrets", *words, "--secret", "ringline"], self._around)

    def values(self, name: str) -> list[str]:
        document = read_document(self.manager.get_secret_value(SecretId="ringline")["SecretString"])
        return [held.value for held in document.secrets.get(name, ())]


def test_the_first_value_makes_the_secret_with_all_that_the_stack_draws_itself(secrets: Secrets) -> None:
    assert secrets.type("set", "livekit", stdin=f"{KEY}\n").exit_code == 0
    assert secrets.values("livekit") == [KEY]
    assert [len(secrets.values(name)) for name in ("agent-tokens", "table-key")] == [1, 1]


def test_a_value_of_before_is_accepted_until_it_is_forgotten(secrets: Secrets) -> None:
    secrets.type("set", "livekit", stdin=KEY)
    secrets.type("set", "livekit", stdin=LATER_KEY)
    assert secrets.values("livekit") == [LATER_KEY, KEY]
    assert secrets.type("forget", "livekit").exit_code == 0
    assert secrets.values("livekit") == [LATER_KEY]


def test_what_only_the_stack_has_to_know_is_drawn(secrets: Secrets) -> None:
    secrets.type("set", "livekit", stdin=KEY)
    (before,) = secrets.values("agent-tokens")
    assert secrets.type("rotate", "agent-tokens").exit_code == 0
    drawn, former = secrets.values("agent-tokens")
    assert former == before != drawn


def test_no_value_is_ever_shown(secrets: Secrets) -> None:
    told = [secrets.type("set", "livekit", stdin=KEY), secrets.type("list"), secrets.type("rotate", "agent-tokens")]
    shown = "".join(each.stdout + each.stderr for each in told)
    rows = {row["name"]: row for row in json.loads(told[1].stdout)["data"]}
    assert rows["livekit"]["set_at"] is not None
    assert rows["sip-hook"]["set_at"] is None
    for value in (KEY, *secrets.values("agent-tokens"), *secrets.values("table-key")):
        assert value not in shown


@pytest.mark.parametrize("stdin", ["", "no-colon", "key:short"])
def test_what_cannot_be_right_changes_nothing(secrets: Secrets, stdin: str) -> None:
    secrets.type("set", "livekit", stdin=KEY)
    told = secrets.type("set", "livekit", stdin=stdin)
    assert told.exit_code == 2
    assert secrets.values("livekit") == [KEY]


def test_a_secret_that_is_not_there_is_told_and_not_made_by_a_rotation(secrets: Secrets) -> None:
    told = secrets.type("rotate", "agent-tokens")
    assert (told.exit_code, json.loads(told.stderr)["code"]) == (1, "secret_not_found")


def test_a_secret_that_is_named_by_itself_is_one_of_the_profiles_own_account_and_region(secrets: Secrets) -> None:
    secrets.type("set", "livekit", stdin=KEY)
    secrets.config.write_text('[profiles.prod]\nstack = "ringline"\nregion = "eu-west-1"\naws_profile = "acme"\n')
    secrets.type("list", "--profile", "prod")
    secrets.config.write_text(f'current = "prod"\n{secrets.config.read_text()}')
    secrets.type("list")
    prod = Profile(name="prod", stack="ringline", region="eu-west-1", aws_profile="acme")
    assert secrets.asked_as == [None, prod, prod]


def test_a_profile_that_is_not_there_makes_no_secret_elsewhere(secrets: Secrets) -> None:
    assert secrets.type("set", "livekit", "--profile", "porduction", stdin=KEY).exit_code == 2
    assert secrets.asked_as == []


def test_a_client_before_a_stack_has_the_profiles_region(local: LocalAws) -> None:
    assert local.table_name
    there = client_before_a_stack("secretsmanager", Profile(name="prod", region="eu-west-1"))
    assert there.meta.region_name == "eu-west-1"
    assert client_before_a_stack("secretsmanager", None).meta.region_name == "us-east-1"


def test_a_client_before_a_stack_has_the_region_that_aws_commands_read(
    local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`AWS_REGION`, which shells in AWS's own console set: botocore alone reads AWS_DEFAULT_REGION."""
    assert local.table_name
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert client_before_a_stack("secretsmanager", Profile(name="prod")).meta.region_name == "eu-central-1"
    there = client_before_a_stack("secretsmanager", Profile(name="prod", region="eu-west-1"))
    assert there.meta.region_name == "eu-west-1"


def test_it_is_told_in_which_account_and_region_a_secret_was_set(secrets: Secrets) -> None:
    for told in (secrets.type("set", "livekit", stdin=KEY), secrets.type("list")):
        document = json.loads(told.stdout)
        assert (document["aws_account"], document["region"]) == ("123456789012", "us-east-1")


@pytest.mark.parametrize("kept", [{"SecretString": '{"password": "hunter2"}'}, {"SecretBinary": b"\x00"}])
def test_another_programs_secret_is_told_and_left_as_it_is(secrets: Secrets, kept: dict[str, Any]) -> None:
    secrets.manager.create_secret(Name="ringline", **kept)
    for words in (("list",), ("rotate", "agent-tokens"), ("set", "livekit")):
        told = secrets.type(*words, stdin=KEY)
        assert told.exit_code == 2 and "something else than a stack's secrets" in told.stderr
        assert "hunter2" not in told.stderr
    found = secrets.manager.get_secret_value(SecretId="ringline")
    assert {name: found.get(name) for name in kept} == kept
