"""API keys: `client.api_keys` of the SDK, and what it has no methods for."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from ringline.accounts.manage import Holder, ManageKeys
from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import listing, source_of
from ringline.runtime.web.routes import Request, Route

_ANSWERS = "ringline.resources.answers.api_keys"


@dataclass(frozen=True, slots=True)
class ApiKeys:
    manage: ManageKeys
    log: Logger

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "POST",
                "/v1/api-keys",
                self.create,
                summary="Makes an API key, which is shown this once, with what it may do and from where",
                body="ringline.accounts.bodies:KeyRequest",
                answer=f"{_ANSWERS}:NewKey",
                status=201,
                problems=("account_not_found", "too_many_keys", "beyond_own_ranges", "beyond_own_end"),
            ),
            Route("GET", "/v1/api-keys", self.list_them, summary="Lists the API keys", answer=f"{_ANSWERS}:KeyList"),
            Route(
                "GET",
                "/v1/api-keys/<key_id>",
                self.show,
                summary="Shows what is known of an API key",
                answer=f"{_ANSWERS}:ShownKey",
                problems=("key_not_found",),
            ),
            Route(
                "PATCH",
                "/v1/api-keys/<key_id>",
                self.change,
                summary="Changes from where an API key may be used, from the next request on",
                body="ringline.accounts.bodies:KeyChange",
                answer=f"{_ANSWERS}:ShownKey",
                problems=("key_not_found", "key_is_over", "beyond_own_ranges", "would_lock_out", "contended"),
            ),
            Route(
                "DELETE",
                "/v1/api-keys/<key_id>",
                self.revoke,
                summary="Ends an API key for good, from the next request on",
                status=204,
                problems=("key_not_found", "contended"),
            ),
            Route(
                "POST",
                "/v1/api-keys/<key_id>/rotate",
                self.rotate,
                summary="Makes an API key in the place of another one, which goes on for a while",
                body="ringline.accounts.bodies:KeyRotation",
                answer=f"{_ANSWERS}:NewKey",
                status=201,
                problems=(
                    "key_not_found",
                    "key_is_over",
                    "too_many_keys",
                    "beyond_own_ranges",
                    "beyond_own_end",
                    "contended",
                ),
            ),
        )

    def create(self, request: Request) -> Response[str]:
        from ringline.accounts.bodies import KeyRequest
        from ringline.runtime.web.bodies import read_body

        made = self.manage.create(request.account_id, read_body(KeyRequest, request.json_object()), _holder(request))
        self.log.info("API key created", extra={"key_id": made["key_id"]})
        return json_response(201, made)

    def list_them(self, request: Request) -> Response[str]:
        return json_response(200, listing(self.manage.list(request.account_id), None))

    def show(self, request: Request, key_id: str) -> Response[str]:
        return json_response(200, self.manage.show(request.account_id, key_id))

    def change(self, request: Request, key_id: str) -> Response[str]:
        from ringline.accounts.bodies import KeyChange
        from ringline.runtime.web.bodies import read_body

        change = read_body(KeyChange, request.json_object())
        changed = self.manage.change(request.account_id, key_id, change, _holder(request))
        self.log.info(
            "API key restricted", extra={"changed_key_id": key_id, "ranges": len(change.allowed_ip_ranges or ())}
        )
        return json_response(200, changed)

    def revoke(self, request: Request, key_id: str) -> Response[str]:
        self.manage.revoke(request.account_id, key_id, _holder(request))
        self.log.info("API key revoked", extra={"key_id": key_id})
        return Response(204)

    def rotate(self, request: Request, key_id: str) -> Response[str]:
        from ringline.accounts.bodies import KeyRotation
        from ringline.runtime.web.bodies import read_body

        rotation = read_body(KeyRotation, request.json_object())
        made = self.manage.rotate(request.account_id, key_id, rotation, _holder(request))
        self.log.info("API key rotated", extra={"key_id": key_id, "new_key_id": made["key_id"]})
        return json_response(201, made)


def _holder(request: Request) -> Holder:
    return Holder(request.key_id, request.scopes, source_of(request.event))
