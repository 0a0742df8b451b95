"""The stack's secrets as they are written: by whoever operates the stack, with `ringline secrets`. Pure.

What there is of each secret is its current value, and the one of before for as long as somebody may still use that.
Keys of the table are kept for good: only they open what they sealed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ringline.runtime.ids import new_secret
from ringline.runtime.vault.kept import AGENT_TOKENS, LIVEKIT, RECORDING, SIP_HOOK, TABLE_KEY, TWILIO

OURS = frozenset({AGENT_TOKENS, TABLE_KEY})
"""Drawn by chance: nobody outside of the stack has to know them."""

MEANINGS: Mapping[str, str] = {
    LIVEKIT: "LiveKit's key and secret, KEY:SECRET",
    AGENT_TOKENS: "what tokens of agents are made with",
    TABLE_KEY: "what secrets in the table are sealed with",
    TWILIO: "the auth token of the Twilio account",
    SIP_HOOK: "the Standard Webhooks secret of any other carrier, whsec_...",
    RECORDING: "the secret of the access key that LiveKit's egress writes recordings with",
}
"""All secrets that there are."""

FORMAT = "1"
"""CloudFormation reads it when the stack is made: a text, since it reads no other."""

_OWN_BYTES = 32
_ACCEPTED = 2


class SecretRefused(ValueError):
    """The value, or what is to be done with it, cannot be right. The message says why, and nothing of the value."""


@dataclass(frozen=True, slots=True)
class Held:
    """A value and when it was set, in milliseconds."""

    value: str = field(repr=False)
    made_at: int


@dataclass(frozen=True, slots=True)
class Document:
    """`made_at` is when the stack got its first secrets: rotating changes nothing of it."""

    made_at: int
    secrets: Mapping[str, tuple[Held, ...]]

    def with_value(self, name: str, value: str, now: int) -> "Document":
        """With this value from now on, beside which the one of before is accepted. Raises SecretRefused."""
        _check(name, value)
        before = self.secrets.get(name, ())
        if before and before[0].value == value:
            raise SecretRefused(f"{name} has this value already")
        kept = before if name == TABLE_KEY else before[: _ACCEPTED - 1]
        return self._with(name, (Held(value, now), *kept))

    def with_own(self, name: str, now: int) -> "Document":
        """With a fresh value of one that only the stack has to know. Raises SecretRefused."""
        if name not in OURS:
            raise SecretRefused(f"{name} is made elsewhere: ringline secrets set {name}")
        return self.with_value(name, new_secret(name.replace("-", "_"), _OWN_BYTES), now)

    def without_former(self, name: str) -> "Document":
        """Accepting the current value alone. Raises SecretRefused."""
        if name == TABLE_KEY:
            raise SecretRefused("only the former key of the table opens what it sealed")
        if len(self.secrets.get(name, ())) < _ACCEPTED:
            raise SecretRefused(f"of {name} no value of before is accepted")
        return self._with(name, self.secrets[name][:1])

    def as_text(self) -> str:
        secrets = {
            name: [{"value": held.value, "made_at": held.made_at} for held in each]
            for name, each in sorted(self.secrets.items())
        }
        return json.dumps({"format": FORMAT, "made_at": self.made_at, "secrets": secrets})

    def _with(self, name: str, held: tuple[Held, ...]) -> "Document":
        return replace(self, secrets={**self.secrets, name: held})


def new_document(now: int) -> Document:
    """What a stack begins with: all that it needs no one else for."""
    document = Document(now, {})
    for name in sorted(OURS):
        document = document.with_own(name, now)
    return document


def read_document(text: str) -> Document:
    """Raises SecretRefused for what is no document of a stack."""
    try:
        told = json.loads(text)
        secrets = {
            name: tuple(Held(held["value"], held["made_at"]) for held in each) for name, each in told["secrets"].items()
        }
        return Document(told["made_at"], secrets)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise SecretRefused("the secret holds something else than a stack's secrets") from None


def _check(name: str, value: str) -> None:
    if name not in MEANINGS:
        raise SecretRefused(f"there is no secret {name}: there are {', '.join(MEANINGS)}")
    if not value or value != value.strip() or not value.isprintable():
        raise SecretRefused(f"{name} must be one line, without blanks around it")
    if name == LIVEKIT:
        key, _, secret = value.partition(":")
        if not key or len(secret) < _OWN_BYTES:
            raise SecretRefused(f"{name} must be KEY:SECRET, its secret of at least {_OWN_BYTES} characters")
    if name in OURS and len(value) < _OWN_BYTES:
        raise SecretRefused(f"{name} must have at least {_OWN_BYTES} characters")
