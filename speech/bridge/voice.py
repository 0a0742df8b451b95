"""What a conversation needs of whoever hears and speaks in a call: the one interface that a voice implements."""

from typing import Protocol

from speech.bridge.model.actions import Transfer
from speech.bridge.model.events import TransferEnded


class Voice(Protocol):
    """Speaks what it is given, in the order in which it was given.

    The plain methods return at once: they put work into the voice's own queue. The voice in turn tells its `Driver`
    what happens (`driver.answered()`, `driver.user_said(...)`, ...), from the same event loop:

    - For every turn that got words it calls `driver.played(turn)` when the last of them has been heard: for a reply
      that is after `end_of_reply`, for a `say` after its text. Not for what it dropped in `stop` or by an interruption.
    - When the other side speaks into its speech it falls silent by itself, drops what it still had to speak, and calls
      `driver.interrupted(heard_prefix)` before `driver.user_said(...)` of what interrupted it.
    """

    def speak(self, turn: int, text: str) -> None:
        """The next piece of the reply to the turn. A number that no `user_said` returned is a reply of the agent's own
        accord."""

    def end_of_reply(self, turn: int) -> None:
        """The reply to the turn is complete. Comes also where `speak` never came."""

    def say(self, turn: int, text: str, *, filler: bool) -> None:
        """A whole utterance with a number of its own."""

    def stop(self) -> None:
        """Fall silent and drop whatever was given."""

    def pause_recording(self, reason: str) -> None: ...

    def resume_recording(self) -> None: ...

    async def transfer(self, transfer: Transfer) -> TransferEnded:
        """Hands the call over and returns what became of it. A refusal of the carrier is a result."""

    async def hang_up(self, reason: str) -> None:
        """The agent has ended the call, and its last words were heard. The control plane was told before this, and has
        not refused; a voice whose call is closed from there has nothing to do."""

    def leave(self) -> None:
        """The call is another agent's by now: only this one goes, as if it had been put out, or does not come."""
