"""What the phones saw: every call with its moments, and how often each API method was asked."""

import itertools
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

_KEPT_CALLS = 20_000


@dataclass(slots=True)
class PhoneCall:
    """One INVITE as the phone lived it. Moments are Unix seconds, None for what did not happen. `room_made_at`, when an
    agent was dispatched with the room, and `agent_joined_at` were before an INVITE that waited for the agent. `words`
    are those that an agent who speaks in words and the person at the phone said to each other."""

    id: int
    direction: str
    from_number: str
    to_number: str
    room: str = ""
    identity: str = ""
    sip_call_id: str = ""
    trunk_id: str = ""
    room_made_at: float | None = None
    agent_joined_at: float | None = None
    invited_at: float | None = None
    rang_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    ended_by: str | None = None
    sip_code: int | None = None
    signals: list[dict[str, Any]] = field(default_factory=list)
    words: list[dict[str, Any]] = field(default_factory=list)

    def spoke(self, who: str, text: str, *, cut_off: bool = False) -> None:
        """Notes what could be heard on the line; `who` is `agent` or `user`, who may have been `cut_off`."""
        self.words.append({"at": time.time(), "who": who, "text": text, "cut_off": cut_off})

    def sent(self, signal: str | int) -> None:
        self._note("sent", signal)

    def got(self, signal: str | int) -> None:
        self._note("got", signal)

    def _note(self, way: str, signal: str | int) -> None:
        self.signals.append({"at": time.time(), way: signal})

    def invite(self) -> None:
        self.invited_at = time.time()
        if self.direction == "outbound":
            self.got("INVITE")
        else:
            self.sent("INVITE")

    def ring(self) -> None:
        self.rang_at = time.time()
        if self.direction == "outbound":
            self.sent(180)
        else:
            self.got(180)

    def answer(self) -> None:
        self.answered_at = time.time()
        if self.direction == "outbound":
            self.sent(200)
        else:
            self.got(200)

    def end(self, by: str, sip_code: int | None = None) -> None:
        """Notes the end once; `by` is callee, caller, carrier, livekit or nobody."""
        if self.ended_at is None:
            self.ended_at, self.ended_by, self.sip_code = time.time(), by, sip_code


class Ledger:
    """The last calls, oldest first, and the count of API requests."""

    def __init__(self) -> None:
        self._calls: deque[PhoneCall] = deque(maxlen=_KEPT_CALLS)
        self._ids = itertools.count(1)
        self.requests: Counter[str] = Counter()

    def open(self, direction: str, from_number: str, to_number: str) -> PhoneCall:
        call = PhoneCall(next(self._ids), direction, from_number, to_number)
        self._calls.append(call)
        return call

    def calls(self, *, number: str | None = None, room: str | None = None) -> list[dict[str, Any]]:
        return [
            asdict(call)
            for call in self._calls
            if (number is None or number in (call.to_number, call.from_number)) and (room is None or call.room == room)
        ]

    def forget(self) -> None:
        self._calls.clear()
        self.requests.clear()
