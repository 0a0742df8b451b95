"""Sessions as the SDK reads them: each attempt that dialled somebody is one. Its id names account, call and dial, and
is the name of its room, unless LiveKit named that: a rule may have one room for all who ring in.

The call's row tells all of the present attempt and the bare course of those before it.
"""

from dataclasses import dataclass
from typing import Any

from ringline.calls.model.call import Attempt, Call, State, Status, room_name
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.transcripts import Transcript
from ringline.runtime.clock import MS_PER_S, iso, iso_or_none


@dataclass(frozen=True, slots=True)
class Session:
    """One attempt of a call. `dial` numbers it, as in its room's name."""

    call: Call
    dial: int
    status: Status
    started_at: int
    answered_at: int | None
    ended_at: int | None
    end_reason: EndReason | None

    @property
    def session_id(self) -> str:
        return room_name(self.call.account_id, self.call.call_id, self.dial)

    @property
    def room_name(self) -> str:
        return self.call.inbound_room or self.session_id

    @property
    def is_latest(self) -> bool:
        """Whether what the row keeps of one attempt only (transcript, recording) is this one's."""
        return self.dial == self.call.attempt

    @property
    def is_present(self) -> bool:
        """Whether the call stands in this attempt: ending the one ends the other."""
        return self.is_latest and self.call.dialed_at is not None


def latest_session(call: Call) -> Session | None:
    """The session of the present attempt, or of the last one while the call waits for another; None if there was
    none."""
    if call.dialed_at is not None:
        return session_of(call, call.attempt)
    return _past(call, call.attempts[-1]) if call.attempts else None


def session_of(call: Call, dial: int) -> Session | None:
    """The session of one of the call's dials; None if that one is to come or rang nobody."""
    if dial == call.attempt and call.dialed_at is not None:
        return Session(
            call=call,
            dial=dial,
            status=call.state.status,
            started_at=call.dialed_at,
            answered_at=call.answered_at,
            ended_at=call.ended_at,
            end_reason=call.end_reason,
        )
    return next((_past(call, each) for each in call.attempts if each.dial == dial), None)


def _past(call: Call, attempt: Attempt) -> Session:
    talked = attempt.answered_at is not None and attempt.end_reason is not EndReason.AGENT_DID_NOT_JOIN
    return Session(
        call=call,
        dial=attempt.dial,
        status=State.ENDED.status if talked else State.NOT_CONNECTED.status,
        started_at=attempt.dialed_at,
        answered_at=attempt.answered_at,
        ended_at=attempt.ended_at,
        end_reason=attempt.end_reason,
    )


def session_view(
    session: Session, transcript: Transcript | None = None, recording_url: str | None = None
) -> dict[str, Any]:
    """The SDK's `Session`. Its model takes no null for lists, and whole seconds only. Rows of a list come without
    their transcript: no turns, whatever `transcript_turns` counts."""
    call = session.call
    participants = _participants(session)
    return {
        "session_id": session.session_id,
        "room_name": session.room_name,
        "call_id": call.call_id,
        "pipe_id": call.pipe_id,
        "agent_id": call.agent_id,
        "direction": call.direction.value,
        "from_number": call.from_number,
        "to_number": call.to_number,
        "status": session.status.value,
        "end_reason": session.end_reason,
        "participants": participants,
        "participant_count": len(participants),
        "features": ["recording"] if call.recording else [],
        "created": iso(session.started_at),
        "started_at": iso(session.started_at),
        "ended_at": iso_or_none(session.ended_at),
        "duration_s": _talk_s(session),
        "recording_url": recording_url,
        "transcript_turns": _turns(session, transcript),
    } | transcript_view(transcript)


def transcript_view(transcript: Transcript | None) -> dict[str, Any]:
    """The agent's transcript as fields of the SDK's `Session` and `Call`. Where there is none, `transcript` is an empty
    list: None would mean that it was not looked for, as in the rows of a list of calls."""
    kept = transcript or Transcript()
    turns = [{"role": turn.role, "content": turn.content, "timestamp": turn.timestamp} for turn in kept.turns]
    return {"transcript": turns, "summary": kept.summary, "usage": kept.usage}


def _participants(session: Session) -> list[str]:
    """Who has been in the room: the callee from the answer on, and the agent once it joined. Of a past attempt it is
    only known whether it came to a conversation."""
    if not session.is_present:
        agent_was_there = session.status is Status.COMPLETED
    else:
        agent_was_there = session.call.agent_joined_at is not None
    callee_was_there = session.answered_at is not None
    return ["user"] * callee_was_there + ["agent"] * agent_was_there


def _talk_s(session: Session) -> int | None:
    if session.answered_at is None or session.ended_at is None:
        return None
    return max(0, round((session.ended_at - session.answered_at) / MS_PER_S))


def _turns(session: Session, transcript: Transcript | None) -> int:
    if transcript is not None:
        return len(transcript.turns)
    return session.call.transcript_turns if session.is_latest else 0
