"""The secrets that tokens of agents are made with and proven by, as the stack keeps them."""

from collections.abc import Sequence

from ringline.runtime.clock import MS_PER_S, now_ms
from ringline.runtime.vault.kept import AGENT_TOKENS, kept
from ringline.runtime.vault.livekit_keys import livekit_keys
from ringline.runtime.vault.sealed import id_of_key

TAKEN_OVER_MS = 7 * 24 * 3600 * MS_PER_S
"""For how long after the stack got secrets of its own a token of before is accepted: its key was derived from LiveKit's
secret. No call takes longer than a day; the rest is for whoever makes the secrets before the deployment."""


def token_secret() -> str:
    """What tokens of agents are made with. Raises SecretMissing."""
    return kept().current(AGENT_TOKENS)


def accepted_secrets(key_id: str | None) -> Sequence[str]:
    """By which a token may be proven that names this key; none for a key that the stack does not have. A token of the
    release before names none."""
    secrets = kept()
    if key_id is None:
        is_taken_over = now_ms() < secrets.made_at + TAKEN_OVER_MS
        return [key.api_secret for key in livekit_keys()] if is_taken_over else []
    found = _named(key_id)
    # Another process may have rotated to it a moment ago.
    return found if found or not secrets.look_again() else _named(key_id)


def _named(key_id: str) -> list[str]:
    return [each for each in kept().values(AGENT_TOKENS) if id_of_key(each) == key_id]
