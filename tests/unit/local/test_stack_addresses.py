"""What a stack listens on, what the outside is told to call, and what `make up` says about it."""

import re
import socket
from pathlib import Path
from typing import Any

import pytest

from local.aws import deploy
from local.aws.build import Build
from local.aws.deploy import Deployment
from local.stack import wishes
from local.stack.addresses import Addresses, addresses, listening
from local.stack.directions import how_to_call
from local.stack.record import Stack, StackRecord
from local.stack.start import Ascent
from local.stack.wishes import LivekitServer, Wishes, wishes_from
from local.tools.places import LOCAL, ROOT
from local.tools.processes import StackError

LIVEKIT = {
    "LIVEKIT_URL": "wss://mine.livekit.example",
    "LIVEKIT_API_KEY": "APIkey",
    "LIVEKIT_API_SECRET": "secret-of-at-least-thirty-two-bytes",
    "SIP_TRUNK_ID": "ST_mine",
}
SANDBOX_NUMBER = "+15550100200"


def deployed(wishes: Wishes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[dict[str, str], Stack]:
    """The template's parameters and the record of a stack with these wishes, on port 8787."""
    given: dict[str, str] = {}
    deployment = Deployment(
        "ringline", "api", dict.fromkeys(("TableName", "DoorbellQueueUrl", "DeliveryQueueUrl", "SecretsName"), ""), {}
    )

    def note(_built: Build, parameters: dict[str, str], _endpoint_url: str, **_: object) -> Deployment:
        given.update(parameters)
        return deployment

    monkeypatch.setattr(deploy, "deploy", note)
    ascent = Ascent(wishes, StackRecord(tmp_path), lambda _line: None)
    called = addresses(wishes.bind_address, 8787, wishes.public_url)
    livekit = wishes.livekit or LivekitServer("http://127.0.0.1:1", "devkey", "secret", "ST_1", "http://127.0.0.1:1")
    ascent._deploy(Build({}, {}), livekit, called, "http://127.0.0.1:2")
    names = ("api_key", "org_handle", "account_id", "agent_id", "runner_agent_id", "from_number")
    pipes = {"pipe_id": "pipe_1", "runner_pipe_id": "pipe_2"}
    seeded: dict[str, Any] = dict.fromkeys(names, "x") | pipes
    return given, ascent._described(called, "http://127.0.0.1:2", livekit, deployment, seeded)


def test_without_a_word_everything_stays_on_this_machine() -> None:
    wishes = wishes_from(LIVEKIT)
    assert (wishes.bind_address, wishes.public_url) == ("127.0.0.1", None)
    assert Wishes().bind_address == "127.0.0.1"
    with listening(wishes.bind_address, 0) as door:
        assert door.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("bind_address", "public_url", "expected"),
    [
        ("127.0.0.1", None, Addresses("http://127.0.0.1:8787", "http://127.0.0.1:8787")),
        ("127.0.0.1", "https://a.tunnel.example", Addresses("http://127.0.0.1:8787", "https://a.tunnel.example")),
        ("172.17.0.1", None, Addresses("http://172.17.0.1:8787", "http://172.17.0.1:8787")),
        ("0.0.0.0", None, Addresses("http://127.0.0.1:8787", "http://127.0.0.1:8787")),
        ("0.0.0.0", "http://10.0.0.5:8787", Addresses("http://127.0.0.1:8787", "http://10.0.0.5:8787")),
    ],
)
def test_the_outside_calls_the_public_url_or_else_the_address_that_is_listened_on(
    bind_address: str, public_url: str | None, expected: Addresses
) -> None:
    assert addresses(bind_address, 8787, public_url) == expected


def test_a_public_url_is_what_the_functions_and_livekit_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wishes = wishes_from({**LIVEKIT, "PUBLIC_URL": "https://a.tunnel.example/ringline/"})
    given, stack = deployed(wishes, monkeypatch, tmp_path)
    assert given["PublicUrl"] == stack.public_url == "https://a.tunnel.example/ringline"
    assert stack.hooks_url == "https://a.tunnel.example/ringline/hooks/livekit"
    assert stack.base_url == "http://127.0.0.1:8787"


