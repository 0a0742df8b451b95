"""Replays whose next step is overdue: its message got lost, or whoever made the step before died before sending it."""

from typing import Protocol

from ringline.runtime.clock import Clock, now_ms
from ringline.webhooks.model.replay import Replay
from ringline.webhooks.replaying.steps import BackgroundQueue, step_of
from ringline.webhooks.sending.queue import ReplayMessage

MOST_AT_ONCE = 200


class ReplayRows(Protocol):
    def due(self, now: int, limit: int) -> list[tuple[str, str, str]]: ...

    def replay(self, account_id: str, endpoint_id: str, replay_id: str) -> Replay | None: ...


class OverdueReplays:
    def __init__(self, replays: ReplayRows, queue: BackgroundQueue, clock: Clock = now_ms) -> None:
        self._replays = replays
        self._queue = queue
        self._clock = clock

    def resend(self) -> int:
        """Asks for the next step of each, and says of how many. Of a step that is asked for twice one is made."""
        steps = [step for key in self._replays.due(self._clock(), MOST_AT_ONCE) if (step := self._step(*key))]
        for step in steps:
            self._queue.send_in_background(step)
        return len(steps)

    def _step(self, account_id: str, endpoint_id: str, replay_id: str) -> ReplayMessage | None:
        replay = self._replays.replay(account_id, endpoint_id, replay_id)
        return step_of(replay) if replay is not None and replay.is_running else None
