"""Applies what LiveKit reports of a room to the call whose room it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from ringline.calls.model.call import AttemptId, Call, attempt_of_room
from ringline.calls.model.events import (
    AgentJoined,
    AgentLeft,
    AgentSeen,
    Event,
    LegJoined,
    LegLeft,
    RecordingSeen,
    RoomFinished,
)
from ringline.calls.model.livekit_event import MOST_LATE_MS, EgressReport, Kind, LivekitEvent, What
from ringline.calls.model.ports import LookQueue
from ringline.calls.model.results import Effect
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.progress.progress import Progress, Unapplied
from ringline.calls.rules.deadlines import look_again_in_s
from ringline.calls.tables.recordings import ERROR_CHARS, recording_of

if TYPE_CHECKING:
    # Callers are few among the events of outbound calls: what receives them is loaded with the first.
    from ringline.calls.signals.arrive import Arrive


@dataclass(frozen=True, slots=True)
class Observe:
    """What becomes of the events that LiveKit reports."""

    progress: Progress
    close_room: Callable[[str], None]
    looks: LookQueue
    log: Logger
    reception: "Callable[[], Arrive] | None" = None
    """Made for rooms that we have not named; without it they are somebody else's, and nobody rings in."""

    def run(self, seen: LivekitEvent, now: int) -> str:
        """What came of the event, in a word for the log. Raises what keeps it from being persisted: LiveKit then sends
        it again."""
        at = _moment(seen, now)
        whose = attempt_of_room(seen.room_name)
        if whose is None and self.reception is not None:
            return self._of_inbound_room(self.reception(), seen, at)
        return "not_our_room" if whose is None else self._of_room(whose, seen, at)

    def _of_inbound_room(self, arrive: "Arrive", seen: LivekitEvent, at: int) -> str:
        """LiveKit named the room: whose it is was noted when its caller arrived."""
        tenant = arrive.rooms.tenant(seen.room_name)
        if tenant is not None and not (seen.what is What.JOINED and tenant.is_followed_by(seen)):
            # By the time a file is written the room may have its next caller.
            return self._of_room(_recorded(seen) or tenant.whose, seen, at)
        if not seen.is_of_caller:
            return "not_our_room"
        arrived = arrive.run(seen, at)
        if arrived is None:
            # Another event of the leg is being handled at this moment, and was faster.
            now_there = arrive.rooms.tenant(seen.room_name)
            return "not_our_room" if now_there is None else self._of_room(now_there.whose, seen, at)
        if arrived.call is not None:
            self._follow(arrived.call, seen, arrived.agent)
        return arrived.word

    def _follow(self, call: Call, seen: LivekitEvent, agent: AgentSeen | None) -> None:
        """What is known of a call that has just arrived: its caller was gone before, or its agent is there before."""
        whose = AttemptId(call.account_id, call.call_id, call.attempt)
        if seen.what is What.LEFT:
            self._of_room(whose, seen, call.created_at)
        elif agent is not None:
            self._apply(whose, seen.room_name, AgentJoined(agent.joined_at, call.attempt, agent.sid))

    def _of_room(self, whose: AttemptId, seen: LivekitEvent, at: int) -> str:
        if seen.egress is not None and _recorded(seen) != whose:
            return "another_recording"
        event = _event(seen, whose.attempt, at)
        return "not_of_interest" if event is None else self._apply(whose, seen.room_name, event)

    def _apply(self, whose: AttemptId, room: str, event: Event) -> str:
        outcome = self.progress.apply(whose.account_id, whose.call_id, event)
        if Effect.END_ROOM in outcome.effects and isinstance(outcome, Unapplied):
            # A leg that joins for a call nobody wants any more would ring: close its room now, not with the next sweep.
            self.close_room(room)
        if Effect.LOOK_AGAIN in outcome.effects and outcome.call is not None and outcome.call.in_flight:
            ask_for_look(self.looks, self.log, outcome.call, look_again_in_s(outcome.call))
        return outcome.why if isinstance(outcome, Unapplied) else "applied"


def _moment(seen: LivekitEvent, now: int) -> int:
    """When it happened. LiveKit stamps whole seconds: precise only for events that come late, which are the ones that
    need it. What is stamped later than now, or too long ago to be sent still, is stamped by a clock that is wrong."""
    if seen.created_at is None or not 2000 < now - seen.created_at <= MOST_LATE_MS:
        return now
    return seen.created_at


def _recorded(seen: LivekitEvent) -> AttemptId | None:
    """Whose recording the event is about: its file tells. None where it is about none of ours."""
    return None if seen.egress is None else recording_of(seen.egress.asked_key or seen.egress.file_key)


def _event(seen: LivekitEvent, attempt: int, at: int) -> Event | None:
    match seen.what, seen.kind:
        case What.ROOM_FINISHED, _:
            return RoomFinished(at, attempt)
        case What.JOINED, Kind.SIP:
            return LegJoined(at, attempt, seen.sid, seen.identity or None)
        case What.JOINED, Kind.AGENT:
            return AgentJoined(at, attempt, seen.sid)
        case What.LEFT, Kind.SIP:
            whose = seen.identity or None
            return LegLeft(at, attempt, seen.sid, seen.disconnect_reason, seen.call_status, whose)
        case What.LEFT, Kind.AGENT:
            return AgentLeft(at, attempt, seen.sid, seen.disconnect_reason)
        case ((What.EGRESS_STARTED | What.EGRESS_UPDATED | What.EGRESS_ENDED), _) if seen.egress is not None:
            return recording_seen(seen.egress, at, attempt, is_over=seen.what is What.EGRESS_ENDED)
        case _:
            return None


_GOES_ON = {"EGRESS_STARTING", "EGRESS_ACTIVE", "EGRESS_ENDING"}
_HAS_A_FILE = {"EGRESS_COMPLETE", "EGRESS_LIMIT_REACHED"}
# Aborted is one that nobody was heard in. Both name a file that was never written.
_HAS_NONE = {"EGRESS_FAILED", "EGRESS_ABORTED"}


def recording_seen(report: EgressReport, at: int, attempt: int, *, is_over: bool) -> RecordingSeen:
    """What LiveKit's report of an egress means. `is_over` decides where its status is none that we know."""
    error = None if report.error is None else report.error[:ERROR_CHARS]
    if report.status in _HAS_NONE:
        return RecordingSeen(at, attempt, report.egress_id, "failed", error=error or report.status.lower())
    if report.status in _GOES_ON or not (is_over or report.status in _HAS_A_FILE):
        return RecordingSeen(at, attempt, report.egress_id, "started")
    if report.backup_at is not None:
        # The file is whole, but not where links are made for: whoever runs the egress must bring it over.
        error = f"the file is in the backup storage of LiveKit's egress: {report.backup_at}"[:ERROR_CHARS]
        return RecordingSeen(at, attempt, report.egress_id, "failed", error=error)
    if report.file_key is None:
        return RecordingSeen(at, attempt, report.egress_id, "failed", error=error or "no_file")
    return RecordingSeen(at, attempt, report.egress_id, "ended", report.file_key, report.duration_s, error)
