"""What is tried on a real LiveKit: who is called or calls, how that telephone behaves, and how the call must end."""

from dataclasses import dataclass, field
from typing import Any, Literal

from local.stack.seed import RUNNER_NUMBER, UNROUTED_NUMBER
from local.trips.livekit.runner import Deed
from local.trips.livekit.sip_phones import Manner

type Api = Literal["hangs up while it rings", "hangs up in the call"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`reasons` are those that are right. `words` is what the person says, which the agent must hear."""

    name: str
    number: str
    manner: Manner
    reasons: tuple[str, ...]
    deed: Deed = "talks"
    api: Api | None = None
    words: str = ""
    asks: dict[str, Any] = field(default_factory=dict)
    """Fields of the request beside number and pipe."""


OUTBOUND = (
    Scenario(
        "talks, hangs up",
        "+15550100200",
        Manner(hangs_up_after_s=9.0),
        ("USER_HUNG_UP_IN_CALL",),
        words="Hello, who is calling?",
    ),
    Scenario("answers, hangs up at once", "+15550100201", Manner(hangs_up_after_s=1.0), ("USER_HUNG_UP_IN_CALL",)),
    Scenario("the agent says good bye", "+15550100202", Manner(), ("AGENT_HUNG_UP",), deed="ends"),
    Scenario("says nothing", "+15550100203", Manner(), ("AGENT_HUNG_UP_SILENCE_DETECTED",)),
    Scenario(
        "is a voicemail, hangs up", "+15550100210", Manner(hangs_up_after_s=6.0), ("AGENT_HUNG_UP_VOICEMAIL_DETECTED",)
    ),
    Scenario("busy", "+15550101486", Manner(0.1, rings=False, status=486, phrase="Busy Here"), ("USER_BUSY",)),
    Scenario("declines", "+15550102486", Manner(3.0, status=486, phrase="Busy Here"), ("USER_HUNG_UP_RINGING",)),
    Scenario(
        "declines everywhere", "+15550102603", Manner(3.0, status=603, phrase="Decline"), ("USER_HUNG_UP_RINGING",)
    ),
    Scenario(
        "does not exist",
        "+15550101404",
        Manner(0.1, rings=False, status=404, phrase="Not Found"),
        ("SIP_FAILED_WRONG_NUMBER",),
    ),
    Scenario(
        "voicemail before the answer",
        "+15550102480",
        Manner(4.0, status=480, phrase="Temporarily Unavailable"),
        ("VOICEMAIL_DETECTED_PRECONNECT",),
    ),
    Scenario("never answers", "+15550100000", Manner(None), ("USER_DID_NOT_PICK_UP",), asks={"ring_timeout_s": 8}),
    Scenario(
        "the API hangs up while it rings",
        "+15550100001",
        Manner(None),
        ("CALL_CANCELED",),
        api="hangs up while it rings",
    ),
    Scenario("the API hangs up in the call", "+15550100204", Manner(), ("API_HUNG_UP",), api="hangs up in the call"),
    Scenario(
        "is handed over",
        "+15550100205",
        Manner(),
        ("CALL_TRANSFERRED",),
        deed="transfers",
        words="Please connect me to somebody.",
    ),
    Scenario(
        "cannot be handed over",
        "+15550100206",
        Manner(refer=(486, "Busy Here"), hangs_up_after_s=12.0),
        ("USER_HUNG_UP_IN_CALL",),
        deed="transfers",
        words="Are you still there?",
    ),
    Scenario(
        "the longest duration", "+15550100207", Manner(), ("MAX_DURATION_REACHED",), asks={"max_call_duration_s": 10}
    ),
    Scenario(
        "the carrier fails",
        "+15550101503",
        Manner(0.1, rings=False, status=503, phrase="Service Unavailable"),
        ("SIP_FAILED_TRUNK",),
    ),
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who rings in, and hangs up `stays_s` after the answer, or after the first ring."""

    name: str
    dialled: str
    reasons: tuple[str, ...]
    stays_s: float
    waits_for_the_answer: bool


INBOUND = (
    Caller("a caller is greeted, hangs up", RUNNER_NUMBER, ("USER_HUNG_UP_IN_CALL",), 5.0, True),
    Caller("a caller gives up", RUNNER_NUMBER, ("USER_HUNG_UP_RINGING",), 0.3, False),
    Caller("a number that leads to nobody", UNROUTED_NUMBER, ("NUMBER_NOT_ROUTED",), 8.0, False),
)

TROUBLED = tuple(f"+1555010030{digit}" for digit in range(5))
"""Phones that answer and stay, for what goes wrong meanwhile (`troubles.py`)."""
