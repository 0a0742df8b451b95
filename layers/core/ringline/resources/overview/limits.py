"""The limits that every account has, for its page: each is the constant that holds it."""

from ringline.calls.model.retries import MOST_ATTEMPTS
from ringline.calls.model.timing import LONGEST_CALL_DURATION_S, MAX_AGENT_JOIN_S, MAX_RING_TIMEOUT_S
from ringline.runtime.web.asked import MAX_LIMIT
from ringline.runtime.web.http import MAX_BODY_BYTES
from ringline.webhooks.manage import MAX_ENDPOINTS

LIMITS = {
    "attempts_of_a_call": MOST_ATTEMPTS,
    "call_duration_s": LONGEST_CALL_DURATION_S,
    "ring_timeout_s": MAX_RING_TIMEOUT_S,
    "agent_join_timeout_s": MAX_AGENT_JOIN_S,
    "webhook_endpoints": MAX_ENDPOINTS,
    "rows_of_a_page": MAX_LIMIT,
    "body_bytes": MAX_BODY_BYTES,
}
