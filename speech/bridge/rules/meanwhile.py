"""What a runner does while the hang-up of its call may still be refused, and what that means once it is.

HangUp ------------- a round trip, 5 s at most -------------> HangUpRefused
  |  say, transfer, recording, end_call: kept                   |  obeyed, in their order
  |  bridge closed: nobody is missed yet                        |  another is looked for
  |                                                             |
  |                                    bridge closed after it --+  the same, where its runner wished the end
"""

from speech.bridge.model.frames import RunnerSays

MOST_KEPT = 1_000
"""Frames: as many words as a fast language model streams in five seconds. Those that come after them are dropped."""


class Meanwhile:
    def __init__(self) -> None:
        self._kept: list[RunnerSays] = []
        self._wished_by: int | None = None
        self._leaving: int | None = None

    def wished(self, bridge: int | None) -> None:
        """The runner of this bridge wants the call to end."""
        self._wished_by = bridge

    def keep(self, said: RunnerSays) -> None:
        """Said after the hang-up."""
        if len(self._kept) < MOST_KEPT:
            self._kept.append(said)

    def refused(self) -> list[RunnerSays]:
        """The call goes on. What was kept is to be obeyed now: to its runner the call has never stopped."""
        kept, self._kept = self._kept, []
        self._leaving, self._wished_by = self._wished_by, None
        return kept

    def runner_goes_on(self) -> None:
        """It said or did something after the refusal."""
        self._leaving = None

    def is_leaving(self, bridge: int) -> bool:
        """Whether the runner of this bridge goes because of a wish that was refused: it knows of no refusal, and has
        not ended the call by going."""
        return bridge == self._leaving
