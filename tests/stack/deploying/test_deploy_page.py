"""docs/deploy.md, typed as it stands: whatever needs no cloud is done against an emulator of AWS."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws import deploy, emulator
from local.aws.build import find_uv
from local.aws.deploy import client
from local.aws.template import read_template
from local.tools import processes
from local.tools.loopback import ask, free_port
from local.tools.places import LOCAL, ROOT
from tests.stack.commands.page_commands import Shown, commands_of

PAGE = ROOT / "docs/deploy.md"
NEEDED = (
    "cli",
    "dialer",
    "events",
    "functions",
    "layers",
    "local",
    "template.yaml",
    "samconfig.example.toml",
    "restore",
)
CLOUD = re.compile(r"\s#\s+cloud\b")
FILLED_IN = {"LivekitUrl": "http://127.0.0.1:9", "SipTrunkId": "ST_carrier"}


def headings() -> list[str]:
    return re.findall(r"^## .+$", PAGE.read_text(), re.MULTILINE)


COMMANDS = [command for heading in headings() for command in commands_of(PAGE, heading)]
TYPED = [shown for shown in COMMANDS if not CLOUD.search(shown.command)]


@pytest.fixture
def emulator_url(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    child = emulator.start(port, tmp_path / "run", tmp_path / "logs")
    try:
        emulator.await_ready(child, port)
        yield emulator.url(port)
    finally:
        processes.stop(child)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout of one's own, in which `ringline` is the command of this repository."""
    made = tmp_path / "checkout"
    made.mkdir()
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, made / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, made / name)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "ringline").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m cli "$@"\n')
    # What `make setup` installs is there already.
    (tools / "make").write_text('#!/bin/sh\n[ "$1" = setup ] && exit 0\nexec /usr/bin/make "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    return made


def at_a_shell(folder: Path, line: str) -> "subprocess.CompletedProcess[str]":
    ours = (folder.parent / "tools", LOCAL / "sam" / "bin", Path(find_uv()).parent, Path(sys.executable).parent)
    environ = {
        **os.environ,
        "PATH": os.pathsep.join([*map(str, ours), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "SAM_CLI_TELEMETRY": "0",
        "RINGLINE_STATE_DIR": str(folder / "no-stack"),
        "RINGLINE_CONFIG": str(folder / "profiles.toml"),
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "secret-of-at-least-thirty-two-bytes",
    }
    environ.pop("RINGLINE_PROFILE", None)
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environ, capture_output=True, text=True, timeout=400, check=False
    )


def on_the_emulator(folder: Path, shown: Shown, api_url: str) -> str:
    """The command, with what the page says to fill in, and the address that the emulator has for the API."""
    if shown.command.startswith("export PATH="):
        return "true"
    if "profile add" in shown.command:
        return f"{shown.command} --api-url {api_url}"
    if "sam deploy" in shown.command:
        settings = folder / "samconfig.toml"
        text = settings.read_text()
        for name, value in FILLED_IN.items():
            text = text.replace(f"{name}=FILL-IN", f"{name}={value}")
        settings.write_text(text)
    return shown.command


def test_the_page_leads_from_an_empty_account_to_a_stack_with_an_account_and_a_number_and_back(
    emulator_url: str, folder: Path
) -> None:
    api_url = ""
    with deploy.emulator_credentials(emulator_url):
        for shown in TYPED:
            told = at_a_shell(folder, on_the_emulator(folder, shown, api_url))
            printed = told.stdout + told.stderr
            assert told.returncode == 0, (shown.command, printed)
            assert shown.missing_in(printed) == [], (shown.command, printed)
            if "sam deploy" in shown.command:
                api_url = adopted_by_the_command()
                assert adopted_by_the_command() == api_url
                assert ask("GET", f"{api_url}/v1/calls") == 401
        delete_the_stack(emulator_url)
        assert left_behind(emulator_url) == {"tables": 1, "records": 1}
        attach_what_the_stack_left(emulator_url, folder)
        delete_the_stack(emulator_url)
        attach_what_was_restored(emulator_url, folder)


def adopted_by_the_command() -> str:
    """The API's address, as it is said to whoever has deployed by SAM."""
    command = [sys.executable, "-m", "local.aws.deploy", "--adopt", "ringline-dev"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout.strip()


def delete_the_stack(emulator_url: str) -> None:
    """As `sam delete` does, which first takes away what it had packed of a nested stack, by an address that only AWS
    gives to buckets."""
    cloudformation = client("cloudformation", emulator_url)
    cloudformation.delete_stack(StackName="ringline-dev")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="ringline-dev", WaiterConfig={"Delay": 1})


def attach_what_the_stack_left(emulator_url: str, folder: Path) -> None:
    """The table alone: of the bucket and the key the emulator knows no import."""
    name, rows = attach_the_table(emulator_url, folder, "retained")
    before = what_it_has(emulator_url, name)
    assert before == (True, True)
    assert deployed_again(emulator_url, folder, standby="false").outputs["TableName"] == name
    assert (what_it_has(emulator_url, name), rows_in(emulator_url, name)) == (before, rows)


def attach_what_was_restored(emulator_url: str, folder: Path) -> None:
    """With its rows, without its stream and its protection. It stands by, until it is lifted."""
    dynamodb = client("dynamodb", emulator_url)
    (name,) = dynamodb.list_tables()["TableNames"]
    dynamodb.update_table(TableName=name, StreamSpecification={"StreamEnabled": False}, DeletionProtectionEnabled=False)
    name, rows = attach_the_table(emulator_url, folder, "table")
    assert deployed_again(emulator_url, folder, standby="true").outputs["TableName"] == name
    assert held_back(emulator_url) == ["CarryOutTransfer", "DeliverWebhook", "DialNext"]
    assert (what_it_has(emulator_url, name), rows_in(emulator_url, name)) == ((True, True), rows)
    deployed_again(emulator_url, folder, standby="false")
    assert held_back(emulator_url) == []


def attach_the_table(emulator_url: str, folder: Path, page: str) -> tuple[str, int]:
    """Its name, which must be the one that the emulator would give it, and the number of its rows."""
    dynamodb, cloudformation = client("dynamodb", emulator_url), client("cloudformation", emulator_url)
    (name,) = dynamodb.list_tables()["TableNames"]
    template = read_template(folder / "restore" / f"{page}.yaml")
    template["Resources"] = {"CallsTable": template["Resources"]["CallsTable"]}
    rows = rows_in(emulator_url, name)
    assert rows > 0
    cloudformation.create_change_set(
        StackName="ringline-dev",
        ChangeSetName="attach",
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(template),
        ResourcesToImport=[
            {
                "ResourceType": "AWS::DynamoDB::Table",
                "LogicalResourceId": "CallsTable",
                "ResourceIdentifier": {"TableName": name},
            }
        ],
    )
    cloudformation.execute_change_set(StackName="ringline-dev", ChangeSetName="attach")
    cloudformation.get_waiter("stack_import_complete").wait(StackName="ringline-dev", WaiterConfig={"Delay": 1})
    return name, rows


def rows_in(emulator_url: str, name: str) -> int:
    return int(client("dynamodb", emulator_url).scan(TableName=name)["Count"])


def what_it_has(emulator_url: str, name: str) -> tuple[bool, bool]:
    """Its stream and its protection: of backups and expiry the emulator's CloudFormation knows nothing."""
    table = client("dynamodb", emulator_url).describe_table(TableName=name)["Table"]
    return table.get("StreamSpecification", {}).get("StreamEnabled", False), table["DeletionProtectionEnabled"]


def deployed_again(emulator_url: str, folder: Path, *, standby: str) -> deploy.Deployment:
    settings = folder / "samconfig.toml"
    settings.write_text(
        re.sub(r'"AskedApart=true"(, "Standby=\w+")?', f'"AskedApart=true", "Standby={standby}"', settings.read_text())
    )
    told = at_a_shell(folder, "sam deploy")
    assert told.returncode == 0, told.stdout + told.stderr
    return deploy.adopt("ringline-dev", emulator_url)


def held_back(emulator_url: str) -> list[str]:
    """Functions of the stack that do not hear their queues."""
    mappings = client("lambda", emulator_url).list_event_source_mappings()["EventSourceMappings"]
    names = [each["FunctionArn"].split(":")[6] for each in mappings if each["State"] not in {"Enabled", "Enabling"}]
    return sorted(re.sub(r"^ringline-dev-(\w+)Function.*", r"\1", name) for name in names)


def left_behind(emulator_url: str) -> dict[str, int]:
    tables = client("dynamodb", emulator_url).list_tables()["TableNames"]
    buckets = [each["Name"] for each in client("s3", emulator_url).list_buckets()["Buckets"]]
    return {"tables": len(tables), "records": len([name for name in buckets if "recordsbucket" in name.lower()])}


def test_the_example_that_was_not_filled_in_is_refused_and_says_what_is_missing(
    emulator_url: str, folder: Path
) -> None:
    with deploy.emulator_credentials(emulator_url):
        told = at_a_shell(folder, "cp samconfig.example.toml samconfig.toml && sam deploy")
    assert told.returncode != 0
    assert "LivekitUrl" in told.stdout + told.stderr


def test_what_a_page_does_not_type_says_that_it_needs_the_cloud() -> None:
    tools = {shown.command.split()[0] for shown in TYPED}
    assert tools <= {"make", "export", "sam", "echo", "ringline", "cp"}
    assert len(TYPED) >= 12
