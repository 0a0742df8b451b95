"""livekit.SIP: trunks and dispatch rules, kept in memory, and which of them a call uses."""

import time
from collections.abc import Sequence
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from livekit.protocol import sip
from livekit.protocol.models import ListUpdate

from local.phones.api.trunk_rules import (
    check_inbound,
    check_inbound_conflicts,
    check_outbound,
    check_rule,
    check_rule_conflicts,
    rule_for,
    trunk_for,
)
from local.phones.calls.inbound import InboundRoute
from local.phones.kernel.ids import new_id
from local.phones.kernel.twirp import TwirpError, not_found


class TrunkApi:
    """The SIP service's methods for trunks and rules. Raises TwirpError not_found for an id it does not know."""

    def __init__(self) -> None:
        self._inbound: dict[str, sip.SIPInboundTrunkInfo] = {}
        self._outbound: dict[str, sip.SIPOutboundTrunkInfo] = {}
        self._rules: dict[str, sip.SIPDispatchRuleInfo] = {}

    def outbound_trunk(self, trunk_id: str) -> sip.SIPOutboundTrunkInfo:
        return _found(self._outbound, trunk_id, "trunk")

    def add_outbound_trunk(self, trunk: sip.SIPOutboundTrunkInfo) -> None:
        """Adds a trunk under the id it carries."""
        self._outbound[trunk.sip_trunk_id] = trunk

    def route(self, from_number: str, to_number: str, address: str) -> InboundRoute | None:
        """The trunk and the rule that an inbound call comes by, which is sent from an IP address."""
        trunk = trunk_for(self._inbound.values(), from_number, to_number, address)
        if trunk is None:
            return None
        rule = rule_for(self._rules.values(), trunk.sip_trunk_id, from_number, to_number)
        return None if rule is None else InboundRoute(trunk, rule)

    async def create_inbound(self, request: sip.CreateSIPInboundTrunkRequest) -> sip.SIPInboundTrunkInfo:
        _refuse_an_id(request.trunk.sip_trunk_id, "trunk")
        return self._keep_inbound(request.trunk, new_id("ST_"))

    async def create_outbound(self, request: sip.CreateSIPOutboundTrunkRequest) -> sip.SIPOutboundTrunkInfo:
        _refuse_an_id(request.trunk.sip_trunk_id, "trunk")
        return self._keep_outbound(request.trunk, new_id("ST_"))

    async def update_inbound(self, request: sip.UpdateSIPInboundTrunkRequest) -> sip.SIPInboundTrunkInfo:
        trunk = _found(self._inbound, request.sip_trunk_id, "trunk")
        return self._keep_inbound(_updated(trunk, request), request.sip_trunk_id)

    async def update_outbound(self, request: sip.UpdateSIPOutboundTrunkRequest) -> sip.SIPOutboundTrunkInfo:
        trunk = _found(self._outbound, request.sip_trunk_id, "trunk")
        return self._keep_outbound(_updated(trunk, request), request.sip_trunk_id)

    async def get_inbound(self, request: sip.GetSIPInboundTrunkRequest) -> sip.GetSIPInboundTrunkResponse:
        return sip.GetSIPInboundTrunkResponse(trunk=_found(self._inbound, request.sip_trunk_id, "trunk"))

    async def get_outbound(self, request: sip.GetSIPOutboundTrunkRequest) -> sip.GetSIPOutboundTrunkResponse:
        return sip.GetSIPOutboundTrunkResponse(trunk=self.outbound_trunk(request.sip_trunk_id))

    async def list_inbound(self, request: sip.ListSIPInboundTrunkRequest) -> sip.ListSIPInboundTrunkResponse:
        listed = _by_ids(self._inbound, request.trunk_ids, sip.SIPInboundTrunkInfo)
        trunks = [trunk for trunk in listed if _has_one_of(trunk.numbers, request.numbers)]
        return sip.ListSIPInboundTrunkResponse(items=trunks)

    async def list_outbound(self, request: sip.ListSIPOutboundTrunkRequest) -> sip.ListSIPOutboundTrunkResponse:
        listed = _by_ids(self._outbound, request.trunk_ids, sip.SIPOutboundTrunkInfo)
        trunks = [trunk for trunk in listed if _has_one_of(trunk.numbers, request.numbers)]
        return sip.ListSIPOutboundTrunkResponse(items=trunks)

    async def delete_trunk(self, request: sip.DeleteSIPTrunkRequest) -> sip.SIPTrunkInfo:
        if self._inbound.pop(request.sip_trunk_id, None) is None:
            _found(self._outbound, request.sip_trunk_id, "trunk")
            del self._outbound[request.sip_trunk_id]
        return sip.SIPTrunkInfo(sip_trunk_id=request.sip_trunk_id)

    async def create_rule(self, request: sip.CreateSIPDispatchRuleRequest) -> sip.SIPDispatchRuleInfo:
        rule = _rule_of(request)
        _refuse_an_id(rule.sip_dispatch_rule_id, "rule")
        return self._keep_rule(rule, new_id("SDR_"))

    async def update_rule(self, request: sip.UpdateSIPDispatchRuleRequest) -> sip.SIPDispatchRuleInfo:
        rule = _found(self._rules, request.sip_dispatch_rule_id, "dispatch rule")
        return self._keep_rule(_updated(rule, request), request.sip_dispatch_rule_id)

    async def list_rules(self, request: sip.ListSIPDispatchRuleRequest) -> sip.ListSIPDispatchRuleResponse:
        listed = _by_ids(self._rules, request.dispatch_rule_ids, sip.SIPDispatchRuleInfo)
        rules = [rule for rule in listed if _has_one_of(rule.trunk_ids, request.trunk_ids)]
        return sip.ListSIPDispatchRuleResponse(items=rules)

    async def delete_rule(self, request: sip.DeleteSIPDispatchRuleRequest) -> sip.SIPDispatchRuleInfo:
        rule = _found(self._rules, request.sip_dispatch_rule_id, "dispatch rule")
        del self._rules[request.sip_dispatch_rule_id]
        return rule

    def _keep_inbound(self, trunk: sip.SIPInboundTrunkInfo, trunk_id: str) -> sip.SIPInboundTrunkInfo:
        check_inbound(trunk)
        check_inbound_conflicts([*_others(self._inbound, trunk_id), trunk])
        return _stored(self._inbound, trunk, "sip_trunk_id", trunk_id)

    def _keep_outbound(self, trunk: sip.SIPOutboundTrunkInfo, trunk_id: str) -> sip.SIPOutboundTrunkInfo:
        check_outbound(trunk)
        return _stored(self._outbound, trunk, "sip_trunk_id", trunk_id)

    def _keep_rule(self, rule: sip.SIPDispatchRuleInfo, rule_id: str) -> sip.SIPDispatchRuleInfo:
        check_rule(rule)
        check_rule_conflicts([*_others(self._rules, rule_id), rule])
        return _stored(self._rules, rule, "sip_dispatch_rule_id", rule_id)


