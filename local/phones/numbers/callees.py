"""What a callee, the agent and the lines between them can do in a call. Pure: nothing here waits or speaks to anyone.

All durations are seconds of the network's own time.
"""

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Self

from local.phones.model import legs, timings
from local.phones.model.legs import Fate
from local.phones.numbers.person_script import A_TALKER, PersonScript


class HookTrouble(StrEnum):
    """What happens to the webhooks of the call's room."""

    NONE = "none"
    LAST_LOST = "last_lost"  # participant_left and room_finished are never sent
    ALL_LOST = "all_lost"
    DOUBLED = "doubled"
    REORDERED = "reordered"
    LATE = "late"


class DialTrouble(StrEnum):
    """What happens to the HTTP call that dials."""

    NONE = "none"
    CONNECTION_DROPPED = "connection_dropped"  # the connection breaks after the INVITE, and the phone goes on
    BAD_GATEWAY = "bad_gateway"  # the same, but a proxy answers 502 in the server's place
    HANGS = "hangs"  # nothing is heard after the INVITE, until the client's own time-out
    NO_BRIDGE_AT_FIRST = "no_bridge_at_first"  # it fails twice with "no response from servers", and then works
    NO_BRIDGE = "no_bridge"


class LineTrouble(StrEnum):
    """What breaks between LiveKit and the phone."""

    NONE = "none"
    BRIDGE_DIES_RINGING = "bridge_dies_ringing"
    BRIDGE_DIES_ACTIVE = "bridge_dies_active"
    SERVER_RESTARTS_ACTIVE = "server_restarts_active"


class RoomTrouble(StrEnum):
    """What happens to the HTTP call that makes the room."""

    NONE = "none"
    UNREADABLE = "unreadable"  # the room is made, and the answer is a 200 whose body is no message


class EgressTrouble(StrEnum):
    """What happens to a recording of the call."""

    NONE = "none"
    FAILS = "fails"  # the recording starts, and ends with an error 2 s later


class AgentDeed(StrEnum):
    """What the dispatched agent does, besides leaving when the caller left."""

    STAY = "stay"
    ABSENT = "absent"  # no worker takes the job
    LEAVE = "leave"
    CRASH = "crash"  # nothing is seen for 20 s, then CONNECTION_TIMEOUT
    HANG_UP = "hang_up"  # deletes the room
    ASK_HANG_UP = "ask_hang_up"  # has the API hang up, and says why in `words`
    SILENCE = "silence"  # reports `after_s` of silence, then has the API hang up
    VOICEMAIL = "voicemail"  # reports voicemail; leaves a message if the answer says so
    TRANSFER = "transfer"  # hands the call over to `transfer_to`
    BRING_IN = "bring_in"  # has a colleague's phone join the room, and leaves the two alone
    DESERT = "desert"  # tells of a transfer, with `words` as its status, and leaves without one


@dataclass(frozen=True, slots=True)
class AgentScript:
    """When an agent joins, counted from its dispatch, and what it does, counted from the answer or its joining.

    The first `drops` dispatches to a room find no worker that has room: nobody ever comes for them.

    An agent that `reports` tells the API that it is ready, then what it hears of `can_report`, and at the end what was
    said: in `turns` turns if both sides spoke. With `misses`, that many dispatches in a row find no worker with room,
    the next one is taken, and so on."""

    deed: AgentDeed = AgentDeed.STAY
    after_s: float = 0.0
    since_answer: bool = True
    joins_after_s: float = timings.AGENT_JOIN_S
    misses: int = 0
    reports: bool = True
    can_report: tuple[str, ...] = ("user_spoke", "silence", "voicemail", "transcript")
    words: str | None = None
    transfer_to: str = "+15550100999"
    drops: int = 0
    turns: int = 4


class CarrierForm(StrEnum):
    """In whose form a carrier reports: the last part of the path it posts to."""

    GENERIC = "generic"
    TELNYX = "telnyx"
    TWILIO = "twilio"


