"""livekit.SIP: trunks and dispatch rules, kept in memory, and which of them a call uses."""

import time
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from livekit.protocol import sip
from livekit.protocol.models import ListUpdate

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

    def route(self, from_number: str, to_number: str) -> InboundRoute | None:
        """The rule an inbound call follows: rules tied to the trunk go before those for any trunk."""
        for trunk in self._inbound.values():
            if not _fits(trunk.numbers, to_number) or not _fits(trunk.allowed_numbers, from_number):
                continue
            rules = [
                rule
                for rule in self._rules.values()
                if _fits(rule.trunk_ids, trunk.sip_trunk_id)
                and _fits(rule.inbound_numbers, from_number)
                and _fits(rule.numbers, to_number)
            ]
            if rules:
                return InboundRoute(trunk, min(rules, key=lambda rule: (not rule.trunk_ids, not rule.numbers)))
        return None

    async def create_inbound(self, request: sip.CreateSIPInboundTrunkRequest) -> sip.SIPInboundTrunkInfo:
        self._refuse_overlap(request.trunk)
        return _stored(self._inbound, request.trunk, "sip_trunk_id", new_id("ST_"))

    async def create_outbound(self, request: sip.CreateSIPOutboundTrunkRequest) -> sip.SIPOutboundTrunkInfo:
        if not request.trunk.address:
            raise TwirpError("invalid_argument", "trunk address must be set")
        return _stored(self._outbound, request.trunk, "sip_trunk_id", new_id("ST_"))

    async def update_inbound(self, request: sip.UpdateSIPInboundTrunkRequest) -> sip.SIPInboundTrunkInfo:
        trunk = _found(self._inbound, request.sip_trunk_id, "trunk")
        return _updated(self._inbound, trunk, request, "sip_trunk_id", request.sip_trunk_id)

    async def update_outbound(self, request: sip.UpdateSIPOutboundTrunkRequest) -> sip.SIPOutboundTrunkInfo:
        trunk = _found(self._outbound, request.sip_trunk_id, "trunk")
        return _updated(self._outbound, trunk, request, "sip_trunk_id", request.sip_trunk_id)

    async def get_inbound(self, request: sip.GetSIPInboundTrunkRequest) -> sip.GetSIPInboundTrunkResponse:
        return sip.GetSIPInboundTrunkResponse(trunk=_found(self._inbound, request.sip_trunk_id, "trunk"))

    async def get_outbound(self, request: sip.GetSIPOutboundTrunkRequest) -> sip.GetSIPOutboundTrunkResponse:
        return sip.GetSIPOutboundTrunkResponse(trunk=self.outbound_trunk(request.sip_trunk_id))

    async def list_inbound(self, request: sip.ListSIPInboundTrunkRequest) -> sip.ListSIPInboundTrunkResponse:
        trunks = [
            trunk
            for trunk in self._inbound.values()
            if _fits(request.trunk_ids, trunk.sip_trunk_id)
            and (not request.numbers or not trunk.numbers or set(request.numbers) & set(trunk.numbers))
        ]
        return sip.ListSIPInboundTrunkResponse(items=trunks)

    async def list_outbound(self, request: sip.ListSIPOutboundTrunkRequest) -> sip.ListSIPOutboundTrunkResponse:
        trunks = [
            trunk
            for trunk in self._outbound.values()
            if _fits(request.trunk_ids, trunk.sip_trunk_id)
            and (not request.numbers or set(request.numbers) & set(trunk.numbers))
        ]
        return sip.ListSIPOutboundTrunkResponse(items=trunks)

    async def delete_trunk(self, request: sip.DeleteSIPTrunkRequest) -> sip.SIPTrunkInfo:
        if self._inbound.pop(request.sip_trunk_id, None) is None:
            _found(self._outbound, request.sip_trunk_id, "trunk")
            del self._outbound[request.sip_trunk_id]
        return sip.SIPTrunkInfo(sip_trunk_id=request.sip_trunk_id)

    async def create_rule(self, request: sip.CreateSIPDispatchRuleRequest) -> sip.SIPDispatchRuleInfo:
        rule = _rule_of(request)
        if not rule.HasField("rule") or rule.rule.WhichOneof("rule") is None:
            raise TwirpError("invalid_argument", "missing rule")
        return _stored(self._rules, rule, "sip_dispatch_rule_id", new_id("SDR_"))

    async def update_rule(self, request: sip.UpdateSIPDispatchRuleRequest) -> sip.SIPDispatchRuleInfo:
        rule = _found(self._rules, request.sip_dispatch_rule_id, "dispatch rule")
        return _updated(self._rules, rule, request, "sip_dispatch_rule_id", request.sip_dispatch_rule_id)

    async def list_rules(self, request: sip.ListSIPDispatchRuleRequest) -> sip.ListSIPDispatchRuleResponse:
        rules = [
            rule
            for rule in self._rules.values()
            if _fits(request.dispatch_rule_ids, rule.sip_dispatch_rule_id)
            and (not request.trunk_ids or not rule.trunk_ids or set(request.trunk_ids) & set(rule.trunk_ids))
        ]
        return sip.ListSIPDispatchRuleResponse(items=rules)

    async def delete_rule(self, request: sip.DeleteSIPDispatchRuleRequest) -> sip.SIPDispatchRuleInfo:
        rule = _found(self._rules, request.sip_dispatch_rule_id, "dispatch rule")
        del self._rules[request.sip_dispatch_rule_id]
        return rule

    def _refuse_overlap(self, trunk: sip.SIPInboundTrunkInfo) -> None:
        """Two inbound trunks for the same number and callers are a conflict: which one took a call would be chance."""
        for other in self._inbound.values():
            if set(other.numbers) & set(trunk.numbers) and set(other.allowed_numbers) == set(trunk.allowed_numbers):
                raise TwirpError(
                    "invalid_argument", f"Conflicting inbound SIP Trunks: {other.sip_trunk_id} has the same number"
                )


def _fits(wanted: Any, value: str) -> bool:
    """Whether a list of allowed values allows `value`; an empty list allows any."""
    return not wanted or value in wanted


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


def _updated[M: Message](into: dict[str, M], current: M, request: Any, id_field: str, key: str) -> M:
    """`replace` swaps the whole, `update` the fields it names."""
    if request.WhichOneof("action") == "replace":
        replacement: M = request.replace
        return _stored(into, replacement, id_field, key)
    for field, value in request.update.ListFields():
        if isinstance(value, ListUpdate):
            _update_list(getattr(current, field.name), value)
        elif isinstance(value, Message):
            getattr(current, field.name).CopyFrom(value)
        elif field.name == "attributes":
            current.attributes.update(value)  # type: ignore[attr-defined]
        else:
            setattr(current, field.name, value)
    current.updated_at.seconds = int(time.time())  # type: ignore[attr-defined]
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
