"""The stack comes up whole or not at all, says how to call it, and leaves nothing behind."""

import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.aws import deploy
from local.stack import start
from local.stack.lifecycle import bring_up, is_healthy, running_stack, take_down
from local.stack.record import Stack, StackRecord
from local.stack.wishes import DEFAULT_PORT, LivekitServer, Wishes, wishes_from
from local.tools.processes import Child, StackError
from ringline.accounts.strangers import WORDS_A_MINUTE

# Nobody listens there: enough for a stack that places no call.
SILENT_LIVEKIT = LivekitServer("http://127.0.0.1:9", "devkey", "secret-of-at-least-thirty-two-bytes", "ST_none")

PROMISED = {
    "base_url", "api_key", "org_handle", "account_id", "agent_id", "pipe_id", "from_number", "livekit_url",
    "livekit_api_key", "livekit_api_secret", "hooks_url", "agent_name", "log_dir",
}  # fmt: skip


def asked(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, str, dict[str, Any]]:
    """Status, content type and JSON body of what a URL answers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers or {})), timeout=30) as answer:
            return answer.status, answer.headers["Content-Type"], json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers["Content-Type"], json.load(refusal)


def of_the_stack_in(state_dir: Path) -> list[psutil.Process]:
    """Processes whose command line or folder lies in a stack's state folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(state_dir) in text for text in [*process.cmdline(), process.environ().get("TMPDIR", "")]):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_running_stack_says_how_it_is_called(stack: Stack) -> None:
    written = json.loads((Path(stack.log_dir).parent / "stack.json").read_text())
    assert set(written) >= PROMISED
    assert written["base_url"] == stack.base_url
    assert stack.hooks_url == f"{stack.base_url}/hooks/livekit"
    assert stack.org_handle and stack.api_key.startswith("sk_")


def test_the_file_with_the_key_is_its_owners_alone(stack: Stack) -> None:
    assert (Path(stack.log_dir).parent / "stack.json").stat().st_mode & 0o077 == 0


def test_the_api_answers_at_the_root_of_the_front_door(stack: Stack) -> None:
    status, _, body = asked(f"{stack.base_url}/v1/calls", {"Authorization": f"Bearer {stack.api_key}"})
    assert status == 200
    assert isinstance(body["data"], list)


def test_the_authorizer_may_note_that_a_key_was_used(stack: Stack) -> None:
    """The emulator checks IAM: without the right the use goes unnoted, and nobody is refused for it."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    asked(f"{stack.base_url}/v1/calls", headers)
    assert any(each["last_used_at"] for each in asked(f"{stack.base_url}/v1/api-keys", headers)[2]["data"])


def test_a_request_without_a_key_reaches_no_function(stack: Stack) -> None:
    status, _, body = asked(f"{stack.base_url}/v1/calls")
    assert (status, body) == (401, {"message": "Unauthorized"})


def test_a_flood_of_wrong_keys_reaches_the_authorizer_alone(stack: Stack) -> None:
    wrong = {"Authorization": f"Bearer sk_{'x' * 43}"}

    def printed(function: str) -> str:
        log = Path(stack.log_dir) / f"{function}Function.log"
        return log.read_text() if log.exists() else ""

    def refusals_told(least: int) -> int:
        """A function's last lines may be written just after its answer."""
        deadline = time.monotonic() + 5
        while (told := printed("AuthorizeRequest").count("key refused")) < least and time.monotonic() < deadline:
            time.sleep(0.02)
        return told

    status, _, body = asked(f"{stack.base_url}/v1/calls", wrong)
    assert (status, body["code"]) == (401, "invalid_api_key"), "whoever mistypes a key is told so"
    already = printed("AuthorizeRequest").count("key refused")
    # The authorizer has several containers, each counts for itself, and a new minute begins anew.
    refused = 0
    for _ in range(20 * WORDS_A_MINUTE):
        before = printed("Manage")
        status, _, body = asked(f"{stack.base_url}/v1/calls", wrong)
        if status == 401:
            continue
        assert (status, body) == (403, {"message": "Forbidden"})
        assert printed("Manage") == before, "not even a line of its start"
        refused += 1
        assert refusals_told(already + refused) == already + refused
        if refused == 3:
            return
    pytest.fail("whoever goes on is told each time")


