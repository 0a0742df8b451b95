"""What the agent learns when it is dispatched, and the token with which it may report about its one call."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jwt

from ringline.calls.model.call import Call, Speaker, VoicemailPolicy, assert_whole
from ringline.calls.model.transfers.transfer import asked_for_by, of_dial
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.vault.sealed import id_of_key

_AUDIENCE = "agent-events"
_TOKEN_SPARE_S = 3600
"""How long a token outlives the longest its call can last: the final transcript comes after the end."""


class TokenRefused(Exception):
    """The token does not prove that its bearer may speak for the call. The message says which check failed."""


def agent_metadata(call: Call, secret: str, public_url: str = "", turns: Sequence[Mapping[str, Any]] = ()) -> str:
    """The dispatch metadata, JSON: what to say to whom, and where to report with which token. `public_url` is the API's
    own; without it the agent must know it. `turns` are what was said before, with a speech worker that was lost. The
    call is whole."""
    assert_whole(call)
    url = f"{public_url.rstrip('/')}/v1/calls/{call.call_id}" if public_url else None
    # The customer's own agents need not know that there are others.
    spoken_for = {} if call.brain is None else _for_our_speech_worker(call, url)
    return json.dumps(
        {
            "call_id": call.call_id,
            "attempt": call.attempt,
            "dispatch": call.dispatches,
            "agent_id": call.agent_id,
            "pipe_id": call.pipe_id,
            "voice_profile_id": call.voice_profile_id,
            "direction": call.direction.value,
            "from_number": call.from_number,
            "to_number": call.to_number,
            "instructions": call.instructions,
            "data": call.data,
            "leg_identity": call.leg_identity,
            # A leg that is seen is not one that was picked up: it has its audio track while the phone rings.
            "answered": call.answered_at is not None,
            "voicemail_policy": (call.voicemail_policy or VoicemailPolicy.HANG_UP).value,
            "agent_events_url": url and f"{url}/agent-events",
            "token": call_token(call, secret),
        }
        | ({} if call.voice is None else {"voice": call.voice})
        | spoken_for
        | ({"turns": list(turns)} if turns else {})
        | _by_transfer(call),
        separators=(",", ":"),
    )


def told_call(metadata: str) -> str | None:
    """The call that a dispatch of ours tells its agent of; None where the dispatch is somebody else's."""
    try:
        told = json.loads(metadata)
    except ValueError:
        return None
    call_id = told.get("call_id") if isinstance(told, dict) and "token" in told else None
    return call_id if isinstance(call_id, str) else None


def _by_transfer(call: Call) -> dict[str, Any]:
    """What an agent is told that takes a call over from another one. It has not been in it: nothing is resumed."""
    transfer = asked_for_by(of_dial(call.transfers, call.attempt), call.dispatches)
    if transfer is None:
        return {}
    former = transfer.former.agent_id if transfer.former is not None else None
    told = {"transfer_id": transfer.transfer_id, "from_agent_id": former, "announcement": transfer.announcement}
    return {"transfer": told} | ({} if call.brain is None else {"resumed": False})


def _for_our_speech_worker(call: Call, url: str | None) -> dict[str, Any]:
    return {
        "brain": call.brain,
        # It follows one that was lost in the conversation.
        "resumed": call.active_at is not None,
        "brain_url": url and f"{url}/brain",
        "transfer_allowed_numbers": call.transfer_allowed_numbers,
        "transfer_allowed_prefixes": call.transfer_allowed_prefixes,
    }


def room_metadata(call: Call) -> str:
    return json.dumps({"call_id": call.call_id, "attempt": call.attempt}, separators=(",", ":"))


def call_token(call: Call, secret: str) -> str:
    """A token that lets its bearer speak for this attempt of the call and nothing else, as the agent of its latest
    dispatch, until the call cannot be alive any more. It names the secret that proves it."""
    claims = {
        "aud": _AUDIENCE,
        "sub": call.call_id,
        "acc": call.account_id,
        "att": call.attempt,
        "dsp": call.dispatches,
        "agt": call.agent_id,
        "exp": (call.dialed_at or call.created_at) // MS_PER_S
        + call.ring_timeout_s
        + call.max_call_duration_s
        + _TOKEN_SPARE_S,
    }
    return jwt.encode(claims, _token_key(secret), algorithm="HS256", headers={"kid": id_of_key(secret)})


type Accepted = Callable[[str | None], Sequence[str]]
"""The secrets by which a token may be proven that names this one, or none."""


def read_token(token: str | None, call_id: str, accepted: Accepted) -> Speaker:
    """The attempt that the token speaks for, and as which agent. Raises TokenRefused for a token that is not ours, has
    expired, or belongs to another call."""
    if not token:
        raise TokenRefused("no token")
    try:
        claims = _proven(token, accepted)
    except jwt.PyJWTError as error:
        raise TokenRefused(type(error).__name__) from None
    if claims["sub"] != call_id:
        raise TokenRefused("token of another call")
    # One of an earlier release tells no dispatch, or no agent.
    dispatch = int(claims["dsp"]) if "dsp" in claims else None
    return Speaker(str(claims["acc"]), call_id, int(claims["att"]), dispatch, claims.get("agt"))


def _proven(token: str, accepted: Accepted) -> dict[str, Any]:
    """What the token says. Raises jwt.PyJWTError."""
    refused: jwt.PyJWTError = jwt.InvalidKeyError("made with no secret of ours")
    for secret in accepted(jwt.get_unverified_header(token).get("kid")):
        try:
            return jwt.decode(
                token,
                _token_key(secret),
                algorithms=["HS256"],
                audience=_AUDIENCE,
                options={"require": ["exp", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            refused = error
    raise refused


def _token_key(secret: str) -> bytes:
    """A key for this one purpose: what the secret is used for besides cannot be turned into a token."""
    return hmac.new(secret.encode(), b"ringline/agent-events", hashlib.sha256).digest()
