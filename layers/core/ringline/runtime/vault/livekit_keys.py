"""LiveKit's keys, as the stack keeps them: KEY:SECRET."""

from dataclasses import dataclass, field

from ringline.runtime.vault.kept import LIVEKIT, kept


@dataclass(frozen=True, slots=True)
class LivekitKey:
    api_key: str
    api_secret: str = field(repr=False)


def livekit_keys() -> tuple[LivekitKey, ...]:
    """The key that we use, then the one that LiveKit's webhooks may still be signed with. Raises SecretMissing."""
    secrets = kept()
    values = (secrets.current(LIVEKIT), *secrets.values(LIVEKIT)[1:])
    return tuple(LivekitKey(*value.split(":", 1)) for value in values)
