"""One step of a replay: some of its events are looked at, a few of them sent again, and the next step is asked for.

message -> not the step that is next: drop -> each delivery: opened again, sent -> one write: where the replay goes on
                                                              '-- a crash here: the step is made again, by the message
                                                                  or the sweep, and opens nothing a second time
-> the next step, a second later
"""

from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass
from typing import Protocol

from ringline.runtime.clock import Clock
from ringline.webhooks.model.delivery import Delivery, record_of
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event import Event
from ringline.webhooks.model.event_type import EventType, told_as
from ringline.webhooks.model.replay import Replay, ReplayOf, ReplayStatus
from ringline.webhooks.model.schedule import LOST_MESSAGE_MS
from ringline.webhooks.replaying.reopening import Reopen
from ringline.webhooks.sending.queue import DeliveryMessage, ReplayMessage

SENT_A_STEP = 10
"""Sent again in one step, and so in a second: what is sent live is not limited by it, and comes first."""

LOOKED_AT_A_STEP = 100


def sent_a_step(endpoint: Endpoint) -> int:
    """Half of what an endpoint takes in a second by its own limit, at most: the other half is for what is live."""
    limit = endpoint.max_per_second
    return SENT_A_STEP if limit is None else min(SENT_A_STEP, max(1, limit // 2))


STEP_MS = 1000
"""From one step that sent something to the next."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A step was made."""

    looked_at: int
    sent: int
    status: ReplayStatus


@dataclass(frozen=True, slots=True)
class NotThisStep:
    """The replay is over, or somebody else has made this step."""


type StepOutcome = Replayed | NotThisStep


class ReplayRows(Protocol):
    def replay(self, account_id: str, endpoint_id: str, replay_id: str) -> Replay | None: ...

    def move(self, before: Replay, after: Replay) -> bool: ...


class Endpoints(Protocol):
    def endpoint(self, account_id: str, endpoint_id: str) -> Endpoint | None: ...


class Events(Protocol):
    def page(self, account_id: str, after: int, limit: int) -> list[Event]: ...


class DeliveryRows(Protocol):
    def between(self, account_id: str, endpoint_id: str, first: int, last: int) -> Mapping[int, Delivery]:
        """The deliveries of these events, by the event's number."""


class BackgroundQueue(Protocol):
    def send_in_background(self, message: DeliveryMessage | ReplayMessage, wait_ms: int = 0) -> None: ...


class ReplayStep:
    def __init__(
        self,
        *,
        replays: ReplayRows,
        endpoints: Endpoints,
        events: Events,
        deliveries: DeliveryRows,
        reopen: Reopen,
        queue: BackgroundQueue,
        clock: Clock,
    ) -> None:
        self._replays = replays
        self._endpoints = endpoints
        self._events = events
        self._deliveries = deliveries
        self._reopen = reopen
        self._queue = queue
        self._clock = clock

    def run(self, message: ReplayMessage) -> StepOutcome:
        """Makes the step that the message names. Raises what table and queue raise; the message then comes back."""
        replay = self._replays.replay(message.account_id, message.endpoint_id, message.replay_id)
        if replay is None or not replay.is_running or replay.step != message.step:
            return NotThisStep()
        endpoint = self._endpoints.endpoint(replay.account_id, replay.endpoint_id)
        if endpoint is None or not endpoint.is_enabled:
            why = "the endpoint was deleted" if endpoint is None else "the endpoint was disabled"
            return self._finish(replay, ReplayStatus.STOPPED, why)
        after, has_more = self._look(replay, endpoint)
        if not has_more:
            return self._finish(replay, ReplayStatus.DONE, None, after)
        wait_ms = STEP_MS if after.sent > replay.sent else 0
        after = replace(after, due_at=self._clock() + wait_ms + LOST_MESSAGE_MS)
        if not self._replays.move(replay, after):
            return NotThisStep()
        self._queue.send_in_background(step_of(after), wait_ms)
        return _replayed(replay, after)

    def _look(self, replay: Replay, endpoint: Endpoint) -> tuple[Replay, bool]:
        """The replay behind the events of this step, and whether there are more of them."""
        page = self._events.page(replay.account_id, replay.next_sequence - 1, LOOKED_AT_A_STEP)
        events = [event for event in page if event.sequence <= replay.until_sequence]
        known: Mapping[int, Delivery] = {}
        if events:
            first, last = events[0].sequence, events[-1].sequence
            known = self._deliveries.between(replay.account_id, replay.endpoint_id, first, last)
        looked_at = sent = 0
        most = sent_a_step(endpoint)
        for event in events:
            if sent == most:
                break
            looked_at += 1
            sent += self._send(replay, endpoint, event, record_of(event, known.get(event.sequence)))
        has_more = looked_at < len(events) or len(page) == LOOKED_AT_A_STEP == len(events)
        next_sequence = events[looked_at - 1].sequence + 1 if looked_at else replay.next_sequence
        after = replace(
            replay,
            next_sequence=next_sequence,
            step=replay.step + 1,
            looked_at=replay.looked_at + looked_at,
            sent=replay.sent + sent,
        )
        return after, has_more

    def _send(self, replay: Replay, endpoint: Endpoint, event: Event, known: Delivery | None) -> bool:
        """Whether the event is sent again by this replay, in this step or in the same one that was cut off."""
        if known is not None and known.reopened_by == replay.replay_id:
            if not known.is_over:
                self._queue.send_in_background(DeliveryMessage(known.id))
            return True
        if not is_part_of(replay, endpoint, event, known):
            return False
        opened = self._reopen.run(endpoint, event, known, replay.replay_id)
        if opened is not None:
            self._queue.send_in_background(DeliveryMessage(opened.id))
        return opened is not None

    def _finish(
        self, before: Replay, status: ReplayStatus, why: str | None, after: Replay | None = None
    ) -> StepOutcome:
        over = finished(after or replace(before, step=before.step + 1), status, self._clock(), why)
        return _replayed(before, over) if self._replays.move(before, over) else NotThisStep()


def finished(replay: Replay, status: ReplayStatus, now: int, why: str | None) -> Replay:
    """The replay as it ends: it stands on no list any more."""
    return replace(replay, status=status, finished_at=now, stopped_because=why, due_at=None)


def step_of(replay: Replay) -> ReplayMessage:
    """The message that makes its next step."""
    return ReplayMessage(replay.account_id, replay.endpoint_id, replay.replay_id, replay.step)


def is_part_of(replay: Replay, endpoint: Endpoint, event: Event, known: Delivery | None) -> bool:
    """Whether a replay sends this event. Types that it names count instead of the endpoint's own."""
    if endpoint.address_for(event) is None:
        return False
    if replay.event_types:
        is_asked_for = told_as(replay.event_types, event.event_type) is not None
    else:
        is_asked_for = endpoint.subscribes(event)
    if not is_asked_for:
        return False
    if known is None:
        # A test went to one endpoint alone; and an endpoint has not missed what happened before it was made.
        return event.event_type is not EventType.TEST_PING and (
            replay.only is ReplayOf.ALL or event.written_at >= endpoint.created_at
        )
    return replay.only is ReplayOf.ALL or not known.is_delivered


def _replayed(before: Replay, after: Replay) -> Replayed:
    return Replayed(after.looked_at - before.looked_at, after.sent - before.sent, after.status)
