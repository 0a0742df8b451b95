"""LiveKit's own programs on this machine, for the time of a `with`: Redis, the server, the SIP bridge."""

import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.tools import processes
from local.tools.loopback import free_port
from local.tools.processes import Child

HOST = "127.0.0.1"
PROGRAMS = ("redis-server", "livekit-server", "livekit-sip")
_KEY, _SECRET = "key", "a-secret-of-more-than-32-characters"
_READY_WITHIN_S = 30.0
_AWAY_S = 5.0


@dataclass(slots=True)
class Servers:
    """What runs, and how it is reached. `bridge` takes SIP over UDP."""

    url: str
    key: str
    secret: str
    bridge: tuple[str, int]
    sip: Child
    restart_server: Callable[[], None]
    """Kills it and starts it again after some seconds; returns when it listens."""


def missing_programs() -> list[str]:
    """Those of LiveKit's programs that are not on the PATH."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@contextmanager
def running_servers(hooks_urls: list[str], log_dir: Path) -> Iterator[Servers]:
    """LiveKit with its SIP bridge; it posts its webhooks to these URLs. Raises StackError if one does not start."""
    redis_port, port, sip_port = free_port(), free_port(), _free_udp_port()
    started: list[Child] = []

    def start(name: str, command: list[str], ready_port: int | None, **variables: str) -> Child:
        child = processes.start(name, command, log_dir, processes.clean_environment(variables))
        started.append(child)
        if ready_port is not None:
            processes.wait_until(child, lambda: _listens(ready_port), _READY_WITHIN_S)
        return child

    try:
        start("redis", ["redis-server", "--port", str(redis_port), "--bind", HOST, "--save", ""], redis_port)
        redis = {"address": f"{HOST}:{redis_port}"}
        config = {
            "port": port,
            "bind_addresses": [HOST],
            "keys": {_KEY: _SECRET},
            "redis": redis,
            "rtc": {"tcp_port": free_port(), "port_range_start": 52000, "port_range_end": 52400, "node_ip": HOST},
            "webhook": {"api_key": _KEY, "urls": hooks_urls},
        }
        servers = [start("livekit", ["livekit-server"], port, LIVEKIT_CONFIG=json.dumps(config))]

        def restart_server() -> None:
            os.kill(servers[-1].pid, signal.SIGKILL)
            time.sleep(_AWAY_S)
            servers.append(start("livekit-again", ["livekit-server"], port, LIVEKIT_CONFIG=json.dumps(config)))

        bridge = {
            "api_key": _KEY, "api_secret": _SECRET, "ws_url": f"ws://{HOST}:{port}", "redis": redis,
            "sip_port": sip_port, "listen_ip": HOST, "nat_1_to_1_ip": HOST, "rtp_port": "53000-53400",
            "health_port": (health_port := free_port()),
            # By itself it takes no calls on a busy machine, and the servers here are not all that this one does.
            "max_cpu_utilization": 1.0,
        }  # fmt: skip
        sip = start("sip", ["livekit-sip"], health_port, SIP_CONFIG_BODY=json.dumps(bridge))
        yield Servers(f"ws://{HOST}:{port}", _KEY, _SECRET, (HOST, sip_port), sip, restart_server)
    finally:
        for child in reversed(started):
            processes.stop(child)


async def outbound_trunk(servers: Servers, phones_port: int, numbers: list[str]) -> str:
    """The id of a trunk that leads to the telephones, made as an operator does once."""
    from livekit import api

    async with api.LiveKitAPI(servers.url, servers.key, servers.secret) as livekit:
        trunk = api.SIPOutboundTrunkInfo(
            name="telephones",
            address=f"{HOST}:{phones_port}",
            numbers=numbers,
            transport=api.SIPTransport.SIP_TRANSPORT_UDP,
        )
        made = await livekit.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=trunk))
        return made.sip_trunk_id


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex((HOST, port)) == 0
