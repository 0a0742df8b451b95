"""The composition root: one simulated world, put together from the kernel up.

    kernel -> scene, rows -> watchers -> table, queues -> agents, rooms, phones, LiveKit -> functions -> customers

A world is a ring: hooks wake a function, which dials a phone, which tells hooks. It is closed here and nowhere else:
what wakes a function is built before the functions are, and finds them when it first wakes one.
"""

# ruff: noqa: PLW0108 - each of these lambdas looks its function up when it is called, and not before.

from dataclasses import dataclass

from local.aws.event_filter import passes, read_patterns
from local.aws.template import read_template
from local.tools.places import TEMPLATE
from ringline.calls.mending.shares import USUAL, Sizes
from ringline.calls.model.call import AnswerFrom
from ringline.webhooks.model.event import EventDraft
from simulation.actors.agents import Agents
from simulation.actors.callers import Callers
from simulation.actors.carrier_hooks import CarrierHooks
from simulation.actors.carriers import Carriers
from simulation.actors.conversations import Conversations
from simulation.actors.customers import Customers
from simulation.actors.hooks import Hooks
from simulation.actors.outages import Outages
from simulation.actors.phones import Phones
from simulation.actors.reports import Reports
from simulation.actors.rooms import Rooms
from simulation.actors.scene import Scene
from simulation.aws.garbled import Garbled
from simulation.aws.queues import DoorbellQueue, LookQueue, TransferQueue
from simulation.aws.rows import Rows
from simulation.aws.stream import Stream
from simulation.aws.table import Table
from simulation.browsers.browsers import Browsers
from simulation.handovers.asking import Asking
from simulation.handovers.livekit import LivekitTransfers
from simulation.handovers.targets import Targets
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
from simulation.watch.calls.desks import Desks
from simulation.wired.front_desk import DecidingServers, OurNumbers
from simulation.wired.transferring import TransferIds

_RELAY = read_template(TEMPLATE)["Resources"]["RelayCallChangesFunction"]["Properties"]
_RELAYED = read_patterns(_RELAY["Events"]["Changes"]["Properties"]["FilterCriteria"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """One world, ready to be told what happens in it."""

    world: World
    scene: Scene
    table: Table
    stream: Stream
    customers: Customers
    callers: Callers
    browsers: Browsers
    fleet: Fleet
    outages: Outages
    functions: Functions
    watchers: Watchers


_IN_SHARDS = 0.5
"""In how many worlds what is due is kept in shards."""


_FOR_SEVERAL_RUNS = 0.3
_FOR_SEVERAL = Sizes(own_calls=3, calls_a_share=2, own_marks=1, marks_a_share=1)
"""So that a world's few calls are too much for one run of the sweep, and in how many worlds."""


def compose(plan: Plan, faults: frozenset[str] | None = None, *, tracing: bool = False) -> Simulated:
    """`faults` are those that may strike, by their keys; None for whichever the seed brings."""
    chance = Chance(plan.seed)
    world = World(chance, Faults(chance, plan.scale, faults), MORTALITY, tracing=tracing)
    scene = Scene(world, {call.to_number: call for call in plan.calls})
    rows, garbled = Rows(), Garbled()
    watchers = watch_over(world, plan, scene, rows, garbled)
    world.on_failure(watchers.errors.raised)
    functions: Functions

    stream = Stream(
        world,
        garbled,
        lambda records, failed: functions.relay(records, failed),
        watchers.errors.gave_up,
        lambda record: passes(record, _RELAYED),
    )
    table = Table(world, rows, stream, watchers.table, operation_ms=plan.operation_ms, garbled=garbled)
    doorbell = DoorbellQueue(world, lambda accounts: functions.dial(accounts))
    looks = LookQueue(world, lambda key: functions.look(key), lambda share: functions.work_on(share))

    hooks = Hooks(world, lambda event: functions.receive(event))
    reports = Reports(world, lambda room, batch: functions.hear_agent(room, batch), hooks.account_of_room)
    carrier = CarrierHooks(
        world,
        lambda event: functions.hear_carrier(event),
        speaks=plan.carrier_speaks,
        overtake=plan.answer_from is AnswerFrom.DIALER,
    )
    agents = Agents(world, scene, hooks, reports)
    rooms = Rooms(world, scene, hooks, agents=agents, carrier=carrier, watch=watchers.leg_ends)
    carriers = Carriers(world, plan.trunks)

    def account_of(room: str) -> str:
        return hooks.account_of_room.get(room) or room.partition(".")[0]

    talks = Conversations(world, scene, rooms, agents, reports)
    conversations = Asking(world, scene, talks, lambda *asked: functions.transfer(*asked), account_of)
    phones = Phones(
        world,
        scene,
        rooms,
        hooks=hooks,
        carriers=carriers,
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
    browsers = Browsers(
        world,
        scene,
        rooms,
        hooks=hooks,
        agents=agents,
        conversations=conversations,
        accounts=plan.accounts,
        invite=lambda *asked: functions.invite(*asked),
        watch=watchers.browsers,
    )
    targets = Targets(
        world,
        scene,
        rooms,
        carriers=carriers,
        agents=agents,
        reports=reports,
        calls=plan.calls,
        watch=watchers.targets,
    )
    livekit = LivekitTransfers(world, scene, rooms, phones, agents, targets)

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
            account_of=account_of,
            watch=watchers.brains,
        )

    fleet = Fleet(world, sockets, bridges, plan.runners, watchers.frames)
    watchers.brains.good_runners = fleet.good_runners

    def on_its_way(event: EventDraft) -> None:
        key, number = (event.account_id, event.call_id or ""), event.occurrence
        watchers.ends.announced(key, event.event_type, event.event_id)
        watchers.asked.event_told(event)
        if not isinstance(number, int):
            return
        watchers.ringing_told.announced(key, event.event_type, number)
        watchers.transfers.announced(key, event.event_type, number, event.event_id)

    numbers = {
        call.to_number: (plan.accounts[call.account].account_id, call)
        for call in plan.calls
        if call.rings_in and call.browser is None
    }
    outside = Outside(
        table=table,
        livekit=livekit,
        doorbell=doorbell,
        looks=looks,
        transfers=TransferQueue(world, lambda *named: functions.carry_out(*named)),
        transfer_ids=TransferIds(),
        deliveries=Deliveries(world, on_its_way),
        parked=watchers.errors,
        sockets=sockets,
        answer_from=plan.answer_from,
        livekit_per_minute=plan.livekit_per_minute,
        servers=_servers(world, plan, numbers, watchers.desks),
        pools={pool.account_id: pool for pool in plan.pools},
        numbers=numbers,
        in_shards=chance.keyed("in shards") < _IN_SHARDS,
        sweep_sizes=_FOR_SEVERAL if chance.keyed("sweep sizes") < _FOR_SEVERAL_RUNS else USUAL,
    )
    functions = Functions(world, outside, plan.calls, watchers.book.attempt_in, watchers.retries)
    return Simulated(
        world=world,
        scene=scene,
        table=table,
        stream=stream,
        customers=Customers(world, plan.accounts, functions, watchers.book.id_of),
        callers=callers,
        browsers=browsers,
        fleet=fleet,
        outages=Outages(world, scene, rooms, hooks, agents, stream, garbled),
        functions=functions,
        watchers=watchers,
    )


def _servers(world: World, plan: Plan, numbers: OurNumbers, watch: Desks) -> DecidingServers | None:
    has_desks = any(call.desk is not None for call in plan.calls)
    return DecidingServers(world, numbers, watch) if has_desks else None
