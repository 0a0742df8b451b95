"""What one kind of row keeps secret for a customer: sealed when it is written, opened where it is used.

RowSecrets(sealer, "agent").seal("acct_1", "front-desk", key)    opens for this agent of this account alone
"""

from collections.abc import Callable
from typing import Protocol

from ringline.runtime.vault.sealed import NotOpened, is_sealed

WEBHOOK_ENDPOINT, AGENT, NUMBER = "webhook-endpoint", "agent", "number"
"""The kinds. What was sealed for one opens for no other, so they stay as they are for good."""


type Opens = Callable[[str, str, str], str]
"""`RowSecrets.open`: of which account, of what of theirs, what is kept."""


class Seals(Protocol):
    """As `sealed.Sealer` has it."""

    def seal(self, text: str, of: str) -> str: ...

    def open(self, text: str, of: str) -> str: ...


class RowSecrets:
    """`sealer` is asked when there is something to seal or to open: the stack's secrets are read no sooner."""

    def __init__(self, sealer: Callable[[], Seals], kind: str) -> None:
        self._sealer = sealer
        self._kind = kind

    def seal(self, account_id: str, thing_id: str, text: str) -> str:
        return self._sealer().seal(text, self._purpose(account_id, thing_id))

    def open(self, account_id: str, thing_id: str, kept: str) -> str:
        """A text of a release that sealed none is as it is. Raises NotOpened."""
        return kept if not is_sealed(kept) else self._sealer().open(kept, self._purpose(account_id, thing_id))

    def sealed(self, account_id: str, thing_id: str, kept: str) -> str:
        """What a row has, sealed where a release that sealed none wrote it."""
        return kept if is_sealed(kept) else self.seal(account_id, thing_id, kept)

    def given(self, account_id: str, thing_id: str, before: str | None, told: str | None) -> str | None:
        """What a row has from now on that had `before`, where a customer says `told`: `before` itself, if they say the
        same again, or nothing of it."""
        if told is None or told == before:
            return told
        return before if self._says(account_id, thing_id, before, told) else self.seal(account_id, thing_id, told)

    def _says(self, account_id: str, thing_id: str, kept: str | None, text: str) -> bool:
        try:
            return kept is not None and self.open(account_id, thing_id, kept) == text
        except NotOpened:
            return False

    def _purpose(self, account_id: str, thing_id: str) -> str:
        return f"{self._kind}/{account_id}/{thing_id}"
