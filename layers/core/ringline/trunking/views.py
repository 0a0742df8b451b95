"""How numbers and trunks are shown: in the words of the SDK's models, with what stands at LiveKit beside them.
Passwords are never shown."""

import hashlib
from typing import Any

from ringline.routing.records import Number
from ringline.runtime.clock import iso
from ringline.trunking.model.drift import Drift, Synced
from ringline.trunking.model.lines import CarrierTrunk, Link, TrunkType
from ringline.trunking.settling import Kept
from ringline.trunking.tables.numbers import holders_of

NOT_LINKED, PENDING, LINKED, ERROR = "NOT_LINKED", "PENDING_VERIFY", "LINKED", "ERROR"
MASKED = "********"


def number_view(kept: Kept) -> dict[str, Any]:
    number, trunk = kept.number, kept.trunk
    return {
        "number_id": number.number_id,
        "number": number.number,
        "project_id": "",
        "trunk_id": number.account_trunk_id or number.trunk_id,
        "provider_trunk_id": number.trunk_id or (None if trunk is None else trunk.provider_trunk_id),
        "trunk_type": TrunkType.LIVEKIT.value if trunk is None else trunk.type,
        "country": number.country,
        "capabilities": ["voice"],
        "status": "assigned" if holders_of(number) else "available",
        "agent_id": number.agent_id,
        "pipe_id": number.pipe_id,
        "max_calls": number.max_calls,
        "calls_per_day": number.calls_per_day,
        "overflow": _overflow(number),
        "decision_url": number.decision_url,
        "decision_default": number.decision_default,
        "connection_state": connection_state(kept),
        "livekit": _livekit(kept.link),
        "revision": number.revision,
        "created": None if number.created_at is None else iso(number.created_at),
        "modified": None if number.modified_at is None else iso(number.modified_at),
    }


def _overflow(number: Number) -> dict[str, str] | None:
    said = {
        "pipe_id": number.overflow_pipe_id,
        "agent_id": number.overflow_agent_id,
        "number": number.overflow_number,
    }
    return {name: each for name, each in said.items() if each is not None} or None


def connection_state(kept: Kept) -> str:
    """Whether callers of the number are let in: those of a number without a trunk come by the deployment's own."""
    if not holders_of(kept.number):
        return NOT_LINKED
    if kept.number.account_trunk_id is None:
        return LINKED
    if kept.link.failed_part is not None:
        return ERROR
    return PENDING if kept.link.dispatch_rule_id is None else LINKED


def trunk_view(trunk: CarrierTrunk, link: Link) -> dict[str, Any]:
    return {
        "trunk_id": trunk.trunk_id,
        "project_id": "",
        "name": trunk.name,
        "type": trunk.type,
        "status": _trunk_status(trunk, link),
        "provider_trunk_id": trunk.provider_trunk_id or link.outbound_trunk_id,
        "byo_config_provider": trunk.provider,
        "byo_config_sip_domain": trunk.sip_domain,
        "byo_config_auth_username": trunk.auth_username,
        "byo_config_transport": trunk.transport,
        "has_password": trunk.sealed_password is not None,
        "allowed_addresses": list(trunk.allowed_addresses),
        "media_encryption": trunk.media_encryption,
        "livekit": _livekit(link),
        "revision": trunk.revision,
        "created": iso(trunk.created_at),
        "modified": iso(trunk.modified_at),
    }


def _trunk_status(trunk: CarrierTrunk, link: Link) -> str:
    if trunk.leaving:
        return "deleting"
    return "active" if trunk.provider_trunk_id or link.outbound_trunk_id else "incomplete"


def _livekit(link: Link) -> dict[str, Any]:
    return {
        "outbound_trunk_id": link.outbound_trunk_id,
        "inbound_trunk_id": link.inbound_trunk_id,
        "dispatch_rule_id": link.dispatch_rule_id,
        "failed_part": link.failed_part,
        "failed_why": link.failed_why,
    }


def synced_view(synced: Synced) -> dict[str, Any]:
    return {"synced": synced.synced, "new": synced.new, "drift": [_drift(each) for each in synced.drift]}


def _drift(drift: Drift) -> dict[str, Any]:
    return {
        "kind": drift.kind,
        "what": drift.what,
        "livekit_id": drift.livekit_id,
        "number": drift.number,
        "trunk_id": drift.trunk_id,
        "repaired": drift.repaired,
        "detail": drift.detail,
    }


# ---------------------------------------------------------------- the words of the SDK's telephony plane


def digits_of(number: str) -> int:
    """The SDK's telephony knows numbers by whole numbers: a number's digits."""
    return int(number.removeprefix("+"))


def platform_trunk_id(trunk_id: str) -> int:
    """The SDK's telephony knows trunks by whole numbers: 48 bits of what our id's hash is."""
    return int.from_bytes(hashlib.sha256(trunk_id.encode()).digest()[:6])


def platform_number_view(kept: Kept) -> dict[str, Any]:
    return {
        "number": kept.number.number,
        "number_id": digits_of(kept.number.number),
        "status": "assigned" if holders_of(kept.number) else "not_assigned",
        "agent_id": kept.number.agent_id,
    }


def platform_trunk_view(trunk: CarrierTrunk) -> dict[str, Any]:
    return {
        "id": platform_trunk_id(trunk.trunk_id),
        "trunk_id": trunk.trunk_id,
        "name": trunk.name,
        "sip_url": trunk.sip_domain,
        "transport": trunk.transport,
        "port": None,
        "auth_username": trunk.auth_username,
        "auth_password": None if trunk.sealed_password is None else MASKED,
        "allowed_ips": ",".join(trunk.allowed_addresses) or None,
        "active": not trunk.leaving,
    }


def overview_view(kept: Kept) -> dict[str, Any]:
    number, state = kept.number, connection_state(kept)
    in_sync = state in {NOT_LINKED, LINKED} and kept.link.failed_part is None
    return {
        "number": number.number,
        "number_id": digits_of(number.number),
        "bridge_slug": None,
        "connection_state": state,
        "termination_kind": None if not holders_of(number) else "agent" if number.agent_id else "pipeline",
        "agent_id": number.agent_id,
        "pipe_id": number.pipe_id,
        "provider": None if kept.trunk is None else kept.trunk.provider,
        "sync_state": "in_sync" if in_sync else "incomplete",
        "in_sync": in_sync,
    }
