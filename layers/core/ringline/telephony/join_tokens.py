"""Tokens with which somebody joins one room of LiveKit, by LiveKit's own client.

Made with PyJWT rather than with `livekit-api`, which makes the same and costs a function twice its import time; a
contract test holds both to the same claims.
"""

from dataclasses import dataclass
from typing import Any

import jwt

from ringline.runtime.clock import MS_PER_S

_STARTS_EARLY_S = 10
"""LiveKit's clock may be behind ours."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a token lets its bearer do, until `expires_at` (ms): join `room` as `identity`, and there be heard, or only
    hear. Who is hidden is shown to nobody in the room. `closes_after_s` is how long a room that this join opens stays
    open without anybody."""

    room: str
    identity: str
    expires_at: int
    may_speak: bool = True
    is_hidden: bool = False
    closes_after_s: int | None = None
    room_metadata: str = ""


def join_token(admitted: Pass, api_key: str, api_secret: str) -> str:
    """The token. LiveKit checks nothing but its signature and its time: it may be used more than once."""
    claims: dict[str, Any] = {
        "iss": api_key,
        "sub": admitted.identity,
        "nbf": admitted.expires_at // MS_PER_S - _LIFE_S - _STARTS_EARLY_S,
        "exp": admitted.expires_at // MS_PER_S,
        "video": _grants(admitted),
    }
    if admitted.closes_after_s is not None:
        claims["roomConfig"] = {
            "emptyTimeout": admitted.closes_after_s,
            "departureTimeout": admitted.closes_after_s,
            "metadata": admitted.room_metadata,
        }
    return jwt.encode(claims, api_secret, algorithm="HS256")


_LIFE_S = 60
"""No token that we make is good for longer."""


def _grants(admitted: Pass) -> dict[str, Any]:
    grants: dict[str, Any] = {
        "roomJoin": True,
        "room": admitted.room,
        "canPublish": admitted.may_speak,
        "canSubscribe": True,
        "canPublishData": admitted.may_speak,
        "canUpdateOwnMetadata": False,
    }
    if admitted.may_speak:
        grants["canPublishSources"] = ["microphone"]
    if admitted.is_hidden:
        grants["hidden"] = True
    return grants
