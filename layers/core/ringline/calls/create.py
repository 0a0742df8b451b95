"""Accepts a call: resolves what to run, writes call and queue entry together, rings the doorbell."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.calls.call import Call, State
from ringline.calls.ports import Doorbell
from ringline.calls.requests import CreateCallRequest, to_ms
from ringline.calls.store import CallStore
from ringline.calls.timing import RING_TIMEOUT_S, WAITING_MARK_RENEWED_S
from ringline.calls.watchlist import Watchlist
from ringline.routing.resolve import OutboundRouting
from ringline.runtime.clock import Clock
from ringline.runtime.ids import new_id
from ringline.runtime.logging import masked
from ringline.runtime.problems import invalid_field


@dataclass(frozen=True, slots=True)
class CreateCall:
    store: CallStore
    routing: OutboundRouting
    doorbell: Doorbell
    marks: "WaitingMarks"
    clock: Clock
    log: Logger

    def run(self, account_id: str, request: CreateCallRequest) -> Call:
        """The accepted call, `pending`. Raises Problem for what cannot be dialled; nothing is written then."""
        call = self._call(account_id, request)
        # The mark stands before the call does: whoever dies from here on leaves nobody waiting unseen.
        self.marks.mark(account_id)
        self.store.create(call)
        self.log.info("call accepted", extra={"call_id": call.call_id, "to_number": masked(call.to_number)})
        self._ring(call)
        return call

    def _call(self, account_id: str, request: CreateCallRequest) -> Call:
        now = self.clock()
        scheduled_at, expires_at = to_ms(request.scheduled_at), to_ms(request.expires_at)
        eligible_at = max(now, scheduled_at or now)
        if expires_at is not None and expires_at <= eligible_at:
            raise invalid_field("expires_at", "is not after the moment the call may be dialled")
        route = self.routing.resolve(
            account_id, pipe_id=request.pipe_id, agent_id=request.agent_id, from_number=request.from_number
        )
        return Call(
            account_id=account_id,
            call_id=new_id("call"),
            state=State.QUEUED,
            pipe_id=route.pipe_id,
            agent_id=route.agent_id,
            voice_profile_id=route.voice_profile_id,
            from_number=route.from_number,
            to_number=request.to_number,
            trunk_id=route.trunk_id,
            instructions=request.instructions,
            data=request.data,
            metadata=request.metadata,
            ring_timeout_s=request.ring_timeout_s or route.ring_timeout_s or RING_TIMEOUT_S,
            max_call_duration_s=min(
                request.max_call_duration_s or route.max_call_duration_s, route.max_call_duration_s
            ),
            created_at=now,
            eligible_at=eligible_at,
            scheduled_at=scheduled_at,
            expires_at=expires_at,
            due_at=expires_at,
        )

    def _ring(self, call: Call) -> None:
        """The call is accepted whether or not the bell is heard: a sweep rings for it within a minute."""
        try:
            self.doorbell.ring(call.account_id, after_s=max(0, -(-(call.eligible_at - call.created_at) // 1000)))
        except Exception:
            self.log.exception("doorbell not rung")


class WaitingMarks:
    """Marks accounts as waiting, each at most once in five minutes per container."""

    def __init__(self, watchlist: Watchlist, clock: Clock) -> None:
        self._watchlist = watchlist
        self._clock = clock
        self._marked_at: dict[str, int] = {}

    def mark(self, account_id: str) -> None:
        now = self._clock()
        if now - self._marked_at.get(account_id, 0) < WAITING_MARK_RENEWED_S * 1000:
            return
        self._watchlist.mark_waiting(account_id, now)
        self._marked_at[account_id] = now
