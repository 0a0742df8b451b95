"""How an endpoint is shown."""

from collections.abc import Iterable
from typing import Any

from ringline.runtime.clock import iso, iso_or_none
from ringline.webhooks.model.endpoint import DISABLED_AFTER_MS, Endpoint
from ringline.webhooks.model.target import TargetType


def endpoint_view(endpoint: Endpoint, now: int) -> dict[str, Any]:
    """An endpoint as the API shows it. Its secrets are shown once, when it is made, and not here; the values of its
    headers are never shown, since receivers are let in by them."""
    newest, *former = [mark for _, mark in endpoint.signing(now)]
    return {
        "endpoint_id": endpoint.endpoint_id,
        "url": endpoint.url if endpoint.target_type is not TargetType.CALL else None,
        "target": _target_view(endpoint),
        "event_types": list(endpoint.event_types),
        "description": endpoint.description,
        "header_names": sorted(endpoint.headers),
        "filters": {
            "pipe_ids": list(endpoint.filters.pipe_ids),
            "agent_ids": list(endpoint.filters.agent_ids),
            "directions": list(endpoint.filters.directions),
            "metadata": dict(endpoint.filters.metadata),
        },
        "max_per_second": endpoint.max_per_second,
        "max_parallel": endpoint.max_parallel,
        "signature": endpoint.signature,
        "public_keys": [mark.public_key for mark in (newest, *former) if mark.public_key is not None],
        "secret_made_at": iso(newest.made_at),
        "former_secrets_end_at": [iso(mark.ends_at) for mark in former if mark.ends_at is not None],
        "disabled": not endpoint.is_enabled,
        "disabled_at": iso_or_none(endpoint.disabled_at),
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": iso_or_none(endpoint.failing_since),
        "probe_at": iso_or_none(endpoint.probe_at),
        "paused_at": iso_or_none(endpoint.paused_at),
        "created_at": iso(endpoint.created_at),
        "revision": endpoint.revision,
    }


def failing_view(endpoints: Iterable[Endpoint]) -> list[dict[str, Any]]:
    """Those that fail and are sent to all the same, the one that is disabled first at the head."""
    failing = [(each.failing_since, each) for each in endpoints if each.is_enabled and each.failing_since is not None]
    return [
        {
            "endpoint_id": endpoint.endpoint_id,
            "url": endpoint.url,
            "failing_since": iso(since),
            "disabled_at": iso(since + DISABLED_AFTER_MS),
            "probe_at": iso_or_none(endpoint.probe_at),
        }
        for since, endpoint in sorted(failing, key=lambda each: (each[0], each[1].endpoint_id))
    ]


def _target_view(endpoint: Endpoint) -> dict[str, Any]:
    arn = {TargetType.SQS: "queue_arn", TargetType.EVENTBRIDGE: "bus_arn"}.get(endpoint.target_type)
    return {"type": endpoint.target_type} | ({} if arn is None else {arn: endpoint.url})
