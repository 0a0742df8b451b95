"""Deliveries, replays and statistics as they are shown: `ringline.webhooks.delivery_log`, `.replays`, `.statistics`."""

from pydantic import Field

from ringline.resources.answers.base import Listing, Moment, Shown

type Share = float


class ShownAttempt(Shown):
    """One POST: the status it was answered with, or what went wrong and how far it had come (`dns`, `connect`, `tls`,
    `write`, `read`). `answer` is the beginning of the answer's body: 2 KB of the latest refusal, 256 bytes of others,
    without what is secret in it."""

    at: Moment
    duration_ms: int
    status_code: int | None
    error: str | None
    phase: str | None
    answer: str | None


class DeliveryRow(Shown):
    """An event on its way to an endpoint. `failing`: it is tried again at `next_attempt_at`. `sent_again_by` is the
    replay, or `redeliver`."""

    delivery_id: str = Field(examples=["dlv_ep_01JD5Z0Q3V8Z9K4T2M6X7Y1W0A_17"])
    endpoint_id: str
    event_id: str
    sequence: int
    type: str
    call_id: str | None
    webhook_id: str
    status: str = Field(examples=["delivered", "failing", "gave_up"])
    attempt_count: int
    last_attempt: ShownAttempt | None
    next_attempt_at: Moment | None
    sent_again_at: Moment | None
    sent_again_by: str | None


class ShownDelivery(DeliveryRow):
    """A delivery with its latest tries, the oldest first."""

    attempts: list[ShownAttempt]


class DeliveryList(Listing[DeliveryRow]):
    """Deliveries, of the newest event first. A page may be short, and the list yet go on, where few of many are
    wanted."""


class ShownReplay(Shown):
    """Events that are sent to an endpoint again. `progress` is the share of them that was looked at, 0 to 1; `sent` how
    many of these were sent again: what came of each stands in the list of deliveries."""

    replay_id: str
    endpoint_id: str
    status: str = Field(examples=["running", "done", "stopped"])
    only: str = Field(examples=["failed", "all"])
    types: list[str]
    from_sequence: int
    until_sequence: int
    next_sequence: int
    progress: Share
    looked_at: int
    sent: int
    created_at: Moment
    finished_at: Moment | None
    stopped_because: str | None


class ReplayList(Listing[ShownReplay]):
    """An endpoint's replays, newest first."""


class Counts(Shown):
    """How many deliveries are how."""

    failing: int
    delivered: int
    gave_up: int


class Latency(Shown):
    """How long tries took that were answered, in milliseconds."""

    p50: int | None
    p99: int | None


class DeliveriesWithin(Shown):
    """Deliveries of the events of a time. `success_rate` is of those that are over. `truncated`: there were more than
    one answer reads, and the newest were counted."""

    deliveries: Counts
    success_rate: Share | None
    attempts: int
    attempt_success_rate: Share | None
    latency_ms: Latency
    truncated: bool


class Undelivered(Shown):
    """A delivery that is still tried."""

    delivery_id: str
    sequence: int
    written_at: Moment


class ShownStatistics(Shown):
    """How an endpoint fares, counted in its log."""

    endpoint_id: str
    oldest_undelivered: Undelivered | None
    last_day: DeliveriesWithin
    last_7_days: DeliveriesWithin


class SentPing(Shown):
    """A test event that is on its way. What becomes of it stands under its delivery."""

    event_id: str
    sequence: int
    delivery_id: str = Field(examples=["dlv_ep_01JD5Z0Q3V8Z9K4T2M6X7Y1W0A_18"])
