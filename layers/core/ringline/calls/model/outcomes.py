"""How a dial ends, by phase: before the INVITE (`NotSent`, `LivekitAway`, `CarrierFull`), by the carrier's word, or
nobody knows."""

from dataclasses import dataclass

from ringline.calls.model.call import Refusal


@dataclass(frozen=True, slots=True)
class Connected:
    """The far end answered."""

    leg_sid: str
    sip_call_id: str


@dataclass(frozen=True, slots=True)
class Placed:
    """The INVITE is on its way. Whether it is answered the carrier will tell."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The dial is over: a SIP response, a ring time-out, or a failure of the trunk after the INVITE."""

    sip_code: int | None
    sip_status: str | None
    twirp_code: str
    message: str
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Known to have failed before the INVITE: nothing rang. `may_repeat` is false for a wrong configuration."""

    twirp_code: str | None
    message: str
    may_repeat: bool


@dataclass(frozen=True, slots=True)
class LivekitAway:
    """Nothing rang, and no other call would have either: LiveKit could not be reached, did not answer as a server that
    works, or had no SIP bridge to dial with."""

    twirp_code: str
    message: str


@dataclass(frozen=True, slots=True)
class CarrierFull:
    """Carrier or LiveKit took no more calls at that moment: calls a second, or channels. Nothing rang, and the same
    dial may well go through soon."""

    sip_code: int | None
    sip_status: str | None
    twirp_code: str
    message: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """The request was sent and its fate is unknown: the phone may ring, or somebody may be talking."""

    message: str


type DialOutcome = Connected | Placed | Refused | NotSent | LivekitAway | CarrierFull | Unclear
