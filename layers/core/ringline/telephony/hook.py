"""LiveKit's webhooks: is it LiveKit who speaks, and what does it say.

The token in the Authorization header (raw, no scheme) is an HS256 JWT issued by the API key, valid five minutes, whose
`sha256` claim is the base64 SHA-256 of the body as sent. PyJWT checks it here rather than `livekit-api`'s
WebhookReceiver, which does the same and costs a hook twice its import time; a contract test holds both to the same
verdicts.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from typing import Any

import jwt

from ringline.calls.model.livekit_event import EgressReport, Kind, LivekitEvent, What
from ringline.json_text import read_json
from ringline.runtime.vault.livekit_keys import LivekitKey

NUMBER_ATTRIBUTE = "ringline.number"
"""By which a dispatch rule may name the dialled number in its own attributes. It goes before the trunk's word: some
trunks tell none, or one that nobody can read."""

ACCOUNT_ATTRIBUTE = "ringline.account"
"""By which a dispatch rule may name whose callers it lets in, who then sees also those whose number is nobody's."""

STACK_ATTRIBUTE = "ringline.stack"
"""By which a dispatch rule names the deployment whose callers it lets in: several may share a LiveKit project."""

JOINED_ATTRIBUTE = "ringline.joined"
"""Of a caller in a browser who was received once."""

LEEWAY_S = 60
"""Clock skew LiveKit's own receivers tolerate."""


class HookRefused(Exception):
    """The request does not prove that LiveKit sent it. The message says which check failed."""


class KeyUnknown(HookRefused):
    """None of our keys signed it. It may be one that this process has not heard of yet."""


class HookUnreadable(Exception):
    """LiveKit sent it, and it is not an event as we know them."""


def verify(body: bytes, token: str | None, keys: Iterable[LivekitKey]) -> None:
    """Raises HookRefused unless the token is LiveKit's by one of the keys, of now, and of this very body."""
    if not token:
        raise HookRefused("no token")
    claims = _claims(token.removeprefix("Bearer "), keys)
    try:
        claimed = base64.b64decode(str(claims.get("sha256", "")), validate=True)
    except binascii.Error:
        raise HookRefused("body hash is not base64") from None
    if not hmac.compare_digest(claimed, hashlib.sha256(body).digest()):
        raise HookRefused("body hash differs")


def _claims(token: str, keys: Iterable[LivekitKey]) -> dict[str, Any]:
    refused: HookRefused = KeyUnknown("no key")
    for key in keys:
        try:
            return jwt.decode(
                token,
                key.api_secret,
                algorithms=["HS256"],
                issuer=key.api_key,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss"]},
            )
        except (jwt.InvalidSignatureError, jwt.InvalidIssuerError) as error:
            refused = KeyUnknown(type(error).__name__)
        except jwt.PyJWTError as error:
            # It is ours, or no token at all.
            raise HookRefused(type(error).__name__) from None
    raise refused


def read(body: bytes) -> LivekitEvent:
    """The event in a verified body. Raises HookUnreadable."""
    try:
        document = read_json(body)
        return _event(document)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise HookUnreadable(type(error).__name__) from None


def _event(document: dict[str, Any]) -> LivekitEvent:
    name = str(document["event"])
    egress = document.get("egressInfo") or {}
    room = document.get("room") or {}
    participant = document.get("participant") or {}
    attributes = participant.get("attributes") or {}
    created_at = document.get("createdAt")
    what = What(name) if name in set(What) else What.OTHER
    # STANDARD is the zero of its enumeration, which JSON leaves out.
    kind = str(participant.get("kind", Kind.STANDARD)) if participant else Kind.OTHER
    return LivekitEvent(
        # Aborted takes the place of left where the participant never became active: for the call it is the same.
        what=What.LEFT if what is What.ABORTED else what,
        room_name=str(egress.get("roomName") or room.get("name", "")),
        created_at=None if created_at is None else int(created_at) * 1000,
        kind=Kind(kind) if kind in set(Kind) else Kind.OTHER,
        sid=str(participant.get("sid", "")),
        disconnect_reason=participant.get("disconnectReason"),
        call_status=attributes.get("sip.callStatus"),
        identity=str(participant.get("identity", "")),
        rule_id=attributes.get("sip.ruleID") or None,
        sip_call_id=attributes.get("sip.callID") or None,
        our_number=attributes.get(NUMBER_ATTRIBUTE) or attributes.get("sip.trunkPhoneNumber") or None,
        their_number=attributes.get("sip.phoneNumber") or None,
        trunk_id=attributes.get("sip.trunkID") or None,
        account_id=attributes.get(ACCOUNT_ATTRIBUTE) or None,
        stack=attributes.get(STACK_ATTRIBUTE) or None,
        was_there_before=JOINED_ATTRIBUTE in attributes,
        egress=_egress(egress) if egress else None,
    )


def _egress(egress: dict[str, Any]) -> EgressReport:
    files = egress.get("fileResults") or [egress.get("file") or {}]
    duration_ns = files[0].get("duration")
    asked = (egress.get("roomComposite") or {}).get("fileOutputs") or [{}]
    return EgressReport(
        egress_id=str(egress.get("egressId", "")),
        # The first status is the enum's zero, which JSON leaves out.
        status=str(egress.get("status", "EGRESS_STARTING")),
        file_key=files[0].get("filename") or None,
        duration_s=None if duration_ns is None else int(duration_ns) / 1e9,
        error=egress.get("error") or None,
        asked_key=asked[0].get("filepath") or None,
        backup_at=_without_its_signature(files[0]) if egress.get("backupStorageUsed") else None,
    )


def _without_its_signature(file: dict[str, Any]) -> str:
    """Where a file lies. A location may be a signed link, which would be a key to the file for whoever reads it."""
    return str(file.get("location") or file.get("filename") or "a place that LiveKit does not name").split("?")[0]
