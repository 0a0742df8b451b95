"""The official runner and those of the simulation and the crash tests are told the same and say the same, word by word:
what they answer, when they dial, and when a bridge closes."""

import asyncio
import json
from collections.abc import Iterable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from unpod.connectivity import bridge_dialer
from unpod.connectivity import runner as sdk
from unpod.connectivity.host_info import placement

from local.agents import runners as model
from ringline.agents.model import frames
from simulation.kernel.chance import Chance, Faults
from simulation.kernel.world import World
from simulation.plan.mortality import MORTALITY
from simulation.plan.planned import PlannedRunner
from simulation.plan.runners import AGENT
from simulation.runners import fleet
from tests.component.crash.rig import runners as rig
from tests.component.crash.rig.phones import Phones
from tests.fakes import HandClock

pytestmark = pytest.mark.anyio

PLACES, BEATS_EVERY_S = 2, 10
LET_IN, REFUSED, REFUSED_ONCE = "wss://b.test/lets-in", "wss://b.test/refuses", "wss://b.test/refuses-once"
SCRIPT: list[tuple[str, str, str]] = [
    ("registered", "", ""),
    ("assign", "1", LET_IN),
    ("assign another's", "2", LET_IN),
    ("assign", "3", REFUSED),
    ("assign", "4", REFUSED_ONCE),
    ("assign", "5", LET_IN),
    ("cancel", "1", ""),
    ("cancel", "9", ""),
    ("assign", "6", LET_IN),
    ("wait for a beat", "", ""),
]

type Log = list[object]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class _Bridges:
    def __init__(self, log: Log) -> None:
        self._log = log
        self._refused: set[str] = set()

    def lets_in(self, url: str) -> bool:
        self._log.append(f"dials {url}")
        is_first = url not in self._refused
        self._refused.add(url)
        return url == LET_IN or (url == REFUSED_ONCE and not is_first)


class Official:
    """The SDK's own, between a socket and a dialer of the test's."""

    agent_id = "bot"

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.log: Log = []
        self.slept_s: list[float] = []
        self._bridges = _Bridges(self.log)
        self._told: asyncio.Queue[str] = asyncio.Queue()
        self._beat = asyncio.Event()
        clockwork = SimpleNamespace(**{**vars(asyncio), "sleep": self._sleep})
        patch.setattr(sdk, "asyncio", clockwork)
        patch.setattr(bridge_dialer, "dial_bridge", self._dial)
        self._runner = sdk.AgentRunner(
            self._never, self.agent_id, "sk_x", org_handle="acme", max_concurrent_calls=PLACES
        )

    async def _never(self, _context: Any) -> None:
        """The entrypoint, which is in the dialer's hands."""

    async def _sleep(self, seconds: float) -> None:
        if seconds == BEATS_EVERY_S:
            await self._beat.wait()
            self._beat.clear()
        else:
            self.slept_s.append(seconds)

    async def _dial(self, url: str, *, on_call_start: Any, on_call_end: Any, **_: Any) -> None:
        if not self._bridges.lets_in(url):
            raise ConnectionError
        call = SimpleNamespace(session_id=str(len(self.log)))
        await on_call_start(call)
        try:
            await asyncio.Event().wait()
        finally:
            self.log.append(f"hangs up {url}")
            await on_call_end(call, "failed")

    async def send(self, text: str) -> None:
        self.log.append(json.loads(text))

    async def recv(self) -> str:
        return await self._told.get()

    async def begins(self) -> None:
        self._session = asyncio.create_task(self._runner._control_session(self))
        await self._settle()

    async def hears(self, text: str) -> None:
        self._told.put_nowait(text)
        await self._settle()

    async def waits(self) -> None:
        self._beat.set()
        await self._settle()

    async def _settle(self) -> None:
        for _ in range(30):
            await asyncio.sleep(0)

    async def ends(self) -> None:
        ending = [self._session, *self._runner._jobs.values()]
        for each in ending:
            each.cancel()
        await asyncio.gather(*ending, return_exceptions=True)


class InSimulation:
    agent_id = AGENT

    def __init__(self, refuses: int = 0) -> None:
        self.log: Log = []
        self.asked_at: list[int] = []
        self._refuses = refuses
        self._bridges = _Bridges(self.log)
        chance = Chance(7)
        self._world = World(chance, Faults(chance, 0.0, None), MORTALITY)
        plan = PlannedRunner("r", "acct", PLACES, PLACES, 0, "good", (), 0)
        here: Any = self
        self._runner = fleet.Runner(self._world, here, here, plan, here)

    def opens(self, _runner: object, done: Any) -> None:
        self.asked_at.append(self._world.now)
        done("C_1" if len(self.asked_at) > self._refuses else None)

    def tells(self, _connection_id: str, text: str) -> None:
        self.log.append(json.loads(text))

    def dial(self, url: str, _runner: object, _job_id: str) -> int | None:
        return None if self._bridges.lets_in(url) else 4003

    def close(self, url: str, _runner: object, _job_id: str, code: int) -> None:
        assert code == model.HUNG_UP
        self.log.append(f"hangs up {url}")

    async def begins(self) -> None:
        self._runner.comes()

    async def hears(self, text: str) -> None:
        self._runner.hears("C_1", text)
        self.has_time(0.9)

    async def waits(self) -> None:
        self.has_time(2)

    def has_time(self, seconds: float) -> None:
        self._world.run(self._world.now + round(seconds * 1000))

    def left_waiting(self, connection_id: str) -> None:
        """Nobody answers its registration here."""


