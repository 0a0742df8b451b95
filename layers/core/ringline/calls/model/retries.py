"""When a call whose attempt is over is tried again, as its customer wished."""

from dataclasses import field

from ringline.calls.model.reasons import MEANINGS, Category, EndReason
from ringline.later import Carried
from ringline.record import stored

MOST_ATTEMPTS = 10
LONGEST_DELAY_S = 7 * 24 * 3600

USUAL_ON = (Category.NO_ANSWER.value, Category.CARRIER.value)
USUAL_DELAYS_S = (60, 300, 1800)

# Somebody decided, or no further attempt could be made: no policy goes against that.
NEVER_AGAIN = frozenset(
    {EndReason.API_HUNG_UP, EndReason.CALL_CANCELED, EndReason.EXPIRED_IN_QUEUE, EndReason.NUMBER_NOT_ROUTED}
)

# What fails by our own doing fails again: a policy that means it must name it, its category is not enough.
ONLY_BY_NAME = frozenset({EndReason.SIP_FAILED_ACCOUNT})

WORDS = frozenset(
    {*(reason.value for reason in EndReason if reason not in NEVER_AGAIN), *(each.value for each in Category)}
)
"""What a policy may name: reasons, and categories of them."""


@stored
class RetryPolicy:
    """At most `max_attempts` attempts in all. `on` names end reasons and categories; `delays_s` are the waits after
    the first attempt, the second and so on, the last one for all that follow."""

    max_attempts: int
    on: tuple[str, ...] = USUAL_ON
    delays_s: tuple[int, ...] = USUAL_DELAYS_S
    carried: Carried = field(default=(), compare=False, repr=False)

    def delay_s(self, reason: EndReason, attempts: int) -> int | None:
        """How long to wait after so many attempts, the last of which ended so; None if that was the last."""
        if attempts >= self.max_attempts or reason in NEVER_AGAIN:
            return None
        meaning = MEANINGS.get(reason)
        is_of_category = meaning is not None and meaning.category.value in self.on and reason not in ONLY_BY_NAME
        if reason.value not in self.on and not is_of_category:
            return None
        return self.delays_s[min(attempts, len(self.delays_s)) - 1]
