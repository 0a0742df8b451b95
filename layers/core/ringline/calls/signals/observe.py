"""Applies what LiveKit reports of a room to the call whose room it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from ringline.calls.model.call import AttemptId, Call, attempt_of_room, is_dialled_for
from ringline.calls.model.events import (
    AgentJoined,
    AgentLeft,
    AgentSeen,
    Event,
    LegJoined,
    LegLeft,
    ListenerJoined,
    ListenerLeft,
    OtherLeft,
    RecordingSeen,
    RoomFinished,
)
from ringline.calls.model.livekit_event import MOST_LATE_MS, EgressReport, Kind, LivekitEvent, What
from ringline.calls.model.ports import LookQueue
from ringline.calls.model.results import Effect
from ringline.calls.model.timing import AGENT_SLOW_S
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.progress.progress import Outcome, Progress, Unapplied
from ringline.calls.signals.follow_up import look_again_if_due, word_for
from ringline.calls.tables.recordings import ERROR_CHARS, recording_of, segment_of
from ringline.runtime.clock import MS_PER_S

if TYPE_CHECKING:
    # Few events are about callers: what receives callers is loaded with the first of them.
    from ringline.calls.signals.arrive import Arrive
    from ringline.calls.web.receive import ReceiveWebCaller

type RemoveLater = Callable[[str, str | None, str], bool]
"""Puts out of a room the participant of this identity, if the agent of that sid is there: (room, kept sid, identity);
without a sid in any case. False if it is not there. Raises TelephonyDown."""

_LATE_S = 2
"""An event that comes this long after its stamp was delayed on its way: its stamp then says more than our clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observe:
    """What becomes of the events that LiveKit reports."""

    progress: Progress
    close_room: Callable[[str], None]
    looks: LookQueue
    log: Logger
    remove_later: RemoveLater
    remove: Callable[[str, str], None]
    """Puts somebody out of a room: (room, identity). Raises TelephonyDown."""

    reception: "Callable[[], Arrive] | None" = None
    """Makes what receives a caller, for an event of a room that we have not named. Without it such rooms are somebody
    else's, and nobody rings in."""

    web_reception: "Callable[[], ReceiveWebCaller] | None" = None
    """Makes what receives a caller in a browser. Without it nobody comes that way."""

    def run(self, livekit_event: LivekitEvent, now: int) -> str:
        """What came of the event, in a word for the log. Raises what keeps it from being persisted: LiveKit then sends
        it again."""
        at = _moment(livekit_event, now)
        attempt_id = attempt_of_room(livekit_event.room_name)
        if attempt_id is None and self.reception is not None:
            return self._of_inbound_room(self.reception(), livekit_event, at)
        return "not_our_room" if attempt_id is None else self._of_room(attempt_id, livekit_event, at)

    def _of_inbound_room(self, arrive: "Arrive", livekit_event: LivekitEvent, at: int) -> str:
        """LiveKit named the room: which call it belongs to was noted when its caller arrived."""
        tenant = arrive.rooms.tenant(livekit_event.room_name)
        if tenant is not None and not (livekit_event.what is What.JOINED and tenant.is_followed_by(livekit_event)):
            # By the time a file is written the room may have its next caller.
            return self._of_room(_recorded(livekit_event) or tenant.attempt_id, livekit_event, at)
        if not livekit_event.is_of_caller:
            return "not_our_room"
        arrived = arrive.run(livekit_event, at)
        if arrived is None:
            # Another event of the leg is being handled at this moment, and was faster.
            tenant_by_now = arrive.rooms.tenant(livekit_event.room_name)
            return (
                "not_our_room" if tenant_by_now is None else self._of_room(tenant_by_now.attempt_id, livekit_event, at)
            )
        if arrived.call is not None:
            self._remember(arrived.call, arrived.former)
            self._follow(arrived.call, livekit_event, arrived.agent)
            if tenant is not None:
                self._room_has_another(tenant.attempt_id, arrived.call.created_at)
        return arrived.word

    def _room_has_another(self, former: AttemptId, at: int) -> None:
        """The caller before has left, in all likelihood, also where nobody told: from now on what LiveKit tells of the
        room is told of the next one. Somebody looks whether they are in it still."""
        look_again_if_due(self.looks, self.log, self._applied(former, RoomFinished(at, former.attempt)))

    def _remember(self, call: Call, former: Sequence[AgentSeen]) -> None:
        """Whoever looks at the room later does not take an agent that came for the caller before for this one's."""
        attempt_id = AttemptId(call.account_id, call.call_id, call.attempt)
        for agent in former:
            self._applied(attempt_id, AgentLeft(call.created_at, call.attempt, agent.sid, None))

    def _follow(self, call: Call, livekit_event: LivekitEvent, agent: AgentSeen | None) -> None:
        """Applies what is known of a call that has just arrived: its caller may have left, or its agent have joined,
        before the call was written."""
        attempt_id = AttemptId(call.account_id, call.call_id, call.attempt)
        if livekit_event.what is What.LEFT:
            self._of_room(attempt_id, livekit_event, call.created_at)
        elif agent is not None:
            joined = AgentJoined(agent.joined_at, call.attempt, agent.sid, agent.identity)
            self._apply(attempt_id, livekit_event.room_name, joined, agent.identity)

    def _of_room(self, attempt_id: AttemptId, livekit_event: LivekitEvent, at: int) -> str:
        if livekit_event.egress is not None and _recorded(livekit_event) != attempt_id:
            return "another_recording"
        event = _event(livekit_event, attempt_id, at)
        if event is None:
            return "not_of_interest"
        if self.web_reception is not None and livekit_event.is_of_web_caller(attempt_id):
            joined = self.web_reception().run(attempt_id, livekit_event, at)
            if joined is not None:
                if joined.call is not None:
                    self._follow(joined.call, livekit_event, joined.agent)
                return joined.word
            if isinstance(event, LegJoined) and event.has_used_token:
                return self._back(attempt_id, livekit_event, event)
        return self._apply(attempt_id, livekit_event.room_name, event, livekit_event.identity)

    def _back(self, attempt_id: AttemptId, seen: LivekitEvent, event: LegJoined) -> str:
        """Somebody came with a token that was used: the caller, before they had another, or not."""
        word = self._apply(attempt_id, seen.room_name, event, seen.identity)
        if word == "applied" and self.web_reception is not None:
            self.web_reception().back(attempt_id, seen)
        return word

    def _apply(self, attempt_id: AttemptId, room: str, event: Event, identity: str) -> str:
        outcome = self._applied(attempt_id, event)
        if Effect.REMOVE_AGENT in outcome.effects and isinstance(event, AgentJoined):
            outcome = self._remove(attempt_id, room, event, identity, outcome)
        if Effect.REMOVE_LISTENER in outcome.effects:
            # Raised where LiveKit cannot be asked: it then tells of the listener again.
            self.remove(room, identity)
        if Effect.END_ROOM in outcome.effects and isinstance(outcome, Unapplied):
            self._let_nobody_ring(attempt_id, room, identity)
        look_again_if_due(self.looks, self.log, outcome)
        return word_for(outcome)

    def _applied(self, attempt_id: AttemptId, event: Event) -> Outcome:
        return self.progress.apply(attempt_id.account_id, attempt_id.call_id, event)

    def _let_nobody_ring(self, attempt_id: AttemptId, room: str, identity: str) -> None:
        """A leg that joins for a call nobody wants any more would ring: out with it now, not with the next sweep. A
        room that LiveKit named may be the next caller's by then."""
        if attempt_of_room(room) is None and is_dialled_for(attempt_id.call_id, identity):
            self.remove(room, identity)
        else:
            self.close_room(room)

    def _remove(
        self, attempt_id: AttemptId, room: str, joined: AgentJoined, identity: str, outcome: Outcome
    ) -> Outcome:
        """Two agents must not talk at once: the later one is put out at once. One that the call knows and LiveKit does
        not show has left, though nobody said so: then the later one is its successor. Of a call that is to have no
        agent any more nobody is kept."""
        call = outcome.call
        if call is None:
            return outcome
        kept_sid = call.agent_sid
        try:
            is_second = self.remove_later(room, kept_sid, identity)
        except Exception:
            self.log.exception("second agent not removed", extra={"call_id": call.call_id})
            ask_for_look(self.looks, self.log, call, AGENT_SLOW_S)
            return outcome
        if is_second or kept_sid is None:
            self.log.info("second agent removed", extra={"call_id": call.call_id})
            return outcome
        self.progress.apply(call.account_id, call.call_id, AgentLeft(joined.at, joined.attempt, kept_sid, None))
        return self.progress.apply(attempt_id.account_id, attempt_id.call_id, joined)


