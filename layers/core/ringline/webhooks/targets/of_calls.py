"""The URL that a call names for its own events: checked when the call is made, as an endpoint's is."""

from collections.abc import Callable
from typing import Protocol

from ringline.runtime.web.problems import invalid_field
from ringline.webhooks.addresses import url_fault
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.target import TargetType

FIELD = "webhook_url"


class Endpoints(Protocol):
    def endpoints(self, account_id: str) -> list[Endpoint]: ...


class UrlsOfCalls:
    """`endpoints` makes the store when the first URL is checked: most calls name none. `allow_private` is as for
    endpoints."""

    def __init__(self, endpoints: Callable[[], Endpoints], *, allow_private: bool) -> None:
        self._endpoints = endpoints
        self._allow_private = allow_private

    def check(self, account_id: str, url: str) -> None:
        """Raises Problem 422 for a URL where nothing may be posted, and where the account has no endpoint whose secret
        would sign what is posted there."""
        fault = url_fault(url, allow_private=self._allow_private)
        if fault is not None:
            raise invalid_field(FIELD, fault)
        of_calls = [each for each in self._endpoints().endpoints(account_id) if each.target_type is TargetType.CALL]
        if not of_calls:
            raise invalid_field(
                FIELD,
                'needs a secret that signs: POST /v1/webhook-endpoints {"target": {"type": "call"}} makes it, once',
                code="no_endpoint_for_calls",
            )
