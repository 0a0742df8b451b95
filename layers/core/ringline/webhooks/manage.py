"""Endpoints as customers set them up through the API."""

import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import replace
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from ringline.runtime.clock import MS_PER_S, Clock
from ringline.runtime.ids import is_plausible_id, new_id
from ringline.runtime.list_turns import ListContended
from ringline.runtime.web.problems import FieldError, Problem, invalid_field, not_found
from ringline.runtime.web.revisions import check_revision
from ringline.webhooks.addresses import url_fault
from ringline.webhooks.model.endpoint import DISABLED_AFTER_MS, Endpoint
from ringline.webhooks.model.filters import Filters
from ringline.webhooks.model.replay import Replay, ReplayOf
from ringline.webhooks.model.schedule import LADDER_MS
from ringline.webhooks.model.target import CALLS_OWN_URL, TargetType, arn_fault
from ringline.webhooks.replays import Wanted
from ringline.webhooks.secrets import EndpointSecrets, new_secret

if TYPE_CHECKING:
    # Bodies are pydantic's, which only requests with one load.
    from ringline.webhooks.bodies import EndpointChange, EndpointRequest, FiltersRequest, SecretRotation, Target

MAX_ENDPOINTS = 20
"""How many endpoints an account may have: every event of every call may go to each of them."""

MOST_SECRETS = 5
"""How many secrets may sign at once: each is a signature in a header."""

_TRIES = 8
_WAIT_S = 0.05
"""Between two tries of a change: long enough for another one to be written."""


class Endpoints(Protocol):
    def add(self, account_id: str, endpoint: Endpoint, admit: Callable[[list[Endpoint]], None]) -> None: ...

    def replace(self, account_id: str, endpoint: Endpoint) -> bool: ...

    def endpoint(self, account_id: str, endpoint_id: str) -> Endpoint | None: ...

    def endpoints(self, account_id: str) -> list[Endpoint]: ...

    def delete(self, account_id: str, endpoint_id: str, revision: int) -> bool: ...


class Starts(Protocol):
    def start(self, account_id: str, endpoint_id: str, wanted: Wanted) -> Replay: ...


