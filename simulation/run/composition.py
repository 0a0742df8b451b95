"""The composition root: one simulated world, put together from the kernel up.

    kernel -> scene, rows -> watchers -> table, queues -> agents, rooms, phones, LiveKit -> functions -> customers

A world is a ring: hooks wake a function, which dials a phone, which tells hooks. It is closed here and nowhere else:
what wakes a function is built before the functions are, and finds them when it first wakes one.
"""

# ruff: noqa: PLW0108 - each of these lambdas looks its function up when it is called, and not before.

from dataclasses import dataclass

from ringline.calls.model.call import AnswerFrom
from ringline.webhooks.sending.queue import DeliveryMessage
from simulation.actors.agents import Agents
from simulation.actors.callers import Callers
from simulation.actors.carrier_hooks import CarrierHooks
from simulation.actors.carriers import Carriers
from simulation.actors.conversations import Conversations
from simulation.actors.customers import Customers
from simulation.actors.hooks import Hooks
from simulation.actors.livekit import Livekit
from simulation.actors.outages import Outages
from simulation.actors.phones import Phones
from simulation.actors.reports import Reports
from simulation.actors.rooms import Rooms
from simulation.actors.scene import Scene
from simulation.aws.queues import DoorbellQueue, LookQueue
from simulation.aws.rows import Rows
from simulation.aws.stream import Stream
from simulation.aws.table import Table
from simulation.kernel.chance import Chance, Faults
from simulation.kernel.world import World
from simulation.plan.mortality import MORTALITY
from simulation.plan.planned import Plan
from simulation.run.containers import Deliveries, Outside
from simulation.run.functions import Functions
from simulation.run.watchers import Watchers, watch_over
from simulation.runners.bridges import Bridges
from simulation.runners.fleet import Fleet
from simulation.runners.sockets import RunnerSockets
from simulation.runners.speech import SpeechWorkers


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """One world, ready to be told what happens in it."""

    world: World
    scene: Scene
    table: Table
    customers: Customers
    callers: Callers
    fleet: Fleet
    outages: Outages
    functions: Functions
    watchers: Watchers


def compose(plan: Plan, faults: frozenset[str] | None = None, *, tracing: bool = False) -> Simulated:
    """`faults` are those that may strike, by their keys; None for whichever the seed brings."""
    chance = Chance(plan.seed)
    world = World(chance, Faults(chance, plan.scale, faults), MORTALITY, tracing=tracing)
    scene = Scene(world, {call.to_number: call for call in plan.calls})
    rows = Rows()
    watchers = watch_over(world, plan, scene, rows)
    world.on_failure(watchers.errors.raised)
    functions: Functions

    stream = Stream(world, lambda changes: functions.relay(changes), watchers.errors.gave_up)
    table = Table(world, rows, stream, watchers.table, operation_ms=plan.operation_ms)
    doorbell = DoorbellQueue(world, lambda accounts: functions.dial(accounts))
    looks = LookQueue(world, lambda key: functions.look(key))

    hooks = Hooks(world, lambda event: functions.receive(event))
    reports = Reports(world, lambda room, batch: functions.hear_agent(room, batch), hooks.account_of_room)
    carrier = CarrierHooks(
        world,
        lambda event: functions.hear_carrier(event),
        speaks=plan.carrier_speaks,
        overtake=plan.answer_from is AnswerFrom.DIALER,
    )
    agents = Agents(world, scene, hooks, reports)
    rooms = Rooms(world, scene, hooks, agents=agents, carrier=carrier, watch=watchers.rings)
    conversations = Conversations(world, scene, rooms, agents, reports)
    phones = Phones(
        world,
        scene,
        rooms,
        hooks=hooks,
        carriers=Carriers(world, plan.trunks),
        carrier=carrier,
        agents=conversations,
        watch=watchers.legs,
    )
    callers = Callers(
        world,
        scene,
        rooms,
        hooks=hooks,
        agents=agents,
        conversations=conversations,
        accounts=plan.accounts,
    )
    livekit = Livekit(world, scene, rooms, phones, agents)

    bridges = Bridges()
    sockets = RunnerSockets(world, lambda: functions, watchers.frames)
    if plan.runners:
        SpeechWorkers(
            world,
            scene,
            bridges,
            agents=agents,
            reports=reports,
            ask=lambda *asked: functions.ask_brain(*asked),
            account_of=lambda room: hooks.account_of_room.get(room) or room.partition(".")[0],
            watch=watchers.brains,
        )

    fleet = Fleet(world, sockets, bridges, plan.runners, watchers.frames)
    watchers.brains.good_runners = fleet.good_runners

    def on_its_way(message: DeliveryMessage) -> None:
        whose = message.delivery_id
        key = whose.account_id, whose.call_id
        watchers.ends.announced(key, whose.event_type, whose.webhook_id)
        watchers.ringing_told.announced(key, whose.event_type, whose.occurrence)

    outside = Outside(
        table=table,
        livekit=livekit,
        doorbell=doorbell,
        looks=looks,
        deliveries=Deliveries(world, on_its_way),
        sockets=sockets,
        answer_from=plan.answer_from,
        pools={pool.account_id: pool for pool in plan.pools},
        numbers={
            call.to_number: (plan.accounts[call.account].account_id, call) for call in plan.calls if call.rings_in
        },
    )
    functions = Functions(world, outside, plan.calls, watchers.book.attempt_in, watchers.retries)
    return Simulated(
        world=world,
        scene=scene,
        table=table,
        customers=Customers(world, plan.accounts, functions, watchers.book.id_of),
        callers=callers,
        fleet=fleet,
        outages=Outages(world, scene, rooms, hooks, agents),
        functions=functions,
        watchers=watchers,
    )