def _others[M: Message](stored: dict[str, M], key: str) -> list[M]:
    return [each for kept_key, each in stored.items() if kept_key != key]


def _by_ids[M: Message](stored: dict[str, M], ids: Sequence[str], kind: type[M]) -> list[M]:
    """All, or one row for each id that was asked for, in that order: the row of an id that nobody knows is empty."""
    return [stored.get(each, kind()) for each in ids] if ids else list(stored.values())


def _has_one_of(values: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a row is asked for: what is for any value always is."""
    return not wanted or not values or bool(set(wanted) & set(values))


def _refuse_an_id(given: str, what: str) -> None:
    if given:
        raise TwirpError("invalid_argument", f"{what} id must not be set")


def _found[M: Message](stored: dict[str, M], key: str, what: str) -> M:
    if key not in stored:
        raise not_found(f"requested sip {what}")
    return stored[key]


def _stored[M: Message](into: dict[str, M], message: M, id_field: str, key: str) -> M:
    kept = type(message)()
    kept.CopyFrom(message)
    setattr(kept, id_field, key)
    kept.created_at.seconds = kept.updated_at.seconds = int(time.time())  # type: ignore[attr-defined]
    into[key] = kept
    return kept


def _updated[M: Message](stored: M, request: Any) -> M:
    """`replace` swaps the whole, `update` the fields it names. What is stored stays as it is until all is checked."""
    action = request.WhichOneof("action")
    if action is None:
        raise TwirpError("invalid_argument", "missing or unsupported update action")
    if action == "replace":
        replacement: M = request.replace
        return replacement
    current = type(stored)()
    current.CopyFrom(stored)
    for field, value in request.update.ListFields():
        if isinstance(value, ListUpdate):
            _update_list(getattr(current, field.name), value)
        elif isinstance(value, Message):
            getattr(current, field.name).CopyFrom(value)
        elif field.name == "attributes":
            current.attributes.update(value)  # type: ignore[attr-defined]
        else:
            setattr(current, field.name, value)
    return current


def _update_list(values: Any, update: ListUpdate) -> None:
    kept = [] if update.clear or update.set else [value for value in values if value not in update.remove]
    added = list(update.set) + [value for value in update.add if value not in kept]
    del values[:]
    values.extend(kept + added)


def _rule_of(request: sip.CreateSIPDispatchRuleRequest) -> sip.SIPDispatchRuleInfo:
    """The rule of a request: whole in `dispatch_rule`, or its fields beside each other (older clients)."""
    if request.HasField("dispatch_rule"):
        return request.dispatch_rule
    rule = sip.SIPDispatchRuleInfo()
    ParseDict(MessageToDict(request), rule, ignore_unknown_fields=True)
    return rule
