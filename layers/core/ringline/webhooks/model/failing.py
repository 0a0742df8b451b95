"""Endpoints with deliveries that failed, and what stands in an endpoint's list of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FailingEndpoint:
    """`marked_at` is when a delivery to it last failed, or some minutes before that."""

    account_id: str
    endpoint_id: str
    marked_at: int


@dataclass(frozen=True, slots=True)
class FailingKey:
    """An entry of an endpoint's list."""

    pk: str
    sk: str
    due_at: int
