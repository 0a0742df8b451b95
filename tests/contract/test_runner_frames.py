"""Every frame that a runner can be sent, read by the official SDK's own parser; and every frame that its classes can
make, read here."""

import json
from typing import Any, get_args

import pytest
from unpod import _protocol as sdk

from ringline.agents.model import frames

ASSIGN: dict[str, Any] = {
    "job_id": "call_1.1.1",
    "assign_id": "asg_1",
    "call_id": "call_1",
    "agent_id": "bot",
    "bridge_url": "wss://speech.example/bridge/call_1",
    "call_token": "a.b.c",
}
SENT = {
    frames.registered(): sdk.Registered(heartbeat_interval_s=10, transport_ack="dial_out"),
    frames.not_registered("agent_not_found"): sdk.Registered(heartbeat_interval_s=10, transport_ack="refused"),
    frames.job_assign(**ASSIGN): sdk.JobAssign(**ASSIGN, deadline_ms=2000, metadata={}),
    frames.job_cancel("call_1.1.1"): sdk.JobCancel(job_id="call_1.1.1"),
}


@pytest.mark.parametrize(("text", "parsed"), SENT.items(), ids=lambda value: type(value).__name__)
def test_a_frame_is_what_the_sdk_reads_in_it(text: str, parsed: Any) -> None:
    assert sdk.parse_dispatch_frame(text) == parsed


def test_every_frame_that_can_be_sent_is_in_the_list() -> None:
    makers = [frames.registered, frames.not_registered, frames.job_assign, frames.job_cancel]
    known = {name for name, made in vars(frames).items() if callable(made) and made.__module__ == frames.__name__}
    writers = {name for name in known if name.islower() and not name.startswith("_")} - {"read_frame"}
    assert writers == {maker.__name__ for maker in makers}
    assert len(SENT) == len(makers)


RECEIVED: list[tuple[Any, frames.Received]] = [
    (
        sdk.Register(worker_id="bot#1", pool="bot", capabilities={"agent_id": "bot", "max_concurrent": 3}),
        frames.Register("bot#1", "bot", "bot", None, 3),
    ),
    (sdk.Heartbeat(active_jobs=2, worker_id="bot#1"), frames.Heartbeat(2)),
    (sdk.JobAck(job_id="a.1.1", assign_id="x", accepted=True), frames.JobAck("a.1.1", "x", accepted=True)),
]


@pytest.mark.parametrize(("sent", "read"), RECEIVED, ids=lambda value: type(value).__name__)
def test_what_the_sdk_sends_is_read_as_it_was_meant(sent: Any, read: frames.Received) -> None:
    assert frames.read_frame(sent.model_dump_json()) == read


@pytest.mark.parametrize("kind", get_args(sdk.DispatchFrame), ids=lambda kind: kind.__name__)
def test_no_frame_of_the_sdk_fails_here(kind: Any) -> None:
    name = kind.model_fields["type"].default
    assert isinstance(frames.read_frame(json.dumps({"type": name})), get_args(frames.Received.__value__))


def test_the_official_runner_registers_with_what_is_read_here() -> None:
    from unpod.connectivity.runner import AgentRunner

    async def entrypoint(_context: Any) -> None:
        """Never called."""

    runner = AgentRunner(entrypoint, "bot", platform_token="sk_x", org_handle="acme", max_concurrent_calls=7)
    told = frames.read_frame(runner._build_register().model_dump_json())
    assert isinstance(told, frames.Register)
    assert (told.agent_id, told.pool, told.transport, told.max_concurrent) == ("bot", "bot", "dial_out", 7)
    in_development = AgentRunner(entrypoint, "bot", platform_token="sk_x", org_handle="acme", dev_mode=True)
    told = frames.read_frame(in_development._build_register().model_dump_json())
    assert isinstance(told, frames.Register) and told.pool == "bot@dev"