def _moment(livekit_event: LivekitEvent, now: int) -> int:
    """When it happened. LiveKit stamps whole seconds: less precise than our own clock for an event that comes at once,
    and more precise for one that comes late. A stamp that is later than now, or so old that LiveKit would have dropped
    the event, is of a clock that is wrong."""
    stamped_at = livekit_event.created_at
    if stamped_at is None or not _LATE_S * MS_PER_S < now - stamped_at <= MOST_LATE_MS:
        return now
    return stamped_at


def _recorded(livekit_event: LivekitEvent) -> AttemptId | None:
    """The attempt whose recording the event is about, as the name of its file says; None where it is no recording of
    ours."""
    egress = livekit_event.egress
    return None if egress is None else recording_of(egress.asked_key or egress.file_key)


def _event(livekit_event: LivekitEvent, attempt_id: AttemptId, at: int) -> Event | None:
    attempt = attempt_id.attempt
    if livekit_event.is_of_web_caller(attempt_id):
        return _of_web_caller(livekit_event, attempt, at)
    if (mode := livekit_event.monitor_mode) is not None:
        return _of_listener(livekit_event, mode, attempt, at)
    match livekit_event.what, livekit_event.kind:
        case What.ROOM_FINISHED, _:
            return RoomFinished(at, attempt)
        case What.JOINED, Kind.SIP:
            return LegJoined(at, attempt, livekit_event.sid, livekit_event.identity or None)
        case What.JOINED, Kind.AGENT:
            return AgentJoined(at, attempt, livekit_event.sid, livekit_event.identity)
        case What.LEFT, Kind.SIP:
            identity = livekit_event.identity or None
            return LegLeft(
                at, attempt, livekit_event.sid, livekit_event.disconnect_reason, livekit_event.call_status, identity
            )
        case What.LEFT, Kind.AGENT:
            return AgentLeft(at, attempt, livekit_event.sid, livekit_event.disconnect_reason)
        case What.LEFT, Kind.STANDARD:
            return OtherLeft(at, attempt)
        case ((What.EGRESS_STARTED | What.EGRESS_UPDATED | What.EGRESS_ENDED), _) if livekit_event.egress is not None:
            return recording_seen(livekit_event.egress, at, attempt, is_over=livekit_event.what is What.EGRESS_ENDED)
        case _:
            return None