class ManageEndpoints:
    """`allowed_targets` are the ARNs of queues and buses that the deployment may send to. `pipes_with_url` names an
    account's pipes whose calls have a `webhook_url` by them.

    Raises Problem 404 `endpoint_not_found`, 409 `too_many_endpoints`, `calls_endpoint_exists` or `in_use`, 412
    `revision_conflict`, 422 for wrong fields, 503 `contended`; a rotation 409 `rotated_meanwhile` or
    `too_many_secrets`."""

    def __init__(
        self,
        endpoints: Endpoints,
        secrets: EndpointSecrets,
        replays: Starts,
        clock: Clock,
        *,
        allow_private: bool,
        allowed_targets: Collection[str] = (),
        forget_turns: Callable[[str, str], None] = lambda _account_id, _endpoint_id: None,
        pipes_with_url: Callable[[str], list[str]] = lambda _account_id: [],
    ) -> None:
        self._endpoints = endpoints
        self._replays = replays
        self._secrets = secrets
        self._clock = clock
        self._allow_private = allow_private
        self._allowed_targets = allowed_targets
        self._forget_turns = forget_turns
        self._pipes_with_url = pipes_with_url

    def create(self, account_id: str, request: "EndpointRequest") -> tuple[Endpoint, str]:
        """The new endpoint, and what its receiver verifies deliveries by."""
        if request.url is None and request.target is None:
            raise invalid_field("url", "is missing, and there is no target in its place")
        address = self._address(request.url, request.target) or ""
        now, endpoint_id = self._clock(), new_id("ep")
        secret, mark = new_secret(request.signature, now)
        endpoint = Endpoint(
            endpoint_id=endpoint_id,
            url=address,
            secrets=(self._secrets.seal(account_id, endpoint_id, secret),),
            secret_marks=(mark,),
            signature=request.signature,
            created_at=now,
            event_types=request.event_types,
            description=request.description,
            headers=self._secrets.seal_each(account_id, endpoint_id, request.headers),
            filters=_filters(request.filters, Filters()),
            max_per_second=request.max_per_second,
            max_parallel=request.max_parallel,
        )
        _check_headers(endpoint)
        try:
            self._endpoints.add(account_id, endpoint, lambda others: _admit(endpoint, others))
        except ListContended:
            raise _contended() from None
        return endpoint, mark.public_key or secret

    def list(self, account_id: str) -> list[Endpoint]:
        return self._endpoints.endpoints(account_id)

    def get(self, account_id: str, endpoint_id: str) -> Endpoint:
        endpoint = self._endpoints.endpoint(account_id, endpoint_id) if is_plausible_id(endpoint_id) else None
        if endpoint is None:
            raise _no_such_endpoint()
        return endpoint

    def change(self, account_id: str, endpoint_id: str, change: "EndpointChange", wanted: int | None) -> Endpoint:
        """What the change does not name stays. Enabling clears why the endpoint was disabled. `wanted` is the revision
        that the request was made on, None if any will do."""
        address = self._address(change.url, change.target)

        def changed(before: Endpoint) -> Endpoint:
            after = self._changed(account_id, before, change, address)
            _check_headers(after)
            if (after.target_type is TargetType.CALL) is not (before.target_type is TargetType.CALL):
                raise invalid_field("target", "of calls is an endpoint's from its making on, or never")
            return after

        after = self._until_written(account_id, endpoint_id, wanted, changed)
        if change.model_fields_set & {"max_per_second", "max_parallel", "disabled"}:
            self._forget_turns(account_id, endpoint_id)
        return after

    def rotate(
        self, account_id: str, endpoint_id: str, rotation: "SecretRotation", wanted: int | None
    ) -> tuple[Endpoint, str]:
        """The endpoint with a new secret, and what its receiver verifies deliveries by. Of two rotations that are asked
        for at once one is refused: whoever asked for it would verify by a secret that is gone already."""
        now = self._clock()
        asked_on: list[tuple[str, ...]] = []
        shown_of: dict[str, str] = {}

        def rotated(before: Endpoint) -> Endpoint:
            if before.secrets[0] in shown_of:
                # It was written, and the answer got lost: the change that was sent again met its own revision.
                return before
            asked_on.append(before.secrets)
            if before.secrets != asked_on[0]:
                raise Problem(409, "rotated_meanwhile", "Another rotation was asked for at the same time")
            signature = rotation.signature or before.signature
            secret, mark = new_secret(signature, now)
            sealed = self._secrets.seal(account_id, endpoint_id, secret)
            shown_of[sealed] = mark.public_key or secret
            after = before.rotated(sealed, mark, signature, now + rotation.grace_s * MS_PER_S)
            if len(after.secrets) > MOST_SECRETS:
                raise Problem(409, "too_many_secrets", f"{MOST_SECRETS} secrets sign already; end one with grace_s 0")
            return after

        endpoint = self._until_written(account_id, endpoint_id, wanted, rotated)
        return endpoint, shown_of[endpoint.secrets[0]]

    def delete(self, account_id: str, endpoint_id: str, wanted: int | None) -> None:
        for _ in self._tries():
            endpoint = self.get(account_id, endpoint_id)
            check_revision(wanted, endpoint.revision)
            if endpoint.target_type is TargetType.CALL and (pipes := self._pipes_with_url(account_id)):
                raise _signs_for(pipes)
            if self._endpoints.delete(account_id, endpoint_id, endpoint.revision):
                return
        raise _contended()

    def resume(self, account_id: str, endpoint: Endpoint, resume_from: str | int) -> str | None:
        """Has what an enabled endpoint has missed sent to it again; the replay's id. To ask for it again is harmless:
        what the endpoint has taken meanwhile is not sent. Raises Problem 409 `replay_running`."""
        if resume_from == "now":
            return None
        if isinstance(resume_from, int):
            wanted = Wanted(only=ReplayOf.FAILED, from_sequence=resume_from)
        elif endpoint.paused_at is None:
            return None
        else:
            # A delivery whose next try came during the pause was given up then, however long ago its event was: it may
            # have waited untried behind an open circuit for as long as one is failed at.
            wanted = Wanted(only=ReplayOf.FAILED, since=endpoint.paused_at - LADDER_MS - DISABLED_AFTER_MS)
        return self._replays.start(account_id, endpoint.endpoint_id, wanted).replay_id

    def _until_written(
        self, account_id: str, endpoint_id: str, wanted: int | None, change: Callable[[Endpoint], Endpoint]
    ) -> Endpoint:
        """The endpoint as it is once `change` was made on what nobody else has changed meanwhile."""
        for _ in self._tries():
            before = self.get(account_id, endpoint_id)
            after = change(before)
            check_revision(wanted, before.revision, is_so=after == before)
            if after == before:
                return before
            after = self._secrets.sealed(account_id, after)
            if self._endpoints.replace(account_id, after):
                return replace(after, revision=before.revision + 1)
        raise _contended()

    def _tries(self) -> Iterator[int]:
        for number in range(_TRIES):
            if number:
                time.sleep(random.uniform(0, _WAIT_S))  # noqa: S311 - so that two do not meet again
            yield number

    def _changed(self, account_id: str, before: Endpoint, change: "EndpointChange", address: str | None) -> Endpoint:
        said = change.model_fields_set
        after = replace(
            before,
            url=address or before.url,
            event_types=change.event_types or before.event_types,
            description=change.description if "description" in said else before.description,
            headers=self._headers(account_id, before, change.headers or {})
            if "headers" in said
            else _kept(before, address),
            filters=_filters(change.filters, before.filters) if "filters" in said else before.filters,
            max_per_second=change.max_per_second if "max_per_second" in said else before.max_per_second,
            max_parallel=change.max_parallel if "max_parallel" in said else before.max_parallel,
        )
        is_enabled_or_disabled = change.disabled is not None and change.disabled == before.is_enabled
        if is_enabled_or_disabled:
            now = self._clock() if change.disabled else None
            why = "by the API" if change.disabled else None
            after = replace(after, disabled_at=now, disabled_reason=why, paused_at=now or before.disabled_at)
        return after.mended() if is_enabled_or_disabled or after.url != before.url else after

    def _headers(self, account_id: str, before: Endpoint, said: Mapping[str, str]) -> Mapping[str, str]:
        """The headers, sealed; as they were where they are the same."""
        if self._secrets.opened(account_id, before).headers == said:
            return before.headers
        return self._secrets.seal_each(account_id, before.endpoint_id, said)

    def _address(self, url: str | None, target: "Target | None") -> str | None:
        """The address that a request names, checked; None where it names none."""
        if target is None:
            fault = None if url is None else url_fault(url, allow_private=self._allow_private)
            field, address = "url", url
        elif url is not None:
            raise invalid_field("target", "goes without a url: an endpoint has one address")
        elif target.type == "call":
            return CALLS_OWN_URL
        else:
            field, address = (
                ("target.queue_arn", target.queue_arn) if target.type == "sqs" else ("target.bus_arn", target.bus_arn)
            )
            fault = arn_fault(address, TargetType(target.type), self._allowed_targets)
        if fault is not None:
            raise invalid_field(field, fault)
        return address


