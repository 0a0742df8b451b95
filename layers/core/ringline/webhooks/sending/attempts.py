"""What a delivery's log tells of one POST."""

from collections.abc import Iterable, Mapping
from copy import replace

from ringline.webhooks.model.delivery import KEPT_ATTEMPTS, Attempt, Delivery
from ringline.webhooks.sending.client import Answered, Unanswered
from ringline.webhooks.sending.excerpts import OF_A_FAILURE_BYTES, OF_A_SUCCESS_BYTES, excerpt, shortened


def attempt_of(
    answer: Answered | Unanswered, at: int, duration_ms: int, headers: Mapping[str, str], secrets: Iterable[str]
) -> Attempt:
    """`headers` were sent with it, and `secrets` signed it: neither is to be in the log."""
    if isinstance(answer, Unanswered):
        return Attempt(at, duration_ms, error=answer.error, phase=answer.phase)
    most = OF_A_SUCCESS_BYTES if 200 <= answer.status_code < 300 else OF_A_FAILURE_BYTES
    text = excerpt(answer.body, most, headers, secrets)
    return Attempt(at, duration_ms, status_code=answer.status_code, answer=text)


def with_attempt(delivery: Delivery, attempt: Attempt) -> Delivery:
    """With one more try. Of the answers before it only the beginnings stay: a row is written whole with each try, and
    an endpoint that is dead for days says the same again and again."""
    return replace(
        delivery,
        attempts=(*map(_abridged, delivery.attempts), attempt)[-KEPT_ATTEMPTS:],
        attempt_count=delivery.attempt_count + 1,
        next_attempt_at=None,
        due_at=None,
    )


def _abridged(attempt: Attempt) -> Attempt:
    return attempt if attempt.answer is None else replace(attempt, answer=shortened(attempt.answer, OF_A_SUCCESS_BYTES))
