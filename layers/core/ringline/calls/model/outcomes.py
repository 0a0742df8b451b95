"""How a dial ends, by phase: before the INVITE (`NotSent`, `LivekitAway`, `CarrierFull`), by the carrier's word, or
nobody knows."""

from ringline.calls.model.call import Refusal
from ringline.record import Record


class Connected(Record):
    """The far end answered."""

    leg_sid: str
    sip_call_id: str


class Placed(Record):
    """The INVITE is on its way. Whether it is answered the carrier will tell."""


class Refused(Record):
    """The dial is over: a SIP response, a ring time-out, or a failure of the trunk after the INVITE."""

    sip_code: int | None
    sip_status: str | None
    twirp_code: str
    message: str
    refusal: Refusal | None = None


class NotSent(Record):
    """Known to have failed before the INVITE: nothing rang. `may_repeat` is false for a wrong configuration."""

    twirp_code: str | None
    message: str
    may_repeat: bool


class LivekitAway(Record):
    """Nothing rang, and no other call would have either: LiveKit could not be reached, did not answer as a server that
    works, or had no SIP bridge to dial with."""

    twirp_code: str
    message: str


class CarrierFull(Record):
    """Carrier or LiveKit took no more calls at that moment: calls a second, or channels. Nothing rang, and the same
    dial may well go through soon."""

    sip_code: int | None
    sip_status: str | None
    twirp_code: str
    message: str


class Unclear(Record):
    """The request was sent and its fate is unknown: the phone may ring, or somebody may be talking."""

    message: str


type DialOutcome = Connected | Placed | Refused | NotSent | LivekitAway | CarrierFull | Unclear