def test_the_phone_network_calls_this_machine_whatever_the_public_url(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given, stack = deployed(wishes_from({"PUBLIC_URL": "https://elsewhere.example"}), monkeypatch, tmp_path)
    assert given["PublicUrl"] == stack.public_url == stack.base_url


def test_a_real_livekits_user_is_told_what_to_set_there_and_is_given_no_sandbox_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wishes = wishes_from({**LIVEKIT, "PUBLIC_URL": "https://a.tunnel.example"})
    told = how_to_call(deployed(wishes, monkeypatch, tmp_path)[1], StackRecord(tmp_path))
    assert "\n  https://a.tunnel.example/hooks/livekit\n" in told
    assert "API key APIkey" in told and "docs/inbound.md" in told
    assert SANDBOX_NUMBER not in told and '"to_number": "+<a number of yours>"' in told
    assert LIVEKIT["LIVEKIT_API_SECRET"] not in told
    assert "PUBLIC_URL" not in told, "it is set"


@pytest.mark.parametrize(
    ("settings", "is_warned"),
    [
        ({}, True),
        ({"BIND_ADDRESS": "0.0.0.0"}, True),
        ({"PUBLIC_URL": "http://localhost:9000"}, True),
        ({"BIND_ADDRESS": "172.17.0.1"}, False),
        ({"PUBLIC_URL": "http://host.docker.internal:8787"}, False),
    ],
)
def test_an_address_that_only_this_machine_reaches_is_pointed_out(
    settings: dict[str, str], is_warned: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stack = deployed(wishes_from(LIVEKIT | settings), monkeypatch, tmp_path)[1]
    assert ("set PUBLIC_URL" in how_to_call(stack, StackRecord(tmp_path))) is is_warned


def test_the_sandboxs_user_is_given_a_number_of_the_sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = how_to_call(deployed(wishes_from({}), monkeypatch, tmp_path)[1], StackRecord(tmp_path))
    assert SANDBOX_NUMBER in told
    assert "webhook URL" not in told and "PUBLIC_URL" not in told


def test_a_user_is_told_how_to_start_a_runner_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stack = deployed(wishes_from({}), monkeypatch, tmp_path)[1]
    told = how_to_call(stack, StackRecord(tmp_path))
    settings = f"export UNPOD_BASE_URL={stack.base_url} UNPOD_PLATFORM_TOKEN={stack.api_key} UNPOD_ORG_HANDLE="
    assert settings in told and stack.runner_pipe_id in told
    assert f"python -m examples.echo_runner {stack.runner_agent_id}" in told and "make talk" in told


def test_a_second_stacks_user_is_given_commands_that_are_about_that_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stack = deployed(wishes_from({}), monkeypatch, tmp_path)[1]
    told = how_to_call(stack, StackRecord(tmp_path / "a second"))
    this_one = f"RINGLINE_STATE_DIR='{tmp_path}/a second' "
    for command in (".venv/bin/ringline call", ".venv/bin/ringline calls", "make talk", "make down"):
        assert this_one + command in told
    monkeypatch.setenv("RINGLINE_STATE_DIR", str(tmp_path))
    assert this_one in how_to_call(stack, StackRecord(tmp_path / "a second"))
    assert "RINGLINE_STATE_DIR" not in how_to_call(stack, StackRecord(LOCAL))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BIND_ADDRESS", "localhost"),
        ("BIND_ADDRESS", "eth0"),
        ("BIND_ADDRESS", "::"),
        ("PUBLIC_URL", "a.tunnel.example"),
        ("PUBLIC_URL", "wss://a.tunnel.example"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://a.tunnel.example:port"),
        ("PUBLIC_URL", "https://a.tunnel.example/?key=1"),
        ("PUBLIC_URL", "https://a.tunnel.example/#top"),
        ("PUBLIC_URL", "https://me@a.tunnel.example"),
        ("PUBLIC_URL", "https://a.tunnel.example https://b.tunnel.example"),
        ("PUBLIC_URL", "http://0.0.0.0:8787"),
        ("LIVEKIT_URL", "mine.livekit.example"),
        ("WEBHOOK_URL", "example.com/hook"),
        ("FROM_NUMBER", "0151 2345678"),
        ("FROM_NUMBER", "anonymous"),
    ],
)
def test_what_is_no_address_and_no_number_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(StackError, match=rf"^{name} must"):
        wishes_from({**LIVEKIT, name: value})


def test_an_address_of_another_machine_is_refused_by_name() -> None:
    with pytest.raises(StackError, match=r"BIND_ADDRESS is 192\.0\.2\.1, which is no address of this machine"):
        with listening("192.0.2.1", 0):
            pass


def test_a_taken_port_is_refused_by_name() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(StackError, match=rf"port {port} is taken.*RINGLINE_PORT"):
            with listening("127.0.0.1", port):
                pass


def test_every_setting_of_up_is_on_the_stacks_page() -> None:
    documented = (ROOT / "docs" / "stack.md").read_text()
    source = wishes.__doc__ or ""
    (promised,) = re.findall(r"`up` obeys(.*)", source, re.S)
    names = set(re.findall(r"[A-Z]+_[A-Z_]+", promised))
    assert {"PUBLIC_URL", "BIND_ADDRESS"} <= names
    assert [name for name in sorted(names) if name not in documented] == []


def test_the_language_model_that_the_environment_names_is_the_phone_networks() -> None:
    model = {"SPEECH_LLM_URL": "https://models.example/v1", "SPEECH_LLM_KEY": "sk_1"}
    assert wishes_from({**model, "SPEECH_LLM_MODEL": "", "SPEECH_MAX_CALLS": "3"}).model == model
    with pytest.raises(StackError, match="SPEECH_LLM_URL"):
        wishes_from({"SPEECH_LLM_URL": "models.example"})


def test_events_that_the_phone_network_leaves_out_are_those_that_livekit_has() -> None:
    options = wishes_from({"EXCLUDE_EVENTS": "track_published, room_started"}).phones_options
    assert options == ("--exclude-event", "room_started", "--exclude-event", "track_published")
    assert wishes_from({"EXCLUDE_EVENTS": ""}).phones_options == ()
    with pytest.raises(StackError, match="EXCLUDE_EVENTS: LiveKit posts no room_begun"):
        wishes_from({"EXCLUDE_EVENTS": "room_begun"})
