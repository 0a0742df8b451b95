"""The leg of a phone call: its states, what becomes of an INVITE, and how each end shows.

ends                              webhook says       status before it    the dialer that waits is told
either side hangs up              CLIENT_INITIATED   hangup
a caller gives up while it rings  CLIENT_INITIATED   hangup
nobody answers a caller           CLIENT_INITIATED   as it was
nobody picks up in time           USER_UNAVAILABLE   as it was           canceled "sip request timed out"
the carrier never answers         USER_UNAVAILABLE   as it was           canceled "transaction failed to complete"
a final SIP response              see sip_status     as it was           see sip_status
the server puts it out            whatever it did    as it was           canceled "sip request timed out"
the bridge dies                   CONNECTION_TIMEOUT as it was, late     nothing

A phone call outlives a restart of LiveKit's server. Its leg comes back as it first came (`BACK_AS`, and see `room.py`),
and ends in one of these ways. A dialer that waits learns no more than that its connection is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from local.phones.model import sip_status, timings
from local.phones.model.reasons import LeftFor


class LegStatus(StrEnum):
    """What the bridge writes into the attribute `sip.callStatus`. The words are LiveKit's and stand here a second time,
    because the outside must go on saying what LiveKit says, whatever the product reads."""

    DIALING = "dialing"
    RINGING = "ringing"
    ACTIVE = "active"
    HANGUP = "hangup"


BACK_AS = LegStatus.DIALING
"""The status of a leg that has come back after a restart of the server. It stays so while the call is up, as the bridge
has nothing new to write. What it writes later shows again: `hangup`, when either side hangs up."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A Twirp error. Before the text of one from behind the server LiveKit puts `twirp error unknown: `."""

    code: str
    text: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    is_servers_own: bool = False

    @property
    def message(self) -> str:
        return self.text if self.is_servers_own else f"twirp error unknown: {self.text}"


@dataclass(frozen=True, slots=True)
class LegEnd:
    """How a leg ends. `reason` is LiveKit's word in the webhook, None where the server's own deed says it; `hung_up`
    whether the bridge writes "hangup" into its status before it leaves; `failure` what a waiting dialer is told;
    `sip_code` the last code on the wire, if it was none of an answered call; `by` who ended it."""

    reason: str | None
    by: str
    failure: Failure | None = None
    sip_code: int | None = None
    hung_up: bool = False


_TIMED_OUT = Failure("canceled", "sip request timed out")
_NO_CREDENTIALS = "sip server required auth, but no username or password was provided"
_WRONG_CREDENTIALS = "max auth retry attempts reached"

HANGS_UP = LegEnd(LeftFor.CLIENT_INITIATED, "callee", hung_up=True)
REACHED_ITS_LIMIT = LegEnd(LeftFor.CLIENT_INITIATED, "livekit", hung_up=True)
RANG_OUT = LegEnd(LeftFor.USER_UNAVAILABLE, "livekit", _TIMED_OUT, sip_status.CANCELLED)
_NO_PATIENCE = Failure("deadline_exceeded", "request timed out", is_servers_own=True)
RPC_GAVE_UP = LegEnd(LeftFor.USER_UNAVAILABLE, "livekit", _NO_PATIENCE, sip_status.CANCELLED)
"""The server has no patience left for a dial that waits, whatever its ring time-out."""
CARRIER_IS_SILENT = LegEnd(
    LeftFor.USER_UNAVAILABLE, "nobody", Failure("canceled", "transaction failed to complete (0 intermediate responses)")
)
PUT_OUT = LegEnd(None, "livekit", _TIMED_OUT)
BRIDGE_DIED = LegEnd(LeftFor.CONNECTION_TIMEOUT, "nobody")
CALLER_GIVES_UP = LegEnd(LeftFor.CLIENT_INITIATED, "caller", None, sip_status.CANCELLED, hung_up=True)
CALLER_HANGS_UP = LegEnd(LeftFor.CLIENT_INITIATED, "caller", hung_up=True)
NOBODY_ANSWERS = LegEnd(LeftFor.CLIENT_INITIATED, "livekit", None, sip_status.BUSY)
"""No agent could be heard in the time that a trunk lets its callers wait."""

NO_BRIDGE = Failure("unavailable", "no response from servers")
"""Nothing rings: the server found no SIP bridge."""
NOT_ACTIVE = Failure("failed_precondition", "can't transfer a call that is not active")


def put_out(reason: str) -> LegEnd:
    """The server ends the leg."""
    return replace(PUT_OUT, reason=reason)


def refusal(sip_code: int, text: str | None = None) -> Failure:
    """What LiveKit makes of a final SIP response. `text` is what the carrier says in place of the reason phrase."""
    seen = sip_status.failure(sip_code, text)
    return Failure(seen.twirp_code, seen.message, seen.metadata(sip_code))


def refused(sip_code: int, text: str | None = None, *, has_credentials: bool = False) -> LegEnd:
    """A final SIP response other than 200. `has_credentials` is whether the trunk has any, for who asks for them."""
    if sip_code in sip_status.CHALLENGES:
        return challenged(sip_code, has_credentials=has_credentials)
    reason = sip_status.failure(sip_code, text).disconnect_reason
    return LegEnd(reason, "callee", refusal(sip_code, text), sip_code)


def challenged(sip_code: int, *, has_credentials: bool) -> LegEnd:
    """The carrier wants to know who calls, and is not told, or not what it wants to hear."""
    text = _WRONG_CREDENTIALS if has_credentials else _NO_CREDENTIALS
    return LegEnd(LeftFor.USER_REJECTED, "carrier", Failure("failed_precondition", text), sip_code)


@dataclass(frozen=True, slots=True)
class Fate:
    """What the far end makes of an INVITE, in seconds from the INVITE. `rings_after_s` is None where no 180 comes,
    `settled_after_s` where neither an answer nor a refusal does; `end` is None where somebody answers."""

    rings_after_s: float | None = None
    settled_after_s: float | None = None
    end: LegEnd | None = None

    @property
    def is_to_ring(self) -> bool:
        """Whether the phone is heard to ring before that is settled."""
        if self.rings_after_s is None:
            return False
        return self.settled_after_s is None or self.rings_after_s <= self.settled_after_s


def referred(fate: Fate, within_s: float) -> tuple[float, Failure | None]:
    """How long after a REFER LiveKit says what became of it, and with which error: none where the phone that the other
    one was sent to was picked up `within_s`."""
    settled_s = fate.settled_after_s
    if settled_s is None or settled_s > within_s or fate.end is CARRIER_IS_SILENT:
        return within_s, refusal(sip_status.TIMED_OUT)
    return settled_s, None if fate.end is None else fate.end.failure


CARRIER_IS_TO_BE_SILENT = Fate(None, timings.TIMER_B_S, CARRIER_IS_SILENT)


def to_be_challenged(*, has_credentials: bool) -> Fate:
    return Fate(None, timings.CHALLENGE_S, challenged(407, has_credentials=has_credentials))


def ring_limit(ringing_timeout_s: float, max_call_s: float, *, waits: bool) -> tuple[float, LegEnd]:
    """How long after the request a phone that nobody picks up rings at most, and how that ends. The limit of the call
    counts from the request, too; a dial that `waits` has no more than the server's patience."""
    limit_s = min(ringing_timeout_s, max_call_s)
    if waits and limit_s >= timings.RPC_BUDGET_S:
        return timings.RPC_BUDGET_S, RPC_GAVE_UP
    return limit_s, RANG_OUT