def _of_web_caller(seen: LivekitEvent, attempt: int, at: int) -> Event:
    if seen.what is What.JOINED:
        return LegJoined(at, attempt, seen.sid, seen.identity, has_used_token=not seen.was_there_before)
    return LegLeft(at, attempt, seen.sid, seen.disconnect_reason, None, seen.identity)


def _of_listener(seen: LivekitEvent, mode: str, attempt: int, at: int) -> Event:
    if seen.what is What.JOINED:
        return ListenerJoined(at, attempt, seen.identity, mode)
    return ListenerLeft(at, attempt, seen.identity)


# What LiveKit's words for the status of an egress mean for the recording.
_GOES_ON = {"EGRESS_STARTING", "EGRESS_ACTIVE", "EGRESS_ENDING"}
_HAS_A_FILE = {"EGRESS_COMPLETE", "EGRESS_LIMIT_REACHED"}
# An egress is aborted where nobody was heard. Both name a file that was never written.
_HAS_NO_FILE = {"EGRESS_FAILED", "EGRESS_ABORTED"}


def recording_seen(report: EgressReport, at: int, attempt: int, *, is_over: bool) -> RecordingSeen:
    """What LiveKit's report of an egress means. `is_over` decides where its status is none that we know."""
    seen = partial(
        RecordingSeen, at, attempt, report.egress_id, segment=segment_of(report.asked_key or report.file_key)
    )
    error = None if report.error is None else report.error[:ERROR_CHARS]
    if report.status in _HAS_NO_FILE:
        return seen("failed", error=error or report.status.lower())
    if report.status in _GOES_ON or not (is_over or report.status in _HAS_A_FILE):
        return seen("started")
    if report.backup_at is not None:
        # The file is whole, but not where links are made for: whoever runs the egress must bring it over.
        error = f"the file is in the backup storage of LiveKit's egress: {report.backup_at}"[:ERROR_CHARS]
        return seen("failed", error=error)
    if report.file_key is None:
        return seen("failed", error=error or "no_file")
    return seen("ended", key=report.file_key, duration_s=report.duration_s, error=error)
