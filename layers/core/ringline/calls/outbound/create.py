"""Accepts a call: resolves what to run, writes call and queue entry together, rings the doorbell."""

import hashlib
import json
import re
from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass
from typing import Any, Protocol

from aws_lambda_powertools import Logger

from ringline.calls.capacity.counters import day_of
from ringline.calls.capacity.days import Use, next_day_at
from ringline.calls.model.call import Call, State, VoicemailPolicy, may_record
from ringline.calls.model.ports import Doorbell
from ringline.calls.model.timing import (
    MARK_REFUSED_S,
    RING_TIMEOUT_S,
    UNMARKED_LOOK_S,
    WAITING_MARK_RENEWED_S,
    ms,
)
from ringline.calls.outbound.queue_room import QueueRoom, next_place_in_s
from ringline.calls.outbound.requests import NOT_UNIQUE, CreateCallRequest, to_ms
from ringline.calls.progress.limits_met import LimitsMet
from ringline.calls.tables.store import CallStore, CreatedBefore, Gate, InTheWay, Once, TableContended
from ringline.calls.tables.watchlist import Watchlist
from ringline.routing.resolve import OutboundRouting
from ringline.runtime.clock import Clock, whole_s
from ringline.runtime.ids import new_id
from ringline.runtime.logging import masked
from ringline.runtime.web.problems import FieldError, Problem, invalid_field

_WORDS = {Use.CALLS: "calls", Use.TALK_MS: "minutes", Use.NEW_NUMBERS: "numbers never called before"}

