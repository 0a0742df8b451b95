"""The product's functions as their handlers are: each takes what wakes it, calls one use case and says whether it went
well."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from ringline.accounts.store import AccountStore
from ringline.calls.capacity.counters import Kind
from ringline.calls.model.call import Call, Speaker, VoicemailPolicy
from ringline.calls.model.carrier_event import CarrierEvent
from ringline.calls.model.livekit_event import LivekitEvent
from ringline.calls.model.ports import Share
from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.outbound.requests import CreateCallRequest, RetryRequest
from ringline.calls.signals.agent_reports import Report
from ringline.calls.stream.batch import Record, relay_each
from ringline.calls.tables.store import Once
from ringline.calls.views.relay import rooms_to_close
from ringline.runtime.web.problems import Problem
from simulation.aws.table import TABLE
from simulation.kernel.world import MACHINE_SKEW_MS, World
from simulation.plan.planned import PlannedCall, PlannedCap, PlannedReserve, PlannedRetry
from simulation.run.containers import Container, Outside
from simulation.run.plane import WhoseRoom

_CONTAINERS = 3


class HearsHangUps(Protocol):
    def hung_up(self, account_id: str, call_id: str) -> None:
        """The customer was told that the call is over, or about to be."""


class Functions:
    def __init__(
        self, world: World, outside: Outside, calls: Iterable[PlannedCall], whose: WhoseRoom, watch: HearsHangUps
    ) -> None:
        self._world = world
        self._outside = outside
        self._whose = whose
        self._watch = watch
        self._warm: dict[str, list[Container]] = {}
        self._asked: Counter[int] = Counter()
        self._plans = {call.number: call for call in calls}

    def _container(self, function: str) -> Container:
        """One of the function's warm copies, or a new one in the place of one that was let go."""
        chance = self._world.chance
        warm = self._warm.setdefault(function, [])
        turn = chance.between(f"container/{function}", 0, _CONTAINERS - 1)
        if turn >= len(warm) or chance.draw(f"cold/{function}") < 0.02:
            skew_ms = chance.between("skew", -MACHINE_SKEW_MS, MACHINE_SKEW_MS)
            # A setting reaches one function after the other, the sweep before all.
            in_shards = self._outside.in_shards and (function == "sweep" or chance.draw(f"shards/{function}") < 0.7)
            made = Container(self._world, self._outside, skew_ms=skew_ms, in_shards=in_shards)
            if turn < len(warm):
                warm[turn] = made
            else:
                warm.append(made)
            return made
        return warm[turn]

    # --- the API -----------------------------------------------------------------------------------------------------

    def create(self, account_id: str, plan: PlannedCall) -> bool:
        copy = self._container("create")
        once = Once(f"key {plan.number}", "body") if plan.asks_again else None
        try:
            copy.create_call(plan).run(account_id, _request(plan, copy.clock()), once)
        except Problem:
            # It expires before it could be dialled: refused, and nothing may be written.
            return False
        return True

    def new_id(self, prefix: str) -> str:
        """Ids sort by the moment of the request, as the product's do, and stay the same when other calls are left out.
        Requests interleave: whose id it is, the acting process says."""
        # An event of somebody's who rings in is told of their room.
        number = int(self._world.acting().site.removeprefix("in_"))
        self._asked[number] += 1
        return f"{prefix}_{self._plans[number].at:08d}t{self._asked[number]}x{number}"

    async def set_cap(self, account_id: str, cap: int) -> bool:
        """Whether it was set. Where too many calls pass the gate meanwhile, the client asks again."""
        try:
            AccountStore(self._outside.table, TABLE).set_cap(account_id, cap)
        except Problem:
            return False
        return True

    def cap(self, planned: PlannedCap) -> bool:
        set_cap = self._container("create").set_cap
        kind, of = Kind(planned.kind), planned.of
        set_cap.run(planned.account_id, kind, of, planned.max_calls, planned.calls_per_day)
        return True

    def reserve(self, planned: PlannedReserve) -> bool:
        """Whether it was set. Where too many calls pass the gate meanwhile, the client asks again."""
        try:
            AccountStore(self._outside.table, TABLE).set_inbound_reserve(planned.account_id, planned.lines)
        except Problem:
            return False
        # As whoever gives calls more room does.
        self._outside.doorbell.ring(planned.account_id)
        return True

    async def hang_up(self, account_id: str, call_id: str) -> bool:
        hung_up = await self._container("hangup").hang_up.run(account_id, call_id)
        if hung_up is not None:
            self._watch.hung_up(account_id, call_id)
        return True

    def transfer(self, account_id: str, room: str, turn: int) -> bool:
        """The transfer of that call which its plan has in that turn is asked for, by its customer or its agent."""
        whose = self._whose(room)
        if whose is None:
            return True
        plan = self._plans[int(self._world.acting().site)]
        function = "agent" if plan.handovers[turn].by_agent else "ask"
        return self._container(function).transferring.ask(whose, plan, turn)

    def invite(self, account_id: str, plan: PlannedCall, made: list[Call]) -> bool:
        return self._container("ask").web_door.invite(account_id, plan, made)

    # --- events ------------------------------------------------------------------------------------------------------

    async def dial(self, accounts: list[str]) -> bool:
        dial_next = self._container("dial").dial_next
        results = await asyncio.gather(*(dial_next.run(account) for account in accounts), return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and self._world.current is not None:
                self._world.failed(self._world.current, result)
        return not any(isinstance(result, BaseException) for result in results)

    def receive(self, event: LivekitEvent) -> bool:
        copy = self._container("hook")
        outcome = copy.observe.run(event, copy.clock())
        self._world.trace(f"hook {event.what} {event.kind} {event.sid} {event.disconnect_reason or ''}: {outcome}")
        return True

    async def hear_agent(self, room: str, reports: list[Report]) -> bool:
        whose = self._whose(room)
        if whose is None:
            raise ValueError(room)
        speaker = Speaker(whose.account_id, whose.call_id, whose.attempt)
        heard = await self._container("agent").hear_agent.run(speaker, reports)
        self._world.trace(f"agent of {room} tells {reports[0].kind}: {heard.results[0]}")
        return True

    def ask_brain(self, room: str, request: int, why: str, bridge_url: str, answers: list[dict[str, Any]]) -> bool:
        whose = self._whose(room)
        if whose is None:
            raise ValueError(room)
        answer = self._container("brain").plane().ask(whose, request, why, bridge_url)
        if answer is None:
            return False
        self._world.trace(f"{room} asks {request} {why}: {answer}")
        answers.append(answer)
        return True

    def connect_runner(self, connection_id: str, account_id: str) -> bool:
        self._container("socket").plane().listen.connect(connection_id, account_id)
        return True

    def disconnect_runner(self, connection_id: str) -> bool:
        self._container("socket").plane().listen.disconnect(connection_id)
        return True

    def hear_runner(self, connection_id: str, text: str) -> bool:
        self._container("socket").plane().listen.receive(connection_id, text)
        return True

    async def hear_carrier(self, event: CarrierEvent) -> bool:
        heard = await self._container("sip").hear_carrier.run(event)
        self._world.trace(f"carrier tells {event.kind} of {event.room}: {heard}")
        return True

    async def carry_out(self, account_id: str, call_id: str, transfer_id: str) -> bool:
        carry_out = self._container("transfer").transferring.carry_out
        outcome = await carry_out.run(account_id, call_id, transfer_id)
        self._world.trace(f"transfer {transfer_id} of {call_id}: {outcome}")
        return True

    async def relay(self, records: Sequence[Record], failed: list[str]) -> bool:
        copy = self._container("relay")
        relay = copy.relay()
        batch = relay_each(records, relay, self._outside.parked, copy.clock(), copy.log)
        if batch.failed is not None:
            failed.append(batch.failed)
        rooms = rooms_to_close(batch.done)
        if rooms:
            ended = (self._outside.livekit.end_room(room) for room in rooms)
            for result in await asyncio.gather(*ended, return_exceptions=True):
                if isinstance(result, Exception) and not isinstance(result, TelephonyDown):
                    raise result
        relay.ring_again(batch.done)
        return True

    async def sweep(self) -> bool:
        await self._container("sweep").sweep().run()
        return True

    async def look(self, key: tuple[str, str]) -> bool:
        await self._container("sweep").sweep().look_again([key])
        return True

    async def work_on(self, share: Share) -> bool:
        await self._container("sweep").sweep().work_on([share])
        return True


def _request(plan: PlannedCall, now: int) -> CreateCallRequest:
    def moment(after_ms: int | None) -> datetime | None:
        return None if after_ms is None else datetime.fromtimestamp((now + after_ms) / 1000, UTC)

    return CreateCallRequest(
        to_number=plan.to_number,
        instructions=plan.instructions,
        ring_timeout_s=plan.ring_timeout_s,
        max_call_duration_s=plan.max_call_duration_s,
        scheduled_at=moment(plan.scheduled_after),
        expires_at=moment(plan.expires_after),
        retry=_retry_request(plan.retry),
        agent_first=plan.agent_first,
        voicemail_policy=VoicemailPolicy.LEAVE_MESSAGE if plan.leaves_message else None,
    )


def _retry_request(retry: PlannedRetry | None) -> RetryRequest | None:
    if retry is None:
        return None
    return RetryRequest(max_attempts=retry.max_attempts, on=list(retry.on), delays_s=list(retry.delays_s))