def test_functions_may_do_only_what_their_policies_say(stack: Stack) -> None:
    """The emulator checks IAM: once its policies are gone, the sweep is denied."""
    with deploy.emulator_credentials(stack.emulator_url):
        iam, aws_lambda = (deploy.client(name, stack.emulator_url) for name in ("iam", "lambda"))
        name = stack.functions["SweepFunction"]
        role = aws_lambda.get_function_configuration(FunctionName=name)["Role"].rsplit("/", 1)[1]
        policies = {
            each: iam.get_role_policy(RoleName=role, PolicyName=each)["PolicyDocument"]
            for each in iam.list_role_policies(RoleName=role)["PolicyNames"]
        }
        try:
            for each in policies:
                iam.delete_role_policy(RoleName=role, PolicyName=each)
            denied = aws_lambda.invoke(FunctionName=name, Payload=b"{}")["Payload"].read().decode()
        finally:
            for each, document in policies.items():
                iam.put_role_policy(RoleName=role, PolicyName=each, PolicyDocument=json.dumps(document))
        allowed = aws_lambda.invoke(FunctionName=name, Payload=b"{}")
    assert "AccessDenied" in denied
    assert "FunctionError" not in allowed


def test_what_functions_print_lies_in_files_named_after_them(stack: Stack) -> None:
    headers = {"Authorization": f"Bearer {stack.api_key}", "Org-Handle": "someone-else"}
    assert asked(f"{stack.base_url}/v1/calls", headers)[0] == 403
    assert "request refused" in (Path(stack.log_dir) / "ManageFunction.log").read_text()


def test_two_stacks_stand_side_by_side_and_the_second_goes_without_a_trace(stack: Stack, state_dir: Path) -> None:
    with running_stack(Wishes(state_dir=state_dir, port=0, cap=1, livekit=SILENT_LIVEKIT)) as second:
        assert second.base_url != stack.base_url
        assert is_healthy(StackRecord(state_dir))
        assert of_the_stack_in(state_dir)
        with pytest.raises(StackError, match="up already"):
            bring_up(Wishes(state_dir=state_dir, port=0))
    assert not of_the_stack_in(state_dir)
    assert not (state_dir / "stack.json").exists()
    assert asked(f"{stack.base_url}/healthz")[0] == 200


def test_a_taken_port_is_an_error_that_names_the_variable_and_starts_nothing(state_dir: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(StackError, match=f"port {port} is taken.*RINGLINE_PORT"):
            bring_up(Wishes(state_dir=state_dir, port=port))
    assert not StackRecord(state_dir).children()


def test_a_failure_on_the_way_up_leaves_nothing_running(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Child] = []
    noted = StackRecord.note_child

    def note(record: StackRecord, child: Child) -> None:
        started.append(child)
        noted(record, child)

    def fail(*_: object, **__: object) -> None:
        raise StackError("the seed failed")

    monkeypatch.setattr(StackRecord, "note_child", note)
    monkeypatch.setattr(start.Ascent, "_seed", fail)
    with pytest.raises(StackError, match="the seed failed"):
        bring_up(Wishes(state_dir=state_dir, port=0, livekit=SILENT_LIVEKIT))
    assert [child.name for child in started] == ["emulator"]
    assert not any(child.is_alive() for child in started)
    assert not of_the_stack_in(state_dir)


def test_down_after_a_crash_ends_what_is_left_and_can_be_repeated(state_dir: Path) -> None:
    bring_up(Wishes(state_dir=state_dir, port=0, livekit=SILENT_LIVEKIT))
    emulator = next(child for child in StackRecord(state_dir).children() if child.name == "emulator")
    os.kill(emulator.pid, signal.SIGKILL)
    assert not is_healthy(StackRecord(state_dir))
    assert take_down(state_dir) is True
    assert not of_the_stack_in(state_dir)
    assert take_down(state_dir) is False


def test_the_environment_chooses_port_cap_and_webhook() -> None:
    wishes = wishes_from({"RINGLINE_PORT": "9000", "CAP": "2", "WEBHOOK_URL": "http://127.0.0.1:9/hook"})
    assert (wishes.port, wishes.cap, wishes.webhook_url) == (9000, 2, "http://127.0.0.1:9/hook")
    assert wishes_from({}).port == DEFAULT_PORT


@pytest.mark.parametrize(
    "environ", [{"RINGLINE_PORT": "http"}, {"RINGLINE_PORT": "70000"}, {"CAP": "0"}, {"CAP": "-1"}]
)
def test_a_number_that_is_none_is_refused_by_name(environ: dict[str, str]) -> None:
    with pytest.raises(StackError, match=next(iter(environ))):
        wishes_from(environ)


def test_a_livekit_server_needs_its_key_secret_and_trunk() -> None:
    with pytest.raises(StackError, match="LIVEKIT_API_SECRET, SIP_TRUNK_ID must be set"):
        wishes_from({"LIVEKIT_URL": "wss://livekit.example", "LIVEKIT_API_KEY": "key"})
