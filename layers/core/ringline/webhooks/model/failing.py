"""Endpoints with deliveries that failed, and what stands in an endpoint's list of them."""

from ringline.record import stored


@stored
class FailingEndpoint:
    """`marked_at` is when a delivery to it last failed, or some minutes before that."""

    account_id: str
    endpoint_id: str
    marked_at: int


@stored
class FailingKey:
    """An entry of an endpoint's list."""

    pk: str
    sk: str
    due_at: int
