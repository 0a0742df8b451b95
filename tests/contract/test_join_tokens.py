"""Tokens to join a room with: LiveKit's own library makes and reads the same."""

import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from livekit import api

from ringline.telephony.join_tokens import Pass, join_token

KEY, SECRET = "devkey", "a-secret-of-more-than-32-characters"
TIMES = {"nbf", "exp"}


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, SECRET, algorithms=["HS256"])
    return {name: value for name, value in claims.items() if name not in TIMES}


@pytest.mark.parametrize("is_listener", [True, False])
def test_livekits_own_library_makes_the_same_claims(is_listener: bool) -> None:
    expires_at = round(time.time() * 1000) + 60_000
    speaks = not is_listener
    admitted = Pass("room", "somebody", expires_at, speaks, is_listener, None if is_listener else 5, "told")
    grants = api.VideoGrants(
        room_join=True,
        room="room",
        can_publish=speaks,
        can_subscribe=True,
        can_publish_data=speaks,
        can_update_own_metadata=False,
    )
    if speaks:
        grants.can_publish_sources = ["microphone"]
    else:
        grants.hidden = True
    theirs = api.AccessToken(KEY, SECRET).with_identity("somebody").with_grants(grants).with_ttl(timedelta(seconds=60))
    if speaks:
        theirs = theirs.with_room_config(api.RoomConfiguration(empty_timeout=5, departure_timeout=5, metadata="told"))
    assert claims_of(join_token(admitted, KEY, SECRET)) == claims_of(theirs.to_jwt())


def test_livekits_own_library_reads_the_token() -> None:
    expires_at = round(time.time() * 1000) + 60_000
    claims = api.TokenVerifier(KEY, SECRET).verify(join_token(Pass("room", "somebody", expires_at), KEY, SECRET))
    assert (claims.identity, claims.video and claims.video.room) == ("somebody", "room")
