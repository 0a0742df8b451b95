"""Trunks: make or adopt, list, get, change, delete."""

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import listing
from ringline.runtime.web.revisions import if_match, revised
from ringline.runtime.web.routes import Request, Route
from ringline.trunking.model.lines import CarrierTrunk, Link
from ringline.trunking.sync import Sync
from ringline.trunking.trunks import Trunks
from ringline.trunking.views import trunk_view

_ANSWERS = "ringline.resources.answers.lines"
_SHOWN = f"{_ANSWERS}:ShownTrunk"
_AT_LIVEKIT = ("livekit_away", "livekit_refused", "busy_at_livekit")


@dataclass(frozen=True, slots=True)
class TrunkRoutes:
    trunks: Trunks
    sync: Sync
    log: Logger

    @property
    def routes(self) -> tuple[Route, ...]:
        one = "/v1/trunks/<trunk_id>"
        return (
            Route(
                "GET",
                "/v1/trunks",
                self.list_them,
                summary="Lists the account's trunks",
                answer=f"{_ANSWERS}:TrunkList",
            ),
            Route(
                "POST",
                "/v1/trunks",
                self.create,
                summary="Makes a trunk to a carrier, or adopts one that LiveKit has",
                body="ringline.trunking.bodies:TrunkRequest",
                answer=_SHOWN,
                status=201,
                problems=("unknown_provider_trunk", "provider_trunk_taken", *_AT_LIVEKIT),
                has_revision=True,
            ),
            Route(
                "GET",
                one,
                self.get,
                summary="Shows a trunk, without its password",
                answer=_SHOWN,
                problems=("trunk_not_found",),
                has_revision=True,
            ),
            Route(
                "PATCH",
                one,
                self.change,
                summary="Changes a trunk, here and at LiveKit; what is not named stays",
                body="ringline.trunking.bodies:TrunkChange",
                answer=_SHOWN,
                problems=("trunk_not_found", "contended", *_AT_LIVEKIT),
                has_revision=True,
            ),
            Route(
                "DELETE",
                one,
                self.delete,
                summary="Deletes a trunk that has no numbers; an adopted one stays at LiveKit",
                status=204,
                problems=("trunk_not_found", "trunk_in_use", "in_use", "contended", *_AT_LIVEKIT),
                has_revision=True,
            ),
        )

    def list_them(self, request: Request) -> Response[str]:
        links = self.trunks.linking.links.all(request.account_id)
        rows = [
            trunk_view(each, links.get(each.trunk_id, Link(thing=each.trunk_id)))
            for each in self.trunks.store.trunks(request.account_id)
        ]
        return json_response(200, listing(rows, None))

    def create(self, request: Request) -> Response[str]:
        # Bodies are read by pydantic, which takes a quarter of the function's start: only requests with one load it.
        from ringline.runtime.web.bodies import read_body
        from ringline.trunking.bodies import TrunkRequest

        asked = read_body(TrunkRequest, request.json_object())
        access = asked.byo_config
        said: dict[str, Any] = {"name": asked.name, "type": asked.type}
        if access is None:
            said["provider_trunk_id"] = asked.provider_trunk_id
        else:
            said |= access.said("provider", "sip_domain", "auth_username") | {"transport": access.transport}
        said |= _limits(asked)
        trunk, link = self.trunks.create(request.account_id, said, None if access is None else access.auth_password)
        self.log.info("trunk made", extra={"trunk_id": trunk.trunk_id, "type": trunk.type})
        return _shown(trunk, link, 201)

    def get(self, request: Request, trunk_id: str) -> Response[str]:
        trunk = self.trunks.find(request.account_id, trunk_id)
        return _shown(trunk, self.trunks.link_of(request.account_id, trunk))

    def change(self, request: Request, trunk_id: str) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.trunking.bodies import TrunkChange

        asked = read_body(TrunkChange, request.json_object())
        access = asked.byo_config
        said = {name: value for name, value in asked.said("name").items() if value is not None} | _limits(asked)
        if access is not None:
            said |= access.said("provider", "auth_username")
            said |= {name: each for name, each in access.said("sip_domain", "transport").items() if each is not None}
            if "auth_password" in access.model_fields_set and access.auth_password is None:
                said["sealed_password"] = None
        password = None if access is None else access.auth_password
        trunk = self.trunks.change(request.account_id, trunk_id, said, password, if_match(request.event))
        self.sync.bring(request.account_id, trunk)
        return _shown(trunk, self.trunks.link_of(request.account_id, trunk))

    def delete(self, request: Request, trunk_id: str) -> Response[str]:
        self.trunks.delete(request.account_id, trunk_id, if_match(request.event))
        return Response(204)


def _limits(asked: Any) -> dict[str, Any]:
    """What both a new trunk and a change may say, null for what is usual."""
    said: dict[str, Any] = asked.said("allowed_addresses", "media_encryption")
    if "allowed_addresses" in said:
        said["allowed_addresses"] = tuple(said["allowed_addresses"] or ())
    if said.get("media_encryption", "") is None:
        said["media_encryption"] = "disable"
    return said


def _shown(trunk: CarrierTrunk, link: Link, status: int = 200) -> Response[str]:
    return json_response(status, trunk_view(trunk, link), revised(trunk.revision))
