"""How a call ends by its agent's wish, and how it is handed over: only after the last words were heard.

The control plane may refuse to hang up (`take_back`): then the call goes on as if nobody had wished its end for that
reason.
"""

from speech.bridge.model.actions import HangUp, Note, Report, Transfer
from speech.bridge.model.outcome import reason_of_hang_up
from speech.bridge.rules.steps import Steps, Timer
from speech.bridge.rules.talk import Talk

LAST_WORDS_MS = 2_000
"""How long an agent that has ended the call in the middle of a turn may take until the first word of its reply."""
PLAYOUT_MS = 15_000
MS_A_LETTER = 120
"""Together the longest that words take to be heard: slow speech has eight letters a second."""
TOLD_WITHIN_MS = 15_000
"""How long the end of the call may take to be told after `HangUp`: what was said is reported first, and the room closed
then (5 s and 8 s at most). Then the conversation ends by itself."""
LEFT_WITHIN_MS = 5_000
"""The same, after a transfer that was done."""


class Ending:
    def __init__(self, steps: Steps, talk: Talk) -> None:
        self._steps = steps
        self._talk = talk
        self._reason: str | None = None
        self._later_reason: str | None = None
        self._is_due = False
        self._waits_for_letters: int | None = None
        self._may_begin_words = False
        self._transfer: Transfer | None = None
        self._transfer_began = False
        self.has_hung_up = False
        """`HangUp` was wanted. Nobody has refused it yet."""
        self.is_done = False
        """`HangUp` was wanted, or the call was handed over: nothing more is spoken."""
        self.presumed_reason: str | None = None
        self.presumed_status: str | None = None

    @property
    def is_wanted(self) -> bool:
        return self._reason is not None or self.is_done

    # ------------------------------------------------------------ hanging up

    def want(self, reason: str, now_ms: int) -> None:
        """End the call after the last words. The first reason counts, and where its hang-up is refused the next one."""
        if self.is_wanted:
            self._keep_for_later(reason)
            return
        self._reason = reason
        if self._talk.is_reply_to_come:
            self._may_begin_words = True
            self._steps.set(Timer.LAST_WORDS, now_ms + LAST_WORDS_MS)

    def now(self, reason: str) -> None:
        """End the call without waiting for anything."""
        if self.is_wanted:
            self._keep_for_later(reason)
        else:
            self._reason = reason
        if not self.is_done:
            self._is_due = True

    def is_another(self, reason: str) -> bool:
        """Whether the call is to end already, and for something else: what is refused of the one may hold of the
        other."""
        return self._reason is not None and reason_of_hang_up(reason) != reason_of_hang_up(self._reason)

    def _keep_for_later(self, reason: str) -> None:
        if self._later_reason is None and self.is_another(reason):
            self._later_reason = reason

    def proceed(self, now_ms: int, *, is_held: bool) -> None:
        """Does what has become possible."""
        if self.is_done:
            return
        if self._transfer is not None and not self._is_due:
            if not self._transfer_began and self._is_silent:
                self._begin_transfer(self._transfer)
        elif self._reason is not None:
            self._wait_or_hang_up(self._reason, now_ms, is_held=is_held)

    def _wait_or_hang_up(self, reason: str, now_ms: int, *, is_held: bool) -> None:
        if self._is_due or (self._is_silent and not self._may_begin_words):
            self._hang_up(reason, now_ms)
        elif not is_held and self._talk.letters_given != self._waits_for_letters:
            self._waits_for_letters = self._talk.letters_given
            self._steps.set(Timer.PLAYOUT, now_ms + self._playout_ms)

    @property
    def _is_silent(self) -> bool:
        """All was heard, and no reply is under way."""
        return self._talk.is_all_heard and not self._talk.is_replying

    @property
    def _playout_ms(self) -> int:
        return PLAYOUT_MS + MS_A_LETTER * self._talk.unheard_letters

    def _hang_up(self, reason: str, now_ms: int) -> None:
        self.is_done = self.has_hung_up = True
        self._transfer = None
        self._steps.stop(Timer.LAST_WORDS, Timer.PLAYOUT, Timer.TRANSFER)
        self._steps.set(Timer.OVER, now_ms + TOLD_WITHIN_MS)
        # For the runner, where nobody can tell in time how the call has ended.
        self.presumed_reason, self.presumed_status = reason_of_hang_up(reason), "completed"
        self._steps.do(Report({"type": "hang_up", "reason": reason}), HangUp(reason))

    def take_back(self) -> bool:
        """The control plane does not hang up: the agent speaks on, and may end the call later, for any reason. Where
        the end was wished for another reason meanwhile, that one holds now, and no words are waited for that have not
        begun. False where nobody has hung up."""
        if not self.has_hung_up:
            return False
        self.has_hung_up = self.is_done = self._is_due = self._may_begin_words = False
        self._reason, self._later_reason = self._later_reason, None
        self._waits_for_letters = None
        self.presumed_reason = self.presumed_status = None
        self._steps.stop(Timer.OVER)
        return True

    def due(self, timer: Timer) -> None:
        match timer:
            case Timer.LAST_WORDS:
                self._may_begin_words = False
            case Timer.PLAYOUT:
                self._steps.do(Note("the last words were not heard in time"))
                self._is_due = True
            case Timer.TRANSFER if self._transfer is not None and not self._transfer_began:
                self._begin_transfer(self._transfer)

    # ------------------------------------------------------------ handing over

    @property
    def transfer_refusal(self) -> str | None:
        if self.is_wanted:
            return "call_is_ending"
        return "already_transferring" if self._transfer is not None else None

    def want_transfer(self, transfer: Transfer, now_ms: int) -> None:
        self._transfer, self._transfer_began = transfer, False
        self._steps.set(Timer.TRANSFER, now_ms + self._playout_ms)

    def _begin_transfer(self, transfer: Transfer) -> None:
        self._transfer_began = True
        self._steps.stop(Timer.TRANSFER)
        self._steps.do(transfer)

    def transfer_ended(self, done: bool, now_ms: int) -> Transfer | None:
        """The transfer that has ended; None where none was under way. One that is done ends the agent's part: the call
        is the other side's, and its end is told soon or presumed."""
        transfer = self._transfer
        if transfer is None or not self._transfer_began:
            return None
        self._transfer = None
        if done and transfer.mode == "warm" and transfer.kind != "agent":
            # The control plane knows who came, and the agent alone when it has handed over.
            self._steps.do(Report({"type": "transfer", "to": transfer.target[:80], "status": "completed"}))
        if done and not self.is_done:
            self.is_done = True
            self._steps.stop(Timer.LAST_WORDS, Timer.PLAYOUT)
            self.presumed_reason = "CALL_TRANSFERRED"
            self.presumed_status = "completed" if transfer.mode == "cold" else "active"
            self._steps.set(Timer.OVER, now_ms + (LEFT_WITHIN_MS if transfer.mode == "cold" else 0))
        return transfer

    def no_more_words(self) -> None:
        """The runner is gone: no reply begins any more."""
        self._may_begin_words = False

    def runner_lost(self) -> None:
        """A transfer that has not begun was the lost runner's wish."""
        self.no_more_words()
        if not self._transfer_began:
            self._transfer = None
            self._steps.stop(Timer.TRANSFER)
