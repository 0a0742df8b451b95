"""`make up` as the README has it for a LiveKit server of somebody's own: its URL, its key and secret, a trunk, no more.

The phone network plays that server: it runs by itself, and the stack knows of it only what the environment says."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from livekit import api

from local.tools import processes
from local.tools.loopback import free_port
from local.tools.places import ROOT

KEY, SECRET = "somebodys", "a-secret-of-somebody-that-is-long-enough"


@pytest.fixture
def livekit_url(tmp_path: Path) -> Iterator[str]:
    command = [
        sys.executable, "-m", "local.phones", "--port", str(free_port()), "--hooks-url", "http://127.0.0.1:9/hooks",
        "--api-key", KEY, "--api-secret", SECRET, "--agent-name", "ringline-agent",
    ]  # fmt: skip
    child = processes.start("phones", command, tmp_path / "logs", processes.clean_environment())
    try:
        processes.wait_until(child, lambda: processes.ready_line(child) is not None, 60)
        yield processes.ready_line(child) or ""
    finally:
        processes.stop(child)


@pytest.fixture
async def trunk_id(livekit_url: str) -> str:
    async with api.LiveKitAPI(livekit_url, KEY, SECRET) as livekit:
        trunk = api.SIPOutboundTrunkInfo(name="carrier", address="sip.carrier.example", numbers=["+15550100000"])
        made = await livekit.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=trunk))
        return str(made.sip_trunk_id)


@pytest.mark.anyio
async def test_a_stack_starts_with_the_four_variables_that_the_readme_names(
    livekit_url: str, trunk_id: str, state_dir: Path
) -> None:
    environment = processes.clean_environment() | {
        "LIVEKIT_URL": livekit_url,
        "LIVEKIT_API_KEY": KEY,
        "LIVEKIT_API_SECRET": SECRET,
        "SIP_TRUNK_ID": trunk_id,
        "RINGLINE_STATE_DIR": str(state_dir),
        "RINGLINE_PORT": str(free_port()),
    }
    try:
        up = _make("up", environment)
        assert up.returncode == 0, up.stdout + up.stderr
        assert f"Calls go out through {trunk_id}" in up.stdout
    finally:
        _make("down", environment)


def _make(target: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.stack", target]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