_RACES = 10
"""Each lost race means that another unique call to the number was made, and was over before it was looked at."""

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A call of the customer's, and whether it was accepted by an earlier request: with the same idempotency key, or
    to the same number, to which it is still under way."""

    call: Call
    replayed: bool = False
    under_way: bool = False


def once_from(key: str | None, body: Mapping[str, Any]) -> Once | None:
    """What makes a request the same as another: its Idempotency-Key header and its body. Raises Problem 422."""
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise invalid_field("Idempotency-Key", "is not 1 to 255 visible ASCII characters")
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return Once(hashlib.sha256(key.encode()).hexdigest(), hashlib.sha256(canonical.encode()).hexdigest())


class WebhookUrls(Protocol):
    def check(self, account_id: str, url: str) -> None:
        """Raises Problem 422 for a URL that a call of the account may not name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCall:
    store: CallStore
    routing: OutboundRouting
    doorbell: Doorbell
    marks: "WaitingMarks"
    room: QueueRoom
    limits: LimitsMet
    webhook_urls: WebhookUrls
    clock: Clock
    log: Logger

    def run(self, account_id: str, request: CreateCallRequest, once: Once | None = None) -> Accepted:
        """The accepted call, `pending`, or the one that was accepted before under the same idempotency key, or that is
        under way to the number which it is to be unique to. Raises Problem for what cannot be dialled, 429 where
        as many wait as may, or the day's calls, minutes or new numbers are used up, and 422 for a key that came with
        another body; nothing is written then. Raises TableContended."""
        # A repeat is answered whatever has changed since: its pipe may be gone, its expiry may have passed.
        used = None if once is None else self.store.created_before(account_id, once, self.clock())
        if used is not None:
            return self._replayed(account_id, used, once)
        gate = self.store.gate(account_id)
        call = self._call(account_id, request, gate)
        in_the_way = None if call.unique_to is None else self.store.in_the_way(call)
        for _ in range(_RACES):
            if in_the_way is not None and (other := self._under_way(call, in_the_way)) is not None:
                return self._answered_with(other, once)
            is_new_number = self._check_day(call, gate)
            self._check_room(account_id, gate)
            # The mark stands before the call does: whoever dies from here on leaves nobody waiting unseen.
            if not self.marks.mark(account_id):
                call = _seen_by_itself(call)
            over = None if in_the_way is None else in_the_way.call_id
            before = self.store.create(call, once, over, is_new_number=is_new_number)
            if before is None:
                self.log.info("call accepted", extra={"call_id": call.call_id, "to_number": masked(call.to_number)})
                self._ring(call)
                return Accepted(call)
            if isinstance(before, CreatedBefore):
                return self._replayed(account_id, before, once)
            in_the_way = before
        raise TableContended

    def _under_way(self, call: Call, in_the_way: InTheWay) -> Call | None:
        """The call that has the number, unless it is over: its number is given back with its end."""
        other = self.store.get(call.account_id, in_the_way.call_id)
        return None if other is None or other.state.is_terminal else other

    def _answered_with(self, other: Call, once: Once | None) -> Accepted:
        """Nothing is made. An idempotency key stands for the call all the same: a repeat must not make one later."""
        before = None if once is None else self.store.remember(other, once, self.clock())
        if before is not None:
            return self._replayed(other.account_id, before, once)
        self.log.info("call is under way", extra={"call_id": other.call_id, "to_number": masked(other.to_number)})
        return Accepted(self.store.whole(other), under_way=True)

    def _replayed(self, account_id: str, before: CreatedBefore, once: Once | None) -> Accepted:
        """The same answer again."""
        if once is None or before.body_hash != once.body_hash:
            raise invalid_field(
                "Idempotency-Key", "was used within 24 hours for another body", code="idempotency_key_reused"
            )
        call = self.store.get(account_id, before.call_id)
        if call is None:
            raise LookupError(f"an idempotency key names {before.call_id}, which is not there")
        return Accepted(self.store.whole(call), replayed=True, under_way=before.under_way)

    def _check_day(self, call: Call, gate: Gate) -> bool:
        """Whether the call is to a number that the account has not called, where there is a cap on those. A call for a
        later day is that day's affair. Raises Problem 429."""
        daily = gate.daily
        is_new = daily.cap(Use.NEW_NUMBERS) is not None and not self.store.was_called(
            call.account_id, call.to_number or ""
        )
        if day_of(call.eligible_at) == day_of(call.created_at):
            counted = [*Use] if is_new else [Use.CALLS, Use.TALK_MS]
            spent = next((use for use in counted if daily.is_spent(use, call.created_at)), None)
            if spent is not None:
                self.limits.is_spent(call.account_id, spent, daily)
                wait_s = whole_s(next_day_at(call.created_at) - call.created_at)
                title = f"The account has used up its {_WORDS[spent]} of this day (UTC)"
                raise Problem(429, "daily_cap_reached", title, headers={"retry-after": str(wait_s)})
        return is_new

    def _check_room(self, account_id: str, gate: Gate) -> None:
        """Raises Problem 429."""
        if not self.room.take(account_id, gate):
            self.limits.queue_is_full(account_id, gate.most_waiting)
            title = f"{gate.most_waiting} calls wait, and no more may: those that wait must go out first"
            raise Problem(429, "queue_full", title, headers={"retry-after": str(next_place_in_s(gate))})

    def _call(self, account_id: str, request: CreateCallRequest, gate: Gate) -> Call:
        now = self.clock()
        scheduled_at, expires_at = to_ms(request.scheduled_at), to_ms(request.expires_at)
        eligible_at = max(now, scheduled_at or now)
        if expires_at is not None and expires_at <= eligible_at:
            raise invalid_field("expires_at", "is not after the moment the call may be dialled")
        if request.webhook_url is not None:
            self.webhook_urls.check(account_id, request.webhook_url)
        route = self.routing.resolve(
            account_id, pipe_id=request.pipe_id, agent_id=request.agent_id, from_number=request.from_number
        )
        if not self.routing.may_call(account_id, request.to_number, gate.allowed_prefixes, route.from_number):
            error = FieldError("to_number", "lies where this account may not call: GET /v1/account says where it may")
            raise Problem(403, "destination_not_allowed", "The account may not call this number", (error,))
        consent = None if request.recording_consent is None else request.recording_consent.consent(now)
        return Call(
            account_id=account_id,
            call_id=new_id("call"),
            state=State.QUEUED,
            pipe_id=route.pipe_id,
            agent_id=route.agent_id,
            brain=route.brain,
            transfer_allowed_numbers=route.transfer_allowed_numbers,
            transfer_allowed_prefixes=route.transfer_allowed_prefixes,
            voice_profile_id=route.voice_profile_id,
            voice=route.voice,
            from_number=route.from_number,
            from_pool=route.from_pool,
            to_number=request.to_number,
            trunk_id=route.trunk_id,
            instructions=request.instructions,
            data=request.data,
            metadata=request.metadata,
            webhook_url=request.webhook_url or route.webhook_url,
            ring_timeout_s=request.ring_timeout_s or route.ring_timeout_s or RING_TIMEOUT_S,
            agent_first=route.agent_first if request.agent_first is None else request.agent_first,
            agent_join_timeout_s=request.agent_join_timeout_s or route.agent_join_timeout_s,
            max_call_duration_s=min(
                request.max_call_duration_s or route.max_call_duration_s, route.max_call_duration_s
            ),
            voicemail_policy=_policy(request.voicemail_policy or route.voicemail_policy),
            recording=may_record(
                consent, is_wanted=route.recording if request.recording is None else request.recording
            ),
            recording_consent=consent,
            voicemail_greeting_min_s=route.voicemail.greeting_min_s,
            voicemail_greeting_s=route.voicemail.greeting_max_s,
            voicemail_ring_min_s=route.voicemail.ring_min_s,
            voicemail_ring_max_s=route.voicemail.ring_max_s,
            created_at=now,
            eligible_at=eligible_at,
            scheduled_at=scheduled_at,
            expires_at=expires_at,
            due_at=expires_at,
            unique_to=_unique_to(request.unique_to or route.unique_to),
            retry=None if request.retry is None else request.retry.policy(),
        )

    def _ring(self, call: Call) -> None:
        """The call is accepted whether or not the bell is heard: a sweep rings for it within a minute.

        A gate that is full *now*, with the call in the queue, needs no bell: whoever frees a line looks into the queue
        afterwards. Ten thousand calls of one account ring as often as it has lines.
        """
        wait_s = max(0, -(-(call.eligible_at - call.created_at) // 1000))
        try:
            if wait_s or self.store.gate(call.account_id).has_free_line:
                self.doorbell.ring(call.account_id, after_s=wait_s)
        except Exception:
            self.log.exception("doorbell not rung")


def _seen_by_itself(call: Call) -> Call:
    """The call as one that is due: a sweep looks at it unless it has been claimed by then, marks its account and takes
    it off the list. It costs a write of the index, and those two where it still waits."""
    due_at = call.created_at + ms(UNMARKED_LOOK_S)
    return replace(call, due_at=due_at if call.expires_at is None else min(due_at, call.expires_at))


def _unique_to(word: str | None) -> str | None:
    """None for a call that is one of as many as are asked for, which is not stored with every call."""
    return None if word == NOT_UNIQUE else word


def _policy(word: str | None) -> VoicemailPolicy | None:
    """None for the usual policy, which is not stored with every call."""
    policy = VoicemailPolicy.kept(word or VoicemailPolicy.HANG_UP)
    return None if policy is VoicemailPolicy.HANG_UP else policy


class WaitingMarks:
    """Marks accounts as waiting, each at most once in five minutes per container."""

    def __init__(self, watchlist: Watchlist, clock: Clock, log: Logger) -> None:
        self._watchlist = watchlist
        self._clock = clock
        self._log = log
        self._marked_at: dict[str, int] = {}
        self._refused_at = 0

    def mark(self, account_id: str) -> bool:
        """Whether the mark stands. It stands on a key that many accounts share, which may be throttled while the
        account's own are not: no request fails for that."""
        now = self._clock()
        if now - self._marked_at.get(account_id, 0) < ms(WAITING_MARK_RENEWED_S):
            return True
        if now - self._refused_at < ms(MARK_REFUSED_S):
            return False
        try:
            self._watchlist.mark_waiting(account_id, now)
        except Exception:
            self._log.warning("account not marked as waiting", exc_info=True)
            self._refused_at = self._clock()
            return False
        self._marked_at[account_id] = now
        return True