class CarrierWord(StrEnum):
    """What a carrier may report of a call. Not every form has a word for each."""

    INITIATED = "initiated"
    RINGING = "ringing"
    FORWARDED = "forwarded"
    ANSWERED = "answered"
    FAILED = "failed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class CarrierReports:
    """What the callee's carrier posts to our hooks. A forwarding is reported `forwards_after_s` after the ringing. A
    carrier that calls two places at once reports the other one `gives_up_after_s` after this one's answer."""

    form: CarrierForm = CarrierForm.GENERIC
    words: frozenset[CarrierWord] = frozenset(CarrierWord)
    forwards_after_s: float | None = None
    forwards_to: str | None = None
    to_voicemail: bool = False
    gives_up_after_s: float | None = None

    @classmethod
    def from_json(cls, described: dict[str, Any]) -> Self:
        """Reports as a JSON object describes them. Raises ValueError or TypeError if it is none."""
        words = frozenset(CarrierWord(word) for word in described.get("words", CarrierWord))
        return cls(**{**described, "form": CarrierForm(described.get("form", "generic")), "words": words})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A final SIP response other than 200. `text` is what the carrier adds in a header of its own."""

    sip_code: int
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Callee:
    """One phone's manners.

    Ringing is counted from the INVITE, an answer or a refusal from ringing, a hang-up from the answer. With
    `refuses_times`, that many dials in a row are refused at once, the next one rings and is answered, and so on.
    Somebody speaks `speaks_after_s` after an agent is there and the phone was answered; None for a machine's greeting
    and for silence. To an agent that hears words they say what the script of the `person` says.
    """

    rings_after_s: float | None = 0.3
    answers_after_s: float | None = None
    hangs_up_after_s: float | None = None
    speaks_after_s: float | None = 0.5
    refusal: Refusal | None = None
    refuses_after_s: float = 0.0
    refuses_times: int | None = None
    silent: bool = False  # the carrier does not even answer 100 Trying
    wants_credentials: bool = False
    hooks: HookTrouble = HookTrouble.NONE
    dial: DialTrouble = DialTrouble.NONE
    line: LineTrouble = LineTrouble.NONE
    room: RoomTrouble = RoomTrouble.NONE
    egress: EgressTrouble = EgressTrouble.NONE
    agent: AgentScript = AgentScript()
    carrier: CarrierReports | None = None
    person: PersonScript = A_TALKER

    @property
    def who_answers(self) -> PersonScript:
        """What is said at this phone: nothing, where nobody speaks."""
        return self.person if self.speaks_after_s is not None else replace(self.person, lines=())

    def fate(self, *, has_credentials: bool) -> Fate:
        """What it makes of an INVITE."""
        if self.silent:
            return legs.CARRIER_IS_TO_BE_SILENT
        if self.wants_credentials:
            return legs.to_be_challenged(has_credentials=has_credentials)
        rings_s = self.rings_after_s or 0.0
        if self.refusal is not None:
            refused = legs.refused(self.refusal.sip_code, self.refusal.text, has_credentials=has_credentials)
            return Fate(self.rings_after_s, rings_s + self.refuses_after_s, refused)
        answers_s = None if self.answers_after_s is None else rings_s + self.answers_after_s
        return Fate(self.rings_after_s, answers_s)

    def at_dial(self, turn: int) -> Self:
        """What it does the `turn`-th time that it is dialled, counted from 1."""
        if self.refuses_times is None:
            return self
        if turn % (self.refuses_times + 1) == 0:
            return replace(self, refusal=None)
        return replace(self, rings_after_s=None)

    def with_changes(self, changes: dict[str, Any]) -> Self:
        """This callee with fields from a JSON object. Raises ValueError naming a field that does not exist."""
        known = {field.name for field in fields(self)}
        if unknown := sorted(set(changes) - known):
            raise ValueError(f"a callee has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")
        typed = dict(changes)
        for name, kind in _TROUBLES.items():
            if name in typed:
                typed[name] = kind(typed[name])
        if (refusal := typed.get("refusal")) is not None:
            typed["refusal"] = Refusal(int(refusal)) if isinstance(refusal, int) else Refusal(**refusal)
        if (agent := typed.get("agent")) is not None:
            typed["agent"] = AgentScript(**{**agent, "deed": AgentDeed(agent.get("deed", "stay"))})
        if (carrier := typed.get("carrier")) is not None:
            typed["carrier"] = CarrierReports.from_json(carrier)
        if (person := typed.get("person")) is not None:
            typed["person"] = PersonScript.from_json(person)
        return replace(self, **typed)


_TROUBLES: dict[str, type[StrEnum]] = {
    "hooks": HookTrouble,
    "dial": DialTrouble,
    "line": LineTrouble,
    "room": RoomTrouble,
    "egress": EgressTrouble,
}
