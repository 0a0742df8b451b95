"""What the control plane is told of the conversation: what changes nothing about who speaks, and what was said."""

from collections.abc import Mapping
from typing import Any

from speech.bridge.model.actions import Report
from speech.bridge.model.call import CallFacts
from speech.bridge.model.events import TonesSent
from speech.bridge.rules.steps import Steps
from speech.bridge.rules.talk import Talk

LONGEST_REASON = 80
LONGEST_WHY = 200


class Reports:
    def __init__(self, call: CallFacts, steps: Steps, talk: Talk) -> None:
        self._call = call
        self._steps = steps
        self._talk = talk
        self._somebody_spoke = False
        self._turns_reported: list[Mapping[str, Any]] | None = None
        self.was_ready = False
        """The agent has had a brain."""

    def ready(self) -> None:
        """Once."""
        if not self.was_ready:
            self.was_ready = True
            self._steps.do(Report({"type": "ready", "can_report": [*self._call.can_report]}))

    def user_spoke(self) -> None:
        """Once, and again after a silence."""
        if not self._somebody_spoke:
            self._somebody_spoke = True
            self._steps.do(Report({"type": "user_spoke"}))

    def silence(self, silent_s: float) -> None:
        self._somebody_spoke = False
        self._steps.do(Report({"type": "silence", "silent_s": silent_s}))

    def voicemail(self, why: str) -> None:
        """Whether the call goes on is for its policy, which the control plane knows."""
        self._steps.do(Report({"type": "voicemail", "why": why[:LONGEST_WHY]}))

    def tones(self, sent: TonesSent) -> None:
        self._steps.do(Report({"type": "dtmf", "dtmf_id": sent.dtmf_id, "error": sent.error}))

    def recording_pauses(self, reason: str) -> None:
        self._steps.do(Report({"type": "recording", "do": "pause", "reason": reason[:LONGEST_REASON] or None}))

    def recording_resumes(self) -> None:
        self._steps.do(Report({"type": "recording", "do": "resume"}))

    def transcript(self, *, is_final: bool = True) -> None:
        """All that was said. Again, only if more was said since. Who has never begun has promised none, and another may
        be about to tell theirs."""
        turns = self._talk.transcript()
        if not turns and not self.was_ready:
            return
        if "transcript" in self._call.can_report and turns != self._turns_reported:
            self._turns_reported = turns
            self._steps.do(Report({"type": "transcript", "turns": turns, "final": is_final}))
