"""What a conversation wants done, in order, and when it wants to be woken."""

from enum import StrEnum

from speech.bridge.model.actions import Action, WakeAt


class Timer(StrEnum):
    """One of each runs at a time; setting it again moves it."""

    DIAL = "dial"  # the assigned runner should have dialled in
    AGAIN = "again"  # ask for a brain again
    HELLO = "hello"  # the runner that dialled should have said hello
    REDIAL = "redial"  # a runner whose entrypoint failed would have dialled again
    GRACE = "grace"  # the call is without a brain for too long
    TURN = "turn"  # the oldest open turn is given up
    FILLER = "filler"  # the brain thinks for long
    LAST_WORDS = "last_words"  # an agent that ended the call would have begun its last words
    PLAYOUT = "playout"  # the last words should have been heard
    TRANSFER = "transfer"  # the words before a transfer should have been heard
    OVER = "over"  # the end of the call should have been told


class Steps:
    def __init__(self) -> None:
        self._actions: list[Action] = []
        self._timers: dict[Timer, int] = {}

    def do(self, *actions: Action) -> None:
        self._actions.extend(actions)

    def set(self, timer: Timer, at_ms: int) -> None:
        self._timers[timer] = at_ms

    def stop(self, *timers: Timer) -> None:
        for timer in timers:
            self._timers.pop(timer, None)

    def stop_all(self) -> None:
        self._timers.clear()

    def is_set(self, timer: Timer) -> bool:
        return timer in self._timers

    def next_due(self, now_ms: int) -> Timer | None:
        """The timer that ran out first, which is then stopped."""
        due = [(at_ms, timer) for timer, at_ms in self._timers.items() if at_ms <= now_ms]
        if not due:
            return None
        timer = min(due)[1]
        del self._timers[timer]
        return timer

    def take(self) -> list[Action]:
        """All that was wanted since the last time, and at its end the next moment to be woken, if there is one."""
        taken, self._actions = self._actions, []
        if self._timers:
            taken.append(WakeAt(min(self._timers.values())))
        return taken
