"""Endpoints as customers set them up through the API."""

from copy import replace
from typing import TYPE_CHECKING, Any, Protocol

from ringline.runtime.clock import Clock, iso, iso_or_none
from ringline.runtime.ids import is_plausible_id, new_id
from ringline.runtime.web.problems import Problem, invalid_field, not_found
from ringline.webhooks.addresses import url_fault
from ringline.webhooks.model.endpoint import Endpoint, new_webhook_secret

if TYPE_CHECKING:
    # Bodies are pydantic's, which only requests with one load.
    from ringline.webhooks.bodies import EndpointChange, EndpointRequest

MAX_ENDPOINTS = 20
"""How many endpoints an account may have: every event of every call may go to each of them."""


class Endpoints(Protocol):
    def add(self, account_id: str, endpoint: Endpoint) -> None: ...

    def replace(self, account_id: str, endpoint: Endpoint) -> bool: ...

    def endpoint(self, account_id: str, endpoint_id: str) -> Endpoint | None: ...

    def endpoints(self, account_id: str) -> list[Endpoint]: ...

    def delete(self, account_id: str, endpoint_id: str) -> bool: ...


class ManageEndpoints:
    """Raises Problem 404 `endpoint_not_found`, 409 `too_many_endpoints` or `endpoint_changed`, 422 for wrong fields."""

    def __init__(self, endpoints: Endpoints, clock: Clock, *, allow_private: bool) -> None:
        self._endpoints = endpoints
        self._clock = clock
        self._allow_private = allow_private

    def create(self, account_id: str, request: "EndpointRequest") -> Endpoint:
        """The new endpoint with its first secret."""
        self._check_url(request.url)
        if len(self._endpoints.endpoints(account_id)) >= MAX_ENDPOINTS:
            raise Problem(409, "too_many_endpoints", f"An account has at most {MAX_ENDPOINTS} webhook endpoints")
        endpoint = Endpoint(
            endpoint_id=new_id("ep"),
            url=request.url,
            secrets=(new_webhook_secret(),),
            created_at=self._clock(),
            event_types=request.event_types,
            description=request.description,
        )
        self._endpoints.add(account_id, endpoint)
        return endpoint

    def list(self, account_id: str) -> list[Endpoint]:
        return self._endpoints.endpoints(account_id)

    def get(self, account_id: str, endpoint_id: str) -> Endpoint:
        endpoint = self._endpoints.endpoint(account_id, endpoint_id) if is_plausible_id(endpoint_id) else None
        if endpoint is None:
            raise _no_such_endpoint()
        return endpoint

    def change(self, account_id: str, endpoint_id: str, change: "EndpointChange") -> Endpoint:
        """What the change does not name stays. Enabling clears why the endpoint was disabled."""
        if change.url is not None:
            self._check_url(change.url)
        before = self.get(account_id, endpoint_id)
        after = replace(
            before,
            url=change.url or before.url,
            event_types=change.event_types or before.event_types,
            description=change.description if "description" in change.model_fields_set else before.description,
        )
        if change.disabled is not None and change.disabled == before.is_enabled:
            now = self._clock() if change.disabled else None
            after = replace(after, disabled_at=now, disabled_reason="by the API" if change.disabled else None)
        if not self._endpoints.replace(account_id, after):
            raise Problem(409, "endpoint_changed", "The endpoint was changed meanwhile; read it and try again")
        return after

    def delete(self, account_id: str, endpoint_id: str) -> None:
        if not is_plausible_id(endpoint_id) or not self._endpoints.delete(account_id, endpoint_id):
            raise _no_such_endpoint()

    def _check_url(self, url: str) -> None:
        fault = url_fault(url, allow_private=self._allow_private)
        if fault is not None:
            raise invalid_field("url", fault)


def endpoint_view(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as the API shows it. Its secrets are shown once, when it is made, and not here."""
    return {
        "endpoint_id": endpoint.endpoint_id,
        "url": endpoint.url,
        "event_types": list(endpoint.event_types),
        "description": endpoint.description,
        "disabled": not endpoint.is_enabled,
        "disabled_at": iso_or_none(endpoint.disabled_at),
        "disabled_reason": endpoint.disabled_reason,
        "created_at": iso(endpoint.created_at),
    }


def _no_such_endpoint() -> Problem:
    return not_found("endpoint_not_found", "There is no such webhook endpoint")
