"""All watchers of one world, and which of them hears of what. Where two promises break at once, the one that hears
first is the one that is named."""

from dataclasses import dataclass

from simulation.actors.scene import Scene
from simulation.aws.garbled import Garbled
from simulation.aws.rows import Rows
from simulation.kernel.world import World
from simulation.plan.planned import Plan
from simulation.watch.book import CallBook
from simulation.watch.calls.alone import NotLeftAlone
from simulation.watch.calls.asked import ToldWhatWasAsked
from simulation.watch.calls.browsers import Browsers
from simulation.watch.calls.callers import CallersAnswered
from simulation.watch.calls.company import Company
from simulation.watch.calls.desks import Desks
from simulation.watch.calls.ends import Ends
from simulation.watch.calls.mending import Mending
from simulation.watch.calls.one_call import OneCall
from simulation.watch.calls.retries import Retries
from simulation.watch.calls.ringing_told import RingingTold
from simulation.watch.calls.true_reasons import TrueReasons
from simulation.watch.errors import Errors
from simulation.watch.findings import Findings
from simulation.watch.handovers.targets import TargetRings
from simulation.watch.handovers.transfers import Transfers
from simulation.watch.lines.agents import AgentsFirst
from simulation.watch.lines.caps import Caps
from simulation.watch.lines.event_logs import EventLogs
from simulation.watch.lines.gates import Gates
from simulation.watch.lines.lines_back import LinesBack
from simulation.watch.lines.own_account import OwnAccountOnly
from simulation.watch.lines.paces import Paces
from simulation.watch.lines.places import Places
from simulation.watch.lines.reserves import Reserves
from simulation.watch.lines.rings import Rings
from simulation.watch.lines.turns import Turns
from simulation.watch.news import LegEnds, LegNews, TableNews, WatchesTheEnd
from simulation.watch.runners.brains import Brains
from simulation.watch.runners.frames import RunnerFrames
from simulation.watch.runners.places import RunnerPlaces
from simulation.watch.runners.waits import PlaceWaits


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchers:
    findings: Findings
    book: CallBook
    table: TableNews
    legs: LegNews
    leg_ends: LegEnds
    errors: Errors
    rings: Rings
    targets: TargetRings
    transfers: Transfers
    desks: Desks
    browsers: Browsers
    ends: Ends
    ringing_told: RingingTold
    retries: Retries
    lines_back: LinesBack
    alone: NotLeftAlone
    mending: Mending
    frames: RunnerFrames
    brains: Brains
    asked: ToldWhatWasAsked
    last_look: tuple[WatchesTheEnd, ...]

    @property
    def phones_are_silent(self) -> bool:
        return self.rings.phones_are_silent and self.targets.phones_are_silent

    def at_the_end(self) -> None:
        self.findings.world_is_over()
        for watcher in self.last_look:
            watcher.at_the_end()


def watch_over(world: World, plan: Plan, scene: Scene, rows: Rows, garbled: Garbled) -> Watchers:
    findings, book = Findings(world), CallBook()
    gates, places = Gates(findings, rows, book), Places(findings, rows, book)
    caps = Caps(findings, rows)
    paces = Paces(world, findings, rows, plan.trunks, plan.livekit_per_minute)
    rings = Rings(world, findings, scene=scene, book=book, gates=gates)
    ringing_told = RingingTold(world, findings, scene, book)
    ends, one_call = Ends(findings, book), OneCall(findings, scene)
    retries = Retries(world, findings, scene, calm=plan.is_calm)
    answered = CallersAnswered(findings, scene, book, calm=plan.is_calm)
    agents_first = AgentsFirst(world, findings, scene, rows)
    turns = Turns(world, findings, book=book, places=places, paces=paces, agents=agents_first, capped=bool(plan.caps))
    company = Company(findings, scene, calm=plan.is_calm)
    alone = NotLeftAlone(world, findings, scene, calm=plan.is_calm)
    lines_back = LinesBack(world, findings, scene)
    runner_places = RunnerPlaces(findings)
    brains = Brains(world, findings, scene, rows, book, calm=plan.is_calm)
    frames = RunnerFrames(world, findings, rows, brains.thinks_at)
    place_waits = PlaceWaits(world, findings, rows, book, plan)
    true_reasons = TrueReasons(findings, scene, book, plan)
    mending = Mending(world, findings, scene, book)
    targets = TargetRings(world, findings, scene, calm=plan.is_calm)
    transfers = Transfers(findings, book)
    desks, reserves = Desks(world, findings, scene, calm=plan.is_calm), Reserves(findings, rows, book)
    browsers = Browsers(world, findings, calm=plan.is_calm)
    of_calls = (
        browsers,
        desks,
        reserves,
        caps,
        ends,
        transfers,
        targets,
        rings,
        one_call,
        turns,
        paces,
        retries,
        alone,
        company,
        lines_back,
        ringing_told,
        mending,
    )
    of_runners = (runner_places, brains, place_waits)
    return Watchers(
        findings=findings,
        book=book,
        table=TableNews(
            world=world,
            access=OwnAccountOnly(world, findings),
            # The book first: the others look into it.
            calls=(book, *of_runners, *of_calls),
            gates=(gates, caps, desks, reserves),
            queues=places,
            trunks=paces,
            runners=runner_places,
            readers=frames,
        ),
        legs=LegNews((rings, retries, agents_first, brains)),
        leg_ends=LegEnds((rings, targets)),
        errors=Errors(world, findings, garbled, book.news_lost.add),
        rings=rings,
        targets=targets,
        transfers=transfers,
        desks=desks,
        browsers=browsers,
        ends=ends,
        ringing_told=ringing_told,
        retries=retries,
        lines_back=lines_back,
        alone=alone,
        mending=mending,
        asked=ToldWhatWasAsked(findings, scene, book),
        frames=frames,
        brains=brains,
        last_look=(
            answered,
            browsers,
            desks,
            ends,
            EventLogs(findings, rows, book),
            transfers,
            targets,
            ringing_told,
            gates,
            caps,
            runner_places,
            places,
            rings,
            company,
            true_reasons,
        ),
    )
