"""The speech workers that are played in a caller's room: how many come, and with whom."""

from types import SimpleNamespace
from typing import Any

from local.phones.model.rooms import Vacancy
from simulation.actors.scene import Agent, Room, Scene
from simulation.kernel.chance import Chance, Faults
from simulation.kernel.world import START, World
from simulation.plan.mortality import MORTALITY
from simulation.runners.bridges import Bridges
from simulation.runners.speech import SpeechWorkers
from speech.bridge.hub import Hub


def test_each_dispatch_has_a_line_of_its_own_and_its_speech_worker_comes_with_its_runner() -> None:
    hub = Hub(key=b"k" * 32, clock_s=lambda: 0.0)
    for dispatch in (1, 2):
        hub.open("call", 1, dispatch)

    chance = Chance(7)
    world = World(chance, Faults(chance, 0.0, None), MORTALITY)
    scene, bridges, room = Scene(world, {}), Bridges(), Room("room", START, Vacancy(1, 1, START))
    scene.rooms["room"] = room
    nothing = lambda *_: None  # noqa: E731
    watch: Any = SimpleNamespace(greeted=nothing, gone=nothing, lost=nothing, given_up=nothing)
    runner: Any = SimpleNamespace(worker_id="bot#1", bridge_closed=nothing)
    urls: list[str] = []

    def ask(_room: str, request: int, _why: str, url: str, answers: list[dict[str, Any]]) -> bool:
        assert request == 1
        urls.append(url)
        answers.append({"result": "assigned", "job_id": f"c.1.{len(urls)}", "worker_id": "bot#1", "dial_within_s": 2.0})
        return True

    agents: Any = SimpleNamespace(
        joins=lambda room, identity, **_: room.agents.append(Agent(identity, world.now, identity)), leaves=nothing
    )
    SpeechWorkers(
        world, scene, bridges, agents=agents, reports=SimpleNamespace(tells=nothing), ask=ask,  # type: ignore[arg-type]
        account_of=lambda _room: "acct", watch=watch,
    )  # fmt: skip
    for _ in range(2):
        agents.comes_with_its_brain(room, False)
    world.run(START + 500)
    assert len(set(urls)) == 2 and not room.agents
    for number, url in enumerate(urls, 1):
        assert bridges.dial(url, runner, f"c.1.{number}") is None
    world.run(START + 1_500)
    assert len({agent.identity for agent in room.agents}) == 2
