"""Webhook endpoints as they are shown: `ringline.webhooks.manage.endpoint_view`."""

from pydantic import Field

from ringline.resources.answers.base import Listing, Moment, Shown


class ShownEndpoint(Shown):
    """An address of yours that is told what becomes of calls."""

    endpoint_id: str
    url: str
    event_types: list[str]
    description: str | None
    disabled: bool
    disabled_at: Moment | None
    disabled_reason: str | None
    created_at: Moment


class NewEndpoint(ShownEndpoint):
    """An endpoint, with the secret that its deliveries are signed with. It is not shown again."""

    secret: str = Field(pattern="^whsec_")


class EndpointList(Listing[ShownEndpoint]):
    """Every endpoint of the account, on one page."""