def _kept(before: Endpoint, address: str | None) -> Mapping[str, str]:
    """The headers of before, none of which goes to another server than they were given for. Of another kind of target
    they are to be taken away in so many words."""
    stays = address is None or not address.startswith("http") or _server(address) == _server(before.url)
    return before.headers if stays else {}


def _server(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _check_headers(endpoint: Endpoint) -> None:
    """They are secrets of one server's: whoever may make a call may name any URL in it."""
    if endpoint.headers and endpoint.target_type is not TargetType.HTTP:
        raise invalid_field("headers", "go with a url of the endpoint's own: another target takes none")


def _admit(endpoint: Endpoint, others: "list[Endpoint]") -> None:
    if len(others) >= MAX_ENDPOINTS:
        raise Problem(409, "too_many_endpoints", f"An account has at most {MAX_ENDPOINTS} webhook endpoints")
    if endpoint.target_type is TargetType.CALL and any(each.target_type is TargetType.CALL for each in others):
        title = "The account has an endpoint for the webhook_url of calls already: each event would be posted twice"
        raise Problem(409, "calls_endpoint_exists", title)


def _filters(said: "FiltersRequest | None", before: Filters) -> Filters:
    """Those that were said, in the place of the ones before, with what a later release keeps among those."""
    given = {} if said is None else said.model_dump()
    unset: dict[str, Any] = {"pipe_ids": (), "agent_ids": (), "directions": (), "metadata": {}}
    return replace(before, **unset | given)


def _signs_for(pipes: Sequence[str]) -> Problem:
    """What the calls of these pipes are told is signed with the endpoint's secret: without it they are told nothing."""
    errors = tuple(FieldError(f"pipe:{each}", "has a webhook_url") for each in pipes[:50])
    named = ", ".join(f"pipe {each}" for each in pipes[:5])
    return Problem(409, "in_use", f"The endpoint is used by {named}{' and others' if len(pipes) > 5 else ''}", errors)


def _contended() -> Problem:
    return Problem(503, "contended", "Too many changes came at once; ask again")


def _no_such_endpoint() -> Problem:
    return not_found("endpoint_not_found", "There is no such webhook endpoint")
