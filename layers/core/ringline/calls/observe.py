"""Applies what LiveKit reports of a room to the call whose room it is."""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.calls.call import Call, room_of
from ringline.calls.deadlines import look_again_in_s
from ringline.calls.events import AgentJoined, AgentLeft, Event, LegJoined, LegLeft, RoomFinished
from ringline.calls.lifecycle import Effect
from ringline.calls.ports import LookQueue
from ringline.calls.progress import Progress, Unapplied
from ringline.telephony.hook import Kind, LivekitEvent, What


@dataclass(frozen=True, slots=True)
class Observe:
    progress: Progress
    close_room: Callable[[str], None]
    looks: LookQueue
    log: Logger

    def run(self, seen: LivekitEvent, now: int) -> str:
        """What came of the event, in a word for the log. Raises what keeps it from being persisted: LiveKit then sends
        it again."""
        whose = room_of(seen.room_name)
        if whose is None:
            return "not_our_room"
        event = _event(seen, whose.attempt, _moment(seen, now))
        if event is None:
            return "not_of_interest"
        outcome = self.progress.apply(whose.account_id, whose.call_id, event)
        if Effect.END_ROOM in outcome.effects and isinstance(outcome, Unapplied):
            # A leg that joins for a call nobody wants any more would ring: close its room now, not with the next sweep.
            self.close_room(seen.room_name)
        if Effect.LOOK_AGAIN in outcome.effects and outcome.call is not None and outcome.call.in_flight:
            self._look_again(outcome.call)
        return outcome.why if isinstance(outcome, Unapplied) else "applied"

    def _look_again(self, call: Call) -> None:
        try:
            self.looks.look_again(call.account_id, call.call_id, look_again_in_s(call))
        except Exception:
            # The event is persisted; the sweep looks within its minute.
            self.log.exception("look not asked for", extra={"call_id": call.call_id})


def _moment(seen: LivekitEvent, now: int) -> int:
    """When it happened. LiveKit stamps whole seconds: precise only for events that come late, which are the ones that
    need it."""
    late = seen.created_at is not None and now - seen.created_at > 2000
    return seen.created_at if late and seen.created_at is not None else now


def _event(seen: LivekitEvent, attempt: int, at: int) -> Event | None:
    match seen.what, seen.kind:
        case What.ROOM_FINISHED, _:
            return RoomFinished(at, attempt)
        case What.JOINED, Kind.SIP:
            return LegJoined(at, attempt, seen.sid)
        case What.JOINED, Kind.AGENT:
            return AgentJoined(at, attempt, seen.sid)
        case What.LEFT, Kind.SIP:
            return LegLeft(at, attempt, seen.sid, seen.disconnect_reason, seen.call_status)
        case What.LEFT, Kind.AGENT:
            return AgentLeft(at, attempt, seen.sid, seen.disconnect_reason)
        case _:
            return None
