"""LiveKit's trunks and dispatch rules through its own client, `livekit-api`.

What we make says whose it is: a trunk in its metadata, a rule in its attributes, which come along with each caller.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from livekit import api
from livekit.protocol.models import Pagination

from ringline.telephony.hook import ACCOUNT_ATTRIBUTE, NUMBER_ATTRIBUTE, STACK_ATTRIBUTE
from ringline.telephony.livekit_settings import LivekitSettings
from ringline.trunking.model.lines import (
    CallerRule,
    InboundTrunk,
    Mark,
    MediaEncryption,
    OutboundTrunk,
    SipDown,
    SipRefused,
    SipService,
    Transport,
)

AGENT_ATTRIBUTE = "ringline.agent"
ROOM_PREFIX = "in"
_EMPTY_ROOM_S, _DEPARTURE_S = 30, 5
_ROWS_ASKED = 200
_WITHIN_S = 4.0
"""For a trunk, and again for a number: a request may ask for both, and its function has 10 s."""

_REFUSALS = frozenset(
    {"invalid_argument", "malformed", "failed_precondition", "already_exists", "not_found", "permission_denied",
     "unauthenticated", "out_of_range", "unimplemented", "resource_exhausted"}
)  # fmt: skip
"""Codes after which nothing was done."""

_ENCRYPTION = {
    MediaEncryption.DISABLE: api.SIP_MEDIA_ENCRYPT_DISABLE,
    MediaEncryption.ALLOW: api.SIP_MEDIA_ENCRYPT_ALLOW,
    MediaEncryption.REQUIRE: api.SIP_MEDIA_ENCRYPT_REQUIRE,
}
_TRANSPORT = {
    None: api.SIP_TRANSPORT_AUTO,
    Transport.UDP: api.SIP_TRANSPORT_UDP,
    Transport.TCP: api.SIP_TRANSPORT_TCP,
    Transport.TLS: api.SIP_TRANSPORT_TLS,
}


class LivekitTrunks:
    """Implements `trunking.model.SipService`."""

    def __init__(self, client: api.LiveKitAPI) -> None:
        self._sip = client.sip

    async def outbound_trunks(self) -> list[OutboundTrunk]:
        listed = await _all(self._sip.list_outbound_trunk, api.ListSIPOutboundTrunkRequest, "sip_trunk_id")
        return [_outbound(each) for each in listed]

    async def inbound_trunks(self) -> list[InboundTrunk]:
        listed = await _all(self._sip.list_inbound_trunk, api.ListSIPInboundTrunkRequest, "sip_trunk_id")
        return [_inbound(each) for each in listed]

    async def rules(self) -> list[CallerRule]:
        listed = await _all(self._sip.list_dispatch_rule, api.ListSIPDispatchRuleRequest, "sip_dispatch_rule_id")
        return [_rule(each) for each in listed]

    async def make_outbound(self, wanted: OutboundTrunk, password: str) -> str:
        request = api.CreateSIPOutboundTrunkRequest(trunk=_outbound_trunk(wanted, password))
        return str((await _asked(self._sip.create_outbound_trunk(request))).sip_trunk_id)

    async def make_inbound(self, wanted: InboundTrunk) -> str:
        request = api.CreateSIPInboundTrunkRequest(trunk=_inbound_trunk(wanted))
        return str((await _asked(self._sip.create_inbound_trunk(request))).sip_trunk_id)

    async def make_rule(self, wanted: CallerRule) -> str:
        request = api.CreateSIPDispatchRuleRequest(dispatch_rule=_dispatch_rule(wanted))
        return str((await _asked(self._sip.create_dispatch_rule(request))).sip_dispatch_rule_id)

    async def replace_outbound(self, trunk_id: str, wanted: OutboundTrunk, password: str) -> None:
        await _asked(self._sip.update_outbound_trunk(trunk_id, _outbound_trunk(wanted, password)))

    async def replace_inbound(self, trunk_id: str, wanted: InboundTrunk) -> None:
        await _asked(self._sip.update_inbound_trunk(trunk_id, _inbound_trunk(wanted)))

    async def replace_rule(self, rule_id: str, wanted: CallerRule) -> None:
        await _asked(self._sip.update_dispatch_rule(rule_id, _dispatch_rule(wanted)))

    async def delete_trunk(self, trunk_id: str) -> None:
        await _gone(self._sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=trunk_id)))

    async def delete_rule(self, rule_id: str) -> None:
        await _gone(self._sip.delete_dispatch_rule(api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule_id)))


async def _all(ask: Callable[[Any], Awaitable[Any]], request: Callable[..., Any], id_field: str) -> list[Any]:
    """Every row. A LiveKit that knows no pages answers all of them to the first question, and again to the next."""
    rows: dict[str, Any] = {}
    after = ""
    while True:
        page = await _asked(ask(request(page=Pagination(after_id=after, limit=_ROWS_ASKED))))
        fresh = {str(getattr(each, id_field)): each for each in page.items if getattr(each, id_field)}
        if len(page.items) < _ROWS_ASKED or fresh.keys() <= rows.keys():
            return list((rows | fresh).values())
        rows |= fresh
        after = max(fresh)


def _outbound_trunk(wanted: OutboundTrunk, password: str) -> api.SIPOutboundTrunkInfo:
    return api.SIPOutboundTrunkInfo(
        name=wanted.name,
        metadata=_marked(wanted.mark),
        address=wanted.address,
        transport=_TRANSPORT[None if wanted.transport is None else Transport(wanted.transport)],
        numbers=wanted.numbers,
        auth_username=wanted.auth_username,
        auth_password=password,
        media_encryption=_ENCRYPTION[MediaEncryption(wanted.media_encryption)],
    )


def _outbound(trunk: api.SIPOutboundTrunkInfo) -> OutboundTrunk:
    return OutboundTrunk(
        id=trunk.sip_trunk_id,
        name=trunk.name,
        mark=_mark(trunk.metadata),
        address=trunk.address,
        transport=next((name for name, value in _TRANSPORT.items() if value == trunk.transport), None),
        auth_username=trunk.auth_username,
        numbers=tuple(trunk.numbers),
        media_encryption=_encryption(trunk),
    )


def _inbound_trunk(wanted: InboundTrunk) -> api.SIPInboundTrunkInfo:
    return api.SIPInboundTrunkInfo(
        name=wanted.name,
        metadata=_marked(wanted.mark),
        numbers=wanted.numbers,
        allowed_addresses=wanted.allowed_addresses,
        media_encryption=_ENCRYPTION[MediaEncryption(wanted.media_encryption)],
    )


def _inbound(trunk: api.SIPInboundTrunkInfo) -> InboundTrunk:
    return InboundTrunk(
        id=trunk.sip_trunk_id,
        name=trunk.name,
        mark=_mark(trunk.metadata),
        numbers=tuple(trunk.numbers),
        allowed_addresses=tuple(trunk.allowed_addresses),
        media_encryption=_encryption(trunk),
    )


def _dispatch_rule(wanted: CallerRule) -> api.SIPDispatchRuleInfo:
    attributes = {NUMBER_ATTRIBUTE: wanted.number or ""}
    if wanted.mark is not None:
        attributes |= {ACCOUNT_ATTRIBUTE: wanted.mark.account_id, STACK_ATTRIBUTE: wanted.mark.stack}
    if wanted.agent_name is not None:
        attributes[AGENT_ATTRIBUTE] = wanted.agent_name
    individual = api.SIPDispatchRuleIndividual(room_prefix=ROOM_PREFIX)
    return api.SIPDispatchRuleInfo(
        name=wanted.name,
        rule=api.SIPDispatchRule(dispatch_rule_individual=individual),
        trunk_ids=wanted.trunk_ids,
        numbers=wanted.numbers,
        attributes=attributes,
        # The agent is named in the attributes, and not sent from here: our own dispatch tells it its call, gives it the
        # token for its reports, and comes after who decides about callers and who takes them where nobody is free.
        room_config=api.RoomConfiguration(empty_timeout=_EMPTY_ROOM_S, departure_timeout=_DEPARTURE_S),
    )


def _rule(rule: api.SIPDispatchRuleInfo) -> CallerRule:
    said = rule.attributes
    mark = None
    if {NUMBER_ATTRIBUTE, ACCOUNT_ATTRIBUTE, STACK_ATTRIBUTE} <= set(said):
        mark = Mark(said[STACK_ATTRIBUTE], said[ACCOUNT_ATTRIBUTE], said[NUMBER_ATTRIBUTE])
    return CallerRule(
        id=rule.sip_dispatch_rule_id,
        name=rule.name,
        mark=mark,
        trunk_ids=tuple(rule.trunk_ids),
        numbers=tuple(rule.numbers),
        number=said.get(NUMBER_ATTRIBUTE) or None,
        agent_name=said.get(AGENT_ATTRIBUTE) or None,
        is_individual=rule.rule.WhichOneof("rule") == "dispatch_rule_individual",
    )


def _encryption(trunk: api.SIPInboundTrunkInfo | api.SIPOutboundTrunkInfo) -> str:
    """Newer servers keep it in the trunk's media settings."""
    told = trunk.media_encryption or trunk.media.encryption
    return next((name for name, value in _ENCRYPTION.items() if value == told), MediaEncryption.DISABLE)


