"""Replays as customers ask for them: what an endpoint has missed, or everything since a time, is sent to it again.

Whoever enables an endpoint after a pause starts one in the same way (`Replays.start`).
"""

from collections.abc import Callable
from copy import replace
from dataclasses import dataclass
from typing import Any, Protocol

from ringline.runtime.clock import Clock, iso, iso_or_none
from ringline.runtime.ids import is_plausible_id, new_id
from ringline.runtime.web.problems import Problem, invalid_field, not_found
from ringline.webhooks.model.event import Event
from ringline.webhooks.model.replay import Replay, ReplayOf, ReplayStatus
from ringline.webhooks.model.schedule import LOST_MESSAGE_MS
from ringline.webhooks.moments import first_written_since

_MOST_TRIES = 5


class ReplayRows(Protocol):
    def add(self, replay: Replay) -> bool: ...

    def move(self, before: Replay, after: Replay) -> bool: ...

    def replay(self, account_id: str, endpoint_id: str, replay_id: str) -> Replay | None: ...

    def newest(self, account_id: str, endpoint_id: str, limit: int, before: str | None = None) -> list[Replay]: ...


class Events(Protocol):
    def page(self, account_id: str, after: int, limit: int) -> list[Event]: ...

    def last_number(self, account_id: str) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be sent again: from a number or from a moment on (ms), up to a moment or until now."""

    only: ReplayOf = ReplayOf.FAILED
    from_sequence: int | None = None
    since: int | None = None
    until: int | None = None
    event_types: tuple[str, ...] = ()


class Replays:
    """`begin` sends the message that makes a replay's next step. Raises Problem 404 `replay_not_found`, 409
    `replay_running`."""

    def __init__(self, rows: ReplayRows, events: Events, begin: Callable[[Replay], None], clock: Clock) -> None:
        self._rows = rows
        self._events = events
        self._begin = begin
        self._clock = clock

    def start(self, account_id: str, endpoint_id: str, wanted: Wanted) -> Replay:
        """The new replay, which goes on by itself. It ends with the last event of this moment. Raises Problem 409
        while another one of this endpoint runs, 422 for a range that has no beginning."""
        now = self._clock()
        first = self._first(account_id, wanted)
        last = self._events.last_number(account_id)
        if wanted.until is not None:
            last = min(last, first_written_since(self._events, account_id, wanted.until) - 1)
        replay = Replay(
            account_id=account_id,
            endpoint_id=endpoint_id,
            replay_id=new_id("replay"),
            only=wanted.only,
            from_sequence=first,
            until_sequence=last,
            event_types=wanted.event_types,
            created_at=now,
            next_sequence=first,
            due_at=now + LOST_MESSAGE_MS,
        )
        if not self._rows.add(replay):
            raise Problem(409, "replay_running", "A replay of this endpoint is under way; stop it, or wait for its end")
        self._begin(replay)
        return replay

    def list(self, account_id: str, endpoint_id: str, limit: int, before: str | None) -> list[Replay]:
        """The endpoint's replays, newest first."""
        return self._rows.newest(account_id, endpoint_id, limit, before)

    def get(self, account_id: str, endpoint_id: str, replay_id: str) -> Replay:
        """Raises Problem 404."""
        replay = self._rows.replay(account_id, endpoint_id, replay_id) if is_plausible_id(replay_id) else None
        if replay is None:
            raise not_found("replay_not_found", "The endpoint has no such replay")
        return replay

    def stop(self, account_id: str, endpoint_id: str, replay_id: str) -> Replay:
        """Stops it behind the step that is under way; one that is over stays as it is. What was sent before is tried by
        its own schedule."""
        for _ in range(_MOST_TRIES):
            replay = self.get(account_id, endpoint_id, replay_id)
            if not replay.is_running:
                return replay
            stopped = replace(
                replay,
                status=ReplayStatus.STOPPED,
                finished_at=self._clock(),
                stopped_because="it was asked to stop",
                due_at=None,
            )
            if self._rows.move(replay, stopped):
                return stopped
        raise Problem(503, "contended", "The replay was not stopped; ask again")

    def _first(self, account_id: str, wanted: Wanted) -> int:
        if wanted.from_sequence is not None:
            return max(1, wanted.from_sequence)
        if wanted.since is not None:
            return first_written_since(self._events, account_id, wanted.since)
        raise invalid_field("since", "or from_sequence is required")


def replay_view(replay: Replay) -> dict[str, Any]:
    """The replay as it is shown."""
    return {
        "replay_id": replay.replay_id,
        "endpoint_id": replay.endpoint_id,
        "status": replay.status,
        "only": replay.only,
        "types": list(replay.event_types),
        "from_sequence": replay.from_sequence,
        "until_sequence": replay.until_sequence,
        "next_sequence": replay.next_sequence,
        "progress": round(replay.progress, 4),
        "looked_at": replay.looked_at,
        "sent": replay.sent,
        "created_at": iso(replay.created_at),
        "finished_at": iso_or_none(replay.finished_at),
        "stopped_because": replay.stopped_because,
    }
