"""The command line against the deployed stack, as a newcomer uses it: nothing is set up for it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cli.console.parts.asked import Asked
from cli.console.parts.office import Office
from cli.console.routes import answer
from cli.doctor.check import Result, run_all
from cli.doctor.of_livekit import LivekitChecks
from cli.frame.desk import Desk
from cli.frame.surroundings import Surroundings
from cli.reach.livekit import LivekitKeys, livekit_keys
from cli.settings.running_stack import running_stack
from local.stack.record import Stack
from ringline.runtime.clock import now_ms
from tests.stack.commands.shell import ringline, state_of


@pytest.fixture
def state_dir(stack: Stack) -> Path:
    return state_of(stack)


def test_a_call_is_placed_followed_and_explained_with_nothing_set_up(stack: Stack, state_dir: Path) -> None:
    busy = ringline(state_dir, "call", "+15550101486", "--pipe", stack.pipe_id)
    assert busy.returncode == 4, busy.stderr
    assert "USER_BUSY" in busy.stdout and busy.stderr == ""
    call_id = busy.stdout.split()[0]
    assert "SIP 486" in ringline(state_dir, "why", call_id).stdout
    exported = ringline(state_dir, "calls", "--export", "jsonl", "--to", "+15550101486")
    assert call_id in {json.loads(line)["call_id"] for line in exported.stdout.splitlines()}


def test_the_doctor_finds_the_stack_whole(state_dir: Path) -> None:
    told = ringline(state_dir, "--json", "doctor")
    checks = {each["name"]: each for each in json.loads(told.stdout)["checks"]}
    ours = ("api", "api_key", "clock", "account", "livekit", "outbound_trunk", "inbound_trunks", "dispatch_rules")
    assert {name: checks[name]["result"] for name in ours} == dict.fromkeys(ours, "ok"), told.stdout
    assert checks["livekit_webhook"]["result"] == checks["table"]["result"] == "ok"


def keys_of(state_dir: Path) -> LivekitKeys:
    profile = running_stack({"RINGLINE_STATE_DIR": str(state_dir)})
    assert profile is not None
    return livekit_keys(profile, Surroundings().find_deployment(profile))


@pytest.mark.parametrize(
    ("name", "wrong", "says"),
    [
        ("livekit", {"api_secret": "a-secret-of-somebody-else-0123456789"}, "does not take the key"),
        ("outbound_trunk", {"sip_trunk_id": "ST_nobody"}, "has no outbound trunk ST_nobody"),
    ],
)
def test_the_doctor_finds_what_is_wrong_at_livekit(
    state_dir: Path, name: str, wrong: dict[str, str], says: str
) -> None:
    keys = replace(keys_of(state_dir), **wrong)
    findings = {each.name: each for each in run_all(LivekitChecks(lambda: keys, now_ms).all())}
    assert findings[name].result is Result.FAIL
    assert says in findings[name].says and findings[name].remedy


def test_an_operator_reaches_the_stack_without_credentials_of_aws(stack: Stack, state_dir: Path) -> None:
    shown = json.loads(ringline(state_dir, "--json", "account", "show", stack.account_id).stdout)
    assert (shown["account_id"], shown["cap"]) == (stack.account_id, 2)


def test_the_console_asks_every_account_of_the_stack(stack: Stack, state_dir: Path) -> None:
    assert ringline(state_dir, "account", "create", "Globex", "--id", "globex").returncode == 0
    office = Office(Desk(Surroundings(environ={"RINGLINE_STATE_DIR": str(state_dir)})))
    for account_id, name in ((stack.account_id, stack.account_id), ("globex", "Globex")):
        now = answer(office, Asked("GET", ("now",), {"account": account_id}))
        assert now.status == 200 and name in now.body.decode(), now.body.decode()
    gate = next(each for each in office.findings(["gate"]))
    assert gate.result is Result.OK, gate.says