def _marked(mark: Mark | None) -> str:
    if mark is None:
        return ""
    return json.dumps({"ringline": {"stack": mark.stack, "account": mark.account_id, "of": mark.thing}})


def _mark(metadata: str) -> Mark | None:
    """None where the metadata is somebody else's."""
    try:
        said = json.loads(metadata)["ringline"]
        return Mark(str(said["stack"]), str(said["account"]), str(said["of"]))
    except (ValueError, TypeError, KeyError):
        return None


async def _asked[T](request: Awaitable[T]) -> T:
    try:
        return await request
    except api.TwirpError as error:
        if error.code in _REFUSALS:
            raise SipRefused(f"{error.code}: {error.message}") from error
        raise SipDown(f"{error.code}: {error.message}") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise SipDown(type(error).__name__) from error


async def _gone(request: Awaitable[object]) -> None:
    try:
        await request
    except api.TwirpError as error:
        if error.code != "not_found":
            raise SipDown(f"{error.code}: {error.message}") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise SipDown(type(error).__name__) from error


@asynccontextmanager
async def _connected(settings: LivekitSettings) -> AsyncIterator[SipService]:
    client = api.LiveKitAPI(
        settings.url,
        settings.api_key,
        settings.api_secret,
        timeout=aiohttp.ClientTimeout(total=_WITHIN_S),
        failover=False,
    )
    try:
        yield LivekitTrunks(client)
    finally:
        await client.aclose()


def ask_for_trunks[T](settings: LivekitSettings, work: Callable[[SipService], Awaitable[T]]) -> T:
    """Does work that needs LiveKit's trunks, within 4 s in all. Raises what the work raises, and SipDown."""

    async def working() -> T:
        async with asyncio.timeout(_WITHIN_S), _connected(settings) as sip:
            return await work(sip)

    try:
        return asyncio.run(working())
    except TimeoutError as error:
        raise SipDown(f"no answer within {_WITHIN_S:g} s") from error
