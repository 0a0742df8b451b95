"""What the runner is told. Only while its handshake is done: a frame before `call.started` would end its dial."""

from collections.abc import Mapping
from typing import Any

from speech.bridge.model import frames
from speech.bridge.model.actions import Note, SendFrame
from speech.bridge.model.call import CallFacts
from speech.bridge.model.events import Measured
from speech.bridge.rules.seeking import Seeking
from speech.bridge.rules.steps import Steps
from speech.bridge.rules.talk import Talk


class Telling:
    def __init__(self, call: CallFacts, steps: Steps, talk: Talk, seeking: Seeking) -> None:
        self._call = call
        self._steps = steps
        self._talk = talk
        self._seeking = seeking
        self._state = "idle"
        self._was_here = False
        """A runner has had this call before."""

    def greet(self, hello: frames.Hello, now_ms: int) -> bool:
        """Completes the handshake. False where the call's own data does not fit into a frame."""
        call, job_id = self._call, self._seeking.job_id
        started = frames.call_started(
            call_id=call.call_id,
            job_id=job_id,
            room_id=call.room_id,
            agent_id=call.agent_id,
            voice_profile_id=call.voice_profile_id,
            metadata=_metadata(call),
            turns=self._talk.turns_so_far(),
            resumed=call.resumed or (self._was_here and self._talk.has_begun),
        )
        if frames.is_too_long(started):
            self._steps.do(Note("call.started is too long for a frame"))
            return False
        self._seeking.greeted(now_ms)
        self._was_here = True
        self._send(frames.hello_ack(hello, call_id=call.call_id, job_id=job_id, room_id=call.room_id))
        self._send(started)
        return True

    def turns(self, now_ms: int) -> None:
        """Every turn that was not sent yet, or not to this runner."""
        if not self._seeking.is_here:
            return
        for turn in self._talk.unsent():
            self._talk.sent(turn, now_ms)
            self._send(frames.user_text(turn.asked or "", turn.language))

    def interrupted(self, heard_prefix: str | None) -> None:
        self._send(frames.user_interrupted(self._talk.last_asked, heard_prefix))
        self.state("interrupted")

    def state(self, name: str) -> None:
        if name != self._state:
            self._state = name
            self._send(frames.state(name, self._talk.last_asked))

    def transfer(self, target: str, result: str, why: str) -> None:
        told: Mapping[str, Any] = {"target": target, "result": result, "why": why or None}
        self._send(frames.state(self._state, self._talk.last_asked, transfer_result=told))

    def message(self, message: Mapping[str, Any]) -> None:
        """The SDK has no frame for it, and ends a call at one that it does not know. It passes what else stands in a
        `state` on to whoever asks for it."""
        self._send(frames.state(self._state, self._talk.last_asked, message=message))

    def voicemail(self, why: str) -> None:
        """As `message`: an agent may leave one."""
        self._send(frames.state(self._state, self._talk.last_asked, voicemail={"why": why}))

    def measured(self, measured: Measured) -> None:
        times = {
            "ttfa_ms": measured.ttfa_ms,
            "asr_p95_ms": measured.asr_p95_ms,
            "tts_p95_ms": measured.tts_p95_ms,
        }
        self._send(frames.metric(self._talk.last_asked, **times))

    def over(self, end_reason: str | None, status: str | None, error: str | None) -> None:
        """The last frames. The error comes after the reason: it ends the agent's session."""
        self._send(
            frames.state(
                "idle", self._talk.last_asked, end_reason=end_reason, status=status, call_id=self._call.call_id
            )
        )
        if error is not None:
            self._send(frames.error(end_reason or "INTERNAL_ERROR", error))

    def _send(self, frame: str) -> None:
        if not self._seeking.is_here or self._seeking.bridge is None:
            return
        if frames.is_too_long(frame):
            self._steps.do(Note("frame too long, not sent"))
        else:
            self._steps.do(SendFrame(self._seeking.bridge, frame))


def _metadata(call: CallFacts) -> Mapping[str, Any]:
    """`user_number` is named always: of several numbers the SDK would take the dialled one of a caller."""
    return {
        "call_id": call.call_id,
        "agent_id": call.agent_id,
        "direction": call.direction,
        "user_number": call.user_number,
        "instructions": call.instructions,
        "data": dict(call.data),
    }
