"""The door: Twirp routes, tokens, and the ways a request can fail before or after it is carried out."""

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import jwt
from aiohttp import web
from google.protobuf.json_format import MessageToDict, Parse, ParseError
from google.protobuf.message import DecodeError, Message

from local.phones.calls.exchange import Exchange
from local.phones.kernel.faults import FaultKind
from local.phones.kernel.twirp import BadGatewayError, ConnectionDroppedError, TwirpError, UnreadableAnswerError

_log = logging.getLogger("phones.server")
_LEEWAY_S = 60
_NO_MESSAGE = b"\xff" * 16
_UNIMPLEMENTED_SERVICES = ("RoomService", "SIP", "AgentDispatchService", "Egress", "Ingress")


class Grant(StrEnum):
    """What a token must allow."""

    ROOM_CREATE = "room_create"
    ROOM_LIST = "room_list"
    ROOM_ADMIN = "room_admin"  # of the room the request names
    SIP_CALL = "sip_call"
    SIP_ADMIN = "sip_admin"
    TRANSFER = "transfer"  # SIP_CALL and ROOM_ADMIN
    ROOM_RECORD = "room_record"


@dataclass(frozen=True, slots=True)
class Method:
    """One Twirp method: its request, what it does, and the grant it takes."""

    request: type[Message]
    carry_out: Callable[[Any], Awaitable[Message]]
    grant: Grant


class TwirpDoor:
    """Serves `/twirp/livekit.<Service>/<Method>` with protobuf and JSON bodies."""

    def __init__(self, methods: dict[str, Method], key: tuple[str, str], exchange: Exchange) -> None:
        self._methods = methods
        self._api_key, self._api_secret = key
        self._exchange = exchange
        self._under_way: dict[int, web.Request] = {}  # requests are not hashable
        self.down = False

    def drop_all(self) -> None:
        """Breaks the connection of every request under way, as a killed server does."""
        for request in list(self._under_way.values()):
            _drop(request)

    async def serve(self, request: web.Request) -> web.Response:
        if self.down:
            _drop(request)
            return web.Response(status=503)
        name = request.match_info["method"]
        self._exchange.ledger.requests[name] += 1
        self._under_way[id(request)] = request
        try:
            return await self._answer(request, name)
        except TwirpError as error:
            return web.json_response(error.body(), status=error.status)
        except BadGatewayError:
            return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")
        except UnreadableAnswerError:
            return web.Response(body=_NO_MESSAGE, content_type="application/protobuf")
        except ConnectionDroppedError:
            _drop(request)
            return web.Response(status=502)
        finally:
            del self._under_way[id(request)]

    async def _answer(self, request: web.Request, name: str) -> web.Response:
        method = self._method(request.match_info["service"], name)
        claims = self._claims(request)
        as_json = request.content_type == "application/json"
        message = _parsed(await request.read(), method.request, as_json=as_json)
        room = str(getattr(message, "room_name", "") or getattr(message, "room", ""))
        if not _allows(claims, method.grant, room):
            raise TwirpError("unauthenticated", "permissions denied")
        self._fail_on_purpose(name, room)
        answer = await method.carry_out(message)
        if self._exchange.faults.take(FaultKind.DROP_API_ANSWER, name, room):
            raise ConnectionDroppedError
        if as_json:
            return web.json_response(MessageToDict(answer))
        return web.Response(body=answer.SerializeToString(), content_type="application/protobuf")

    def _method(self, service: str, name: str) -> Method:
        if (method := self._methods.get(f"{service}/{name}")) is not None:
            return method
        if service in _UNIMPLEMENTED_SERVICES:
            raise TwirpError("unimplemented", f"the phone network has no {service}.{name}")
        raise TwirpError("bad_route", f"no handler for path /twirp/livekit.{service}/{name}")

    def _claims(self, request: web.Request) -> dict[str, Any]:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._api_secret,
                algorithms=["HS256"],
                issuer=self._api_key,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss"]},
            )
        except jwt.PyJWTError as error:
            raise TwirpError("unauthenticated", f"invalid token: {error}") from None
        return claims

    def _fail_on_purpose(self, name: str, room: str) -> None:
        faults = self._exchange.faults
        if (fault := faults.take(FaultKind.FAIL_API, name, room)) is not None:
            raise TwirpError(fault.code, fault.message)
        if faults.take(FaultKind.DROP_API_CONNECTION, name, room):
            raise ConnectionDroppedError


def _parsed(body: bytes, kind: type[Message], *, as_json: bool) -> Message:
    try:
        if as_json:
            return Parse(body, kind(), ignore_unknown_fields=True)
        return kind.FromString(body)
    except (DecodeError, ParseError, json.JSONDecodeError) as error:
        raise TwirpError("malformed", f"the request could not be decoded: {error}") from None


def _allows(claims: dict[str, Any], grant: Grant, room: str) -> bool:
    video, sip = claims.get("video") or {}, claims.get("sip") or {}
    admin = bool(video.get("roomAdmin")) and video.get("room") == room
    allowed = {
        Grant.ROOM_CREATE: bool(video.get("roomCreate")),
        Grant.ROOM_LIST: bool(video.get("roomList")),
        Grant.ROOM_ADMIN: admin,
        Grant.SIP_CALL: bool(sip.get("call")),
        Grant.SIP_ADMIN: bool(sip.get("admin")),
        Grant.TRANSFER: admin and bool(sip.get("call")),
        Grant.ROOM_RECORD: bool(video.get("roomRecord")),
    }
    return allowed[grant]


def _drop(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
