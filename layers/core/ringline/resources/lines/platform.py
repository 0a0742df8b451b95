"""The SDK's `telephony`: the same numbers and trunks in its words. Numbers and trunks are whole numbers there, and each
number of a request is answered for by itself."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import listing
from ringline.runtime.web.problems import FieldError, Problem, not_found
from ringline.runtime.web.routes import Request, Route
from ringline.trunking.model.lines import CarrierTrunk, TrunkType
from ringline.trunking.numbers import Numbers
from ringline.trunking.settling import Kept
from ringline.trunking.trunks import Trunks
from ringline.trunking.views import (
    ERROR,
    connection_state,
    digits_of,
    overview_view,
    platform_number_view,
    platform_trunk_id,
    platform_trunk_view,
)

_ANSWERS = "ringline.resources.answers.lines"
_BODIES = "ringline.trunking.bodies"
_AT_LIVEKIT = ("livekit_away", "livekit_refused", "busy_at_livekit")


@dataclass(frozen=True, slots=True)
class PlatformRoutes:
    numbers: Numbers
    trunks: Trunks

    @property
    def routes(self) -> tuple[Route, ...]:
        return (*self._of_numbers, *self._of_trunks)

    @property
    def _of_numbers(self) -> tuple[Route, ...]:
        base = "/v1/telephony/numbers"
        return (
            Route(
                "GET",
                base,
                self.list_numbers,
                summary="Lists the account's numbers, as the SDK's telephony has them",
                query="ringline.resources.answers.queries:PlatformNumberFilters",
                answer=f"{_ANSWERS}:PlatformNumberList",
            ),
            Route(
                "POST",
                f"{base}/attach",
                self.attach,
                summary="Leads the callers of many numbers to an agent or a pipe",
                body=f"{_BODIES}:ManyAttachRequest",
                answer=f"{_ANSWERS}:ManyAttached",
                status=201,
                problems=("no_number_changed",),
            ),
            Route(
                "POST",
                f"{base}/detach",
                self.detach,
                summary="Leads the callers of many numbers to nobody",
                body=f"{_BODIES}:ManyDetachRequest",
                answer=f"{_ANSWERS}:ManyDetached",
                problems=("no_number_changed",),
            ),
            Route(
                "GET",
                "/v1/telephony/overview",
                self.overview,
                summary="Shows whether LiveKit takes the callers of each number",
                answer=f"{_ANSWERS}:OverviewList",
            ),
        )

    @property
    def _of_trunks(self) -> tuple[Route, ...]:
        base = "/v1/telephony/trunks"
        one = f"{base}/<trunk_id>"
        missing = ("trunk_not_found",)
        return (
            Route(
                "GET",
                base,
                self.list_trunks,
                summary="Lists trunks to carriers",
                answer=f"{_ANSWERS}:PlatformTrunkList",
            ),
            Route(
                "POST",
                base,
                self.create_trunk,
                summary="Makes a trunk to a carrier, in the words of the SDK's telephony",
                body=f"{_BODIES}:PlatformTrunkRequest",
                answer=f"{_ANSWERS}:PlatformTrunk",
                status=201,
                problems=_AT_LIVEKIT,
            ),
            Route(
                "GET",
                one,
                self.get_trunk,
                summary="Shows a trunk to a carrier",
                answer=f"{_ANSWERS}:PlatformTrunk",
                problems=missing,
            ),
            Route(
                "DELETE",
                one,
                self.delete_trunk,
                summary="Deletes a trunk to a carrier that has no numbers",
                status=204,
                problems=(*missing, "trunk_in_use", "contended", *_AT_LIVEKIT),
            ),
            Route(
                "POST",
                f"{one}/attach-numbers",
                self.map_numbers,
                summary="Has numbers come and go by a trunk",
                body=f"{_BODIES}:NumberIdsRequest",
                answer=f"{_ANSWERS}:NumbersMapped",
                status=201,
                problems=(*missing, "no_number_changed"),
            ),
            Route(
                "POST",
                f"{one}/detach-numbers",
                self.unmap_numbers,
                summary="Has numbers come and go by the deployment's own trunk",
                body=f"{_BODIES}:NumberIdsRequest",
                answer=f"{_ANSWERS}:NumbersUnmapped",
                problems=(*missing, "no_number_changed"),
            ),
        )

    def list_numbers(self, request: Request) -> Response[str]:
        rows = [platform_number_view(each) for each in self.numbers.all(request.account_id)]
        return json_response(200, listing(rows, None))

    def attach(self, request: Request) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.trunking.bodies import ManyAttachRequest

        asked = read_body(ManyAttachRequest, request.json_object())

        def attach(number: str) -> Kept:
            return self.numbers.attach(request.account_id, number, asked.agent_id, asked.pipe_id)

        rows = _each(asked.numbers, attach)
        return json_response(201, {"agent_id": asked.agent_id, "numbers": rows, "message": _told(rows)})

    def detach(self, request: Request) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.trunking.bodies import ManyDetachRequest

        asked = read_body(ManyDetachRequest, request.json_object())
        rows = _each(asked.numbers, lambda number: self.numbers.detach(request.account_id, number, None))
        return json_response(200, {"numbers": rows, "message": _told(rows)})

    def overview(self, request: Request) -> Response[str]:
        rows = [overview_view(each) for each in self.numbers.all(request.account_id)]
        return json_response(200, listing(rows, None))

    def list_trunks(self, request: Request) -> Response[str]:
        rows = [platform_trunk_view(each) for each in self._carriers(request.account_id)]
        return json_response(200, listing(rows, None))

    def create_trunk(self, request: Request) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.trunking.bodies import CarrierAccess, PlatformTrunkRequest

        asked = read_body(PlatformTrunkRequest, request.json_object())
        host = asked.sip_url.removeprefix("sips:").removeprefix("sip:")
        domain = host if asked.port is None else f"{host}:{asked.port}"
        access = read_body(CarrierAccess, {"provider": "sip", "sip_domain": domain, "transport": asked.transport})
        said = {
            "name": asked.name,
            "type": TrunkType.BYO.value,
            "provider": access.provider,
            "sip_domain": access.sip_domain,
            "auth_username": asked.auth_username,
            "transport": access.transport,
            "allowed_addresses": tuple(asked.source_ips or ()),
        }
        trunk, _ = self.trunks.create(request.account_id, said, asked.auth_password)
        return json_response(201, platform_trunk_view(trunk))

    def get_trunk(self, request: Request, trunk_id: str) -> Response[str]:
        return json_response(200, platform_trunk_view(self._trunk(request.account_id, trunk_id)))

    def delete_trunk(self, request: Request, trunk_id: str) -> Response[str]:
        self.trunks.delete(request.account_id, self._trunk(request.account_id, trunk_id).trunk_id, None)
        return Response(204)

    def map_numbers(self, request: Request, trunk_id: str) -> Response[str]:
        rows = self._mapped(request, trunk_id, leads_there=True)
        trunk = self._trunk(request.account_id, trunk_id)
        origin: dict[str, Any] = {
            "ingress": "",
            "dids": [row["number"] for row in rows if row["ok"]],
            "accepted_source_ips": list(trunk.allowed_addresses),
            "region": None,
        }
        answer = {"trunk_id": platform_trunk_id(trunk.trunk_id), "origin_endpoint": origin}
        return json_response(201, answer | {"numbers": rows, "message": _told(rows)})

    def unmap_numbers(self, request: Request, trunk_id: str) -> Response[str]:
        rows = self._mapped(request, trunk_id, leads_there=False)
        trunk = self._trunk(request.account_id, trunk_id)
        answer = {"trunk_id": platform_trunk_id(trunk.trunk_id), "numbers": rows, "message": _told(rows)}
        return json_response(200, answer)

    def _mapped(self, request: Request, trunk_id: str, *, leads_there: bool) -> list[dict[str, Any]]:
        from ringline.runtime.web.bodies import read_body
        from ringline.trunking.bodies import NumberIdsRequest

        asked = read_body(NumberIdsRequest, request.json_object())
        trunk = self._trunk(request.account_id, trunk_id)

        def lead(number: str) -> Kept:
            said = {"account_trunk_id": trunk.trunk_id if leads_there else None}
            if not leads_there and self.numbers.find(request.account_id, number).account_trunk_id != trunk.trunk_id:
                raise not_found("number_not_found", "The trunk has no such number")
            return self.numbers.change(request.account_id, number, said, None)

        return _each((f"+{each}" for each in asked.number_ids), lead)

    def _carriers(self, account_id: str) -> list[CarrierTrunk]:
        return [each for each in self.trunks.store.trunks(account_id) if each.type == TrunkType.BYO]

    def _trunk(self, account_id: str, named: str) -> CarrierTrunk:
        """By the whole number that stands for it here, or by our id. Raises Problem 404."""
        for trunk in self._carriers(account_id):
            if named in {trunk.trunk_id, str(platform_trunk_id(trunk.trunk_id))}:
                return trunk
        raise not_found("trunk_not_found", "The account has no such trunk")


def _each(numbers: Iterable[str], change: Callable[[str], Kept]) -> list[dict[str, Any]]:
    """What became of each number. Raises Problem 400 `no_number_changed` where nothing became of any."""
    rows = []
    for number in dict.fromkeys(numbers):
        try:
            kept = change(number)
            row = {
                "connection_state": connection_state(kept),
                "agent_id": kept.number.agent_id,
                "pipe_id": kept.number.pipe_id,
                "ok": True,
                "error": None,
            }
        except Problem as problem:
            row = {"connection_state": ERROR, "agent_id": None, "pipe_id": None, "ok": False, "error": problem.code}
        digits = number.removeprefix("+")
        rows.append({"number_id": digits_of(number) if digits.isdecimal() else 0, "number": number, **row})
    if not any(row["ok"] for row in rows):
        faults = tuple(FieldError(f"numbers.{place}", str(row["error"])) for place, row in enumerate(rows))
        raise Problem(400, "no_number_changed", "Nothing became of any of the numbers", faults)
    return rows


def _told(rows: list[dict[str, Any]]) -> str:
    return f"{sum(row['ok'] for row in rows)} of {len(rows)} numbers"
