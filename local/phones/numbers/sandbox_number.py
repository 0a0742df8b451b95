"""A line of the sandbox's telephone book, and the phones that many of its lines share."""

from dataclasses import dataclass
from enum import StrEnum

from local.phones.numbers.callees import Callee

RING_S = 1.5  # how long a phone rings before someone picks up
TALK_S = 4.0  # how long they stay

PICKS_UP = Callee(answers_after_s=RING_S, hangs_up_after_s=TALK_S)
STAYS_ON = Callee(answers_after_s=RING_S)
RINGS_OUT = Callee()


class Wish(StrEnum):
    """What whoever calls the number must do besides, for the call to end as the book says."""

    NOTHING = "nothing"
    CANCEL_RINGING = "cancel_ringing"  # they must cancel it while it rings
    HANG_UP_ACTIVE = "hang_up_active"  # they must hang up through the API in the conversation
    SHORT_LIMIT = "short_limit"  # they must ask for a short longest duration
    SHORT_EXPIRY = "short_expiry"  # they must let it expire soon
    RING_ALONE = "ring_alone"  # they must let it ring although its agent is not there (`agent_first: false`)
    RECORD = "record"  # they must have it recorded
    RUNNER = "runner"  # they must call it with an agent whose brain is a runner
    RUNNER_REFUSES = "runner_refuses"  # the same, and the runner that is asked first must refuse
    RUNNER_DIES = "runner_dies"  # the same, and the runner must die in the call while another is there
    NO_RUNNER = "no_runner"  # the same, no runner must be there, and they must let it expire soon
    RUNNER_INBOUND = "runner_inbound"  # a runner must be there, and somebody calls the number
    INBOUND = "inbound"  # they must not call the number: somebody calls it


@dataclass(frozen=True, slots=True)
class SandboxNumber:
    """A line of the sandbox's table. `end_reason` may name a second reason a product gives when it knows less."""

    number: str
    callee: Callee
    does: str
    end_reason: str
    wish: Wish = Wish.NOTHING


@dataclass(frozen=True, slots=True)
class Chapter:
    """Lines of the telephone book that belong together, and what is to be known of them all."""

    title: str
    entries: tuple[SandboxNumber, ...]
    text: str = ""