class InCrashWorld:
    agent_id = rig.AGENT

    def __init__(self, refuses: int = 0) -> None:
        self.log: Log = []
        self.asked_at: list[int] = []
        self._refuses = refuses
        self._bridges = _Bridges(self.log)
        self._clock = HandClock()
        self._phones = Phones(self._clock)
        world: Any = SimpleNamespace(phones=self._phones, table=SimpleNamespace(calls={}), invoke=self._invoke)
        self._fleet = rig.Fleet(world, lambda url, *_: self._bridges.lets_in(url), self._hangs_up)

    def _invoke(self, _function: str, event: dict[str, Any]) -> Any:
        if event["requestContext"]["eventType"] == "MESSAGE":
            self.log.append(json.loads(event["body"]))
        elif event["requestContext"]["eventType"] == "CONNECT":
            self.asked_at.append(self._clock.now)
        status = 200 if len(self.asked_at) > self._refuses else 401
        return SimpleNamespace(failed=False, is_dead=False, answer={"statusCode": status})

    def _hangs_up(self, url: str, _job_id: str, code: int) -> None:
        assert code == model.HUNG_UP
        self.log.append(f"hangs up {url}")

    async def begins(self) -> None:
        self._fleet.comes("bot#1", "sk_x", PLACES)

    async def hears(self, text: str) -> None:
        self._fleet.post_to_connection(ConnectionId="C_1", Data=text.encode())
        self.has_time(0.9)

    async def waits(self) -> None:
        self.has_time(2)

    def has_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 20)):
            self._clock.move(0.05)
            self._phones.happen()


type Player = Official | InSimulation | InCrashWorld
"""`hears` a frame, and has the time that it needs; `waits` for its next beat."""


def told(player: Player) -> Iterable[str | None]:
    for what, number, url in SCRIPT:
        match what:
            case "registered":
                yield frames.registered()
            case "cancel":
                yield frames.job_cancel(number)
            case "wait for a beat":
                yield None
            case _:
                agent_id = player.agent_id if what == "assign" else "another's"
                ids = {"job_id": number, "assign_id": f"asg_{number}", "call_id": "c", "agent_id": agent_id}
                yield frames.job_assign(**ids, bridge_url=url, call_token="t")


async def played(player: Player) -> Log:
    """All that it said and did, without what is its own."""
    await player.begins()
    for text in told(player):
        await (player.waits() if text is None else player.hears(text))
    return [_common(said, player.agent_id) for said in player.log]


def _common(said: object, agent_id: str) -> object:
    if not isinstance(said, dict):
        return said
    if said["type"] == "register":
        assert said["worker_id"].startswith("bot#" if agent_id == rig.AGENT else f"{agent_id}#")
        known = {key: said["capabilities"][key] for key in said["capabilities"].keys() - placement().keys()}
        return {**said, "worker_id": "", "pool": said["pool"] == agent_id, "capabilities": {**known, "agent_id": ""}}
    return {key: value for key, value in said.items() if key != "worker_id"}


async def official(patch: pytest.MonkeyPatch) -> tuple[Log, list[float]]:
    player = Official(patch)
    try:
        return await played(player), player.slept_s
    finally:
        await player.ends()


@pytest.mark.parametrize("player", [InSimulation, InCrashWorld])
async def test_whoever_plays_a_runner_says_what_the_official_one_says(
    player: type[InSimulation | InCrashWorld], monkeypatch: pytest.MonkeyPatch
) -> None:
    said, slept_s = await official(monkeypatch)
    assert await played(player()) == said
    assert slept_s == [*model.DIAL_PAUSES_S, model.DIAL_PAUSES_S[0]]


@pytest.mark.parametrize("player", [InSimulation, InCrashWorld])
@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        ("DIAL_PAUSES_S", (0.2,)),
        ("Program.beats", lambda program: {"type": "heartbeat", "active_jobs": len(program.jobs) + 1}),
        ("Program.is_cancelled", lambda _program, _job_id: None),
    ],
)
async def test_what_is_wrong_in_the_one_description_shows_in_both_worlds(
    player: type[InSimulation | InCrashWorld], what: str, wrong: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, _ = await official(monkeypatch)
    monkeypatch.setattr(f"local.agents.runners.{what}", wrong)
    assert await played(player()) != said


@pytest.mark.parametrize("drawn", [0.0, 0.5, 1.0])
async def test_a_runner_comes_back_within_the_time_that_the_official_one_takes(
    drawn: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = sdk.AgentRunner(Official(monkeypatch)._never, "bot", "sk_x", org_handle="acme")
    monkeypatch.setattr("random.random", lambda: drawn)
    program = model.Program("bot", "bot#1", PLACES)
    refused = [program.comes_back_after_s(drawn) for _ in range(8)]
    assert refused == [runner._next_backoff(attempt) for attempt in range(1, 9)]
    program.registers()
    assert program.comes_back_after_s(drawn) == refused[0]
    assert runner._drain_timeout_s == model.DRAINS_FOR_S


@pytest.mark.parametrize("player", [InSimulation, InCrashWorld])
async def test_a_runner_that_is_refused_at_the_upgrade_tries_less_and_less_often(
    player: type[InSimulation | InCrashWorld],
) -> None:
    refused = player(refuses=8)
    await refused.begins()
    refused.has_time(200)
    gaps_ms = [later - sooner for sooner, later in pairwise(refused.asked_at)]
    assert len(gaps_ms) == 8
    for gap_ms, usual_s in zip(gaps_ms, (1, 2, 4, 8, 16, 30, 30, 30), strict=True):
        assert usual_s * 500 - 50 <= gap_ms <= min(usual_s * 1500, 30_000) + 50
