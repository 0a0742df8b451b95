"""When an endpoint is not tried with each delivery any more, and how it is found to be back.

    closed     every delivery is tried
      |  OPENS_AFTER failures in a row
    open       deliveries wait, untried, in the endpoint's own list; at `probe_at` one of them is tried: whoever moves
      |        `probe_at` on makes that try, so it is one, whatever comes at once
      |  a success, or a change that mends it: enabling, another URL
    closed     the sweep sends what waits, the longest waiting first, as fast as it sends what is overdue

All of it lies on the endpoint's row, which a delivery reads anyhow. One that works writes nothing for it; one that
begins to fail writes its first failures, and then once for each probe.
"""

from ringline.webhooks.model.delivery import ASKED_BY_CUSTOMER, Delivery
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event_type import EventType

OPENS_AFTER = 5
"""Failures in a row. One or two are a restart of the receiver's, and a single event that it stumbles over does not fail
five times in a row while others are taken in between; five time-outs cost the deliverers fifty seconds."""

FIRST_PROBE_MS = 30_000
LONGEST_PROBE_MS = 600_000
"""The waits between probes double from the one to the other: a deploy that went wrong is over in minutes, and whoever
is away for days is asked 150 times a day."""


def probe_wait_ms(probes: int) -> int:
    """How long after this many probes the next one is made."""
    return min(FIRST_PROBE_MS << min(probes, 16), LONGEST_PROBE_MS)


def waits(endpoint: Endpoint, now: int) -> bool:
    """Whether the circuit is open, and no probe is due."""
    return endpoint.probe_at is not None and now < endpoint.probe_at


def is_asked_for(delivery: Delivery) -> bool:
    """Whether somebody stands by and wants to see whether it arrives: that is a probe at once."""
    is_by_hand = delivery.reopened_by == ASKED_BY_CUSTOMER and delivery.tries_of_schedule == 0
    return is_by_hand or delivery.event_type is EventType.TEST_PING
