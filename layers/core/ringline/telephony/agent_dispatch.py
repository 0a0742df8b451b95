"""What the agent is told when it is dispatched, and the token with which it may report about its one call."""

import hashlib
import hmac
import json

import jwt

from ringline.calls.call import Call

_AUDIENCE = "agent-events"
_TOKEN_SPARE_S = 3600
"""How long a token outlives the longest its call can last: the final transcript comes after the end."""


def agent_metadata(call: Call, livekit_secret: str) -> str:
    """The dispatch metadata, JSON: what to say to whom, and the token for `/v1/calls/{id}/agent-events`."""
    return json.dumps(
        {
            "call_id": call.call_id,
            "attempt": call.attempt,
            "agent_id": call.agent_id,
            "pipe_id": call.pipe_id,
            "voice_profile_id": call.voice_profile_id,
            "direction": call.direction.value,
            "from_number": call.from_number,
            "to_number": call.to_number,
            "instructions": call.instructions,
            "data": call.data,
            "leg_identity": call.leg_identity,
            "token": call_token(call, livekit_secret),
        },
        separators=(",", ":"),
    )


def room_metadata(call: Call) -> str:
    return json.dumps({"call_id": call.call_id, "attempt": call.attempt}, separators=(",", ":"))


def call_token(call: Call, livekit_secret: str) -> str:
    """A token that lets its bearer speak for this call and no other, until the call cannot be alive any more."""
    claims = {
        "aud": _AUDIENCE,
        "sub": call.call_id,
        "acc": call.account_id,
        "exp": (call.dialed_at or call.created_at) // 1000
        + call.ring_timeout_s
        + call.max_call_duration_s
        + _TOKEN_SPARE_S,
    }
    return jwt.encode(claims, _token_key(livekit_secret), algorithm="HS256")


def _token_key(livekit_secret: str) -> bytes:
    """A key of its own, derived from the one secret that all functions share: a call's token never opens LiveKit."""
    return hmac.new(livekit_secret.encode(), b"ringline/agent-events", hashlib.sha256).digest()
