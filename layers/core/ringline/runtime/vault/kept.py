"""The stack's secrets, read once for each process and kept: one document in Secrets Manager, which STACK_SECRETS names.

    {"format": "1", "made_at": 1790000000000,
     "secrets": {"livekit": [{"value": "...", "made_at": 1790000000000}, ...], ...}}

Of each secret the current value stands first, then those that are accepted beside it while whoever has them changes.
`document` writes it; here it is only read, by functions that must start quickly.
"""

import json
import os
from collections.abc import Callable
from functools import cache

from ringline.runtime import aws
from ringline.runtime.clock import MS_PER_S, Clock, now_ms
from ringline.runtime.vault.sealed import Sealer

VARIABLE = "STACK_SECRETS"
"""The name or the ARN of the secret in Secrets Manager."""

LIVEKIT = "livekit"
AGENT_TOKENS = "agent-tokens"
TABLE_KEY = "table-key"
TWILIO = "twilio-auth-token"
SIP_HOOK = "sip-hook"
RECORDING = "recording-access-key"

KEPT_MS = 300 * MS_PER_S
"""After so long it is read again: a secret that was rotated is used by every process by then."""
AGAIN_MS = 10 * MS_PER_S
"""No process asks more often, whatever unknown keys strangers name."""


class SecretMissing(RuntimeError):
    """The document has no such secret. The message says by which command it gets one."""


class KeptSecrets:
    """`fetch` reads the document. Where that fails, what was read before goes on; only the first time it raises."""

    def __init__(self, fetch: Callable[[], str], clock: Clock = now_ms) -> None:
        self._fetch = fetch
        self._clock = clock
        self._read_at: int | None = None
        self._asked_at = 0
        self._values: dict[str, tuple[str, ...]] = {}
        self._made_at = 0

    @property
    def made_at(self) -> int:
        """When the document was first made, in milliseconds; rotating changes nothing of it."""
        self._refresh()
        return self._made_at

    def values(self, name: str) -> tuple[str, ...]:
        """The current value and those that are accepted beside it; none where there is no such secret."""
        self._refresh()
        return self._values.get(name, ())

    def current(self, name: str) -> str:
        """Raises SecretMissing."""
        values = self.values(name)
        if not values:
            raise SecretMissing(f"the stack has no secret {name}: ringline secrets set {name}")
        return values[0]

    def look_again(self) -> bool:
        """Reads the document anew, unless that was just done. Whether it was read: for whoever meets a key that is not
        known here yet."""
        if self._clock() < self._asked_at + AGAIN_MS:
            return False
        return self._ask()

    def _refresh(self) -> None:
        now = self._clock()
        if self._read_at is None:
            self._read(now)
        elif now >= self._read_at + KEPT_MS and now >= self._asked_at + AGAIN_MS:
            self._ask()

    def _ask(self) -> bool:
        try:
            self._read(self._clock())
        except (*aws.AWS_FAILS, ValueError):
            return False
        return True

    def _read(self, now: int) -> None:
        self._asked_at = now
        document = json.loads(self._fetch())
        self._values = {
            name: tuple(held["value"] for held in each) for name, each in document.get("secrets", {}).items()
        }
        self._made_at = document.get("made_at", 0)
        self._read_at = now


@cache
def kept() -> KeptSecrets:
    """Those of the stack that this process belongs to."""
    return KeptSecrets(_fetch)


@cache
def sealer() -> Sealer:
    """What seals secrets of customers before the table has them."""
    return Sealer(_table_keys, lambda: kept().look_again())


def _table_keys() -> tuple[str, ...]:
    secrets = kept()
    return (secrets.current(TABLE_KEY), *secrets.values(TABLE_KEY)[1:])


def _fetch() -> str:
    answer = aws.secretsmanager().get_secret_value(SecretId=os.environ[VARIABLE])
    return str(answer["SecretString"])
