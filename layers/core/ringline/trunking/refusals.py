"""How a request is refused that LiveKit did not carry out, with what was made, so that a repeat goes on from there; and
one that the table refuses."""

from collections.abc import Iterator
from contextlib import contextmanager

from ringline.runtime.web.problems import FieldError, Problem, invalid_field
from ringline.trunking.linking import NotLinked
from ringline.trunking.model.lines import Link, SipDown, SipRefused
from ringline.trunking.tables.links import LinkBusy
from ringline.trunking.tables.numbers import HolderGone, NumberTaken, OverflowChained


@contextmanager
def refusals() -> Iterator[None]:
    """Raises Problem 409 `busy_at_livekit` and `livekit_refused`, and 503 `livekit_away`, in the place of what work at
    LiveKit raises."""
    try:
        yield
    except LinkBusy:
        raise Problem(409, "busy_at_livekit", "Another request is setting this up at LiveKit. Ask again") from None
    except NotLinked as error:
        raise not_linked(error) from error
    except SipRefused as error:
        raise Problem(409, "livekit_refused", f"LiveKit refused it: {error}") from error
    except SipDown as error:
        raise Problem(503, "livekit_away", f"LiveKit did not answer: {error}. Send the same again") from error


def not_linked(error: NotLinked) -> Problem:
    part = "it" if error.part is None else f"the {error.part.said}"
    fault = FieldError("livekit", f"{part}: {error.why}")
    stands = f"At LiveKit stands: {_made(error.link)}"
    if error.again:
        title = (
            f"LiveKit did not answer at {part}: {error.why}. {stands}. Send the same again, and it goes on from there"
        )
        return Problem(503, "livekit_away", title, (fault,))
    left = f". {error.left}" if error.left else ""
    return Problem(409, "livekit_refused", f"LiveKit refused {part}: {error.why}. {stands}{left}", (fault,))


def _made(link: Link) -> str:
    return ", ".join(f"{part.said} {link.id_of(part)}" for part in link.made) or "nothing of it"


@contextmanager
def written() -> Iterator[None]:
    """Raises Problem 409 `number_taken`, and 422 for what is not there, in the place of what the table refuses."""
    try:
        yield
    except NumberTaken:
        raise Problem(409, "number_taken", "The number belongs to another account of this deployment") from None
    except HolderGone as gone:
        raise unknown(gone.kind, gone.field) from None
    except OverflowChained:
        raise overflow_chained("names a number whose own callers go on to another number") from None


def overflow_chained(why: str) -> Problem:
    """The refusal of an overflow that leads from number to number: a caller is passed on once."""
    return invalid_field("overflow.number", f"{why}: a caller is passed on once", code="overflow_chained")


def unknown(kind: str, field: str | None = None) -> Problem:
    """The refusal of a name, in `field`, that is no agent, pipe, trunk or number of the account."""
    where, said = field or f"{kind}_id", f"names no {kind} of this account"
    match kind:
        case "agent":
            return invalid_field(where, said, code="unknown_agent")
        case "pipe":
            return invalid_field(where, said, code="unknown_pipe")
        case "number":
            return invalid_field(where, said, code="unknown_number")
        case _:
            return invalid_field(where, said, code="unknown_trunk")
