"""Webhook endpoints as they are shown: `ringline.webhooks.views.endpoint_view`."""

from typing import Literal

from pydantic import Field

from ringline.resources.answers.base import MAY_BE_MISSING, Listing, Moment, Shown


class ShownFilters(Shown):
    """Which calls an endpoint is told of; a list or an object that is empty asks for nothing."""

    pipe_ids: list[str]
    agent_ids: list[str]
    directions: list[str]
    metadata: dict[str, str | int | bool]


class EndpointTarget(Shown):
    """What kind of address an endpoint has: a URL, a queue of SQS, a bus of EventBridge, or the `webhook_url` of each
    call."""

    type: Literal["http", "sqs", "eventbridge", "call"]
    queue_arn: str = MAY_BE_MISSING
    bus_arn: str = MAY_BE_MISSING


class ShownEndpoint(Shown):
    """An address of yours that is told what becomes of calls. `url` is that of the target, the ARN of a queue or of a
    bus, and null where each call names its own."""

    endpoint_id: str
    url: str | None
    target: EndpointTarget
    event_types: list[str]
    description: str | None
    header_names: list[str]
    filters: ShownFilters
    max_per_second: int | None = Field(description="Posts in any second, at most; None: as many as there are")
    max_parallel: int | None = Field(description="Posts under way at once, at most; None: as many as there are")
    signature: Literal["v1", "v1a"]
    public_keys: list[str]
    secret_made_at: Moment
    former_secrets_end_at: list[Moment]
    disabled: bool
    disabled_at: Moment | None
    disabled_reason: str | None
    failing_since: Moment | None
    probe_at: Moment | None = Field(
        description="It failed five times in a row, and from then on one delivery tries it; the others wait"
    )
    paused_at: Moment | None
    created_at: Moment
    revision: int


class ChangedEndpoint(ShownEndpoint):
    """An endpoint after a change, with the replay that was begun by `resume_from`."""

    replay_id: str = MAY_BE_MISSING


class NewEndpoint(ShownEndpoint):
    """An endpoint, with the secret that its deliveries are verified with. It is not shown again. With `v1a` it is the
    public key, which is."""

    secret: str = Field(pattern="^(whsec|whpk)_")


class EndpointList(Listing[ShownEndpoint]):
    """Every endpoint of the account, on one page."""
